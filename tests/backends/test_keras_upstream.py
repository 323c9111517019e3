"""What is reported to Keras (`docs/upstream`) is still so."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from tests.backends.keras_models import BACKEND

UPSTREAM = Path(__file__).resolve().parent.parent.parent / "docs" / "upstream"


def printed(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    runpy.run_path(str(UPSTREAM / f"{name}.py"), run_name="__main__")
    return capsys.readouterr().out


def test_a_stateful_predict(capsys: pytest.CaptureFixture[str]) -> None:
    expected = {"jax": "3 3 3", "torch": "3 6 9"}[BACKEND]
    assert printed("jax_stateful", capsys).splitlines()[1].split(":")[1].strip() == expected


def test_a_stateful_fit(capsys: pytest.CaptureFixture[str]) -> None:
    as_it_is, by_the_other_loop = printed("torch_stateful", capsys).splitlines()
    assert ("modified by an inplace operation" in as_it_is) is (BACKEND == "torch")
    assert by_the_other_loop.endswith("trains")
