"""What indexes on top of the passages keep: summaries, the entities of a passage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:  # numpy takes a third of the time in which `import docindex` has to be done
    import numpy as np
    from numpy.typing import NDArray

JsonValue: TypeAlias = "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexDefinition:
    """An index on top of the passages that an ingest keeps up to date."""

    kind: str
    """Its name; an index of documents has at most one of a kind."""
    options: Mapping[str, JsonValue] = field(default_factory=dict)
    """How it is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedRecord:
    """A record of such an index: made from documents, and gone as soon as one of them is changed or deleted."""

    kind: str
    """Of the index."""
    key: str
    """Unique in its index."""
    documents: tuple[str, ...]
    """The ids of the documents that it was made from; at least one."""
    terms: tuple[str, ...] = ()
    """What it is looked up by."""
    data: Mapping[str, JsonValue] = field(default_factory=dict)
    vector: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)
    """Unit norm, as long as the index's vectors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexState:
    """How far an index on top of the passages is."""

    kind: str
    options: Mapping[str, JsonValue]
    records: int
    documents: int
    """Of which it has records."""
    waiting: int
    """Documents that it lacks: the next ingest, or `docindex indexes refresh`, takes them in."""

    def as_dict(self) -> dict[str, Any]:
        """The state as `--json` prints it."""
        return asdict(self)
