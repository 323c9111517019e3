"""Thirty scripted students on a JupyterHub: what they take, how long they wait, what they lose.

    python -m benchmarks.class_of_thirty --hub VENV --proxy FOLDER [--students 30]

VENV has what docs/class/requirements.txt asks for, FOLDER the proxy that npm installed. It starts
docs/class/jupyterhub_config.py on loopback, makes Linux accounts (so it needs root, systemd, see
benchmarks/with_systemd.sh, and a machine of its own), kills hub and proxy in the
middle, and writes benchmarks/CLASS.md.
"""

from __future__ import annotations

import argparse
import os
import pwd
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.student import LESSON, Student
from tools.course_environment import REPOSITORY

CLASS = REPOSITORY / "docs" / "class"
PAGE = REPOSITORY / "benchmarks" / "CLASS.md"
PORT = 80
TRAINING = 4  # students who run Keras at the same time


@dataclass
class Hub:
    """A running hub, which can be killed.

    Attributes:
        venv: Where it is installed.
        proxy: Where npm put the proxy.
        folder: What it keeps.
        host: Its name, if each student has a web origin below it; the folder then has the
            certificate, `cert.pem`, and its key, `key.pem`.
    """

    venv: Path
    proxy: Path
    folder: Path
    host: str = ""
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Starts hub and proxy."""
        path = f"{self.venv / 'bin'}:{self.proxy / 'node_modules' / '.bin'}:{os.environ['PATH']}"
        environment = {"CLASS_FOLDER": str(self.folder), "PATH": path}
        if self.host:
            environment |= {
                "CLASS_HOST": self.host,
                "CLASS_CERT": str(self.folder / "cert.pem"),
                "CLASS_KEY": str(self.folder / "key.pem"),
            }
        with (self.folder / "hub.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.venv / "bin" / "jupyterhub", "-f", CLASS / "jupyterhub_config.py"],
                cwd=self.folder,
                env={**os.environ, **environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Ends both at once, so that neither can put anything in order."""
        assert self.process
        proxy = int((self.folder / "proxy.pid").read_text(encoding="utf-8").split()[0])
        for pid in (self.process.pid, proxy):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()


def memory_of(name: str) -> dict[str, float]:
    """The proportional set size of a user's processes, in MB, by what they are."""
    uid = pwd.getpwnam(name).pw_uid
    sizes: dict[str, float] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid != uid:
                continue
            command = (process / "cmdline").read_text(encoding="utf-8")
            lines = (process / "smaps_rollup").read_text(encoding="utf-8").splitlines()
        except OSError:
            continue  # it ended meanwhile
        kind = "kernel" if "ipykernel" in command else "server"
        kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        sizes[kind] = sizes.get(kind, 0) + kilobytes / 1024
    return sizes


class Peak:
    """The most memory that the machine had in use, above what it had before, in MB."""

    def __init__(self) -> None:
        self._before = self._used()
        self.most = 0.0
        self._ended = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    @staticmethod
    def _used() -> float:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        sizes = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}
        return sizes["MemTotal"] - sizes["MemAvailable"]

    def _watch(self) -> None:
        while not self._ended.wait(0.5):
            self.most = max(self.most, self._used() - self._before)

    def end(self) -> None:
        """Looks no longer."""
        self._ended.set()


@dataclass
class Told:
    """What the page tells."""

    students: int
    opened: list[float] = field(default_factory=list)
    predicted: list[float] = field(default_factory=list)
    idle: list[dict[str, float]] = field(default_factory=list)
    training: list[dict[str, float]] = field(default_factory=list)
    peak_open: float = 0
    peak: float = 0
    away_s: float = 0
    tries: int = 0
    broken: int = 0
    lost: list[str] = field(default_factory=list)


def lesson_of(hub: Hub, names: Sequence[str], password: str) -> Told:
    """The class: everybody opens, predicts and saves; the hub dies; everybody goes on."""
    told = Told(len(names))
    students = [Student(name, password, PORT) for name in names]
    peak = Peak()
    with ThreadPoolExecutor(len(students)) as together:
        told.opened = list(together.map(Student.open, students))
        told.predicted = list(together.map(Student.predict, students))
        list(together.map(Student.save, students))
        told.idle = [memory_of(name) for name in names]
        told.peak_open = peak.most
        hub.kill()
        fell = time.monotonic()
        # Everybody writes on while nobody is there.
        for student in students:
            student.write(f"{student.name} wrote this while the hub was away")
        hub.start()
        tries = list(together.map(Student.save_at_last, students))
        told.away_s, told.tries = time.monotonic() - fell, max(tries)
        list(together.map(Student.train, students[:TRAINING]))
        told.training = [memory_of(name) for name in names[:TRAINING]]
        told.peak = peak.most
        peak.end()
        kept = list(together.map(Student.still_knows, students))
    told.broken = sum(student.connections_lost for student in students)
    for student, knows in zip(students, kept, strict=True):
        told.lost += student.missing_on_disk()
        if not knows:
            told.lost.append(f"{student.name}: what the kernel knew")
    return told


def written(told: Told) -> str:
    """The page."""

    def spread(values: Sequence[float], unit: str) -> str:
        low, middle, high = np.percentile(values, [0, 50, 100])
        return f"{middle:.0f} {unit} ({low:.0f} to {high:.0f})"

    def of(sizes: Sequence[dict[str, float]], kind: str) -> str:
        return spread([each.get(kind, 0) for each in sizes], "MB")

    lost = "nothing" if not told.lost else "; ".join(told.lost)
    return f"""# A class of {told.students} on one machine

Measured on {time.strftime("%Y-%m-%d")}: a real JupyterHub with `docs/class/jupyterhub_config.py` on
loopback, {os.cpu_count()} CPU cores, and {told.students} scripted students with Linux accounts of
their own, all at the same time. Each logs in, gets a server, opens lesson 0 with the scripts that
the page asks for, starts the kernel, commits a prediction by the widget's own messages and saves.
Then hub and proxy are killed (SIGKILL), everybody writes on, both are started again, and everybody
saves. Then {len(told.training)} students run the lesson's `fit` at once. What is in the files and
in the kernels is compared with what each student did. `benchmarks/class_of_thirty.py` makes this
page anew; memory is the proportional set size, the middle and, in brackets, the least and the most.

| | |
|---|---|
| from the password to the opened lesson | {spread(told.opened, "s")} |
| to the committed prediction, with the kernel's start | {spread(told.predicted, "s")} |
| a student's server | {of(told.idle, "server")} |
| a student's kernel after a prediction, without Keras | {of(told.idle, "kernel")} |
| a student's kernel that trained | {of(told.training, "kernel")} |
| the machine's memory, all lessons open | {told.peak_open / 1024:.1f} GiB more than before |
| at the most, with {len(told.training)} who train | {told.peak / 1024:.1f} GiB more than before |
| from the kill to the last student's save | {told.away_s:.0f} s, of {told.tries} tries |
| connections that broke while a cell ran, and were made again | {told.broken} |
| lost of what students wrote, committed, or had in a kernel | {lost} |
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the class and writes its page; 1 where something was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.class_of_thirty")
    parser.add_argument("--hub", type=Path, required=True, help="the hub's environment")
    parser.add_argument("--proxy", type=Path, required=True, help="where npm put the proxy")
    parser.add_argument("--students", type=int, default=30)
    parsed = parser.parse_args(arguments)
    names = [f"student{number:02}" for number in range(parsed.students)]
    password = secrets.token_urlsafe(8)
    with tempfile.TemporaryDirectory() as kept:
        accounts = Path(kept) / "accounts"
        accounts.write_text("".join(f"{name}:{password}\n" for name in ["teacher", *names]))
        accounts.chmod(0o600)
        subprocess.run(
            ["sh", CLASS / "accounts.sh", accounts, parsed.hub / "bin" / "python"], check=True
        )
        hub = Hub(parsed.hub, parsed.proxy, Path(kept))
        hub.start()
        try:
            told = lesson_of(hub, names, password)
        except Exception:
            print((hub.folder / "hub.log").read_text(encoding="utf-8")[-20_000:], file=sys.stderr)
            raise
        finally:
            hub.kill()
            for name in names:
                subprocess.run(["pkill", "-KILL", "-u", name], check=False)
                subprocess.run(["userdel", "--remove", name], check=False, capture_output=True)
    PAGE.write_text(written(told), encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"), f"\n{LESSON}")
    return 1 if told.lost else 0


if __name__ == "__main__":
    sys.exit(main())
