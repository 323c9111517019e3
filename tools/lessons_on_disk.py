"""How JupyterLab reads the lessons: so that one that was only opened is not marked as changed."""

from __future__ import annotations

from typing import Any

from ipykernel.ipkernel import IPythonKernel
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager


class LessonsOnDisk(AsyncLargeFileManager):
    """The files that JupyterLab shows.

    JupyterLab writes what the kernel says of its language into each notebook that it opens, the
    number of Python's version with it, and marks the notebook as changed if that was not there. A
    lesson in the repository does not name one; it gets that of the Python that runs it as it is
    read.
    """

    async def get(self, path: str, content: bool = True, *args: Any, **kwargs: Any) -> Any:
        """What JupyterLab asks of a file."""
        model = await super().get(path, content, *args, **kwargs)  # type: ignore[no-untyped-call]
        if model["type"] == "notebook" and content:
            model["content"]["metadata"]["language_info"] = dict(IPythonKernel.language_info)
        return model
