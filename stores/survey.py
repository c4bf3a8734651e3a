"""Looks at every row of an index at one version, and tells the sound from the unsound: for `check` and for repairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import pyarrow as pa

from docindex.schema import Document, FieldType
from docindex.stores.agreement import COMPARED_COLUMNS, fingerprints, unproven_differ, wrong_columns
from docindex.stores.cells import tables_hash
from docindex.stores.changes import field_uses
from docindex.stores.derived import DerivedRecords
from docindex.stores.lance import first_line, scan
from docindex.stores.lancedb_api import LanceTable
from docindex.stores.registry_rows import CommitRow, DocumentRow
from docindex.stores.rows import VECTOR_COLUMNS, vectors_in
from docindex.stores.sql import Registry

_BLOCK_ROWS = 2048
_PART_ROWS = 128
"""What can't be read is looked for in blocks, then in parts of them, then row by row."""
_DOCUMENTS_AT_ONCE = 64


@dataclass(slots=True)
class Survey:
    """What was found. `problems` has a sentence for each thing that is not as it should be."""

    problems: list[str] = field(default_factory=list)
    nodes: dict[str, str] = field(default_factory=dict)
    """The sound nodes, each with its document."""
    fingerprints: dict[str, int] = field(default_factory=dict)
    """Of the sound nodes, what both tables have of them."""
    vectors: dict[str, str] = field(default_factory=dict)
    """The sound nodes that have a sound vector, each with its document."""
    unsound_nodes: int = 0
    """Rows of the nodes table that are damaged, repeated, belong to nothing or say something else than they should."""
    unsound_vectors: int = 0
    stray_sources: set[str] = field(default_factory=set)
    """The names of sources of nodes whose document the registry does not have."""
    textless: set[str] = field(default_factory=set)
    """Documents whose text is lost."""
    tableless: set[str] = field(default_factory=set)
    """Documents whose typed tables are lost, and their text is not."""
    thinned: dict[str, int] = field(default_factory=dict)
    """Documents that have fewer sound nodes than they should, or more, and how many they have."""
    documents: int = 0
    waiting: Counter[str] = field(default_factory=Counter)
    """How many sound nodes of each document have no sound vector."""
    unsound_records: list[tuple[str, str]] = field(default_factory=list)
    """Kinds and keys of records of indexes that are damaged, or made from a document that is not there."""
    uses: Counter[tuple[str, FieldType]] = field(default_factory=Counter)
    """How many documents have each metadata field, by name and type."""


def survey(
    registry: Registry, commit: CommitRow, nodes: LanceTable | None, vectors: LanceTable | None, dim: int
) -> Survey:
    """Reads everything. A table that is missing is one without rows."""
    found = Survey()
    kept = _nodes(found, registry, commit, nodes)
    _vectors(found, vectors, dim)
    _documents(found, registry, commit, kept)
    found.waiting = Counter(found.nodes.values())
    found.waiting.subtract(Counter(found.vectors.values()))
    _counts(found, registry, commit)
    found.unsound_records = DerivedRecords(registry.engine, commit.version).unsound()
    for kind, number in sorted(Counter(kind for kind, _ in found.unsound_records).items()):
        found.problems.append(f"{number} records of the {kind!r} index are damaged, or belong to no document.")
    return found


# --- nodes ----------------------------------------------------------------------------------------------------------


def _nodes(found: Survey, registry: Registry, commit: CommitRow, table: LanceTable | None) -> Counter[str]:
    """Fills in the nodes; returns how many there are of each document, sound or not."""
    there: Counter[str] = Counter()
    if table is None:
        return there
    strangers: Counter[str] = Counter()

    def lost(rows: int, why: str) -> None:
        found.unsound_nodes += rows
        found.problems.append(f"{rows} nodes can't be read ({why}).")

    differing: Counter[tuple[str, str]] = Counter()
    texts = _Texts(registry, commit.version)
    for batch in readable(table, [*COMPARED_COLUMNS, "start", "end"], lost):
        doc_ids = batch["doc_id"].to_pylist()
        texts.need(set(doc_ids))
        wrong = wrong_columns(batch, texts.known)
        places = batch.select(["node_id", "start", "end", "text", "source", "page", "page_label"]).to_pydict().values()
        rows = enumerate(zip(doc_ids, fingerprints(batch), *places, strict=True))
        for row, (doc_id, fingerprint, node_id, start, end, text, source, *page) in rows:
            if node_id in found.nodes:
                found.unsound_nodes += 1
                found.problems.append(f"Node {node_id!r} is stored more than once.")
                continue
            there[doc_id] += 1
            whole = texts.of(doc_id)
            if doc_id not in texts.known:
                strangers[doc_id] += 1
                found.stray_sources.add(source)
            elif whole is not None and whole.text[start:end] != text:
                found.problems.append(f"Node {node_id!r} differs from the text of its document at {start}-{end}.")
            elif whole is not None:
                columns = wrong.get(row, []) + _wrong_page(whole, start, *page)
                if not columns:
                    found.nodes[node_id] = doc_id
                    found.fingerprints[node_id] = fingerprint
                    continue
                differing.update((doc_id, column) for column in columns)
            found.unsound_nodes += 1
    for doc_id, count in strangers.items():
        found.problems.append(f"{count} nodes belong to {doc_id!r}, which is no document of the index.")
    for (doc_id, column), count in differing.items():
        found.problems.append(f"{count} nodes of {doc_id!r} have another {column!r} than they should.")
    return there


def _wrong_page(document: Document, start: int, number: int | None, label: str | None) -> list[str]:
    page = document.page_at(start)
    should = (page.number, page.label) if page else (None, None)
    return [] if should == (number, label) else ["page"]


class _Texts:
    """The documents that nodes of one batch belong to, with their texts and without their tables."""

    def __init__(self, registry: Registry, version: int) -> None:
        self._registry = registry
        self._version = version
        self.known: dict[str, DocumentRow] = {}
        self._texts: dict[str, Document | None] = {}

    def need(self, doc_ids: set[str]) -> None:
        """Reads those that the last batch did not have."""
        new = sorted(doc_ids - set(self.known))
        self.known = {doc_id: row for doc_id, row in self.known.items() if doc_id in doc_ids}
        self._texts = {doc_id: text for doc_id, text in self._texts.items() if doc_id in doc_ids}
        self.known |= self._registry.documents_by_id(self._version, new)
        stored = self._registry.texts({self.known[doc_id].text_hash for doc_id in new if doc_id in self.known})
        for doc_id in new:
            text = stored.get(self.known[doc_id].text_hash) if doc_id in self.known else None
            sound = text is not None and text.matches(self.known[doc_id].text_hash)
            self._texts[doc_id] = text.document(self.known[doc_id], ()) if text is not None and sound else None

    def of(self, doc_id: str) -> Document | None:
        """The document; None where it is not there, or its text is lost."""
        return self._texts[doc_id]


# --- documents ------------------------------------------------------------------------------------------------------


def _documents(found: Survey, registry: Registry, commit: CommitRow, there: Counter[str]) -> None:
    sound = Counter(found.nodes.values())
    rows = registry.documents(commit.version)
    while some := list(islice(rows, _DOCUMENTS_AT_ONCE)):
        stored = registry.texts({row.text_hash for row in some})
        for row in some:
            record = row.record
            doc_id = record.doc_id
            found.documents += 1
            found.uses.update(field_uses(record.metadata))
            text = stored.get(row.text_hash)
            if text is None or not text.matches(row.text_hash):
                found.problems.append(f"The text of document {doc_id!r} is {'missing' if text is None else 'damaged'}.")
                found.textless.add(doc_id)
            elif why := _tables_problem(registry, row):
                found.problems.append(f"The tables of document {doc_id!r} are {why}.")
                found.tableless.add(doc_id)
            if there[doc_id] != record.nodes:
                found.problems.append(f"Document {doc_id!r} should have {record.nodes} nodes and has {there[doc_id]}.")
            if sound[doc_id] != record.nodes:
                found.thinned[doc_id] = sound[doc_id]


def _tables_problem(registry: Registry, row: DocumentRow) -> str | None:
    if row.tables_hash is None:
        return None
    tables = [head.with_rows(rows) for head, rows in registry.tables(row.tables_hash)]
    if not tables:
        return "missing"
    return None if tables_hash(tables) == row.tables_hash else "damaged"


# --- vectors --------------------------------------------------------------------------------------------------------


def _vectors(found: Survey, table: LanceTable | None, dim: int) -> None:
    if table is None:
        return

    def lost(rows: int, why: str) -> None:
        found.unsound_vectors += rows
        found.problems.append(f"{rows} vectors can't be read ({why}).")

    strangers = 0
    differing: Counter[str] = Counter()
    for batch in readable(table, [*VECTOR_COLUMNS, "vector"], lost):
        norms = np.linalg.norm(vectors_in(batch, dim), axis=1)
        for node_id, fingerprint, norm in zip(batch["node_id"].to_pylist(), fingerprints(batch), norms, strict=True):
            if node_id in found.vectors:
                found.problems.append(f"Node {node_id!r} has more than one vector.")
            elif node_id not in found.nodes:
                strangers += 1
            elif not np.isfinite(norm) or norm == 0.0:
                found.problems.append(f"The vector of node {node_id!r} is damaged.")
            elif fingerprint != found.fingerprints[node_id]:
                differing[found.nodes[node_id]] += 1
                if unproven_differ(fingerprint, found.fingerprints[node_id]):  # which of the two is right?
                    del found.nodes[node_id]
                    found.unsound_nodes += 1
            else:
                found.vectors[node_id] = found.nodes[node_id]
                continue
            found.unsound_vectors += 1
    if strangers:
        found.problems.append(f"{strangers} vectors belong to no node of the index.")
    for doc_id, count in differing.items():
        found.problems.append(f"{count} vectors of {doc_id!r} come with other columns than their nodes have.")


def _counts(found: Survey, registry: Registry, commit: CommitRow) -> None:
    pending = registry.all_pending(commit.version)
    for doc_id in sorted(set(pending) | {doc_id for doc_id, count in found.waiting.items() if count}):
        missing, noted = found.waiting[doc_id], pending.get(doc_id, 0)
        if missing != noted and doc_id not in found.thinned:
            state = f"{noted} are noted as waiting for one" if noted else "the document is noted as ready"
            found.problems.append(f"{missing} nodes of {doc_id!r} have no vector, and {state}.")
    for name, recorded, counted in (
        ("documents", commit.documents, found.documents),
        ("nodes", commit.nodes, len(found.nodes)),
        ("embedded nodes", commit.embedded, len(found.vectors)),
        ("sources", commit.sources, sum(1 for _ in registry.sources(commit.version, None))),
    ):
        if recorded != counted:
            found.problems.append(f"The last commit counts {recorded} {name}, and there are {counted}.")
    noted_uses = registry.field_uses(commit.version)
    for use in sorted(set(found.uses) | set(noted_uses)):
        if noted_uses[use] != found.uses[use]:
            name, kind = use
            found.problems.append(
                f"The field {name!r} ({kind}) is counted in {noted_uses[use]} documents, and {found.uses[use]} have it."
            )


# --- rows that can be read ------------------------------------------------------------------------------------------


def readable(table: LanceTable, columns: list[str], lost: Callable[[int, str], None]) -> Iterator[pa.RecordBatch]:
    """All rows that can be read; `lost` is told of how many can't be and why."""
    try:
        for _ in scan(table, columns):
            pass
    except (ValueError, RuntimeError, OSError) as error:
        reason = first_line(error)
    else:
        yield from scan(table, columns)
        return
    rows = table.count_rows()
    read = 0
    for start in range(0, rows, _BLOCK_ROWS):
        for batch in _readable_part(table, columns, start, min(_BLOCK_ROWS, rows - start)):
            read += batch.num_rows
            yield batch
    lost(rows - read, reason)


def _readable_part(table: LanceTable, columns: list[str], start: int, size: int) -> Iterator[pa.RecordBatch]:
    """What can be read of some rows. A part of which neither the ends nor the middle can be read is given up."""
    try:
        yield from table.search().select(columns).offset(start).limit(size).to_arrow().to_batches()
    except (ValueError, RuntimeError, OSError):
        if size == 1:
            return
        smaller = _PART_ROWS if size > _PART_ROWS else 1
        if smaller == 1:
            probes = {start, start + size // 2, start + size - 1}
            if not any(any(_readable_part(table, columns, probe, 1)) for probe in probes):
                return
        for at in range(start, start + size, smaller):
            yield from _readable_part(table, columns, at, min(smaller, start + size - at))
