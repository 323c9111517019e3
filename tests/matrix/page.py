"""The table as a page: docs/recorder.md."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections import Counter
from pathlib import Path

import keras

from tests.matrix.configurations import (
    CONFIGURATIONS,
)
from tests.matrix.here import here
from tests.matrix.verdicts import Outcome, outcome
from tests.matrix.ways import WAYS

BACKEND = keras.backend.backend()
PAGE = (
    Path(__file__).resolve().parents[2]
    / "docs"
    / ("recorder.md" if BACKEND == "tensorflow" else f"recorder-{BACKEND}.md")
)
SO_FAR = PAGE.with_name(f".{PAGE.stem}-so-far.json")  # an interrupted run goes on from here

SIGNS = {"true and harmless": "✓", "refused": "refused", "Keras fails": "–"}

_TITLES = {"tensorflow": "", "jax": ", on JAX", "torch": ", on PyTorch under Keras"}
_CALLS = {"tensorflow": "make matrix", "jax": "make matrix BACKEND=jax"}
_CALLS["torch"] = "make matrix BACKEND=torch"
_SEEN = {
    "tensorflow": """\
- What XLA compiles (`jit_compile=True`) runs on unrecorded, and has no column.
- The same table with Keras on JAX: [recorder-jax.md](recorder-jax.md), and on PyTorch:
  [recorder-torch.md](recorder-torch.md).
""",
    "jax": """\
- What a compiled step holds is not seen by this test. So NumPy has the weights of the start: where
  training changed them, the first batch alone is compared. In trainings of one's own `gates=True`
  is left out.
- What had to be computed beside the layer (docs/backends.md) ends within a tenth of those bounds of
  the layer's own final states. A layer of float64 is one of float32, unless JAX is told.
- On JAX a compiled step carries no state over (lesson 11), so no state of a layer is compared with
  the last that was recorded.
- Gradients are refused on JAX, and have no column.
- The same table on TensorFlow: [recorder.md](recorder.md).
""",
    "torch": """\
- A `fit` of a stateful layer fails on PyTorch in Keras itself (docs/upstream).
- What `torch.compile` compiles (`jit_compile=True`) is refused, and has no column.
- The same table on TensorFlow: [recorder.md](recorder.md).
""",
}

HEAD = f"""\
# What the recorder can record{_TITLES[BACKEND]}

*Written by `{_CALLS[BACKEND]}`, which runs every line of this table in every column. Do not edit
it.*

Each cell is a small Keras model that was built twice with the same seeds, and run twice: alone, and
recorded with `stateviz.record(model, gates=True)` or a `stateviz.StateRecorder`.

- ✓ **true and harmless.** *True*: at every timestep of every batch all recorded states are those
  of an independent NumPy implementation in float64, with the weights of that moment, within 1e-5
  (float16: 5e-3, bfloat16: 5e-2, float64: 1e-12), and they end bit for bit in the layer's own
  final states. Where a layer draws dropout masks, the states satisfy the equations of their own
  recorded gates. With gradients, what comes back to each state is what came back a timestep later,
  through the equations and their central differences, within ten times those bounds. *Harmless*:
  results, losses, metrics, weights, optimizer, states and seeds are bit for bit those of the run
  that was not recorded, and every method of the model and its layers is the same object as before.
- **refused**: stateviz says in words why it cannot be recorded, before any batch ran. The words
  stand below.
- – Keras itself cannot run this, with or without stateviz.
{_SEEN[BACKEND]}"""


def outcomes_of(place: int) -> tuple[int, dict[str, Outcome]]:
    """A configuration in all ways, and its place among the configurations."""
    return place, {way.name: outcome(CONFIGURATIONS[place], way) for way in WAYS}


def page(outcomes: dict[str, dict[str, Outcome]], versions: str) -> str:
    """The page for outcomes by configuration and way."""
    every = [each for row in outcomes.values() for each in row.values()]
    counts = Counter(each.verdict for each in every)
    told = ", ".join(f"{count:,} {verdict}" for verdict, count in counts.most_common())
    lines = [HEAD, f"With {versions}: {told}.", ""]
    lines += [f"{place}. {way.name}" for place, way in enumerate(WAYS, 1)]
    lines += ["", "| | " + " | ".join(str(place) for place in range(1, len(WAYS) + 1)) + " |"]
    lines += ["|---" * (len(WAYS) + 1) + "|"]
    for name, row in outcomes.items():
        signs = [SIGNS.get(row[way.name].verdict, row[way.name].verdict) for way in WAYS]
        lines.append(f"| {name} | " + " | ".join(signs) + " |")
    for verdict, title in (
        ("refused", "What is refused, and why"),
        ("Keras fails", "Where Keras fails"),
    ):
        words = Counter(_sentence(each.words) for each in every if each.verdict == verdict)
        if words:
            lines += ["", f"## {title}", ""]
            lines += [f"- {text} ({count} cells)" for text, count in words.most_common()]
    return "\n".join(lines) + "\n"


def _sentence(words: str) -> str:
    """What a message says, without the names of layers and what stands around it."""
    words = re.sub(r"\x1b\[[0-9;]*m", "", words)  # Keras's colours
    words = re.sub(r"_\d+'", "'", words)  # Keras numbers the layers of a process
    # AutoGraph and Keras put lines of their own before it.
    own = re.search(r"(?:Layer|The layer|The model|gradients=True cannot record) '.*", words)
    if own:
        return re.sub(r"^([^']*) '[^']*'", r"\1 '...'", own[0])
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    about_sizes = re.compile(r"shapes:|must be the same|[Dd]imension")
    told = next(filter(about_sizes.search, lines), lines[0])
    kind = words.partition(":")[0]
    return told if told.startswith(kind) else f"{kind}: {told}"


def signs_on_the_page(text: str) -> dict[str, list[str]]:
    """The signs of each configuration, in the order of the ways."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {row[0]: row[1:] for row in rows[1:]}


def rows_so_far(source: str) -> dict[int, dict[str, Outcome]]:
    """The rows that an interrupted run of the same source left."""
    if not SO_FAR.is_file():
        return {}
    left = json.loads(SO_FAR.read_text(encoding="utf-8"))
    if left["source"] != source:
        return {}
    return {
        int(place): {way: Outcome(*told) for way, told in row.items()}
        for place, row in left["rows"].items()
    }


def source_digest() -> str:
    """Of everything that decides what a cell says."""
    root = PAGE.parent.parent
    files = [file for room in ("stateviz", "tests") for file in sorted((root / room).rglob("*.py"))]
    versions = f"{sys.version} {keras.__version__} {here.VERSION}"
    return hashlib.sha256(versions.encode() + b"".join(f.read_bytes() for f in files)).hexdigest()
