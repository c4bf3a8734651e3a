"""What the bytes of files are: read, or known from what the file system says of the file, as git and rsync do.

A stamp is made only of a file that had been left alone for a while when it was read. File systems tell times in steps:
within one, a file can change again and look the same.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from docindex.config import __version__
from docindex.loaders.media_types import SQLITE, SQLITE_LOGS
from docindex.protocols import FileStamp
from docindex.schema import digest

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
        if stamp is None or file.status is None:
            return None
        looks = [file.status, *_logs(file.path, stamp.media_type).values()]
        return stamp if stamp.state == _state_of(looks) else None

    def known_page(self, location: str, validator: str) -> FileStamp | None:
        """What is known of a web page in the state that its server calls so."""
        stamp = self._known.get(location)
        return stamp if stamp is not None and stamp.state == _page_state(validator) else None

    def read(self, file: FoundFile, media_type: str) -> str:
        """What stands for a file's bytes: their SHA-256, hexadecimal; of a database with logs, a digest of all of them.

        Raises:
            OSError: It can't be read.
        """
        started = time.time_ns()
        before, bytes_hash, after = _hash(file.path, media_type)
        if file.validator is not None:
            self._new.append(FileStamp(file.location, _page_state(file.validator), bytes_hash, media_type))
        elif file.status is not None and _state_of(before) == _state_of(after):
            stamp = FileStamp(file.location, _state_of(after), bytes_hash, media_type)
            if is_settled(after, started):
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
                looks = [file.path.stat(), *_logs(file.path, stamp.media_type).values()]
                if _state_of(looks) != stamp.state:
                    continue
                if not is_settled(looks, started):
                    self._young.append((file, stamp))
                    continue
                _, bytes_hash, after = _hash(file.path, stamp.media_type)
            except OSError:
                continue
            if _state_of(after) == stamp.state and bytes_hash == stamp.bytes_hash:
                self._new.append(stamp)
        new, self._new = self._new, []
        return new


def _logs(path: Path, media_type: str) -> dict[Path, os.stat_result]:
    """The files beside a database that hold changes of it, which are read with it."""
    found = {}
    if media_type == SQLITE:
        for log in (path.with_name(f"{path.name}{suffix}") for suffix in SQLITE_LOGS):
            with suppress(OSError):
                status = log.stat()
                if status.st_size:
                    found[log] = status
    return found


def _state_of(looks: Sequence[os.stat_result]) -> str:
    """What files look like. Another release of docindex may tell their type in another way, and looks for itself."""
    states = (f"{look.st_size} {look.st_mtime_ns} {look.st_ctime_ns} {look.st_ino}" for look in looks)
    return " ".join([__version__, *states])


def _page_state(validator: str) -> str:
    return f"{__version__} {validator}"


def is_settled(looks: Sequence[os.stat_result], now: int) -> bool:
    """Whether files had been left alone at a time, in nanoseconds, for so long that a change of them would show."""
    return all(max(look.st_mtime_ns, look.st_ctime_ns) < now - SETTLED_NS for look in looks)


def _hash(path: Path, media_type: str) -> tuple[list[os.stat_result], str, list[os.stat_result]]:
    """What stands for the bytes, with what the file and its logs looked like before and after."""
    before, hashes, after = [], [], []
    for each in (path, *_logs(path, media_type)):
        with each.open("rb") as opened:
            before.append(os.fstat(opened.fileno()))
            hashes.append(hashlib.file_digest(opened, "sha256").hexdigest())
            after.append(os.fstat(opened.fileno()))
    return before, hashes[0] if len(hashes) == 1 else digest(*hashes), after
