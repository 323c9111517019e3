"""Each recipe is a whole program that prints what the page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tools.course_environment import REPOSITORY

PAGE = REPOSITORY / "docs" / "recipes.md"
RECIPES = re.findall(
    r"^## (.+?)\n(.+?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)
PROGRAM = re.compile(r"```python\n(.+?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)


@pytest.mark.parametrize(("name", "text"), RECIPES, ids=[name for name, _ in RECIPES])
def test_a_recipe(
    name: str,
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    programs = PROGRAM.findall(text)
    assert programs
    namespace: dict[str, Any] = {}
    for program, printed in programs:
        capsys.readouterr()
        exec(compile(program, name, "exec"), namespace)
        assert capsys.readouterr().out == printed
    for file in re.findall(r'"(\w+\.(?:gif|html|pdf|npz))"', text):
        assert (tmp_path / file).stat().st_size > 1_000, file
