"""What two versions of an index differ in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from docindex.protocols import DocumentRecord, Snapshot


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """Ids of the documents that differ, each in order."""

    old: int
    new: int
    """The versions."""
    added: tuple[str, ...]
    updated: tuple[str, ...]
    deleted: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The difference as `--json` prints it."""
        return asdict(self)


def diff(old: Snapshot, new: Snapshot) -> VersionDiff:
    """The documents that `new` has and `old` lacks, has otherwise, or lacks.

    One pass over both lists, which are in the order of the ids: memory is that of the answer.
    """
    added, updated, deleted = [], [], []
    for before, after in _side_by_side(old.documents(), new.documents()):
        if before is None and after is not None:
            added.append(after.doc_id)
        elif after is None and before is not None:
            deleted.append(before.doc_id)
        elif before and after and before.content_hash != after.content_hash:
            updated.append(after.doc_id)
    return VersionDiff(old.version, new.version, tuple(added), tuple(updated), tuple(deleted))


def _side_by_side(
    old: Iterator[DocumentRecord], new: Iterator[DocumentRecord]
) -> Iterator[tuple[DocumentRecord | None, DocumentRecord | None]]:
    before, after = next(old, None), next(new, None)
    while before or after:
        if after is None or (before is not None and before.doc_id < after.doc_id):
            yield before, None
            before = next(old, None)
        elif before is None or after.doc_id < before.doc_id:
            yield None, after
            after = next(new, None)
        else:
            yield before, after
            before, after = next(old, None), next(new, None)
