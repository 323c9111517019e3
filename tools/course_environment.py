"""The environment that every runner of the course gives to its kernels."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
NOTEBOOKS = REPOSITORY / "notebooks"

COURSE_VARIABLES = {
    "KERAS_BACKEND": "tensorflow",
    # Silences TensorFlow's C++ log once TensorFlow is imported. What it says *during* the import
    # passes by every setting; only redirecting file descriptor 2 stops that.
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def prepare_environment() -> None:
    """Set the course's variables where they are unset, and let kernels import this copy of it.

    Kernels inherit the variables of the process that starts them.
    """
    for name, value in COURSE_VARIABLES.items():
        os.environ.setdefault(name, value)
    search_path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if str(REPOSITORY) not in search_path:
        os.environ["PYTHONPATH"] = os.pathsep.join([str(REPOSITORY), *filter(None, search_path)])
