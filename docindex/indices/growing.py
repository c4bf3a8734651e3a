"""How an index on top of the passages grows: record by record, with a commit every few seconds."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from docindex.protocols import ChangeSet, DocumentRecord, OnProgress, Snapshot, Writer
from docindex.schema import DerivedRecord, Progress

COMMIT_SECONDS = 5.0
"""What an interruption can cost."""


def unrecorded(snapshot: Snapshot, kind: str) -> list[DocumentRecord]:
    """The documents that have passages, and no record in the index of a kind."""
    held = snapshot.derived_documents(kind)
    return [record for record in snapshot.documents() if record.nodes and record.doc_id not in held]


def grow(
    writer: Writer, kind: str, made: Iterable[Sequence[DerivedRecord]], total: int, on_progress: OnProgress
) -> int:
    """Commits records as they are made; returns how many there were.

    Args:
        writer: Commits them.
        kind: Of the index; named in the progress.
        made: The records of one document, or of one other unit that must not be torn, after another.
        total: How many units there will be.
        on_progress: Is told of each unit.
    """
    waiting: list[DerivedRecord] = []
    count = 0
    since = time.monotonic()
    for number, records in enumerate(made, 1):
        waiting += records
        count += len(records)
        on_progress(Progress("index", source=kind, nodes=number, nodes_total=total))
        if time.monotonic() - since > COMMIT_SECONDS:
            writer.commit(ChangeSet(derived=waiting), on_progress)
            waiting, since = [], time.monotonic()
    if waiting:
        writer.commit(ChangeSet(derived=waiting), on_progress)
    return count
