"""Folders for the temporary files of parsers. They go with their process, and those of killed programs in due time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

_PREFIX = "docindex-parser-"
_YOUNG_SECONDS = 60.0
"""Between making a folder and locking it, another program might take it for a deserted one."""


class ScratchFolder:
    """A new folder for temporary files, locked while the program that made it lives."""

    def __init__(self) -> None:
        """Makes it.

        Raises:
            OSError: There is no room for it.
        """
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        with contextlib.suppress(OSError):  # some file systems know no locks: there it is never swept
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def remove(self) -> None:
        """Deletes it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def sweep() -> None:
    """Deletes the folders of programs that were killed, whose unpacked archives would fill the disk."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                status = os.fstat(lock)
                if status.st_uid == os.getuid() and time.time() - status.st_mtime > _YOUNG_SECONDS:
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)
