"""What discovery finds: files, and what became of every path that is none."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from docindex.ingest.globs import EVERYTHING, Pattern

if TYPE_CHECKING:
    from docindex.schema import Problem

_WRITTEN_OUT = re.compile(rb"\\x([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that may be ingested."""

    path: Path
    location: str
    """What it is known by across runs: its absolute POSIX path, or "-"."""
    name: str
    """Relative to the source that was named."""
    root: str
    """The location of the source that was named."""
    bytes: int
    modified_at: datetime | None
    media_type: str | None = None
    """Where its server says it; otherwise the file itself does."""
    validator: str | None = None
    """What the server calls this state of it."""
    status: os.stat_result | None = None
    """What the file system says of it; None for the copy of what is no local file."""


@dataclass(frozen=True, slots=True)
class Root:
    """A folder that was looked through for what a source names."""

    name: str
    """What messages call it."""
    location: str
    pattern: Pattern
    """Of what is below it."""
    paths: int
    """How many there were, those included that were passed over; 0 where it may be a disk that is not mounted."""

    def covers(self, location: str) -> bool:
        """Whether a file at the location would have been found."""
        folder = f"{self.location.rstrip('/')}/"
        if not location.startswith(folder):
            return False
        return self.pattern == EVERYTHING or self.pattern.along(location.removeprefix(folder).split("/")).is_met


@dataclass(slots=True)
class Discovery:
    """What the named sources hold."""

    files: list[FoundFile] = field(default_factory=list)
    skipped: list[Problem] = field(default_factory=list)
    failed: list[Problem] = field(default_factory=list)
    roots: list[Root] = field(default_factory=list)
    """Where the files were looked for: what the index holds of there, and is not there now, is gone."""
    not_modified: list[str] = field(default_factory=list)
    """The locations of web pages that are as the index knows them."""
    emptied: list[str] = field(default_factory=list)
    """The locations of what is there and holds nothing."""


def is_remote(location: str) -> bool:
    """Whether it is a web address or a database rather than a path."""
    return "://" in location


def modified_at(status: os.stat_result) -> datetime | None:
    """When a file was changed, to the second; None where no calendar has that day, as file systems may say."""
    try:
        return datetime.fromtimestamp(status.st_mtime_ns // 1_000_000_000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def path_at(location: str) -> Path | None:
    """The path of what is at a location; None if nothing is. What may not be looked at is taken to be there.

    A name that is not UTF-8 has bytes that the location writes out.
    """
    written = os.fsencode(location)
    for path in map(Path, map(os.fsdecode, dict.fromkeys((written, _WRITTEN_OUT.sub(_byte, written))))):
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError, ValueError):
            continue
        except OSError:
            pass
        return path
    return None


def _byte(found: re.Match[bytes]) -> bytes:
    return bytes.fromhex(found[1].decode())
