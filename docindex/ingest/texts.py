"""The text stage: documents are parsed, cut and committed, and from then on found by their words."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self

from docindex.indices.passages import PassageIndex
from docindex.ingest.background import BackgroundCommits
from docindex.ingest.groups import Group, Taken
from docindex.ingest.plan import UNFINISHED, Plan, PlannedFile, is_there
from docindex.protocols import DocumentRecord, Loaded, OnProgress, SourceRecord, Writer
from docindex.schema import BlankPages, Document, HiddenText, NodeCounts, Problem, Progress, Unread, digest, plain_value

logger = logging.getLogger("docindex.ingest")

GROUP_SECONDS = 2.0
"""A commit is due after so many, whatever is waiting, so that a search sees it soon."""
FIRST_GROUP_SECONDS = 0.25
"""The first one comes sooner, and each next one waits twice as long: a small folder is searchable while it is read."""

HANDFUL = 64
HANDFUL_SECONDS = 0.2
_ID_CURE = "name another --id-field, or delete those first (`docindex rm`)"


class Reading(Protocol):
    """What one file holds."""

    def __iter__(self) -> Iterator[Loaded]: ...

    @property
    def whole(self) -> bool:
        """Whether it was read to its end, once its items are used up."""
        ...

    @property
    def given_up(self) -> str | None:
        """Why the file is not to be tried again, if so, once its items are used up."""
        ...


class TextStage:
    """One ingest's text stage under way: the group that is being filled, and the counts so far.

    One group is committed while the next one is read. A context manager: leaving it waits for that commit.
    """

    def __init__(self, writer: Writer, index: PassageIndex, todo: Plan, on_progress: OnProgress) -> None:
        self.added = self.updated = self.deleted = 0
        self.unchanged = sum(record.documents for record in todo.unchanged)
        self.skipped = list(todo.skipped)
        self.failed = list(todo.failed)
        self.blank: list[BlankPages] = []
        self.hidden: list[HiddenText] = []
        self._counts = NodeCounts()
        self._reused = 0
        self._writer = writer
        self._index = index
        self._todo = todo
        self._on_progress = on_progress
        self._group = Group()
        self._group_seconds = FIRST_GROUP_SECONDS
        self._commits = BackgroundCommits(self._write)
        self._owners: dict[str, SourceRecord] = {}
        """Which file a document id was read from in this run."""
        self._absent: set[str] = set()
        """Ids that the index did not have when they were looked up."""
        self._held: set[str] = set()
        """Locations that it had documents of."""
        self._bytes_total = todo.bytes
        self._bytes_read = 0
        self._documents = 0
        self._source = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._commits.__exit__(kind, error, trace)

    @property
    def nodes(self) -> NodeCounts:
        """What was done to the nodes, once all is settled."""
        return self._counts + NodeCounts(reused=self._reused)

    def progress(self, step: str) -> Progress:
        """Where the stage stands."""
        return Progress(
            step,
            source=self._source,
            bytes_done=self._bytes_read,
            bytes_total=self._bytes_total,
            documents=self._documents,
            nodes=self._counts.added,
        )

    def delete_gone(self) -> None:
        """Deletes what is gone, and what another file stands for now.

        It comes last, when nothing that was read can use the vectors of a file that was moved any more.
        """
        self.flush()
        self._commits.settle()
        for record in self._todo.gone:
            self._delete(self._writer.snapshot.documents_of(record.location))
            self._group.delete_sources.add(record.location)
        for record in self._todo.links:
            self._delete(self._writer.snapshot.documents_of(record.location))
            self._group.sources.append(record)
        self.flush()
        self._commits.settle()

    def expect(self, files: Sequence[PlannedFile]) -> None:
        """Looks up at once what the index holds of the files that come next, which of most is nothing."""
        snapshot = self._writer.snapshot
        names = {file.record.name for file in files}
        self._absent = names - snapshot.records(names).keys()
        self._held = snapshot.held({file.record.location for file in files})

    def read(self, file: PlannedFile, reading: Reading) -> None:
        """Takes what a file's loader gives, committing whenever that is due.

        A file that can't be read costs nothing but its own entry in the report: what the index held of it stays.
        """
        self._source = file.source.name
        end = self._bytes_read + file.record.bytes
        snapshot = self._writer.snapshot
        own = file.record.location if file.record.location in self._held else None
        locations = [location for location in (file.replaces, own) if location]
        before = {record.doc_id: record for location in locations for record in snapshot.documents_of(location)}
        like = [] if before or file.like is None else snapshot.documents_of(file.like)
        held: set[str] = set()
        problems: list[Problem] = []
        complete = True
        for items in _handfuls(reading):
            stored = before | self._stored(
                {item.doc_id for item in items if isinstance(item, Document)} - before.keys()
            )
            for item in items:
                if isinstance(item, Unread):
                    self.skipped.append(Problem(item.source, item.reason))
                elif isinstance(item, Problem):
                    problems.append(item)
                elif not item.text.strip() and not item.pages:
                    self.skipped.append(Problem(item.doc_id, "holds no text"))
                elif flaw := _flaw(item):
                    problems.append(Problem(ascii(item.doc_id)[1:-1], flaw))
                elif item.doc_id in held:
                    self.skipped.append(Problem(item.doc_id, f"the id occurs more than once in {file.source.name}"))
                elif owner := self._other_owner(item.doc_id, stored.get(item.doc_id), file):
                    self.failed.append(Problem(item.doc_id, f"the id is already used by {owner}; {_ID_CURE}"))
                    complete = False
                else:
                    held.add(item.doc_id)
                    self._owners[item.doc_id] = file.record
                    alike = stored.get(item.doc_id) or (like[0] if len(like) == 1 else None)
                    self._take(item, alike, file.record)
                    self._bytes_read = min(end, self._bytes_read + len(item.text))
                    if self._group.is_due(self._group_seconds):
                        self._note_unfinished(file)
                        self.flush()
        self._bytes_read = end
        self.failed += problems
        # Only a file that was read to its end can say which of its documents are gone.
        if reading.whole and complete and (held or before or problems):
            gone = [record for doc_id, record in before.items() if doc_id not in held]
            self._delete([record for record in gone if not _is_in(record.doc_id, problems)])
            self._group.sources.append(replace(file.record, documents=len(held), problems=tuple(problems)))
            if file.replaces:
                self._group.delete_sources.add(file.replaces)
        elif reading.given_up is not None:
            # No parser survives it: it is left alone until its bytes change.
            self._group.sources.append(replace(file.record, documents=len(before), failure=reading.given_up))
        elif held:
            self._note_unfinished(file)
        self._on_progress(self.progress("load"))

    def flush(self) -> None:
        """Begins to commit the group, once the one before is committed."""
        if not self._group.is_empty:
            self._commits.begin(self._group)
            self._group = Group()
            self._group_seconds = min(2 * self._group_seconds, GROUP_SECONDS)

    def _write(self, group: Group) -> None:
        """Commits a group, with the vectors that the index has already."""
        nodes = [node for taken in group.documents for node in taken.nodes]
        vectors, reused = self._index.known_vectors(nodes, self._writer.snapshot)
        self._writer.commit(group.changes(vectors), self._on_progress)
        self._writer.maintain(self._on_progress)
        self._reused += reused

    def _note_unfinished(self, file: PlannedFile) -> None:
        """Has the index know of a file of which it holds documents, and not yet that it holds all.

        Should this ingest end here, the next one reads the file again; and if the file is gone by then, these
        documents go with it.
        """
        known = next(self._writer.snapshot.sources({file.record.location}), None)
        if known is None or known.content_hash != UNFINISHED:
            self._group.sources.append(replace(file.record, content_hash=UNFINISHED, documents=0))

    def _stored(self, doc_ids: set[str]) -> dict[str, DocumentRecord]:
        wanted = doc_ids - self._absent
        return self._writer.snapshot.records(wanted) if wanted else {}

    def _take(self, document: Document, alike: DocumentRecord | None, record: SourceRecord) -> None:
        """Cuts a document; `alike` is what the index holds of it, or of a file with the same bytes."""
        stored = alike if alike and alike.doc_id == document.doc_id else None
        content_hash = _content_hash(document)
        if document.pages_without_text:
            self.blank.append(BlankPages(document.source, document.pages_without_text))
        if document.hidden:
            self.hidden.append(HiddenText(document.doc_id, document.hidden))
        self._documents += 1
        if stored and stored.content_hash == content_hash and stored.location == record.location:
            self.unchanged += 1
            return
        before = [found.node for found in self._writer.snapshot.nodes_of(alike.doc_id)] if alike else []
        nodes = self._index.nodes(document, before)
        self.updated += stored is not None
        self.added += stored is None
        old = {node.node_id for node in before} if stored else set()
        new = {node.node_id for node in nodes}
        self._counts += NodeCounts(added=len(new - old), deleted=len(old - new))
        self._group.documents.append(Taken(document, record, content_hash, nodes))
        self._group.nodes += len(nodes)

    def _other_owner(self, doc_id: str, stored: DocumentRecord | None, file: PlannedFile) -> str | None:
        """The name of another file that holds the id, if it still exists."""
        own = (file.record.location, file.replaces)
        if (owner := self._owners.get(doc_id)) and owner.location not in own:
            return owner.name
        if stored and stored.location not in own and is_there(stored.location):
            return stored.source
        return None

    def _delete(self, records: Sequence[DocumentRecord]) -> None:
        self.deleted += len(records)
        self._counts += NodeCounts(deleted=sum(record.nodes for record in records))
        self._group.delete_documents.update(record.doc_id for record in records)


def _handfuls(reading: Reading) -> Iterator[list[Loaded]]:
    """The items, some at a time where they come fast, so that they can be looked up together."""
    waiting: list[Loaded] = []
    since = time.monotonic()
    for item in reading:
        waiting.append(item)
        if len(waiting) >= HANDFUL or time.monotonic() - since > HANDFUL_SECONDS:
            yield waiting
            waiting, since = [], time.monotonic()
    if waiting:
        yield waiting


def _is_in(doc_id: str, problems: Sequence[Problem]) -> bool:
    """Whether the document may be one that could not be read this time."""
    return any(doc_id == problem.source or doc_id.startswith(f"{problem.source}/") for problem in problems)


def _flaw(document: Document) -> str | None:
    """What no store takes, found before it can spoil the commit of its neighbours."""
    names = [document.doc_id, document.source, *document.metadata]
    values = [str(plain_value(value)) for value in document.metadata.values()]
    try:
        "\n".join([document.text, document.title, *names, *values]).encode()
    except UnicodeEncodeError:
        return "holds half a surrogate pair, which is not Unicode text"
    return "has a NUL character in its id or a field's name" if any("\0" in name for name in names) else None


def _content_hash(document: Document) -> str:
    """Changes with anything that a commit would write."""
    parts = [document.source, document.text, document.media_type, document.title]
    parts += [f"{page.number} {page.start} {page.end} {page.label}" for page in document.pages]
    parts += [f"{heading.level} {heading.start} {heading.text}" for heading in document.headings]
    parts += [f"{key}={plain_value(value)!r}" for key, value in sorted(document.metadata.items())]
    for table in document.tables:
        parts.append(f"{table.name} {table.start} {table.end} {table.columns!r}")
        parts += [repr(row) for row in table.rows]
    return digest(*parts)
