"""Keras's own tests of its recurrent layers pass while every layer in them is recorded.

The installed Keras carries them. They run twice, side by side: alone, and recorded.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import keras
import pytest

pytestmark = pytest.mark.full
SOME = ("lstm_test.py", "rnn_test.py")

REPOSITORY = Path(__file__).resolve().parent.parent
KERAS_TESTS = Path(keras.__file__).parent / "src" / "layers" / "rnn"


def started(report: Path, files: tuple[str, ...], *options: str) -> subprocess.Popen[str]:
    """Starts Keras's tests, away from our own configuration of pytest."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        *(str(each) for file in files for each in sorted(KERAS_TESTS.glob(file))),
    ]
    command += ["-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(report.parent)]
    command += ["-o", "junit_family=xunit1"]
    return subprocess.Popen(
        [*command, "--junitxml", str(report), *options],
        cwd=report.parent,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "KERAS_BACKEND": "tensorflow"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def outcomes(report: Path) -> dict[str, str]:
    """What became of each test: "passed", "skipped", "failure" or "error"."""
    return {
        f"{case.get('file')}: {case.get('classname')}.{case.get('name')}": case[0].tag
        if len(case)
        else "passed"
        for case in ElementTree.parse(report).iter("testcase")
    }


@pytest.mark.skipif(
    not any(KERAS_TESTS.glob("*_test.py")), reason=f"Keras {keras.__version__} carries no tests"
)
@pytest.mark.parametrize(
    ("files", "tests", "layers", "batches"),
    [
        pytest.param(SOME, 10, 50, 40, marks=pytest.mark.full, id="some"),
        pytest.param(("*_test.py",), 50, 300, 200, marks=pytest.mark.nightly, id="all"),
    ],
)
def test_they_pass_with_every_recurrent_layer_recorded(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    files: tuple[str, ...],
    tests: int,
    layers: int,
    batches: int,
) -> None:
    alone = started(tmp_path / "alone.xml", files)
    recorded = started(tmp_path / "recorded.xml", files, "-p", "tests.keras_recorded")
    said, _ = recorded.communicate()
    alone.communicate()
    without, with_ = outcomes(tmp_path / "alone.xml"), outcomes(tmp_path / "recorded.xml")
    counts = [list(each.values()).count("passed") for each in (without, with_)]
    found = re.search(r"recorded (\d+) layers, (\d+) batches", said)
    with capsys.disabled():
        print(f"\nKeras's own tests: {counts[0]} pass without and {counts[1]} with the recorder; ")
        print(found and found[0])
    assert with_ == without, said[-5000:]
    assert counts[0] > tests, said[-5000:]
    assert found is not None
    assert int(found[1]) > layers
    assert int(found[2]) > batches
