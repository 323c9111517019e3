"""The course installs the same versions by every way, and its commands say what they do."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.course_environment import COURSE_VARIABLES, REPOSITORY
from tools.launch_lab import lab_options

PINS = REPOSITORY / "requirements.txt"
PIP_PART = ["-r requirements.txt", "-e ."]
PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = (
    {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux"},
    {"sys_platform": "darwin", "os_name": "posix", "platform_system": "Darwin"},
    {"sys_platform": "win32", "os_name": "nt", "platform_system": "Windows"},
)


def pinned() -> list[Requirement]:
    lines = PINS.read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def pins_of(environment: dict[str, str]) -> dict[str, str]:
    """The versions that pip takes from the file on one platform and Python."""
    return {
        canonicalize_name(pin.name): next(iter(pin.specifier)).version
        for pin in pinned()
        if pin.marker is None or pin.marker.evaluate(environment)
    }


def settings() -> dict[str, Any]:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


def conda_file() -> dict[str, Any]:
    text = (REPOSITORY / "environment.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


# The package itself, and what is tried in environments of its own (make test-backends).
OF_ITS_OWN = ("stateviz", "torch", "lightning", "jax")


def test_every_pin_is_one_exact_version() -> None:
    for pin in pinned():
        (specifier,) = pin.specifier
        assert specifier.operator == "=="
        assert pin.url is None


def test_the_pins_name_no_registry_and_no_path() -> None:
    text = PINS.read_text(encoding="utf-8")
    assert re.findall(r"(?m)://|^-|file:|^/", text) == []


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform["platform_system"])
@pytest.mark.parametrize("python", PYTHONS)
def test_the_pins_meet_what_the_project_asks_for(python: str, platform: dict[str, str]) -> None:
    environment = {"python_version": python, "python_full_version": f"{python}.9", **platform}
    pins = pins_of(environment)
    project = settings()["project"]
    wanted = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
        *settings()["dependency-groups"]["dev"],
        *settings()["build-system"]["requires"],
    ]
    for requirement in map(Requirement, wanted):
        if requirement.name not in OF_ITS_OWN:
            version = pins[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), f"{requirement}, pinned {version}"


def test_conda_gives_python_and_pip_and_the_pinned_file_gives_the_rest() -> None:
    *from_conda, pip_part = conda_file()["dependencies"]

    assert [line.partition("=")[0] for line in from_conda] == ["python", "pip"]
    assert from_conda[0].partition("=")[2] in PYTHONS
    assert pip_part == {"pip": PIP_PART}


def test_make_installs_what_conda_installs() -> None:
    recipe = (REPOSITORY / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    installs = re.findall(r"-m pip install ((?:--[\w-]+\s+)*)(.*?)\s*\|\|", recipe)

    assert [" ".join(what.split()) for _, what in installs] == [" ".join(PIP_PART)]


def test_conda_sets_the_variables_that_make_sets() -> None:
    assert conda_file()["variables"] == COURSE_VARIABLES


@pytest.mark.nightly  # `.ci/run` installs the same pins in a fresh .venv
def test_the_pip_part_installs_exactly_the_pins_in_a_fresh_environment(tmp_path: Path) -> None:
    course = tmp_path / "course"
    course.mkdir()
    for name in ("requirements.txt", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, course / name)
    shutil.copytree(REPOSITORY / "stateviz", course / "stateviz")
    # conda writes the pip part to a file beside environment.yml and hands it to pip.
    (course / "condaenv.requirements.txt").write_text(
        "\n".join(conda_file()["dependencies"][-1]["pip"]), encoding="utf-8"
    )
    venv.create(tmp_path / "fresh", with_pip=True)
    fresh = tmp_path / "fresh" / ("Scripts" if os.name == "nt" else "bin") / "python"
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def pip(*arguments: str) -> str:
        command = [str(fresh), "-m", "pip", "--disable-pip-version-check", *arguments]
        run = subprocess.run(
            command, cwd=course, env=clean, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return str(run.stdout)

    pip("install", "--quiet", "-U", "-r", "condaenv.requirements.txt")

    installed: dict[str, str] = {
        canonicalize_name(package["name"]): package["version"]
        for package in json.loads(pip("list", "--format=json"))
    }
    del installed["pip"]
    assert installed.pop("stateviz") == settings()["project"]["version"]
    assert installed == pins_of({})
    pip("check")


# Python under its usual names. Each fake answers the version question, and the question for venv.

SHIM = "#!/bin/sh\necho 'pyenv: command not found' >&2\nexit 127\n"


def fake_python(version: str, *, has_venv: bool = True) -> str:
    asked_for_venv = f"case $* in *ensurepip*) exit {0 if has_venv else 1} ;; esac"
    return f"#!/bin/sh\n{asked_for_venv}\necho {version}\n"


PY_LAUNCHER = """#!/bin/sh
[ "$1" = -3.12 ] || exit 103
case $* in *ensurepip*) exit 0 ;; esac
echo 3.12
"""
CONDA_WAY = "conda env create -f environment.yml"


@pytest.fixture
def machine(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A machine whose PATH holds a shell and the named commands only."""

    def find(environment: dict[str, str] | None = None, **commands: str) -> Any:
        folder = tmp_path / "bin"
        folder.mkdir()
        for name, script in commands.items():
            (folder / name).write_text(script, encoding="utf-8")
            (folder / name).chmod(0o755)
        return subprocess.run(
            ["/bin/sh", REPOSITORY / "tools" / "find_python.sh"],
            env={"PATH": str(folder), **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )

    return find


posix = pytest.mark.skipif(os.name == "nt", reason="the fakes are shell scripts")


@posix
@pytest.mark.parametrize(
    ("commands", "found"),
    [
        ({"python3": fake_python("3.12")}, "python3"),
        ({"python": fake_python("3.11")}, "python"),
        ({"python3.13": fake_python("3.13")}, "python3.13"),
        ({"python3": fake_python("3.14"), "python3.11": fake_python("3.11")}, "python3.11"),
        ({"python3": fake_python("3.9"), "python": fake_python("2.7")}, None),
        ({"python3": SHIM, "python3.13": SHIM, "python3.12": fake_python("3.12")}, "python3.12"),
        ({"python3": SHIM, "python": SHIM, "py": PY_LAUNCHER}, "py -3.12"),
        (
            {
                "python3": fake_python("3.11", has_venv=False),
                "python3.12": fake_python("3.12"),
            },
            "python3.12",
        ),
        ({}, None),
    ],
)
def test_a_python_is_found_under_any_usual_name(
    machine: Callable[..., Any], commands: dict[str, str], found: str | None
) -> None:
    search = machine(**commands)

    if found is None:
        assert search.returncode == 1
        assert search.stdout == ""
        assert search.stderr.count("\n") == 1
        assert "Python 3.11, 3.12 or 3.13" in search.stderr
        assert CONDA_WAY in search.stderr
    else:
        assert (search.returncode, search.stdout, search.stderr) == (0, f"{found}\n", "")


@posix
def test_the_named_python_comes_first(machine: Callable[..., Any], tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text(fake_python("3.13"), encoding="utf-8")
    mine.chmod(0o755)

    search = machine({"PYTHON": str(mine)}, python3=fake_python("3.12"))

    assert search.stdout == f"{mine}\n"


@posix
def test_a_python_without_venv_is_told_what_to_install(machine: Callable[..., Any]) -> None:
    search = machine(python3=fake_python("3.11", has_venv=False))

    assert search.returncode == 1
    assert search.stderr.count("\n") == 1
    assert "python3 (Python 3.11)" in search.stderr
    assert "apt install python3-venv" in search.stderr
    assert CONDA_WAY in search.stderr


@posix
@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed here")
def test_make_without_a_python_says_one_sentence_and_stops(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, tmp_path / name)
    shutil.copytree(REPOSITORY / "tools", tmp_path / "tools")
    commands = tmp_path / "bin"
    commands.mkdir()
    for name in ("make", "sh"):
        (commands / name).symlink_to(shutil.which(name) or name)

    run = subprocess.run(
        [commands / "make", "lab"],
        cwd=tmp_path,
        env={"PATH": str(commands), "HOME": str(tmp_path), "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )

    said, *noise = run.stderr.splitlines()
    assert run.returncode != 0
    assert said.startswith("stateviz needs Python 3.11, 3.12 or 3.13")
    assert [line[:5] for line in noise] == ["make:"]
    assert run.stdout == ""
    assert not (tmp_path / ".venv").exists()


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed here")
def test_make_alone_lists_every_command() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    run = subprocess.run(["make"], cwd=REPOSITORY, capture_output=True, text=True, check=True)

    assert phony is not None
    assert re.findall(r"^  make ([\w-]+)", run.stdout, re.MULTILINE) == phony[1].split()


@pytest.mark.skipif(not shutil.which("node"), reason="Node is not installed here")
def test_jupyterlab_says_nothing_of_node() -> None:
    """It asks Node for the settings of Yarn, and printed 13 kB of script where that failed."""
    run = subprocess.run(
        [sys.executable, "-c", "import jupyterlab.labapp"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "yarn" not in run.stdout + run.stderr


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_only_root_is_allowed_to_be_root(
    monkeypatch: pytest.MonkeyPatch, user: int, allowed: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    options = lab_options(["--no-browser"])

    assert ("--allow-root" in options) == allowed
    assert options[-1] == "--no-browser"


@pytest.fixture
def small_project(tmp_path: Path) -> Callable[..., str]:
    """Runs pytest with the project's own settings on a few tests of every kind."""
    for folder in ("tests", "stateviz", "notebooks"):
        (tmp_path / folder).mkdir()
    for name in ("pyproject.toml", "conftest.py", "tests/nbval_sanitize.cfg"):
        shutil.copy(REPOSITORY / name, tmp_path / name)
    shutil.copytree(REPOSITORY / "tools", tmp_path / "tools")
    (tmp_path / "stateviz" / "adding.py").write_text('"""Adds.\n\n>>> 1 + 1\n2\n"""\n')
    (tmp_path / "tests" / "test_some.py").write_text(
        "import pytest\n\n"
        "def test_one(): pass\n\n"
        "def test_two(): assert 1 == 2\n\n"
        "@pytest.mark.full\ndef test_three(): pass\n\n"
        "@pytest.mark.nightly\ndef test_four(): pass\n\n"
        "@pytest.mark.browser\ndef test_page(): pytest.skip('no browser')\n\n"
        "@pytest.mark.browser\ndef test_other_page(): pass\n"
    )
    cell = {"cell_type": "code", "id": "a", "source": "1", "outputs": [], "metadata": {}}
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [{**cell, "execution_count": None}],
    }
    (tmp_path / "notebooks" / "one.ipynb").write_text(json.dumps(notebook))

    def run(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        ).stdout

    return run


def test_plain_pytest_runs_where_xdist_is_not(small_project: Callable[..., str]) -> None:
    said = small_project("-p", "no:xdist", "-p", "no:cacheprovider", "tests")
    assert "2 unit tests, 1 of them red" in said


def test_the_summary_says_what_ran_and_what_did_not(small_project: Callable[..., str]) -> None:
    said = small_project()

    assert "    2 unit tests, 1 of them red\n" in said
    assert "    1 docstring examples\n" in said
    assert "    1 notebook cells\n" in said
    assert "    1 browser checks; 1 more skipped\n" in said
    assert "1 browser checks were SKIPPED." in said
    assert "apt install chromium" in said
    last = said.rstrip().splitlines()[-1]
    assert re.search(r"1 failed, 4 passed, 1 skipped, 2 deselected", last)


def marks_of(command: str) -> list[str]:
    """What a target of the Makefile selects by marks."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    [recipe] = re.findall(rf"^{command}:.*\n\t(.*)", makefile, re.MULTILINE)
    [marks] = re.findall(r' -m "(.*?)"', recipe)
    return ["-m", marks]


@pytest.mark.parametrize(
    ("command", "units"),
    [("test-all", "4 unit tests, 1 of them red"), ("test-ci", "1 unit tests")],
)
def test_the_other_tests_run_where_they_are_asked_for(
    small_project: Callable[..., str], command: str, units: str
) -> None:
    assert f"    {units}\n" in small_project(*marks_of(command))


def test_markers_evaluate_for_another_platform() -> None:
    windows = {"python_version": "3.11", "python_full_version": "3.11.9", **PLATFORMS[2]}
    assert Marker("sys_platform == 'win32' and os_name == 'nt'").evaluate(windows)
    assert "pywinpty" in pins_of(windows)
    assert "pywinpty" not in pins_of({**windows, **PLATFORMS[0]})
