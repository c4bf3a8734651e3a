"""SQLite files of which nobody can say beforehand whether they can be written to."""

from __future__ import annotations

import sqlite3
from pathlib import Path

IMMUTABLE = "mode=ro&immutable=1"
"""How to open a file in a folder that can't be written to, such as a copy on a medium: nobody changes it there."""
_UNWRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)


def has_log(file: Path) -> bool:
    """Whether there is a log that may hold pages which the file lacks."""
    log = file.with_name(f"{file.name}-wal")
    return log.exists() and log.stat().st_size > 0


def is_whole_but_unwritable(file: Path, error: sqlite3.OperationalError) -> bool:
    """Whether a file that failed so can be read as `IMMUTABLE`."""
    return error.sqlite_errorcode & 0xFF in _UNWRITABLE and not has_log(file)
