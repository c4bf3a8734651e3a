"""Conversations, in an SQLite file of their own: kept turn by turn, so that a process that is killed loses none."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict
from pathlib import Path
from typing import Any

from docindex.errors import ConfigError, StoreError
from docindex.schema import Citation, ConversationSummary, SavedTurn
from docindex.stores.encoding import from_micros, storable, to_micros
from docindex.stores.side_file import SideFile, SideSchema, setting

CONVERSATIONS_FILE = "chats.db"
LONGEST_NAME = 100

_SCHEMA = SideSchema(
    "conversations",
    """
CREATE TABLE settings (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE turns (
    conversation TEXT NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, question TEXT NOT NULL,
    standalone TEXT NOT NULL, answer TEXT NOT NULL, no_answer INTEGER NOT NULL, citations TEXT NOT NULL,
    model TEXT NOT NULL, PRIMARY KEY (conversation, number)
) WITHOUT ROWID
""",
    1,
    (("floor", 0),),
)
"""`number` counts from 1, times are microseconds since 1970 in UTC, citations are a JSON array."""


class ConversationLog:
    """The conversations of an index. Any number of threads and processes may use it; what is deleted is overwritten."""

    def __init__(self, folder: Path) -> None:
        """Those of the index in a folder; nothing is opened yet."""
        self.path = folder.absolute() / CONVERSATIONS_FILE
        self._file = SideFile(self.path, _SCHEMA)

    def turns(self, name: str) -> list[SavedTurn]:
        """What was said in a conversation, oldest first; nothing where there is none of the name.

        Raises:
            ConfigError: The name is empty or too long.
            StoreError: The file can't be read.
        """
        _check(name)
        with self._file.reading() as connection:
            if connection is None:
                return []
            rows = connection.execute("SELECT * FROM turns WHERE conversation = ? ORDER BY number", (storable(name),))
            return [_turn(row) for row in rows]

    def add(self, name: str, turn: SavedTurn, version: int) -> None:
        """Keeps the next turn of a conversation.

        A turn that was answered from an older version of the index than the last purge left is not kept: it may quote
        what was erased.

        Raises:
            ConfigError: The name is empty or too long.
            StoreError: The file can't be written.
        """
        _check(name)
        self._file.make()
        with self._file.changing() as connection:
            if connection is None or version < setting(connection, "floor"):
                return
            connection.execute(
                "INSERT INTO turns SELECT ?, coalesce(max(number), 0) + 1, ?, ?, ?, ?, ?, ?, ? "
                "FROM turns WHERE conversation = ?",
                (
                    storable(name),
                    to_micros(turn.at),
                    storable(turn.question),
                    storable(turn.standalone),
                    storable(turn.answer),
                    turn.no_answer,
                    json.dumps([asdict(citation) for citation in turn.citations]),
                    turn.model,
                    storable(name),
                ),
            )

    def summaries(self) -> list[ConversationSummary]:
        """The conversations, the one with the newest turn first."""
        with self._file.reading() as connection:
            if connection is None:
                return []
            rows = connection.execute(
                "SELECT conversation, count(*) AS turns, min(at) AS began, max(at) AS last, "
                "(SELECT question FROM turns first WHERE first.conversation = turns.conversation "
                " ORDER BY number LIMIT 1) AS question "
                "FROM turns GROUP BY conversation ORDER BY last DESC, conversation"
            )
            return [
                ConversationSummary(
                    row["conversation"],
                    row["turns"],
                    from_micros(row["began"]),
                    from_micros(row["last"]),
                    row["question"],
                )
                for row in rows
            ]

    def delete(self, name: str) -> int:
        """Deletes a conversation; returns how many turns it had.

        Raises:
            StoreError: There is none of the name.
        """
        gone = 0
        with self._file.changing() as connection:
            if connection is not None:
                gone = connection.execute("DELETE FROM turns WHERE conversation = ?", (storable(name),)).rowcount
        if not gone:
            raise unknown(name)
        self._file.shrink()
        return gone

    def erase(self, version: int) -> None:
        """Leaves no byte of any conversation, and takes no turn that was answered from an older version of the index.

        Raises:
            StoreError: Another process is reading them all along.
        """
        self._file.erase("turns", version)

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()


def unknown(name: str) -> StoreError:
    """What is raised where there is no conversation of the name."""
    return StoreError(f"There is no conversation {name!r}: `docindex conversations list` lists those that are kept.")


def _check(name: str) -> None:
    if not name.strip() or len(name) > LONGEST_NAME:
        raise ConfigError(f"The conversation's name is {name!r}: give one of 1 to {LONGEST_NAME} characters.")


def _turn(row: sqlite3.Row) -> SavedTurn:
    citations: list[dict[str, Any]] = json.loads(row["citations"])
    return SavedTurn(
        from_micros(row["at"]),
        row["question"],
        row["standalone"],
        row["answer"],
        bool(row["no_answer"]),
        tuple(Citation(**citation) for citation in citations),
        row["model"],
    )
