"""Whether an index has what is asked for on top of its passages."""

from __future__ import annotations

from docindex.errors import StoreError
from docindex.protocols import Snapshot


def require_index(snapshot: Snapshot, kind: str) -> None:
    """Passes where the index has one of the kind.

    Raises:
        StoreError: It has none.
    """
    if kind not in {definition.kind for definition in snapshot.definitions()}:
        raise StoreError(f"The index has no {kind}: `docindex indexes add {kind}` makes it.")
