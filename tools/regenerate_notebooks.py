"""Runs the course's notebooks and saves them in one normal form.

python -m tools.regenerate_notebooks            runs and rewrites all of notebooks/
python -m tools.regenerate_notebooks --check    runs all, writes nothing, fails on any difference
"""

import argparse
import difflib
import json
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from tools.course_environment import NOTEBOOKS, REPOSITORY, prepare_environment
from tools.saved_widgets import WIDGET_VIEW

SANITIZE_FILE = REPOSITORY / "tests" / "nbval_sanitize.cfg"
SECONDS_PER_CELL = 600
KEPT_CELL_METADATA = ("tags", "jupyter")
NOTEBOOK_METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


class NotebookError(Exception):
    """A notebook that cannot be regenerated, and why."""


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook; a cell without an id of its own gets one from its place."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if content.get("nbformat") != 4:
        raise NotebookError(
            f"{path.name} has notebook format {content.get('nbformat')!r}; format 4 was expected. "
            f"Open it in JupyterLab and save it again."
        )
    content["nbformat_minor"] = max(5, content.get("nbformat_minor", 0))
    taken: set[str] = set()
    for place, cell in enumerate(content["cells"]):
        if cell.get("id") in {None, *taken}:
            cell["id"] = f"cell-{place}"
        taken.add(cell["id"])
    return nbformat.reads(json.dumps(content), as_version=4)


def tidy(notebook: NotebookNode) -> NotebookNode:
    """Bring a notebook into normal form, in place: nothing in it that differs between two runs."""
    notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    for cell in notebook.cells:
        kept = {name: cell.metadata[name] for name in KEPT_CELL_METADATA if name in cell.metadata}
        if kept.get("jupyter", {}).get("outputs_hidden"):
            kept["collapsed"] = True  # JupyterLab's older word for it, which it adds itself
        cell.metadata = nbformat.from_dict(kept)
        for output in cell.get("outputs", ()):
            tidy_output(output)
    return notebook


def tidy_output(output: NotebookNode) -> None:
    """Take widgets that no kernel stands behind any more, and paths in tracebacks, out of it."""
    if "data" in output:
        output.data.pop(WIDGET_VIEW, None)
        output.metadata.pop(WIDGET_VIEW, None)
    if output.output_type == "error":
        output.traceback = [f"{output.ename}: {output.evalue}"]


def to_text(notebook: NotebookNode) -> str:
    """Write a notebook as the text of its file."""
    text: str = nbformat.writes(notebook, version=4)
    return text.rstrip("\n") + "\n"


def execute(path: Path) -> NotebookNode:
    """Run a notebook in a fresh kernel and return it in normal form; the file is left alone."""
    notebook = read_notebook(path)
    client = NotebookClient(
        notebook,
        timeout=SECONDS_PER_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        store_widget_state=False,
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--IPKernelApp.log_level=40"],
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise NotebookError(
            f"{path.name} stopped at a cell that raised {error.ename}: {error.evalue}\n"
            "Mend the cell, or tag it raises-exception where the error is the lesson.\n"
            f"{error.traceback}"
        ) from None
    refuse_stderr(path, notebook)
    return tidy(notebook)


def refuse_stderr(path: Path, notebook: NotebookNode) -> None:
    """Raise where a cell wrote to stderr: what it says there differs between machines."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "stream" and output.name == "stderr":
                raise NotebookError(
                    f"{path.name}, cell {cell.id!r} wrote to stderr; nothing was expected there. "
                    f"Silence it, or print it to stdout:\n{output.text}"
                )


def sanitize_patterns(text: str) -> list[tuple[str, str]]:
    """Read the pairs of `regex:` and `replace:` lines, as nbval reads them."""
    lines = [line.partition(":") for line in text.splitlines()]
    regexes = [value.strip() for key, _, value in lines if key == "regex"]
    replacements = [value.strip() for key, _, value in lines if key == "replace"]
    return list(zip(regexes, replacements, strict=True))


def comparable(notebook: NotebookNode) -> list[str]:
    """Give the lines of a notebook as two machines must agree on them: no PNG, and what
    tests/nbval_sanitize.cfg masks is masked.
    """
    patterns = sanitize_patterns(SANITIZE_FILE.read_text(encoding="utf-8"))

    def masked(value: Any) -> Any:
        if isinstance(value, str):
            for regex, replacement in patterns:
                value = re.sub(regex, replacement, value)
            return value
        if isinstance(value, list):
            return [masked(item) for item in value]
        if isinstance(value, dict):
            return {key: masked(item) for key, item in value.items() if key != "image/png"}
        return value

    content = json.loads(to_text(notebook))
    for cell, original in zip(content["cells"], notebook.cells, strict=True):
        for output, whole in zip(cell.get("outputs", ()), original.get("outputs", ()), strict=True):
            # nbformat splits long text into lines, and a pattern may span several of them.
            for key in ("data", "text"):
                if key in whole:
                    output[key] = whole[key]
    return json.dumps(masked(content), indent=1, sort_keys=True).splitlines()


def difference(path: Path, executed: NotebookNode) -> str:
    """Say how the file differs from what its code makes; empty where it does not."""
    return "\n".join(
        difflib.unified_diff(
            comparable(read_notebook(path)),
            comparable(executed),
            f"{path.name} as saved",
            f"{path.name} as run now",
            lineterm="",
        )
    )


def find_notebooks(given: Sequence[Path]) -> list[Path]:
    """Give the notebooks that were named, or all of the course's."""
    notebooks = list(given) or sorted(NOTEBOOKS.glob("*.ipynb"))
    if not notebooks:
        raise NotebookError(f"There is no notebook in {NOTEBOOKS}; at least one was expected.")
    return notebooks


def regenerate(path: Path, *, check: bool) -> bool:
    """Run one notebook and rewrite it, or compare it; say what came of it; True if all is well."""
    print(f"{path.name} ...", end=" ", flush=True)
    began = time.monotonic()
    executed = execute(path)
    seconds = time.monotonic() - began
    if not check:
        path.write_text(to_text(executed), encoding="utf-8", newline="\n")
        print(f"run and saved, {seconds:.0f} s")
        return True
    changes = difference(path, executed)
    if changes:
        print(f"differs; `make notebooks` saves it anew\n{changes}")
    else:
        print(f"is what its code makes, {seconds:.0f} s")
    return not changes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="tools.regenerate_notebooks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all of notebooks/")
    options = parser.parse_args(arguments)
    prepare_environment()
    try:
        # A list, not a generator: every notebook is run, also after one that differs.
        results = [
            regenerate(path, check=options.check) for path in find_notebooks(options.notebooks)
        ]
    except NotebookError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
