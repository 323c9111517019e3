"""Puts the lessons into what is installed; everything else stands in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithLessons(build_py):
    """The package as built, with the notebooks that stand beside it in the repository.

    They are not copied for an editable installation, which finds them where they stand.
    """

    def run(self) -> None:
        """Builds the package, then copies the lessons into it."""
        super().run()
        if not self.editable_mode:
            folder = Path(self.build_lib) / "stateviz" / "notebooks"
            folder.mkdir(parents=True, exist_ok=True)
            for path in sorted(Path("notebooks").glob("*.ipynb")):
                shutil.copy(path, folder)


setup(cmdclass={"build_py": WithLessons})
