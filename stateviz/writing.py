"""Writes a file whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: what a killed process leaves there stays
    fcntl = None  # type: ignore[assignment]

_UNFINISHED = re.compile(r"\.[0-9a-f]{12}-.+")
# A quota is unknown to Windows.
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Gives a path beside the one to write; when all is written there, it takes its place.

    Whatever ends it before, the old file stays as it was. Of several that write to one path, the
    last one's file is there in the end.

    Args:
        path: Where to.

    Raises:
        FileNotFoundError: The folder does not exist.
        IsADirectoryError: It is a folder.
        OSError: It cannot be written, for example because the disk is full.
    """
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"The folder {str(path.parent)!r} does not exist, so {path.name!r} cannot be written "
            f"there. Make the folder first."
        )
    if target.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder. Give the name of a file in it.")
    _clear(target.parent)
    beside = target.with_name(f".{secrets.token_hex(6)}-{target.name}")
    try:
        with _held(beside):
            yield beside
            with beside.open("rb+") as file:
                os.fsync(file.fileno())
            beside.replace(target)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise OSError(
            error.errno,
            f"The disk is full, so {str(path)!r} was not written; what was there before is "
            f"still there",
        ) from error
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Makes a file and locks it, for as long as somebody writes it."""
    if fcntl is None:
        yield
        return
    while True:
        with path.open("ab") as file:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(file, fcntl.LOCK_EX)
            # Another process may have taken it for a left one before it was locked.
            if path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno())):
                yield
                return


def _clear(folder: Path) -> None:
    """Removes what killed processes left unfinished: nobody holds a lock on it any more."""
    for path in folder.iterdir() if fcntl is not None else ():
        if _UNFINISHED.fullmatch(path.name):
            with suppress(OSError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
