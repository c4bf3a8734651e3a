"""An ingest: plan, load, chunk, embed, and commit in groups, so that what is done stays done."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from docindex.config import IngestOptions
from docindex.errors import DocindexError, LoadError
from docindex.indices.passages import PassageIndex
from docindex.ingest.discover import Discovery, discover
from docindex.ingest.plan import Plan, PlannedFile, plan
from docindex.protocols import (
    ChangeSet,
    DocumentChange,
    DocumentRecord,
    LoaderRegistry,
    OnProgress,
    Snapshot,
    SourceRecord,
    Vectors,
    Writer,
)
from docindex.schema import (
    BlankPages,
    Document,
    IngestReport,
    Node,
    NodeCounts,
    Problem,
    Progress,
    digest,
    plain_value,
)

logger = logging.getLogger("docindex.ingest")

GROUP_NODES = 256
"""A commit is due when so many nodes are waiting: enough to make its fixed cost small, few enough to lose."""
GROUP_SECONDS = 15.0
"""And after so many seconds, whatever is waiting."""


def dry_run(
    sources: Sequence[str | Path], snapshot: Snapshot, loaders: LoaderRegistry, options: IngestOptions
) -> IngestReport:
    """What `ingest` would do. Files are hashed, not read: added, updated and deleted count files here."""
    started = time.perf_counter()
    with ExitStack() as stack:
        todo = plan(discover(sources, options, stack), snapshot, loaders, options)
    return IngestReport(
        added=sum(not file.known for file in todo.read),
        updated=sum(file.known for file in todo.read),
        unchanged=sum(record.documents for record in todo.unchanged),
        deleted=sum(record.documents for record in todo.gone),
        skipped=tuple(todo.skipped),
        failed=tuple(todo.failed),
        seconds=time.perf_counter() - started,
        dry_run=True,
    )


def ingest(
    sources: Sequence[str | Path],
    writer: Writer,
    loaders: LoaderRegistry,
    index: PassageIndex,
    options: IngestOptions,
    on_progress: OnProgress,
) -> IngestReport:
    """Brings the index up to date with the sources, and accounts for every path.

    A file that can't be read costs nothing but its own entry in the report: what the index held of it stays.
    """
    started = time.perf_counter()
    with ExitStack() as stack:
        found: Discovery = discover(sources, options, stack)
        todo = plan(found, writer.snapshot, loaders, options)
        run = _Run(writer, loaders, index, todo, on_progress)
        on_progress(run.progress("plan"))
        run.delete_gone()
        for file in todo.read:
            run.read(file)
        run.flush()
    return run.report(time.perf_counter() - started)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A document that waits for its vectors."""

    document: Document
    record: SourceRecord
    content_hash: str
    nodes: tuple[Node, ...]

    def change(self, vectors: Vectors) -> DocumentChange:
        is_whole_file = self.document.doc_id == self.record.name
        return DocumentChange(
            document=self.document,
            location=self.record.location,
            content_hash=self.content_hash,
            bytes=self.record.bytes if is_whole_file else len(self.document.text.encode()),
            modified_at=self.record.modified_at,
            nodes=self.nodes,
            vectors=vectors,
        )


@dataclass(slots=True)
class _Group:
    """What the next commit will hold."""

    documents: list[_Loaded] = field(default_factory=list)
    sources: list[SourceRecord] = field(default_factory=list)
    delete_documents: set[str] = field(default_factory=set)
    delete_sources: set[str] = field(default_factory=set)
    nodes: int = 0
    since: float = field(default_factory=time.monotonic)

    @property
    def is_empty(self) -> bool:
        return not (self.documents or self.sources or self.delete_documents or self.delete_sources)

    @property
    def is_due(self) -> bool:
        return self.nodes >= GROUP_NODES or (self.nodes > 0 and time.monotonic() - self.since > GROUP_SECONDS)


class _Run:
    """One ingest under way: the group that is being filled, and the counts so far."""

    def __init__(
        self, writer: Writer, loaders: LoaderRegistry, index: PassageIndex, todo: Plan, on_progress: OnProgress
    ) -> None:
        self._writer = writer
        self._loaders = loaders
        self._index = index
        self._todo = todo
        self._on_progress = on_progress
        self._group = _Group()
        self._owners: dict[str, SourceRecord] = {}
        """Which file a document id was read from in this run."""
        self._bytes_total = todo.bytes
        self._bytes_read = 0
        self._bytes_done = 0
        self._documents = 0
        self._source = ""
        self.added = self.updated = self.deleted = 0
        self.unchanged = sum(record.documents for record in todo.unchanged)
        self.nodes = NodeCounts()
        self.skipped = list(todo.skipped)
        self.failed = list(todo.failed)
        self.blank: list[BlankPages] = []

    def progress(self, step: str) -> Progress:
        return Progress(
            step=step,
            source=self._source,
            bytes_done=self._bytes_done,
            bytes_total=self._bytes_total,
            documents=self._documents,
            nodes=self.nodes.added,
        )

    def report(self, seconds: float) -> IngestReport:
        return IngestReport(
            added=self.added,
            updated=self.updated,
            unchanged=self.unchanged,
            deleted=self.deleted,
            skipped=tuple(self.skipped),
            failed=tuple(self.failed),
            pages_without_text=tuple(self.blank),
            nodes=self.nodes,
            seconds=seconds,
        )

    def delete_gone(self) -> None:
        for record in self._todo.gone:
            self._delete(self._writer.snapshot.documents_of(record.location))
            self._group.delete_sources.add(record.location)

    def read(self, file: PlannedFile) -> None:
        """Reads one file into the group, committing whenever that is due."""
        location = file.record.location
        self._source = file.source.name
        end = self._bytes_read + file.record.bytes
        snapshot = self._writer.snapshot
        before = {record.doc_id: record for record in snapshot.documents_of(location)}
        if file.replaces:
            before |= {record.doc_id: record for record in snapshot.documents_of(file.replaces)}
        held: set[str] = set()
        whole = True
        for document in self._load(file):
            if isinstance(document, Problem):
                self.failed.append(document)
                whole = False
                continue
            stored = before.get(document.doc_id) or self._writer.snapshot.document(document.doc_id)
            if not document.text.strip() and not document.pages:
                self.skipped.append(Problem(document.doc_id, "holds no text"))
            elif flaw := _flaw(document):
                self.failed.append(Problem(ascii(document.doc_id)[1:-1], flaw))
                whole = False
            elif document.doc_id in held:
                self.skipped.append(Problem(document.doc_id, f"the id occurs more than once in {file.source.name}"))
            elif owner := self._other_owner(document.doc_id, stored, file):
                self.failed.append(Problem(document.doc_id, f"the id is already used by {owner}"))
                whole = False
            else:
                held.add(document.doc_id)
                self._owners[document.doc_id] = file.record
                self._take(document, stored, file.record)
                self._bytes_read = min(end, self._bytes_read + len(document.text))
                if self._group.is_due:
                    self.flush()
        self._bytes_read = end
        # Only a file that was read to its end can say which of its documents are gone.
        if whole and (held or before):
            self._delete([record for doc_id, record in before.items() if doc_id not in held])
            self._group.sources.append(replace(file.record, documents=len(held)))
            if file.replaces:
                self._group.delete_sources.add(file.replaces)
        self._on_progress(self.progress("load"))

    def flush(self) -> None:
        """Embeds and commits the group."""
        group = self._group
        if group.is_empty:
            return
        nodes = [node for loaded in group.documents for node in loaded.nodes]
        done = self._bytes_done

        def advance(share: float) -> None:
            self._bytes_done = done + int((self._bytes_read - done) * share)
            self._on_progress(self.progress("embed"))

        advance(0.0)
        vectors, embedded = self._index.vectors(nodes, self._writer.snapshot, advance)
        changes, row = [], 0
        for loaded in group.documents:
            changes.append(loaded.change(vectors[row : row + len(loaded.nodes)]))
            row += len(loaded.nodes)
        self._writer.commit(
            ChangeSet(
                documents=changes,
                delete_documents=group.delete_documents,
                sources=group.sources,
                delete_sources=group.delete_sources,
            ),
            self._on_progress,
        )
        self._writer.maintain(self._on_progress)
        self._bytes_done = self._bytes_read
        self.nodes += NodeCounts(embedded=embedded, reused=len(nodes) - embedded)
        self._group = _Group()

    def _load(self, file: PlannedFile) -> Iterator[Document | Problem]:
        try:
            yield from self._loaders.load(file.source)
        except DocindexError as error:
            reason = error.reason if isinstance(error, LoadError) else str(error)
            yield Problem(file.source.name, reason)
        except Exception as error:
            # A parser may raise anything on a damaged file; the rest goes on.
            logger.debug("the loader of %s failed", file.source.name, exc_info=True)
            yield Problem(file.source.name, f"can't be read: {type(error).__name__}: {error}")

    def _take(self, document: Document, stored: DocumentRecord | None, record: SourceRecord) -> None:
        content_hash = _content_hash(document)
        if document.pages_without_text:
            self.blank.append(BlankPages(document.source, document.pages_without_text))
        self._documents += 1
        if stored and stored.content_hash == content_hash and stored.location == record.location:
            self.unchanged += 1
            return
        nodes = self._index.nodes(document)
        old: set[str] = set()
        if stored:
            self.updated += 1
            old = {held.node.node_id for held in self._writer.snapshot.nodes_of(document.doc_id)}
        else:
            self.added += 1
        new = {node.node_id for node in nodes}
        self.nodes += NodeCounts(added=len(new - old), deleted=len(old - new))
        self._group.documents.append(_Loaded(document, record, content_hash, nodes))
        self._group.nodes += len(nodes)

    def _other_owner(self, doc_id: str, stored: DocumentRecord | None, file: PlannedFile) -> str | None:
        """The name of another file that holds the id, if it still exists."""
        own = (file.record.location, file.replaces)
        if (owner := self._owners.get(doc_id)) and owner.location not in own:
            return owner.name
        if stored and stored.location not in own and Path(stored.location).exists():
            return stored.source
        return None

    def _delete(self, records: Sequence[DocumentRecord]) -> None:
        self.deleted += len(records)
        self.nodes += NodeCounts(deleted=sum(record.nodes for record in records))
        self._group.delete_documents.update(record.doc_id for record in records)


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
    return digest(*parts)
