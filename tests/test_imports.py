"""Imports point one way, and opening a recording stays light.

The picture: recording <- recorder, findings, drawings <- scenes <- lessons. A new module needs a
line in ``LAYERS``, and docs/architecture.md one as well.
"""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = REPOSITORY / "stateviz"


@dataclass(frozen=True)
class Layer:
    """What a module of the package may import, at its top or in a function."""

    siblings: frozenset[str] = frozenset()
    frameworks: frozenset[str] = frozenset()
    lazy_siblings: frozenset[str] = frozenset()


def layer(siblings: str = "", frameworks: str = "", lazy_siblings: str = "") -> Layer:
    names = (siblings, frameworks, lazy_siblings)
    return Layer(*(frozenset(each.split()) for each in names))


KERAS = "keras tensorflow"
FRAMEWORKS = frozenset([*KERAS.split(), "matplotlib", "ipywidgets", "anywidget"])
# The key is a module or a folder of modules; what a folder may import, each of its modules may.
LAYERS = {
    # Recording.findings() is a door to the room beside it.
    "recording": layer(lazy_siblings="findings"),
    "findings": layer("recording"),
    "capture": layer("recording"),
    "replacing": layer(),
    "backend": layer(frameworks=KERAS),
    "layers": layer("backend"),
    "cures": layer("backend layers"),
    "cells": layer("backend replacing"),
    "tap": layer("backend capture cells replacing"),
    "recorder": layer("recording backend capture cells layers replacing tap"),
    "callback": layer("recording backend capture recorder replacing"),
    "drawings": layer("recording", "matplotlib"),
    "tracks": layer(frameworks="matplotlib"),
    "export": layer("tracks", "matplotlib"),
    "player": layer("tracks export", "matplotlib anywidget"),
    "quiz": layer(frameworks="ipywidgets"),
    "timeline": layer("recording", "matplotlib"),
    "lanes": layer("recording", "matplotlib"),
    "gates": layer("recording drawings", "matplotlib"),
    "scenes": layer("recording drawings gates timeline lanes player tracks", "matplotlib"),
}
FREE = frozenset(["__init__", "lessons"])  # a table of contents; experiments, which import all


@dataclass(frozen=True)
class Import:
    """One import of a module, by its full name."""

    name: str
    line: int
    lazy: bool

    @property
    def framework(self) -> str:
        return self.name.partition(".")[0]

    @property
    def sibling(self) -> str | None:
        """The part of stateviz that is imported; the whole package counts as ``__init__``."""
        parts = self.name.split(".")
        if parts[0] != "stateviz":
            return None
        return parts[1] if len(parts) > 1 else "__init__"


def is_for_types_only(node: ast.AST) -> bool:
    """Whether it is `if TYPE_CHECKING:`, which never runs."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports_of(module: Path, package: Path) -> Iterator[Import]:
    tree = ast.parse(module.read_text(encoding="utf-8"), str(module))
    lazy = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_for_types_only(node)
        for inner in ast.walk(node)
    }
    modules = {path.stem for path in package.iterdir() if path.name != "__pycache__"}
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            home = node.module or ""
            if node.level:
                inside = module.parent.relative_to(package.parent).parts
                home = ".".join([*inside[: len(inside) - node.level + 1], *filter(None, [home])])
            if home == "stateviz":
                # `from stateviz import drawings` names a module, `... import Recording` does not.
                names = [f"{home}.{a.name}" if a.name in modules else home for a in node.names]
            else:
                names = [home]
        for name in names:
            yield Import(name, node.lineno, id(node) in lazy)


def unwelcome_imports(package: Path) -> list[str]:
    """Say, a line each, which imports break the picture."""
    complaints = []
    for module in sorted(package.rglob("*.py")):
        home = module.relative_to(package).parts[0].removesuffix(".py")
        if home in FREE:
            continue
        if home not in LAYERS:
            complaints.append(
                f"stateviz/{home} has no place yet: add it to LAYERS in tests/test_imports.py"
            )
            continue
        allowed = LAYERS[home]
        for found in imports_of(module, package):
            where = f"stateviz/{module.relative_to(package).as_posix()}:{found.line}"
            if found.sibling is not None:
                welcome_siblings = {home, *allowed.siblings}
                if found.lazy:
                    welcome_siblings |= allowed.lazy_siblings
                if found.sibling not in welcome_siblings:
                    complaints.append(
                        f"{where} imports {found.name}; {home} may import "
                        f"{sorted(allowed.siblings) or 'no sibling'}"
                    )
            elif found.framework in FRAMEWORKS - allowed.frameworks:
                place = "a function" if found.lazy else "its top level"
                complaints.append(f"{where} imports {found.framework} in {place}")
    return complaints


def test_imports_point_one_way() -> None:
    assert unwelcome_imports(PACKAGE) == []


@pytest.mark.parametrize(
    ("module", "line", "complaint"),
    [
        ("recording", "import keras", "stateviz/recording.py:1 imports keras in its top level"),
        ("recording", "def f():\n    import keras", "stateviz/recording.py:2 imports keras in a"),
        ("recording", "from stateviz import findings", "imports stateviz.findings"),
        ("recording", "from .drawings import draw", "imports stateviz.drawings"),
        ("recording", "import stateviz", "imports stateviz;"),
        ("recording", "from stateviz import Recording", "imports stateviz;"),
        ("recording", "import matplotlib.pyplot", "imports matplotlib"),
        ("drawings", "import stateviz.recorder", "drawings may import ['recording']"),
        ("recorder", "from stateviz.drawings import draw", "imports stateviz.drawings"),
        ("cures", "import keras", "stateviz/cures.py:1 imports keras in its top level"),
        ("quiz", "from stateviz.recording import load", "quiz may import no sibling"),
        ("novel", "import numpy", "stateviz/novel has no place yet"),
        (
            "player",
            "from stateviz.quiz import Prediction",
            "player may import ['export',",
        ),
    ],
)
def test_a_wrong_import_is_seen(tmp_path: Path, module: str, line: str, complaint: str) -> None:
    package = tmp_path / "stateviz"
    package.mkdir()
    for sibling in ("findings", "drawings", "quiz"):
        (package / f"{sibling}.py").touch()
    (package / f"{module}.py").write_text(line + "\n", encoding="utf-8")

    (seen,) = unwelcome_imports(package)

    assert complaint in seen


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("cures", "from stateviz.layers import layers_below"),
        ("backend", "import keras, tensorflow"),
        ("scenes/sequence", "from .. import drawings\nfrom ..player import Player"),
        ("lessons/passengers", "import stateviz, keras"),
    ],
)
def test_a_right_import_is_let_through(tmp_path: Path, module: str, line: str) -> None:
    path = tmp_path / "stateviz" / f"{module}.py"
    path.parent.mkdir(parents=True)
    (tmp_path / "stateviz" / "drawings.py").touch()
    path.write_text(line + "\n", encoding="utf-8")

    assert unwelcome_imports(tmp_path / "stateviz") == []


OPEN_AND_DRAW = """
import sys
import stateviz
recording = stateviz.load(sys.argv[1])
repr(recording), recording.resets(), recording["lstm"].hidden_state
player = stateviz.play_sequence(recording, batch=0, sample=0)
player.frame = player.n_frames - 1
player.to_html()
"""


def loaded_modules(script: str, folder: Path, *arguments: str) -> set[str]:
    """Run a script in a fresh process that finds stateviz in ``folder``; what it loaded."""
    ending = "\nimport sys; print('LOADED', *{name.partition('.')[0] for name in sys.modules})"
    fresh = subprocess.run(
        [sys.executable, "-c", script + ending, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert fresh.returncode == 0, fresh.stderr
    return set(fresh.stdout.rpartition("LOADED")[2].split())


@pytest.fixture(scope="module")
def saved_recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import keras
    import numpy as np

    import stateviz

    model = keras.Sequential([keras.Input((5, 1)), keras.layers.LSTM(3, name="lstm")])
    with stateviz.record(model) as recording:
        model.predict(np.linspace(-1, 1, 20, dtype="float32").reshape(4, 5, 1), verbose=0)
    path = tmp_path_factory.mktemp("recording") / "run.npz"
    recording.save(path)
    return path


def heavy_after_drawing(package: Path, saved: Path) -> set[str]:
    loaded = loaded_modules(OPEN_AND_DRAW, package.parent, str(saved))
    assert {"stateviz", "matplotlib"} <= loaded
    return loaded & {"keras", "tensorflow"}


def test_importing_loads_neither_keras_nor_matplotlib() -> None:
    loaded = loaded_modules("import stateviz", REPOSITORY)

    assert "stateviz" in loaded
    assert loaded & {"keras", "tensorflow", "matplotlib"} == set()


def test_opening_and_drawing_a_recording_loads_no_keras(saved_recording: Path) -> None:
    assert heavy_after_drawing(PACKAGE, saved_recording) == set()


def test_a_keras_import_would_be_seen(tmp_path: Path, saved_recording: Path) -> None:
    package = shutil.copytree(PACKAGE, tmp_path / "stateviz")
    recording = package / "recording.py"
    text = recording.read_text(encoding="utf-8")
    assert "\nimport numpy as np\n" in text
    recording.write_text(
        text.replace("\nimport numpy as np\n", "\nimport keras\nimport numpy as np\n", 1),
        encoding="utf-8",
    )

    assert heavy_after_drawing(package, saved_recording) == {"keras", "tensorflow"}
    assert any("imports keras" in complaint for complaint in unwelcome_imports(package))
