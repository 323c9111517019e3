"""`python -m stateviz`: the lessons in a folder, a recording in the browser, errors in words."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from jupyter_core.paths import jupyter_data_dir
from nbformat import read
from nbformat.sign import NotebookNotary

import stateviz
from stateviz.__main__ import main
from stateviz.recording import Recording
from tools.course_environment import NOTEBOOKS


def recorded(*names: str, runs: bool = True) -> Recording:
    """Layers of two units that read 3 samples of 4 timesteps, twice."""
    layers = [keras.layers.LSTM(2, return_sequences=True, name=name) for name in names]
    model = keras.Sequential([keras.Input((4, 1)), *layers])
    with stateviz.record(model) as recording:
        if runs:
            model.predict(np.ones((6, 4, 1)), batch_size=3, verbose=0)
    return recording


@pytest.fixture
def run_npz(tmp_path: Path) -> Path:
    return recorded("lstm").save(tmp_path / "run.npz")


def test_play_writes_a_page_with_three_players(run_npz: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert main(["play", str(run_npz), "--to", str(page), "--no-browser"]) == 0
    html = page.read_text(encoding="utf-8")
    assert html.count('data-stateviz="') == 3
    assert "began from zeros: 2 state tensors, 6 sample states" in html


def test_play_opens_the_page(
    run_npz: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []

    def opens(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr("webbrowser.open", opens)
    assert main(["play", str(run_npz)]) == 0
    [url] = opened
    page = Path(capsys.readouterr().out.removeprefix("Written to ").strip())
    assert url == page.as_uri()
    assert page.is_file()


def test_a_page_is_made_without_keras(run_npz: Path, tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules.update(keras=None, tensorflow=None); "
        "from stateviz.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    page = tmp_path / "page.html"
    subprocess.run(
        [sys.executable, "-c", program, "play", run_npz, "--to", page, "--no-browser"], check=True
    )
    assert page.stat().st_size > 10_000


def test_a_name_from_a_file_is_no_html(tmp_path: Path) -> None:
    named = replace(recorded("lstm")["lstm"], name="<b>lstm</b>")
    file = Recording([named]).save(tmp_path / "run.npz")
    page = tmp_path / "page.html"
    assert main(["play", str(file), "--to", str(page), "--no-browser"]) == 0
    html = page.read_text(encoding="utf-8")
    assert "&lt;b&gt;lstm" in html
    assert "<b>lstm" not in html


@pytest.mark.parametrize("name", ["\x1b[31mred", "a\rb", "\x9b2Jz", "\u202eabc"])
def test_a_name_from_a_file_does_nothing_to_a_terminal(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    five = [name, *(name + digit for digit in "1234")]
    layer = recorded("lstm")["lstm"]
    recording = Recording([replace(layer, name=each) for each in five])
    file = recording.save(tmp_path / "five.npz")
    assert main(["play", str(file)]) == 1
    assert main(["play", str(file), "--layer", name, "--no-browser"]) == 0
    assert main(["play", str(file), "--layer", name + "5"]) == 1
    said = "".join(capsys.readouterr())
    assert all(each.isprintable() or each == "\n" for each in said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["play", "none.npz"], "There is no file"),
        (["play", "other.npz"], "cannot be opened as a recording"),
        (["play", "empty.npz"], "the recording is empty"),
        (["play", "five.npz"], "the recording has 5 layers. Name one: --layer a"),
        (["play", "five.npz", "--layer", "z"], "no layer 'z' was kept; there is 'a', 'b'"),
        (
            ["play", "run.npz", "--to", "nowhere/page.html"],
            "The folder 'nowhere' does not exist, so 'page.html' cannot be written there. Make",
        ),
        (["lessons", "other.npz"], "File exists: other.npz"),
    ],
)
def test_errors_are_said_in_words(
    arguments: list[str],
    said: str,
    run_npz: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(run_npz.parent)
    np.savez("other.npz", a=1)
    recorded("lstm", runs=False).save("empty.npz")
    recorded(*"abcde").save("five.npz")
    assert main(arguments) == 1
    told = capsys.readouterr().err
    assert told.startswith("stateviz: ")
    assert said in told
    assert len(told.splitlines()) == 1


def test_lessons_are_copied_trusted_and_never_replaced_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "never" / "used"))
    folder = tmp_path / "new" / "course"
    assert main(["lessons", str(folder)]) == 0
    assert f"of stateviz {stateviz.__version__}" in capsys.readouterr().out
    first = folder / "00_when_does_keras_reset.ipynb"
    assert NotebookNotary(data_dir=jupyter_data_dir()).check_signature(read(first, as_version=4))
    assert {path.name for path in folder.iterdir()} == {
        path.name for path in NOTEBOOKS.glob("*.ipynb")
    }
    first.write_text("mine", encoding="utf-8")
    assert main(["lessons", str(folder)]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert first.read_text(encoding="utf-8") == "mine"
    assert main(["lessons", str(folder), "--overwrite"]) == 0
    assert first.read_bytes() == (NOTEBOOKS / first.name).read_bytes()


@pytest.mark.parametrize("command", [[], ["lessons"], ["play"]])
def test_every_command_has_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    assert len(capsys.readouterr().out.splitlines()) > 8
