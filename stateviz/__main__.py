"""What a shell can ask of the package: its lessons, and a page that plays a recording.

python -m stateviz lessons FOLDER    copies the lessons of this version
python -m stateviz play run.npz      opens a recording in the browser; needs no Keras
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import webbrowser
from collections.abc import Iterator, Sequence
from html import escape
from importlib.util import find_spec
from pathlib import Path

import stateviz
from stateviz.playing.page import whole_page
from stateviz.recording import Recording, RecordingFileError

_HERE = Path(__file__).resolve().parent
# Beside the package in its repository, inside of it where it was installed from a wheel.
_LESSONS = (_HERE / "notebooks", _HERE.parent / "notebooks")
_MOST_LAYERS = 3  # on one page; of more a reader has to choose


class CommandError(Exception):
    """What was asked for cannot be done; its text says why, and how to mend it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what a command line asks for.

    Args:
        arguments: What stands behind `python -m stateviz`; that of this process where None.

    Returns:
        The exit code: 0, or 1 where it could not be done, of which a line is printed.
    """
    parsed = _parser().parse_args(arguments)
    try:
        if parsed.command == "lessons":
            _copy_lessons(parsed.folder, overwrite=parsed.overwrite)
        else:
            _play(parsed.recording, layer=parsed.layer, to=parsed.to, browser=parsed.browser)
    except (CommandError, RecordingFileError, ValueError) as error:
        return _print_error(str(error))
    except OSError as error:
        words = error.strerror or str(error)
        return _print_error(f"{words}: {error.filename}" if error.filename else words)
    return 0


def _print_error(words: str) -> int:
    print(f"stateviz: {_printable(words)}", file=sys.stderr)
    return 1


def _printable(words: str) -> str:
    """The words with what would act on a terminal, such as an escape sequence, written out."""
    return "".join(
        each if each.isprintable() or each == "\n" else repr(each)[1:-1] for each in words
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m stateviz",
        description="See what a recurrent network does with its state.",
    )
    parser.add_argument("--version", action="version", version=f"stateviz {stateviz.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    lessons = commands.add_parser(
        "lessons",
        help="copy the lessons of this version into a folder",
        description="Copies the lessons of this version of stateviz into a folder. They open in "
        "JupyterLab, where their animations play before anything ran. What is there already stays.",
    )
    lessons.add_argument("folder", type=Path, help="where to; it is made if it is not there")
    lessons.add_argument(
        "--overwrite", action="store_true", help="replace lessons that are there already"
    )
    play = commands.add_parser(
        "play",
        help="open a recording in the browser",
        description="Makes a page that plays a recording, and opens it in the browser: where the "
        "states came from, the whole run, its batches, and one sample of the first batch. The page "
        "needs no network, and this command needs no Keras.",
    )
    play.add_argument("recording", type=Path, help="a file that recording.save() wrote: run.npz")
    play.add_argument("--layer", help="the layer to play; all of them, up to three, if not named")
    play.add_argument(
        "--to", type=Path, metavar="PAGE", help="where the page is written; a temporary file if not"
    )
    play.add_argument(
        "--no-browser", dest="browser", action="store_false", help="only write the page"
    )
    return parser


def _copy_lessons(folder: Path, *, overwrite: bool) -> None:
    found = next((place for place in _LESSONS if any(place.glob("*.ipynb"))), None)
    if found is None:
        raise CommandError(
            "this installation has no lessons; install stateviz again, from its wheel."
        )
    lessons = sorted(found.glob("*.ipynb"))
    there = [path.name for path in lessons if (folder / path.name).exists()]
    if there and not overwrite:
        raise CommandError(
            f"{folder} has {len(there)} of the lessons already ({there[0]} ...), perhaps with what "
            "somebody wrote into them. Name another folder, or add --overwrite to replace them."
        )
    folder.mkdir(parents=True, exist_ok=True)
    for path in lessons:
        shutil.copy(path, folder)
        _trust(folder / path.name)
    print(f"{len(lessons)} lessons of stateviz {stateviz.__version__} are in {folder}.")
    if all(map(find_spec, ("jupyterlab", "keras", "sklearn"))):
        print(f"Open the first one:  jupyter lab {folder / lessons[0].name}")
    else:
        print("To run them, install stateviz with its extra `course`: JupyterLab, Keras and more.")


def _trust(path: Path) -> None:
    """Tells Jupyter, where it is installed, that a lesson's pictures may move before it is run."""
    if find_spec("nbformat"):
        from jupyter_core.paths import jupyter_data_dir
        from nbformat import NO_CONVERT, read
        from nbformat.sign import NotebookNotary

        # Where it is not told the folder, it begins a program of its own, with a log; and the
        # folder is not there before Jupyter was used.
        folder = Path(jupyter_data_dir())
        folder.mkdir(parents=True, exist_ok=True)
        NotebookNotary(data_dir=str(folder)).sign(read(path, NO_CONVERT))


def _play(path: Path, *, layer: str | None, to: Path | None, browser: bool) -> None:
    recording = stateviz.load(path)
    layers = _chosen(recording, layer)
    title = path.stem
    html = "\n".join([recording._repr_html_(), *_parts(recording, layers)])
    if to is None:
        to = Path(tempfile.mkdtemp(prefix="stateviz-")) / f"{title}.html"
    whole_page(title, html, to)
    print(_printable(f"Written to {to}"))
    if browser and not webbrowser.open(to.resolve().as_uri()):
        print("No browser was found here: open the page by hand.")


def _chosen(recording: Recording, layer: str | None) -> Sequence[str]:
    kept = [name for name, each in recording.items() if each.batches]
    if not kept:
        raise CommandError(
            "the recording is empty: no batch was kept, so there is nothing to play."
        )
    if layer is None:
        if len(kept) > _MOST_LAYERS:
            raise CommandError(f"the recording has {len(kept)} layers. Name one: --layer {kept[0]}")
        return kept
    if layer not in kept:
        raise CommandError(f"no layer {layer!r} was kept; there is {', '.join(map(repr, kept))}.")
    return [layer]


def _parts(recording: Recording, layers: Sequence[str]) -> Iterator[str]:
    """A heading and a player for each scene of each layer."""
    for layer in layers:
        for words, scene in (
            ("the whole run", stateviz.play_resets),
            ("batch after batch", stateviz.play_batches),
            ("one sample of the first batch", stateviz.play_sequence),
            ("the gradient, back through time", stateviz.play_gradients),
        ):
            if scene is stateviz.play_gradients and not any(
                batch.gradients for batch in recording[layer].batches
            ):
                continue
            bundle = scene(recording, layer=layer)._repr_mimebundle_()
            yield f"<h2>{escape(layer)}: {words}</h2>"
            yield bundle[0]["text/html"]


if __name__ == "__main__":
    sys.exit(main())
