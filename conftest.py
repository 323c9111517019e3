"""Gives the tests' kernels the course's environment, and says at the end what ran."""

import gc
import os
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tools.course_environment import prepare_environment

pytest_plugins = ["tools.compared_notebooks"]
prepare_environment()

# Their docstrings' examples run where what they need is there: `make test-backends`.
BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")
collect_ignore_glob = [
    *(
        f"stateviz/recorder/backends/{name}*"
        for name in {"tensorflow.py", "jax/", "torch.py"}
        if not name.startswith(BACKEND)
    ),
    *(f"tests/matrix/on_{name}.py" for name in ("tensorflow", "jax", "torch") if name != BACKEND),
    *([] if find_spec("torch") else ["stateviz/torch/*"]),
    *([] if find_spec("lightning") else ["stateviz/torch/lightning.py"]),
]

KINDS = ("unit tests", "docstring examples", "notebook cells", "page checks", "browser checks")
NO_BROWSER = (
    "{count} browser checks were SKIPPED. To run them install a Chromium, such as "
    "`sudo apt install chromium` or Google Chrome, or name one in STATEVIZ_CHROMIUM."
)
NO_NODE = (
    "{count} checks of the page's code were SKIPPED. To run them install Node 18 or newer with npm "
    "(nothing else of stateviz needs it)."
)

# Their tests are independent and slow, so the worker processes share them out.
SHARED_OUT = ("test_notebooks.py", "test_matrix.py")


@pytest.fixture(autouse=True, scope="module")
def freeze_garbage_after_module() -> Iterator[None]:
    """TensorFlow keeps the graphs of a process; the garbage collector need not search them again.

    Measured on the unit tests in one process: 134 CPU seconds with it, 165 without.
    """
    yield
    gc.collect()
    gc.freeze()


def kind_of(report: pytest.TestReport) -> str:
    if "browser" in report.keywords:
        return "browser checks"
    if "node" in report.keywords:
        return "page checks"
    file, _, _ = report.nodeid.partition("::")
    if file.endswith(".ipynb"):
        return "notebook cells"
    return "unit tests" if file.startswith("tests/") else "docstring examples"


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist, which need not be there
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Of a notebook's cells, and of a file whose tests share a fixture, one process runs all.

    pytest-xdist's own way, its `loadgroup` with marks, is not heeded by pytest 9:
    https://github.com/pytest-dev/pytest-xdist/issues/1386
    """
    from xdist.scheduler import LoadScopeScheduling

    class FilesTogether(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = Path(nodeid.partition("::")[0])
            if file.name in SHARED_OUT:
                return nodeid
            return "browser" if "browser" in file.parts else str(file)

    return FilesTogether(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    def count(*outcomes: str) -> Counter[str]:
        kinds = {
            report.nodeid: kind_of(report)
            for outcome in outcomes
            for report in terminalreporter.getreports(outcome)
            if isinstance(report, pytest.TestReport)
        }
        return Counter(kinds.values())

    skipped = count("skipped")
    red = count("failed", "error")
    ran = count("passed", "failed", "error", "xfailed", "xpassed")
    terminalreporter.section("what ran")
    for kind in KINDS:
        line = f"{ran[kind]:5} {kind}"
        if red[kind]:
            line += f", {red[kind]} of them red"
        if skipped[kind]:
            line += f"; {skipped[kind]} more skipped"
        terminalreporter.write_line(line)
    for kind, words in (("browser checks", NO_BROWSER), ("page checks", NO_NODE)):
        lacking = [
            report
            for report in terminalreporter.getreports("skipped")
            if isinstance(report, pytest.TestReport) and kind_of(report) == kind
        ]
        if lacking:
            terminalreporter.write_line(words.format(count=len(lacking)))
