"""Takes the documents of another index into one: what is missing, and what is newer there."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from docindex.ingest.groups import GROUP_NODES
from docindex.protocols import ChangeSet, DocumentChange, DocumentRecord, OnProgress, SourceRecord, Writer
from docindex.schema import IngestReport, NodeCounts, Problem, Progress


@dataclass(frozen=True, slots=True)
class Arrival:
    """A document of the other index."""

    change: DocumentChange
    updated_at: datetime
    """When the other index took it up."""


def merge(
    documents: Iterable[Arrival], sources: Iterable[SourceRecord], writer: Writer, total: int, on_progress: OnProgress
) -> IngestReport:
    """Adds what the index lacks, and what the other one has in a newer state. Nothing is deleted.

    Newer is the document whose file was changed later or, where that does not tell, that was taken up later. An id
    that is in use for a document of another file stays with it. The work is committed in groups: after an
    interruption the same merge goes on.

    Args:
        documents: Those of the other index.
        sources: The files that its documents are from; read after the documents.
        writer: Of this index.
        total: How many nodes the documents have, for progress.
        on_progress: Is told how many nodes have been looked at.
    """
    started = time.perf_counter()
    merging = _Merge(writer, on_progress, total)
    for arrival in documents:
        merging.take(arrival)
    merging.commit()
    merging.file(sources)
    return merging.report(time.perf_counter() - started)


class _Merge:
    """One merge under way: the group that waits for its commit, and the counts so far."""

    def __init__(self, writer: Writer, on_progress: OnProgress, total: int) -> None:
        self._writer = writer
        self._on_progress = on_progress
        self._total = total
        self._seen = 0
        self._added = self._updated = self._unchanged = 0
        self._skipped: list[Problem] = []
        self._failed: list[Problem] = []
        self._counts = NodeCounts()
        self._group: list[DocumentChange] = []
        self._nodes = 0
        self._held: Counter[str] = Counter()
        """For each location how many documents of it this index has as the other one."""
        self._touched: set[str] = set()
        """Locations of which documents were taken."""

    def take(self, arrival: Arrival) -> None:
        """Takes a document, or leaves it, and notes why."""
        change = arrival.change
        doc_id = change.document.doc_id
        own = self._writer.snapshot.document(doc_id)
        if own is None:
            self._added += 1
            self._add(change, frozenset())
        elif own.content_hash == change.content_hash:
            self._unchanged += 1
            self._held[change.location] += own.location == change.location
        elif own.location != change.location:
            self._failed.append(Problem(doc_id, f"the id is used for {own.location}, which stays"))
        elif not _is_newer(arrival, own):
            self._skipped.append(Problem(doc_id, "the index has a newer one"))
        else:
            self._updated += 1
            self._add(change, frozenset(stored.node.node_id for stored in self._writer.snapshot.nodes_of(doc_id)))
        self._seen += len(change.nodes)
        self._on_progress(Progress("import", source=change.document.source, nodes=self._seen, nodes_total=self._total))

    def commit(self) -> None:
        """Commits the group."""
        if self._group:
            self._writer.commit(ChangeSet(documents=self._group), self._on_progress)
            self._writer.maintain(self._on_progress)
            self._group, self._nodes = [], 0

    def file(self, sources: Iterable[SourceRecord]) -> None:
        """Notes the files of which every document is now here as it is in the other index.

        Files of which only some are get no record, or lose it: the next ingest of their folder reads them again.
        """
        own = {record.location: record for record in self._writer.snapshot.sources()}
        names = {record.name: record.location for record in own.values()}
        filed: dict[str, SourceRecord] = {}
        links: list[SourceRecord] = []
        alike: set[str] = set()
        for source in sources:
            known = own.get(source.location)
            if names.get(source.name, source.location) != source.location:
                continue  # two files of one name would be one file to those who ask for it
            if source.same_as is not None:
                links += [] if known else [source]
            elif known is not None and known.content_hash == source.content_hash and known.same_as is None:
                alike.add(source.location)
            elif self._is_whole(source):
                filed[source.location] = source
        links = [link for link in links if link.same_as in alike or link.same_as in filed]
        unsure = (self._touched & own.keys()) - filed.keys() - alike
        if filed or links or unsure:
            changes = ChangeSet(sources=[*filed.values(), *links], delete_sources=unsure)
            self._writer.commit(changes, self._on_progress)
        self._writer.maintain(self._on_progress)

    def report(self, seconds: float) -> IngestReport:
        """What was done."""
        snapshot = self._writer.snapshot
        return IngestReport(
            added=self._added,
            updated=self._updated,
            unchanged=self._unchanged,
            skipped=tuple(self._skipped),
            failed=tuple(self._failed),
            nodes=self._counts + NodeCounts(pending=snapshot.count() - snapshot.embedded()),
            seconds=seconds,
        )

    def _add(self, change: DocumentChange, before: frozenset[str]) -> None:
        now = {node.node_id for node in change.nodes}
        embedded = int(change.vectors.any(axis=1).sum())
        self._counts += NodeCounts(added=len(now - before), reused=embedded, deleted=len(before - now))
        self._held[change.location] += 1
        self._touched.add(change.location)
        self._group.append(change)
        self._nodes += len(change.nodes)
        if self._nodes >= GROUP_NODES:
            self.commit()

    def _is_whole(self, source: SourceRecord) -> bool:
        here = len(self._writer.snapshot.documents_of(source.location))
        return self._held[source.location] == here == source.documents


def _is_newer(arrival: Arrival, own: DocumentRecord) -> bool:
    theirs, ours = arrival.change.modified_at, own.modified_at
    if theirs is not None and ours is not None and theirs != ours:
        return theirs > ours
    return arrival.updated_at > own.updated_at
