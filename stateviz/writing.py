"""Writes a file whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
    beside = target.with_name(f".{secrets.token_hex(6)}-{target.name}")
    try:
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
