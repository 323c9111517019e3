"""Says in words whether the page can draw widgets, and what is missing if it cannot."""

from __future__ import annotations

from typing import Any, ClassVar

import anywidget
import traitlets as t

_STATIC = (
    "<p><b>Run this cell</b> (Shift+Enter). If you still read this sentence afterwards, the page "
    "cannot draw widgets: you can read the lesson and play what was saved in it, but not change "
    "it. Start it with <code>make lab</code>, or install <code>anywidget</code> and "
    "<code>ipywidgets</code> where JupyterLab runs, and load the page again.</p>"
)


class WidgetCheck(anywidget.AnyWidget):
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

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        data["text/html"] = _STATIC
        return data, metadata
