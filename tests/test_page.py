"""The page reads what Python packs: one contract, tested from both sides."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stateviz
from stateviz.course.experiments import EXPERIMENTS, recorded_at
from stateviz.course.runs import load_outcomes
from stateviz.playing import page
from stateviz.playing.collecting import _KINDS
from stateviz.playing.player import Player
from tests.building.gradients import falling, trained
from tests.building.payload import Unpacked
from tests.building.recordings import a_recording
from tests.building.scenes import N_FRAMES, AllKinds
from tools.course_environment import REPOSITORY

pytestmark = pytest.mark.node
PAGE = REPOSITORY / "stateviz" / "playing" / "page"


@pytest.fixture(scope="module")
def tool(page_tools: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return run_in(REPOSITORY, [str(page_tools / ".bin" / name), *map(str, arguments)])

    return run


def run_in(folder: Path, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
        **options,
    )


SCENES: dict[str, Callable[[], Player]] = {
    "all kinds of artists": lambda: AllKinds().player(),
    "play_sequence": lambda: stateviz.play_sequence(a_recording(), batch=1, sample=2),
    "play_batches": lambda: stateviz.play_batches(a_recording()),
    "play_resets": lambda: stateviz.play_resets(a_recording()),
    "play_gradients": lambda: stateviz.play_gradients(trained(falling(10), falling(10))),
    "compare": lambda: stateviz.compare(a_recording(), a_recording(origin="altered")),
}


def fields_of(packed: Player | bytes) -> dict[str, set[str]]:
    """What the page is told of a scene, and of each kind of track."""
    scene = Unpacked(packed).scene
    found = {"scene": {f"{name}: {value is None}" for name, value in scene.items()}}
    for track in scene["tracks"]:
        found[track["kind"]] = {*track}
    return found


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_what_was_recorded_has_the_format_of_a_player_of_today(name: str) -> None:
    today = fields_of(stateviz.play_batches(a_recording()))
    optional = {f"{each}: {there}" for each in ("begins", "in_page") for there in (True, False)}
    for outcome in load_outcomes(recorded_at(name)).values():
        if outcome.payload:
            recorded = fields_of(outcome.payload)
            assert recorded.pop("scene") - optional == today["scene"] - optional
            assert all(recorded[kind] == today[kind] for kind in recorded.keys() & today.keys())


def test_no_style_asks_how_wide_a_container_is() -> None:
    """Chromium freezes the styles below a container query in JupyterLab's own containers."""
    for sheet in (REPOSITORY / "stateviz").rglob("*.css"):
        rules = sheet.read_text(encoding="utf-8")
        assert "@container" not in rules, sheet
        assert "inline-size" not in rules, sheet


def test_the_pages_own_tests_pass(node: str) -> None:
    run = run_in(REPOSITORY, [node, "--test", "tests/page/"])

    assert run.returncode == 0, run.stdout
    assert int(re.findall(r"^# pass (\d+)", run.stdout, re.MULTILINE)[0]) > 15


def test_the_page_decodes_what_python_packs_in_every_kind_of_track(node: str) -> None:
    player = AllKinds().player()
    packed = base64.b64encode(player._payload).decode()

    run = run_in(REPOSITORY, [node, "tests/page/decode.js"], input=packed)

    assert run.returncode == 0, run.stderr
    decoded = json.loads(run.stdout)
    expected = Unpacked(player)
    assert set(decoded["kinds"]) == {track.kind for track in _KINDS.values()}
    assert len(decoded["frames"][0]) == N_FRAMES
    seen: dict[str, int] = {}
    for place, kind in enumerate(decoded["kinds"]):
        nth = seen[kind] = seen.get(kind, -1) + 1
        for frame in range(N_FRAMES):
            there, here = decoded["frames"][0][frame][place], expected.state(kind, frame, nth)
            if kind == "image":
                levels = np.array(there["levels"], np.uint8).reshape(there["shape"])
                levels[:, there["columns"] :] = 255
                np.testing.assert_array_equal(levels, here)
            else:
                assert there == here, (kind, frame)


@pytest.mark.parametrize("name", SCENES)
def test_a_payload_is_what_the_page_describes(
    tool: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    """TypeScript compares it with the JSDoc types in payload.js, unknown names included."""
    assert complaints(tool, tmp_path, Unpacked(SCENES[name]()).scene) == ""


def test_a_payload_with_another_name_would_be_seen(
    tool: Callable[..., Any], tmp_path: Path
) -> None:
    described = Unpacked(AllKinds().player()).scene
    del described["tracks"][0]["clip"]
    assert "'clip' is missing" in complaints(tool, tmp_path, described)
    described["tracks"][0] |= {"clip": None, "colour": "red"}
    assert "colour" in complaints(tool, tmp_path, described)


def complaints(tool: Callable[..., Any], folder: Path, described: dict[str, Any]) -> str:
    """What TypeScript says of a payload; "" where it is what payload.js describes."""
    types = f'import("{(PAGE / "payload.js").as_posix()}").Payload'
    text = f"/** @type {{{types}}} */\nexport const payload = {json.dumps(described)};\n"
    (folder / "sent.js").write_text(text, encoding="utf-8")
    options = ["--allowJs", "--checkJs", "--strict", "--noEmit", "--skipLibCheck", "--types", ""]
    options += ["--ignoreConfig", "--target", "es2022", "--module", "esnext"]
    options += ["--moduleResolution", "bundler"]
    run = tool("tsc", *options, folder / "sent.js")
    assert "error TS5" not in run.stdout, run.stdout  # a wrong option
    return "" if run.returncode == 0 else str(run.stdout)


def test_the_pages_code_has_sound_types(tool: Callable[..., Any]) -> None:
    run = tool("tsc")
    assert run.returncode == 0, run.stdout


def test_the_pages_code_is_formatted_and_linted(tool: Callable[..., Any]) -> None:
    run = tool("biome", "ci", ".")
    assert run.returncode == 0, run.stdout + run.stderr


EXPERIMENT = REPOSITORY / "stateviz" / "course" / "page" / "experiment.js"


@pytest.mark.parametrize("entry", [PAGE / "player.js", EXPERIMENT], ids=lambda path: path.stem)
def test_the_modules_join_to_one_that_a_notebook_can_load(
    node: str, tmp_path: Path, entry: Path
) -> None:
    joined = tmp_path / "joined.mjs"
    joined.write_text(page.script(entry), encoding="utf-8")
    show = (
        "import(process.argv[1]).then((m) => console.log(typeof m.default.render, Object.keys(m)))"
    )

    run = run_in(tmp_path, [node, "--input-type=module", "-e", show, str(joined)])

    assert run.stdout.split() == ["function", "[", "'default'", "]"], run.stderr
    both = f"\n{page.script()}\n{page.script(EXPERIMENT)}"
    for module in [*PAGE.glob("*.js"), *EXPERIMENT.parent.glob("*.js")]:
        text = module.read_text(encoding="utf-8")
        for each in re.findall(r"^export ((?:async )?\w+ \w+)", text, re.MULTILINE):
            assert f"\n{each}" in both, (module.name, each)
