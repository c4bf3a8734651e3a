"""The tables of an index: found, loaded and cited."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from docindex.answering.tables.catalogue import Catalogue, catalogue_of
from docindex.answering.tables.limits import TableLimits
from docindex.answering.tables.loading import Loaded, Place, load
from docindex.answering.tables.relations import Relation
from docindex.answering.tables.running import Cited, Result
from docindex.protocols import Snapshot, StoredTable
from docindex.schema import And, Citation, Compare, Condition, Document, Field, Node

_DOC_ID = Field("doc_id", "text", builtin=True)


@dataclass(frozen=True, slots=True)
class _Opened:
    """An index at one version."""

    snapshot: Snapshot
    catalogue: Catalogue


class IndexTables:
    """The tables of the documents of an index, or of those that meet a condition.

    All tables are read once for each version of the index, one at a time: what stays in memory is what their columns
    are called and hold. The rows of the tables that the last question was about stay loaded.
    """

    def __init__(
        self, snapshot: Callable[[], Snapshot], limits: TableLimits, *, where: Condition | None = None
    ) -> None:
        self._snapshot = snapshot
        self._limits = limits
        self._where = where
        self._turn = threading.Lock()  # held for a whole question: its tables must stay what it was planned for
        self._opened: _Opened | None = None
        self._loaded: tuple[tuple[str, ...], Loaded] | None = None

    @contextmanager
    def opened(self) -> Iterator[IndexTables]:
        """Holds the index at its newest version for one question; further ones wait."""
        with self._turn:
            snapshot = self._snapshot()
            if self._opened is None or self._opened.snapshot.version != snapshot.version:
                self._forget()
                self._opened = _Opened(snapshot, catalogue_of(self._tables(snapshot)))
            yield self

    @property
    def catalogue(self) -> Catalogue:
        """The relations, while it is held."""
        return self._held.catalogue

    def load(self, relations: Sequence[Relation]) -> Loaded:
        """The rows of the relations.

        Raises:
            QueryError: They are more than the limit lets through.
        """
        names = tuple(relation.name for relation in relations)
        if self._loaded is None or self._loaded[0] != names:
            self._forget()
            self._loaded = (names, load(relations, self._held.snapshot.tables, self._limits))
        return self._loaded[1]

    def cite(self, result: Result) -> Cited:
        """Citations of the rows that a result rests on, looked up in the stored documents.

        Where it rests on more rows than are cited, the line with the names of the columns comes first.
        """
        snapshot = self._held.snapshot
        doc_ids = {
            relation.parts[place.part].doc_id
            for places in result.places
            for relation, place in zip(result.view.relations, places, strict=True)
            if place is not None
        }
        at = result.places[0][0].part if result.places and result.places[0][0] is not None else 0
        first = result.view.relations[0].parts[at]
        doc_ids.add(first.doc_id)
        citing = _Citing(snapshot.load_all(doc_ids), snapshot.nodes_of_all(doc_ids))
        header = None
        if result.matched > len(result.places) or not result.places:
            header = citing.header(first.doc_id, first.start)
        markers = tuple(
            tuple(
                marker
                for relation, place in zip(result.view.relations, places, strict=True)
                if place is not None and (marker := citing.row(relation.parts[place.part].doc_id, place)) is not None
            )
            for places in result.places
        )
        return Cited(citing.citations, markers, header)

    def close(self) -> None:
        """Frees what is loaded."""
        with self._turn:
            self._forget()

    @property
    def _held(self) -> _Opened:
        if self._opened is None:
            raise RuntimeError("The tables are asked while they are not held: use `opened`.")
        return self._opened

    def _tables(self, snapshot: Snapshot) -> Iterable[StoredTable]:
        if self._where is None:
            return snapshot.tables()
        return (
            table
            for record in snapshot.documents()
            if snapshot.count(And((Compare(_DOC_ID, "=", record.doc_id), self._where)))
            for table in snapshot.tables([record.doc_id])
        )

    def _forget(self) -> None:
        if self._loaded is not None:
            self._loaded[1].database.close()
        self._loaded = None


class _Citing:
    """Numbers citations, each row once."""

    def __init__(self, documents: dict[str, Document], nodes: dict[str, list[Node]]) -> None:
        self._documents = documents
        self._nodes = nodes
        self._found: dict[tuple[str, int, int], Citation] = {}

    @property
    def citations(self) -> tuple[Citation, ...]:
        """By marker."""
        return tuple(self._found.values())

    def row(self, doc_id: str, place: Place) -> int | None:
        """The marker of a row."""
        return self._cite(doc_id, place.start, place.end, place.row)

    def header(self, doc_id: str, start: int) -> int | None:
        """The marker of the line with the names of the columns, which a table begins with."""
        document = self._documents.get(doc_id)
        end = document.text.find("\n", start) if document is not None else -1
        return self._cite(doc_id, start, end, None) if end > start else None

    def _cite(self, doc_id: str, start: int, end: int, row: int | None) -> int | None:
        document = self._documents.get(doc_id)
        if document is None:
            return None
        key = (doc_id, start, end)
        if key not in self._found:
            quote = document.text[start:end]
            page = document.page_at(start)
            node = next((one for one in self._nodes.get(doc_id, ()) if one.start <= start < one.end), None)
            self._found[key] = Citation(
                marker=len(self._found) + 1,
                node_id=node.node_id if node is not None else "",
                doc_id=doc_id,
                source=document.source,
                page=page.number if page is not None else None,
                page_label=page.label if page is not None else None,
                start=start,
                end=end,
                quote=quote,
                verified=bool(quote.strip()),
                row=row,
            )
        return self._found[key].marker
