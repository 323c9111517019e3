"""Words that are folded until a reader opens them, live and on every page that shows the lesson."""

from __future__ import annotations

import contextlib
import html
import io
from collections.abc import Iterator
from dataclasses import dataclass

from IPython.display import display


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
