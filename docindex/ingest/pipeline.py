"""An ingest: plan, then all texts, which are found by their words at once, then their vectors.

Both stages commit in groups, so that what is done stays done, and a search beside sees it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from docindex.config import IngestOptions
from docindex.indices.passages import PassageIndex
from docindex.ingest.discover import discover
from docindex.ingest.estimate import estimate
from docindex.ingest.found import Discovery
from docindex.ingest.plan import Plan, PlannedFile, plan, validators
from docindex.ingest.stages import StageClock
from docindex.ingest.stamps import FileHashes
from docindex.ingest.texts import TextStage
from docindex.ingest.vectors import embed_pending
from docindex.ingest.workers import EndOf, LoadedFrom, ParserPool
from docindex.protocols import Loaded, LoaderRegistry, OnProgress, Snapshot, Writer
from docindex.schema import IngestReport, NodeCounts, Problem

LOOKED_UP = 256
"""Files of which it is asked at once whether the index has them."""
WORTH_MAINTENANCE = 1000
"""An ingest of so many passages brings the indexes up to date before it ends."""


def dry_run(
    sources: Sequence[str | Path],
    snapshot: Snapshot,
    loaders: LoaderRegistry,
    pool: ParserPool,
    index: PassageIndex,
    options: IngestOptions,
) -> IngestReport:
    """What `ingest` would do. Of the files to read, a few are read: added, updated and deleted count files here."""
    started = time.perf_counter()
    with ExitStack() as stack:
        hashes = FileHashes(snapshot.stamps(), checksum=options.checksum)
        found = discover(sources, options, stack, lambda: validators(snapshot.sources(), hashes, options))
        todo = plan(found, snapshot.sources(), hashes, lambda: loaders, options)
        estimated = estimate(todo.read, lambda files: _readings(pool, files), index)
    return IngestReport(
        added=sum(not file.known for file in todo.read),
        updated=sum(file.known for file in todo.read),
        unchanged=sum(record.documents for record in todo.unchanged),
        deleted=sum(record.documents for record in todo.gone),
        skipped=tuple(todo.skipped),
        failed=tuple(todo.failed),
        duplicates=tuple(todo.duplicates),
        seconds=time.perf_counter() - started,
        dry_run=True,
        planned=tuple(todo.listed()),
        estimate=estimated,
    )


def ingest(
    sources: Sequence[str | Path],
    writer: Writer,
    loaders: LoaderRegistry,
    pool: ParserPool,
    index: PassageIndex,
    options: IngestOptions,
    on_progress: OnProgress,
    found: Discovery | None = None,
) -> IngestReport:
    """Brings the index up to date with the sources, and accounts for every path.

    What an earlier ingest left without vectors is embedded too. `found` is what the sources hold, where that has just
    been looked up.
    """
    started = time.perf_counter()
    clock = StageClock(lambda: pool.busy_seconds)
    with ExitStack() as stack:
        with clock.stage("plan"):
            snapshot = writer.snapshot
            hashes = FileHashes(snapshot.stamps(), checksum=options.checksum)
            found = found or discover(sources, options, stack, lambda: validators(snapshot.sources(), hashes, options))
            todo = plan(found, snapshot.sources(), hashes, lambda: loaders, options)
            writer.stamp(hashes.take_new())
        with TextStage(writer, index, todo, on_progress) as texts, clock.stage("text"):
            on_progress(texts.progress("plan"))
            _read_texts(texts, pool, todo)
            if texts.nodes.added >= WORTH_MAINTENANCE:
                writer.maintain(on_progress, force=True)
    nodes = texts.nodes
    if options.wait == "vectors":
        with clock.stage("vectors"):
            nodes += embed_pending(writer, index, on_progress)
    writer.stamp(hashes.take_new())
    return IngestReport(
        added=texts.added,
        updated=texts.updated,
        unchanged=texts.unchanged,
        deleted=texts.deleted,
        skipped=tuple(texts.skipped),
        failed=tuple(texts.failed),
        pages_without_text=tuple(texts.blank),
        hidden_text=tuple(texts.hidden),
        duplicates=tuple(todo.duplicates),
        nodes=nodes + _pending(writer.snapshot),
        seconds=time.perf_counter() - started,
        stages=tuple(clock.stages),
    )


def embed(writer: Writer, index: PassageIndex, on_progress: OnProgress) -> IngestReport:
    """Embeds what is found by words only."""
    clock = StageClock()
    with clock.stage("vectors"):
        nodes = embed_pending(writer, index, on_progress)
    return IngestReport(
        nodes=nodes + _pending(writer.snapshot), seconds=clock.stages[0].seconds, stages=tuple(clock.stages)
    )


def _read_texts(texts: TextStage, pool: ParserPool, todo: Plan) -> None:
    for number, (file, reading) in enumerate(_readings(pool, todo.read)):
        if number % LOOKED_UP == 0:
            texts.expect(todo.read[number : number + LOOKED_UP])
        texts.read(file, reading)
    texts.delete_gone()


class _PoolReading:
    """What one file holds, taken out of the events of all."""

    def __init__(self, events: Iterator[LoadedFrom | EndOf]) -> None:
        self.whole = False
        self.given_up: str | None = None
        self._events = events

    def __iter__(self) -> Iterator[Loaded]:
        last = ""
        for event in self._events:
            if isinstance(event, EndOf):
                self.whole = event.whole
                self.given_up = last if event.quarantined else None
                return
            if isinstance(event.item, Problem):
                last = event.item.reason
            yield event.item


def _readings(pool: ParserPool, files: Sequence[PlannedFile]) -> Iterator[tuple[PlannedFile, _PoolReading]]:
    """Each file with what it holds, which must be used up before the next one is asked for."""
    events = pool.load(file.source for file in files)
    for file in files:
        yield file, _PoolReading(events)


def _pending(snapshot: Snapshot) -> NodeCounts:
    return NodeCounts(pending=snapshot.count() - snapshot.embedded())
