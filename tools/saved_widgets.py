"""What JupyterLab writes of a widget when it saves a notebook."""

from typing import Any

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def forget_dead_widgets(model: dict[str, Any], **_: object) -> None:
    """Leave widgets out of the saved file where HTML says the same.

    The file does not hold a widget's state. JupyterLab, opening it later, would show "model not
    found" and not fall back to the HTML beside it. The widget on the page stays live.
    """
    if model["type"] != "notebook" or model["content"]["nbformat"] != 4:
        return
    for cell in model["content"]["cells"]:
        for output in cell.get("outputs", ()):
            if "text/html" in output.get("data", {}):
                output["data"].pop(WIDGET_VIEW, None)
