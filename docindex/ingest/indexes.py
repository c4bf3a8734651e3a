"""The last stage of an ingest: the indexes on top of the passages follow what has changed."""

from __future__ import annotations

from collections.abc import Callable, Collection

from docindex.protocols import ChangeSet, DerivedIndex, OnProgress, Writer
from docindex.schema import IndexDefinition

MakeIndex = Callable[[IndexDefinition], DerivedIndex]


def refresh_indexes(
    writer: Writer, make: MakeIndex, on_progress: OnProgress, kinds: Collection[str] | None = None
) -> dict[str, int]:
    """Brings the indexes of these kinds, or all, up to date; returns how many records each of them got."""
    return {
        definition.kind: make(definition).refresh(writer, on_progress)
        for definition in writer.snapshot.definitions()
        if kinds is None or definition.kind in kinds
    }


def define_index(writer: Writer, definition: IndexDefinition) -> None:
    """Has ingests keep an index up to date from now on. One of that kind with other options goes, records and all."""
    held = {one.kind: one for one in writer.snapshot.definitions()}.get(definition.kind)
    if held == definition:
        return
    if held is not None:
        writer.commit(ChangeSet(drop_indexes=[definition.kind]))
    writer.commit(ChangeSet(define_indexes=[definition]))
