"""Opens the first lesson in JupyterLab: python -m tools.launch_lab [JupyterLab's own options]."""

import os
import sys
import warnings
from collections.abc import Sequence

import nbformat
from jupyterlab.labapp import LabApp
from nbformat.sign import NotebookNotary

from tools.course_environment import NOTEBOOKS, REPOSITORY, prepare_environment

FIRST_LESSON = "00_when_does_keras_reset.ipynb"
SERVER_CONFIG = REPOSITORY / "tools" / "jupyter_server_config.py"


def trust_notebooks() -> None:
    """Sign the course's notebooks, so that their animations play before any cell was run."""
    notary = NotebookNotary()
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        notary.sign(nbformat.read(path, as_version=4))


def lab_options(extra: Sequence[str]) -> list[str]:
    """Give the options for JupyterLab; ``extra`` comes last and so wins."""
    options = [
        f"--config={SERVER_CONFIG}",
        f"--ServerApp.root_dir={NOTEBOOKS}",
        f"--LabApp.default_url=/lab/tree/{FIRST_LESSON}",
        "--log-level=WARN",  # the page's address is printed at any level
    ]
    # JupyterLab refuses to run as root, which is what one is in most containers.
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    # An option is taken once; the reader's own stands in for the course's.
    named = {option.partition("=")[0] for option in extra}
    return [*(each for each in options if each.partition("=")[0] not in named), *extra]


def main() -> None:
    """Trust the notebooks and start JupyterLab on the first one."""
    prepare_environment()
    trust_notebooks()
    # Both of Jupyter's applications read the same settings, and the second says so.
    warnings.filterwarnings("ignore", "Overriding existing pre_save_hook")
    print("Starting JupyterLab; Control-C here stops it.", flush=True)
    LabApp.launch_instance(lab_options(sys.argv[1:]))


if __name__ == "__main__":
    main()
