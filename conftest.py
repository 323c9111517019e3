"""Gives the tests' kernels the course's environment, and says at the end what ran."""

import os
from collections import Counter

import pytest

from tools.course_environment import prepare_environment

prepare_environment()

KINDS = ("unit tests", "docstring examples", "notebook cells", "browser checks")
NO_BROWSER = (
    "{count} browser checks were SKIPPED. To run them install a Chromium, such as "
    "`sudo apt install chromium` or Google Chrome, or name one in STATEVIZ_CHROMIUM."
)

kind_of_test = pytest.StashKey[dict[str, str]]()


def kind_of(item: pytest.Item) -> str:
    if item.get_closest_marker("browser"):
        return "browser checks"
    if isinstance(item, pytest.DoctestItem):
        return "docstring examples"
    if type(item).__name__ == "IPyNbCell":
        return "notebook cells"
    return "unit tests"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    config.stash[kind_of_test] = {item.nodeid: kind_of(item) for item in items}
    if os.environ.get("CI") == "true" or os.environ.get("STATEVIZ_SLOW") == "1":
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow; set STATEVIZ_SLOW=1 to run it"))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    kinds = config.stash.get(kind_of_test, {})

    def count(*outcomes: str) -> Counter[str]:
        names = {
            report.nodeid
            for outcome in outcomes
            for report in terminalreporter.getreports(outcome)
            if report.nodeid in kinds
        }
        return Counter(kinds[name] for name in names)

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
    if skipped["browser checks"]:
        terminalreporter.write_line(NO_BROWSER.format(count=skipped["browser checks"]))
