"""What the bytes of files are: read, or known from what the file system says of the file, as git and rsync do.

A stamp is made only of a file that had been left alone for a while when it was read. File systems tell times in steps:
within one, a file can change again and look the same.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from docindex.config import __version__
from docindex.protocols import FileStamp

if TYPE_CHECKING:
    from docindex.ingest.found import FoundFile

SETTLED_NS = 2_000_000_000
"""How long a file has to be left alone before its looks are trusted: the coarsest steps in use are FAT's, 2 s."""


class FileHashes:
    """Hashes files, and remembers what they looked like."""

    def __init__(self, stamps: Iterable[FileStamp] = (), *, checksum: bool = False) -> None:
        """With `checksum`, every file is read, whatever the stamps say."""
        self._known = {} if checksum else {stamp.location: stamp for stamp in stamps}
        self._new: list[FileStamp] = []
        self._young: list[tuple[FoundFile, FileStamp]] = []

    def known(self, file: FoundFile) -> FileStamp | None:
        """What is known of the file as it looks now."""
        stamp = self._known.get(file.location)
        return stamp if stamp is not None and file.status and stamp.state == state_of(file.status) else None

    def known_page(self, location: str, validator: str) -> FileStamp | None:
        """What is known of a web page in the state that its server calls so."""
        stamp = self._known.get(location)
        return stamp if stamp is not None and stamp.state == _page_state(validator) else None

    def read(self, file: FoundFile, media_type: str) -> str:
        """The SHA-256 of a file's bytes, hexadecimal.

        Raises:
            OSError: It can't be read.
        """
        started = time.time_ns()
        before, bytes_hash, after = _hash(file)
        if file.validator is not None:
            self._new.append(FileStamp(file.location, _page_state(file.validator), bytes_hash, media_type))
        elif file.status is not None and state_of(before) == state_of(after):
            stamp = FileStamp(file.location, state_of(after), bytes_hash, media_type)
            if _is_settled(after, started):
                self._new.append(stamp)
            else:
                self._young.append((file, stamp))
        return bytes_hash

    def take_new(self) -> list[FileStamp]:
        """Stamps of files that were read since the last call.

        Those that had just been written then are read once more, if they have been left alone for long enough by now.
        """
        young, self._young = self._young, []
        for file, stamp in young:
            started = time.time_ns()
            try:
                status = file.path.stat()
                if state_of(status) != stamp.state:
                    continue
                if not _is_settled(status, started):
                    self._young.append((file, stamp))
                    continue
                _, bytes_hash, after = _hash(file)
            except OSError:
                continue
            if state_of(after) == stamp.state and bytes_hash == stamp.bytes_hash:
                self._new.append(stamp)
        new, self._new = self._new, []
        return new


def state_of(status: os.stat_result) -> str:
    """What a file looks like. Another release of docindex may tell its type in another way, and looks for itself."""
    return f"{__version__} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"


def _page_state(validator: str) -> str:
    return f"{__version__} {validator}"


def _is_settled(status: os.stat_result, now: int) -> bool:
    return max(status.st_mtime_ns, status.st_ctime_ns) < now - SETTLED_NS


def _hash(file: FoundFile) -> tuple[os.stat_result, str, os.stat_result]:
    with file.path.open("rb") as opened:
        before = os.fstat(opened.fileno())
        bytes_hash = hashlib.file_digest(opened, "sha256").hexdigest()
        return before, bytes_hash, os.fstat(opened.fileno())
