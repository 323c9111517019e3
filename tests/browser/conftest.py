"""The browser and the JupyterLab that the browser checks share."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from jupyter_client import BlockingKernelClient
from playwright.sync_api import Browser, Page, sync_playwright

from tools.course_environment import NOTEBOOKS
from tools.real_browser import ARGUMENTS, find_chromium, running_lab

LESSON = "00_when_does_keras_reset.ipynb"
RUN_ALL_S = 150
ECHO_S = 10


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of the browser checks `make test` runs one for each scene."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if item.path.name != "test_scenes_in_browser.py":
                item.add_marker(pytest.mark.full)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        message = "There is no Chromium on this machine, so the browser checks cannot run."
        if os.environ.get("STATEVIZ_REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its address, and the folders of its notebooks and its kernels."""

    url: str
    notebooks: Path
    runtime: Path

    def open(self, browser: Browser, name: str, width: int = 1280, height: int = 800) -> Page:
        """Opens a notebook in a fresh window, with nothing of an earlier one left."""
        page = browser.new_context(viewport={"width": width, "height": height}).new_page()
        page.goto(f"{self.url}/lab/tree/{name}?reset")
        page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell", timeout=60_000)
        return page

    def run_all(self, page: Page) -> None:
        """Runs all cells and waits until the last one is done."""
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
        page.click(".lm-MenuBar-itemLabel:text-is('Run')")
        page.click("[data-command='runmenu:run-all']")
        prompts = "[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]"
        waiting = f"{prompts}.some((prompt) => prompt.textContent.includes('*'))"
        page.wait_for_function(waiting, timeout=30_000)
        page.wait_for_function(f"!{waiting}", timeout=RUN_ALL_S * 1000)

    @contextmanager
    def _kernel(self) -> Iterator[BlockingKernelClient]:
        """The kernel that was started last."""
        newest = max(self.runtime.glob("kernel-*.json"), key=lambda path: path.stat().st_mtime)
        client = BlockingKernelClient(connection_file=str(newest))
        client.load_connection_file()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=30)
            yield client
        finally:
            client.stop_channels()

    def ask(self, expression: str) -> str:
        """Asks the kernel for the value of an expression."""
        with self._kernel() as client:
            reply = client.execute_interactive(
                "", user_expressions={"asked": expression}, timeout=30, store_history=False
            )
        asked = reply["content"]["user_expressions"]["asked"]
        return asked["data"]["text/plain"] if asked["status"] == "ok" else repr(asked)

    def wait_for(self, expression: str, value: str) -> None:
        """Waits until the kernel's value of an expression is this one."""
        until = time.monotonic() + ECHO_S
        while (asked := self.ask(expression)) != value:
            assert time.monotonic() < until, f"{expression} is {asked}, not {value}"

    @contextmanager
    def busy(self, seconds: float) -> Iterator[None]:
        """Gives the kernel work, as a long `fit` would, and waits for its end at the end."""
        with self._kernel() as client:
            asked = client.execute(f"import time; time.sleep({seconds})", store_history=False)
            yield
            while client.get_shell_msg(timeout=60)["parent_header"]["msg_id"] != asked:
                pass


@pytest.fixture(scope="session")
def jupyterlab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("home")
    notebooks = Path(shutil.copytree(NOTEBOOKS, home / "notebooks"))
    with running_lab(home, notebooks) as address:
        yield Lab(address, notebooks, home / "runtime")


def resize(page: Page, width: int, height: int) -> None:
    """Gives a page another size, and waits until what observes its size has acted on it."""
    page.set_viewport_size({"width": width, "height": height})
    painted = "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
    page.evaluate(painted)
