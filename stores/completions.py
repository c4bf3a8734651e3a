"""What the language model wrote, in an SQLite file of its own: the newest of it, for whoever asks the same again."""

from __future__ import annotations

import json
import logging
import sqlite3
from pathlib import Path

from docindex.errors import StoreError
from docindex.protocols import KeptCompletion
from docindex.stores.side_file import SideFile, SideSchema, setting

logger = logging.getLogger("docindex.stores")

COMPLETIONS_FILE = "completions.db"
KEEP = 5_000
"""Completions, of which each takes about a kilobyte; the newest stay."""

_SCHEMA = SideSchema(
    "completions",
    """
CREATE TABLE settings (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE completions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, whole INTEGER NOT NULL, pieces TEXT NOT NULL
)
""",
    1,
    (("floor", 0),),
)
"""`pieces` is a JSON array."""


class CompletionCache:
    """The completions that are kept in an index's folder. Any number of threads and processes may use it.

    What can't be read is not known, and what can't be written is not kept: neither is an error.
    """

    def __init__(self, folder: Path) -> None:
        """Those of the index in a folder; nothing is opened yet."""
        self.path = folder.absolute() / COMPLETIONS_FILE
        self._file = SideFile(self.path, _SCHEMA)
        self._warned = False

    def get(self, key: str) -> KeptCompletion | None:
        """What is kept of a completion, if anything."""
        try:
            with self._file.reading() as connection:
                if connection is None:
                    return None
                row = connection.execute("SELECT whole, pieces FROM completions WHERE key = ?", (key,)).fetchone()
        except StoreError as error:
            self._say(error)
            return None
        return None if row is None else KeptCompletion(tuple(json.loads(row["pieces"])), whole=bool(row["whole"]))

    def add(self, key: str, kept: KeptCompletion, version: int) -> None:
        """Keeps a completion, unless more of it is kept already; the oldest go.

        One that was made for an older version of the index than the last purge left may quote what was erased, and is
        not kept.
        """
        try:
            self._file.make()
            with self._file.changing() as connection:
                if connection is not None and version >= setting(connection, "floor"):
                    _write(connection, key, kept)
        except StoreError as error:
            self._say(error)

    def count(self) -> int:
        """How many are kept.

        Raises:
            StoreError: The file can't be read.
        """
        with self._file.reading() as connection:
            if connection is None:
                return 0
            (count,) = connection.execute("SELECT count(*) FROM completions").fetchone()
            return int(count)

    def erase(self, version: int) -> None:
        """Leaves no byte of any completion, and takes none that was made for an older version of the index.

        Raises:
            StoreError: Another process is reading them all along.
        """
        self._file.erase("completions", version)

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()

    def _say(self, error: StoreError) -> None:
        if not self._warned:
            self._warned = True
            logger.info("Completions are not kept: %s", error)


def _write(connection: sqlite3.Connection, key: str, kept: KeptCompletion) -> None:
    row = connection.execute("SELECT pieces FROM completions WHERE key = ?", (key,)).fetchone()
    if row is not None and len(json.loads(row["pieces"])) > len(kept.pieces):
        return
    connection.execute(
        "INSERT OR REPLACE INTO completions (key, whole, pieces) VALUES (?, ?, ?)",
        (key, kept.whole, json.dumps(kept.pieces)),
    )
    connection.execute("DELETE FROM completions WHERE id <= (SELECT max(id) FROM completions) - ?", (KEEP,))
