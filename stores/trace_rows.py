"""The tables of the traces, and how a trace is written to them and read back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime

from docindex.schema import (
    Trace,
    TracedAnswer,
    TracedCitation,
    TracedHit,
    TracedPassage,
    TracedStage,
    TraceSummary,
)
from docindex.stores.encoding import from_micros, storable, to_micros

SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE traces (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, at INTEGER NOT NULL, query TEXT NOT NULL,
    k INTEGER NOT NULL, mode TEXT NOT NULL, filter TEXT, options TEXT NOT NULL, version INTEGER NOT NULL,
    milliseconds REAL NOT NULL, answer TEXT, no_answer INTEGER, model TEXT
);
CREATE TABLE stages (
    trace INTEGER NOT NULL REFERENCES traces ON DELETE CASCADE, place INTEGER NOT NULL, name TEXT NOT NULL,
    milliseconds REAL NOT NULL, text TEXT NOT NULL, filter TEXT, PRIMARY KEY (trace, place)
) WITHOUT ROWID;
CREATE TABLE hits (
    trace INTEGER NOT NULL REFERENCES traces ON DELETE CASCADE, stage INTEGER NOT NULL, place INTEGER NOT NULL,
    rank INTEGER NOT NULL, score REAL NOT NULL, dense REAL, lexical REAL, node_id TEXT NOT NULL, doc_id TEXT NOT NULL,
    duplicates TEXT NOT NULL, merged TEXT NOT NULL, PRIMARY KEY (trace, stage, place)
) WITHOUT ROWID;
CREATE TABLE passages (
    trace INTEGER NOT NULL REFERENCES traces ON DELETE CASCADE, place INTEGER NOT NULL, rank INTEGER NOT NULL,
    node_id TEXT NOT NULL, doc_id TEXT NOT NULL, part TEXT NOT NULL, PRIMARY KEY (trace, place)
) WITHOUT ROWID;
CREATE TABLE citations (
    trace INTEGER NOT NULL REFERENCES traces ON DELETE CASCADE, marker INTEGER NOT NULL, node_id TEXT NOT NULL,
    doc_id TEXT NOT NULL, verified INTEGER NOT NULL, PRIMARY KEY (trace, marker)
) WITHOUT ROWID
"""
"""Statements with a semicolon between them. `place` counts from 1, times are microseconds since 1970 in UTC."""
UPGRADES = ("ALTER TABLE stages ADD COLUMN filter TEXT",)
"""What leads from the first format to the second, and so on."""


def insert_trace(connection: sqlite3.Connection, trace: Trace) -> int:
    """Writes a trace, and returns the id that it gets: no other trace ever has it."""
    answer = trace.answer
    written = connection.execute(
        "INSERT INTO traces VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            trace.kind,
            to_micros(trace.at),
            storable(trace.query),
            trace.k,
            trace.mode,
            _storable(trace.filter),
            json.dumps(trace.options),
            trace.version,
            trace.milliseconds,
            *((None, None, None) if answer is None else (storable(answer.text), answer.no_answer, answer.model)),
        ),
    )
    trace_id = written.lastrowid or 0
    for place, stage in enumerate(trace.stages, 1):
        connection.execute(
            "INSERT INTO stages VALUES (?, ?, ?, ?, ?, ?)",
            (trace_id, place, stage.name, stage.milliseconds, storable(stage.text), _storable(stage.filter)),
        )
        connection.executemany(
            "INSERT INTO hits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(trace_id, place, number, *_hit_row(hit)) for number, hit in enumerate(stage.hits, 1)],
        )
    if answer is not None:
        connection.executemany(
            "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?)",
            [
                (trace_id, place, one.rank, one.node_id, one.doc_id, one.part)
                for place, one in enumerate(answer.passages, 1)
            ],
        )
        connection.executemany(
            "INSERT INTO citations VALUES (?, ?, ?, ?, ?)",
            [(trace_id, one.marker, one.node_id, one.doc_id, one.verified) for one in answer.citations],
        )
    return trace_id


def read_trace(connection: sqlite3.Connection, trace_id: int | None) -> Trace | None:
    """A trace by its id, or the newest one; None where there is none."""
    connection.execute("BEGIN")  # all of it, or nothing, whoever prunes in between
    try:
        found = connection.execute(
            "SELECT * FROM traces WHERE id = ifnull(?, (SELECT max(id) FROM traces))", (trace_id,)
        )
        row = found.fetchone()
        return None if row is None else _read(connection, row)
    finally:
        connection.execute("COMMIT")


def read_summaries(connection: sqlite3.Connection, limit: int | None) -> list[TraceSummary]:
    """What traces there are, newest first."""
    rows = connection.execute(
        "SELECT id, kind, at, query, version, milliseconds, no_answer FROM traces ORDER BY id DESC LIMIT ?",
        (-1 if limit is None else limit,),
    )
    return [
        TraceSummary(
            row["id"],
            row["kind"],
            from_micros(row["at"]),
            row["query"],
            row["version"],
            row["milliseconds"],
            None if row["no_answer"] is None else bool(row["no_answer"]),
        )
        for row in rows.fetchall()
    ]


def delete_all_but(connection: sqlite3.Connection, newest: int) -> int:
    """Deletes all but the newest traces; returns how many went."""
    statement = "DELETE FROM traces WHERE id <= (SELECT id FROM traces ORDER BY id DESC LIMIT 1 OFFSET ?)"
    return connection.execute(statement, (newest,)).rowcount


def delete_before(connection: sqlite3.Connection, time: datetime) -> int:
    """Deletes the traces that are older; returns how many went."""
    return connection.execute("DELETE FROM traces WHERE at < ?", (to_micros(time),)).rowcount


def _read(connection: sqlite3.Connection, row: sqlite3.Row) -> Trace:
    def of_trace(table: str) -> list[sqlite3.Row]:
        found = connection.execute(f"SELECT * FROM {table} WHERE trace = ?", (row["id"],))  # noqa: S608 - names of ours
        return found.fetchall()  # in the order of the primary key, which is how they lie

    hits: dict[int, list[TracedHit]] = {}
    for hit in of_trace("hits"):
        hits.setdefault(hit["stage"], []).append(_hit(hit))
    answer = None
    if row["answer"] is not None:
        passages = [
            TracedPassage(one["rank"], one["node_id"], one["doc_id"], one["part"]) for one in of_trace("passages")
        ]
        citations = [
            TracedCitation(one["marker"], one["node_id"], one["doc_id"], bool(one["verified"]))
            for one in of_trace("citations")
        ]
        answer = TracedAnswer(row["answer"], bool(row["no_answer"]), row["model"], tuple(passages), tuple(citations))
    return Trace(
        kind=row["kind"],
        at=from_micros(row["at"]),
        query=row["query"],
        k=row["k"],
        mode=row["mode"],
        filter=row["filter"],
        options=json.loads(row["options"]),
        version=row["version"],
        milliseconds=row["milliseconds"],
        stages=tuple(
            TracedStage(
                stage["name"],
                stage["milliseconds"],
                stage["text"],
                stage["filter"],
                tuple(hits.get(stage["place"], ())),
            )
            for stage in of_trace("stages")
        ),
        answer=answer,
        trace_id=row["id"],
    )


def _storable(text: str | None) -> str | None:
    return None if text is None else storable(text)


def _hit_row(hit: TracedHit) -> Sequence[str | int | float | None]:
    ids = (" ".join(hit.duplicates), " ".join(hit.merged))
    return (hit.rank, hit.score, hit.dense, hit.lexical, hit.node_id, hit.doc_id, *ids)


def _hit(row: sqlite3.Row) -> TracedHit:
    duplicates, merged = tuple(row["duplicates"].split()), tuple(row["merged"].split())
    return TracedHit(
        row["rank"], row["score"], row["dense"], row["lexical"], row["node_id"], row["doc_id"], duplicates, merged
    )
