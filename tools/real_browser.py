"""A real Chromium, and a JupyterLab of its own for it, that the user's settings do not reach."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tools.course_environment import REPOSITORY

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_S = 90


def find_chromium() -> str | None:
    """The program to start: the one named in STATEVIZ_CHROMIUM, or one under a usual name."""
    named = os.environ.get("STATEVIZ_CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def running_lab(home: Path, notebooks: Path) -> Iterator[str]:
    """A JupyterLab without a password, started as `make lab` starts it.

    Args:
        home: A folder for its settings, its log and, under `runtime`, its kernels' connections.
        notebooks: The folder that it shows.

    Yields:
        Its address.

    Raises:
        RuntimeError: It did not start; with what it said.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER")}
    environment |= {"HOME": str(home), "JUPYTER_RUNTIME_DIR": str(home / "runtime")}
    environment["PYTHONPATH"] = str(REPOSITORY)
    command = [sys.executable, "-m", "tools.launch_lab", "--no-browser", f"--port={port}"]
    command += ["--ip=127.0.0.1", "--IdentityProvider.token=", f"--ServerApp.root_dir={notebooks}"]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + START_S
        while not _answers(f"{address}/api"):
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"JupyterLab did not start:\n{(home / 'log').read_text()}")
            time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)


def _answers(url: str) -> bool:
    try:
        urlopen(url, timeout=5).close()
    except (URLError, OSError):
        return False
    return True
