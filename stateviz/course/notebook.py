"""What the cells of a lesson use: a quiet import, folded output, and a check of the widgets."""

from __future__ import annotations

import contextlib
import html
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import traitlets as t
from IPython.display import display

from stateviz.playing.page import PageWidget


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Silences the standard error stream of this process, also for C++ code, in the block.

    TensorFlow's C++ libraries write to the file descriptor, past `sys.stderr`, before any of its
    log levels is in force. An exception still comes through.

    Example:
        >>> with quietly():
        ...     import keras
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)


@dataclass(frozen=True)
class Folded:
    """Text under one line that opens it.

    Attributes:
        title: The line.
        text: What it opens; a page that cannot fold shows it whole.
    """

    title: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return (
            f"<details><summary>{html.escape(self.title)}</summary>"
            f"<pre style='white-space: pre-wrap'>{html.escape(self.text)}</pre></details>"
        )


@contextlib.contextmanager
def folded(title: str = "The evidence, in numbers") -> Iterator[None]:
    """Folds what its block prints: a reader opens it, and the course's tests compare it.

    JupyterLab opens a folded output again when its cell runs. What this folds stays folded, so
    that nothing stands below a prediction that answers it.

    Args:
        title: The line that opens it.

    Raises:
        Exception: What the block raises; what it had printed is shown unfolded.

    Example:
        >>> with folded("Two sums"):
        ...     print(1 + 1)
        2
    """
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            yield
    except BaseException:
        print(printed.getvalue(), end="")
        raise
    display(Folded(title, printed.getvalue().rstrip("\n")))


_STATIC = (
    "<p><b>Run this cell</b> (Shift+Enter). If you still read this sentence afterwards, the page "
    "cannot draw widgets: you can read the lesson and play what was saved in it, but not change "
    "it. Start it with <code>make lab</code>, or install <code>anywidget</code> and "
    "<code>ipywidgets</code> where JupyterLab runs, and load the page again.</p>"
)


class WidgetCheck(PageWidget):
    """A line that says whether widgets work: the page draws it, asks Python, and waits.

    Where it is drawn, but no answer comes, the kernel is busy or gone. Where it is not drawn, its
    static form says what to do.

    Example:
        >>> check = WidgetCheck()
        >>> check.asked = 7  # as the page does
        >>> check.answered
        7
    """

    _esm: ClassVar[str] = """
    const WAIT_S = 10;
    export default {
      render({ model, el }) {
        const line = document.createElement("p");
        line.className = "stateviz-widget-check";
        line.setAttribute("role", "status");
        const say = (words) => (line.textContent = words);
        say("✓ The page draws widgets. Asking Python ...");
        el.append(line);
        const question = 1 + Math.floor(Math.random() * 1e6);
        const late = setTimeout(() => say(
          "✓ The page draws widgets. ✗ Python does not answer: the kernel is busy or gone. " +
          "Wait for the running cell, or choose Kernel > Restart Kernel, and run this cell again."
        ), WAIT_S * 1000);
        const hear = () => {
          if (model.get("answered") !== question) return;
          clearTimeout(late);
          say("✓ The page draws widgets. ✓ Python answers. You are ready.");
        };
        model.on("change:answered", hear);
        model.set("asked", question);
        model.save_changes();
        return () => { clearTimeout(late); model.off("change:answered", hear); };
      },
    };
    """

    asked = t.Int(0).tag(sync=True)
    answered = t.Int(0).tag(sync=True)

    @t.observe("asked")
    def _answer(self, change: Any) -> None:
        self.answered = change["new"]

    def __repr__(self) -> str:
        return "WidgetCheck()"

    def _html(self) -> str:
        return _STATIC
