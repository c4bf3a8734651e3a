"""The last stage of an ingest: the indexes on top of the passages follow what has changed."""

from __future__ import annotations

from collections.abc import Callable

from docindex.errors import DocindexError
from docindex.indices.states import index_states, is_whole
from docindex.protocols import ChangeSet, DerivedIndex, OnProgress, Writer
from docindex.schema import Behind, IndexDefinition

MakeIndex = Callable[[IndexDefinition], DerivedIndex]


def refresh_indexes(writer: Writer, make: MakeIndex, on_progress: OnProgress) -> dict[str, int]:
    """Brings all indexes up to date; returns how many records each of them got."""
    return {
        definition.kind: make(definition).refresh(writer, on_progress) for definition in writer.snapshot.definitions()
    }


def follow(writer: Writer, make: MakeIndex, on_progress: OnProgress) -> tuple[Behind, ...]:
    """Brings the indexes that lack something up to date; returns those that could not be, with the reason.

    The documents are in by then, and stay. What has nothing to make needs no model, and so none is loaded for it.
    """
    states = {state.kind: state for state in index_states(writer.snapshot)}
    behind = []
    for definition in writer.snapshot.definitions():
        if is_whole(writer.snapshot, states[definition.kind]):
            continue
        try:
            make(definition).refresh(writer, on_progress)
        except DocindexError as error:
            now = {state.kind: state for state in index_states(writer.snapshot)}[definition.kind]
            behind.append(Behind(definition.kind, now.waiting, str(error)))
    return tuple(behind)


def define_index(writer: Writer, definition: IndexDefinition) -> None:
    """Has ingests keep an index up to date from now on. One of that kind with other options goes, records and all."""
    held = {one.kind: one for one in writer.snapshot.definitions()}.get(definition.kind)
    if held == definition:
        return
    replaced = [] if held is None else [definition.kind]
    writer.commit(ChangeSet(drop_indexes=replaced, define_indexes=[definition]))
