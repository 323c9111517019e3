"""What is built: the wheel carries the package and its types, the sdist no half of the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

import stateviz
from tools.course_environment import NOTEBOOKS, REPOSITORY

pytestmark = pytest.mark.full
PACKAGE = REPOSITORY / "stateviz"
NOT_BUILT = shutil.ignore_patterns(
    ".*", "__pycache__", "node_modules", "*.egg-info", "build", "dist"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist, built as `make dist` builds them."""
    folder = tmp_path_factory.mktemp("built")
    source = shutil.copytree(REPOSITORY, folder / "source", ignore=NOT_BUILT)
    command = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(source),
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


@pytest.fixture(scope="module")
def installed(built: Path) -> Path:
    """The wheel's files, as pip puts them where Python looks."""
    [wheel] = built.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(built / "there")
    return built / "there"


def files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_a_wheel_carries_every_file_of_the_package_and_no_other(installed: Path) -> None:
    lessons = {f"notebooks/{path.name}" for path in NOTEBOOKS.glob("*.ipynb")}
    assert files(installed / "stateviz") == files(PACKAGE) | lessons
    assert "py.typed" in files(PACKAGE)
    assert {path.name.partition("-")[0] for path in installed.iterdir()} == {"stateviz"}


def test_the_lessons_of_the_wheel_are_copied(installed: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "stateviz", "lessons", str(tmp_path / "course")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"{len(list(NOTEBOOKS.glob('*.ipynb')))} lessons" in run.stdout
    for path in NOTEBOOKS.glob("*.ipynb"):
        assert (tmp_path / "course" / path.name).read_bytes() == path.read_bytes()


def test_an_sdist_has_the_package_and_no_test(built: Path) -> None:
    [sdist] = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"stateviz/{name}" for name in files(PACKAGE)} <= names
    assert [name for name in names if name.startswith(("tests", "conftest"))] == []
    assert {f"notebooks/{path.name}" for path in NOTEBOOKS.glob("*.ipynb")} <= names
    assert {"README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml"} <= names


def test_the_wheel_says_what_it_needs(installed: Path) -> None:
    [metadata] = installed.glob("*.dist-info/METADATA")
    said = message_from_bytes(metadata.read_bytes())
    assert said["Version"] == stateviz.__version__
    needed = {
        line.partition(";")[0].partition(">")[0] for line in said.get_all("Requires-Dist", [])
    }
    assert {"ipython", "traitlets", "numpy", "matplotlib", "anywidget"} <= needed
    assert not any("setuptools" in line for line in said.get_all("Requires-Dist", []))
    assert said.get_all("Project-URL")


USERS_PROGRAM = """
from typing import Any

import stateviz
from stateviz.recording import load

{names}

def use(model: Any) -> None:
    with stateviz.record(model, layers=["lstm"], every=2, gates=True) as recording:
        pass
    reveal_type(recording)
    reveal_type(stateviz.StateRecorder)
    reveal_type(recording["lstm"].select(phase="fit", epoch=1).hidden_state)
    reveal_type(recording["lstm"].batches[0].origin)
    reveal_type(recording.resets().state_tensors_zeroed)
    reveal_type(stateviz.play_sequence(recording, batch=0))
    reveal_type(load("run.npz"))
    stateviz.record(model, evry=2)
    stateviz.record(model, every="2")
    recording["lstm"].select(phase="fitt")
"""


def test_a_users_mypy_knows_every_public_name_of_the_wheel(installed: Path, tmp_path: Path) -> None:
    names = "\n".join(f"reveal_type(stateviz.{name})" for name in stateviz.__all__)
    program = tmp_path / "program.py"
    program.write_text(USERS_PROGRAM.format(names=names), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", str(program)],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    told = [
        line.split(": ", 2) for line in run.stdout.splitlines() if line.startswith("program.py")
    ]
    revealed = [words for _, kind, words in told if kind == "note" and "Revealed" in words]
    public, used = revealed[: len(stateviz.__all__)], revealed[len(stateviz.__all__) :]
    unknown = [
        name for name, words in zip(stateviz.__all__, public, strict=True) if '"Any"' in words
    ]
    assert unknown == []
    for words, known in zip(
        used,
        (
            "stateviz.recording.recording.Recording",
            "StateRecorder",
            "numpy.ndarray",
            "'carried'",
            "int",
            "stateviz.playing.player.Player",
            "stateviz.recording.recording.Recording",
        ),
        strict=True,
    ):
        assert known in words
    errors = [words for _, kind, words in told if kind == "error"]
    assert len(errors) == 3, run.stdout
    assert '"evry"' in errors[0]
    assert '"every"' in errors[1]
    assert '"fitt"' in errors[2] or "'fitt'" in errors[2]
