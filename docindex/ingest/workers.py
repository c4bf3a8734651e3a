"""Parsing and cutting in processes of their own: several files at once, and one that crashes costs only itself."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import Self

from docindex.ingest.scratch import sweep
from docindex.ingest.wire import Ended, Item, Recipe, Request, Signature, signature
from docindex.ingest.worker_process import Death, WorkerProcess
from docindex.protocols import Loaded
from docindex.schema import Problem, Source

MOST_PROCESSES = 4
"""Unless more are asked for: embedding and writing, which follow, want cores too."""

_FILES_AHEAD = 32
"""How many files a process may have before it, the one that is being taken included."""
_FILE_COST = 32 << 10
"""What a file costs beyond its bytes, in bytes."""
_WORTH_A_PROCESS = 1 << 20
"""How much has to wait before another process is started: starting one takes as long as parsing some hundred kB."""
_WORTH_A_CHUNKER = 128 << 10
"""How much the parent cuts itself before the processes do: a chunker takes a process as long to make."""
_LOOKED_UP = 16
"""Of how many files it is asked at once whether they are to be cut."""


@dataclass(frozen=True, slots=True)
class LoadedFrom:
    """Something that a file holds."""

    source_index: int
    """The file's place among the sources, from 0."""
    item: Loaded
    """A document that was cut comes as a CutDocument."""


@dataclass(frozen=True, slots=True)
class EndOf:
    """All that can be had of a file has been given."""

    source_index: int
    whole: bool
    """The file was read to its end. If not, the last item was the Problem that says why."""
    quarantined: bool = False
    """Its parser crashed, or ran out of time or memory, as often as it may: trying again is likely to end alike."""


class ParserPool:
    """Processes that parse, and cut what they parse; started when there is something to parse.

    Files are read ahead, but no more than a few, and no more of them than some megabytes a process: a process whose
    documents are not taken waits. One consumer at a time; between two `load`s the processes stay.

    A context manager: leaving it ends the processes.
    """

    def __init__(
        self,
        loaders: str,
        *,
        processes: int | None = None,
        chunker: Callable[[], Recipe | None] = lambda: None,
        uncut: Callable[[Collection[Path]], Collection[Path]] = lambda _: (),
    ) -> None:
        """A pool that has no process yet.

        Args:
            loaders: `module:callable` of what makes the LoaderRegistry in each process.
            processes: How many files are parsed at once; None is one a core, up to four.
            chunker: Tells what makes the Chunker in each process, when there is something to parse; None if none can
                be made there, and all documents come uncut.
            uncut: Told some paths, gives those of them whose documents shall come uncut. Others do, too, if cutting
                them could come near to a limit.
        """
        self._loaders = loaders
        self._find_chunker = chunker
        self._uncut = uncut
        self._processes = max(1, processes or min(MOST_PROCESSES, _cores()))
        self._workers: list[_Worker] = []
        self._begun: list[_Job] = []
        self._retired_seconds = 0.0

    @property
    def busy_seconds(self) -> float:
        """Seconds of CPU time that the processes have used. Of a living one up to the last file that it ended.

        What `begin` has them do is left out as far as it is done when `load` comes.
        """
        return self._retired_seconds + sum(worker.process.cpu_seconds for worker in self._workers)

    def begin(self, sources: Iterable[Source]) -> None:
        """Has one process begin with what the next `load` will most likely be given first.

        As many are begun as a process may have before it. All come cut, if they can be: none of them is asked about.
        """
        sweep()
        for job in self._jobs(islice(sources, _FILES_AHEAD), lambda _: ()):
            try:
                worker = self._workers[0] if self._workers else self._start()
            except OSError:  # which `load` will tell
                return
            worker.give(job)
            self._begun.append(job)

    def load(self, sources: Iterable[Source]) -> Iterator[LoadedFrom | EndOf]:
        """What is in the sources, in their order: any number of items and an end for each.

        Sources are taken from the iterable a few at a time. A file whose parser crashes, or runs out of time or memory,
        is tried again in a new process, `limits.attempts` times in all; nothing is given twice. Of a file that changes
        while it is read, what had been read is given, and its end says that it is not whole.

        What was begun is taken up if the sources begin with just that, in the state in which it was begun.
        """
        if not self._workers:
            sweep()
        jobs, left = self._take_up(iter(sources))
        new = self._jobs(left, self._uncut, after=tuple(jobs))
        more = True
        try:
            while True:
                while more and self._has_room():
                    following = next(new, None)
                    if following is None:
                        more = False
                    else:
                        jobs.append(following)
                        self._assign(following)
                if not jobs:
                    return
                yield from self._events(jobs[0])
                jobs.popleft()
        finally:
            self._end_busy()

    def close(self) -> None:
        """Ends the processes."""
        for worker in list(self._workers):
            self._end(worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take_up(self, sources: Iterator[Source]) -> tuple[deque[_Job], Iterator[Source]]:
        """What was begun of the sources, and the sources that are left."""
        begun, self._begun = self._begun, []
        if begun:  # what that took was before, and counts for no stage of an ingest
            self._retired_seconds -= sum(worker.process.unreported_seconds for worker in self._workers)
        first = list(islice(sources, len(begun)))
        now = [_Job(index, source) for index, source in enumerate(first)]
        if [(job.source, job.signature) for job in now] == [(job.source, job.signature) for job in begun]:
            return deque(begun), sources
        self._end_busy()
        return deque(), chain(first, sources)

    def _jobs(
        self,
        sources: Iterable[Source],
        uncut: Callable[[Collection[Path]], Collection[Path]],
        *,
        after: Collection[_Job] = (),
    ) -> Iterator[_Job]:
        numbered = enumerate(sources, len(after))
        taken = sum(job.bytes for job in after)
        while group := list(islice(numbered, _LOOKED_UP)):
            whole = uncut([source.path for _, source in group]) if self._chunker else ()
            for index, source in group:
                job = _Job(index, source)
                taken += job.bytes
                job.cut = self._chunker is not None and taken > _WORTH_A_CHUNKER and source.path not in whole
                yield job

    @cached_property
    def _chunker(self) -> Recipe | None:
        return self._find_chunker()

    def _has_room(self) -> bool:
        return len(self._workers) < self._processes or any(worker.has_room for worker in self._workers)

    def _assign(self, job: _Job) -> None:
        """Gives the job to the process that has least to do, or to a new one where that has too much."""
        least = min((w for w in self._workers if w.has_room), key=lambda w: w.waiting_bytes, default=None)
        if least is None or (least.waiting_bytes > _WORTH_A_PROCESS and len(self._workers) < self._processes):
            try:
                least = self._start()
            except OSError as error:
                if least is None:
                    job.fail(error)
                    return
        least.give(job)

    def _start(self) -> _Worker:
        worker = _Worker(WorkerProcess.start(self._loaders, self._chunker))
        self._workers.append(worker)
        return worker

    def _events(self, job: _Job) -> Iterator[LoadedFrom | EndOf]:
        while True:
            if job.failure or job.worker is None:
                yield LoadedFrom(job.index, Problem(job.source.name, job.failure))
                yield EndOf(job.index, whole=False, quarantined=job.quarantined)
                return
            reply = job.worker.process.receive(job.seconds)
            match reply:
                case None:
                    self._replace(job.worker)
                case Item(_, loaded):
                    job.seen += 1
                    if job.seen > job.given:  # else an earlier attempt got as far
                        job.given = job.seen
                        yield LoadedFrom(job.index, loaded)
                case Ended():
                    job.worker.jobs.popleft()
                    if reply.reason is not None:
                        yield LoadedFrom(job.index, Problem(job.source.name, reply.reason))
                    yield EndOf(job.index, reply.reason is None)
                    return

    def _replace(self, worker: _Worker) -> None:
        """Buries a dead process and starts another one, which has to do what that one had."""
        jobs = list(worker.jobs)
        death = self._end(worker)
        if death.during is not None or not death.worked or death.returncode != 0:
            # Between two files, too, only what came before can be at fault.
            job = next((job for job in jobs if job.index == death.during), jobs[0])
            job.attempts += 1
            if job.attempts >= job.source.options.limits.attempts:
                job.failure = death.reason(job.source.options.limits, job.attempts)
                job.quarantined = death.worked
        left = [job for job in jobs if not job.failure]
        if not left:
            return
        try:
            # None of the others: what they have to do may come later in the order, and they could not go on.
            worker = self._start()
        except OSError as error:
            for job in left:
                job.fail(error)
        else:
            for job in left:
                worker.give(job)

    def _end_busy(self) -> None:
        """Ends the processes that work on what nobody will take."""
        for worker in [worker for worker in self._workers if worker.jobs]:
            self._end(worker)

    def _end(self, worker: _Worker) -> Death:
        self._workers.remove(worker)
        death = worker.process.end()
        self._retired_seconds += worker.process.cpu_seconds
        return death


@dataclass(slots=True, eq=False)
class _Worker:
    """A process and what it has to do, in order."""

    process: WorkerProcess
    jobs: deque[_Job] = field(default_factory=deque)

    @property
    def waiting_bytes(self) -> int:
        return sum(_FILE_COST + job.bytes for job in self.jobs)

    @property
    def has_room(self) -> bool:
        return len(self.jobs) < _FILES_AHEAD

    def give(self, job: _Job) -> None:
        job.worker = self
        job.seen = 0
        self.jobs.append(job)
        self.process.send(Request(job.index, job.source, job.signature if job.given else None, job.cut))


@dataclass(slots=True, eq=False)
class _Job:
    """A source on its way."""

    index: int
    source: Source
    cut: bool = False
    """Its documents are to come cut."""
    bytes: int = 0
    signature: Signature | None = None
    """Of the file when it was first given to a process."""
    worker: _Worker | None = None
    seen: int = 0
    """Items that came in this attempt."""
    given: int = 0
    """Items that the consumer has."""
    attempts: int = 0
    """How often its process died of it."""
    failure: str = ""
    quarantined: bool = False

    def __post_init__(self) -> None:
        try:
            self.signature = signature(self.source.path)
            _, _, self.bytes, _ = self.signature
        except OSError:
            pass  # its process will say so

    @property
    def seconds(self) -> float:
        """How long its process may be silent: parsing and cutting a document may each take as long as the limit."""
        return self.source.options.limits.seconds * (2 if self.cut else 1)

    def fail(self, error: OSError) -> None:
        self.failure = f"the parser process can't be started: {error.strerror or error}"


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1
