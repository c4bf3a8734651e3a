"""An ingest that finds nothing to do, told from one that has to open the index."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from docindex.ingest.discover import STDIN, discover
from docindex.ingest.found import is_remote
from docindex.ingest.plan import UnreadError, plan
from docindex.ingest.stages import StageClock
from docindex.ingest.stamps import FileHashes
from docindex.schema import IngestReport, NodeCounts

if TYPE_CHECKING:
    from docindex.config import IngestOptions
    from docindex.ingest.found import Discovery
    from docindex.ingest.plan import Plan
    from docindex.protocols import LoaderRegistry
    from docindex.stores.glance import Glance


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the sources showed."""

    found: Discovery | None = None
    """The files, where they were looked up."""
    report: IngestReport | None = None
    """Of the ingest, where it has nothing to do."""


def look(
    sources: Sequence[str | Path], held: Glance, loaders: Callable[[], LoaderRegistry], options: IngestOptions
) -> Look:
    """Looks whether all that the sources hold is in the index, without reading a file that is.

    Raises:
        LoadError: With `options.sync`, a folder is empty or missing and the index holds files of it.
    """
    started = time.perf_counter()
    waiting = held.nodes - held.embedded
    if options.checksum or (waiting and options.wait == "vectors"):
        return Look()
    if any(is_remote(source) or source == STDIN for source in map(str, sources)):
        return Look()
    clock = StageClock()
    with ExitStack() as stack, clock.stage("plan"):
        found = discover(sources, options, stack)
        try:
            todo = plan(found, held.sources, FileHashes(held.stamps), loaders, options, may_read=False)
        except UnreadError:
            return Look(found)
    if todo.read or todo.links or todo.gone:
        return Look(found)
    seconds = time.perf_counter() - started
    return Look(found, _report(todo, waiting, clock, seconds))


def _report(todo: Plan, waiting: int, clock: StageClock, seconds: float) -> IngestReport:
    return IngestReport(
        unchanged=sum(record.documents for record in todo.unchanged),
        skipped=tuple(todo.skipped),
        failed=tuple(todo.failed),
        duplicates=tuple(todo.duplicates),
        nodes=NodeCounts(pending=waiting),
        seconds=seconds,
        stages=tuple(clock.stages),
    )
