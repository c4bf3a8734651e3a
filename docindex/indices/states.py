"""How far the indexes on top of the passages are."""

from __future__ import annotations

from docindex.indices import tree
from docindex.protocols import Snapshot
from docindex.schema import IndexState


def index_states(snapshot: Snapshot) -> list[IndexState]:
    """Every index of a version, by kind."""
    total = sum(1 for record in snapshot.documents() if record.nodes)
    states = []
    for definition in snapshot.definitions():
        kind = definition.kind
        held = len(snapshot.derived_documents(kind))
        records = snapshot.derived_count(kind)
        states.append(
            IndexState(kind=kind, options=definition.options, records=records, documents=held, waiting=total - held)
        )
    return states


def is_whole(snapshot: Snapshot, state: IndexState) -> bool:
    """Whether nothing is left to be made: a tree of all documents may still lack what stands above them."""
    return not state.waiting and (state.kind != tree.KIND or tree.has_one_top(snapshot))
