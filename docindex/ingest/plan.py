"""What has changed: files as they are now against the files that the index holds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from docindex.errors import LoadError
from docindex.ingest.discover import STDIN
from docindex.ingest.found import FoundFile, is_remote, modified_at, path_at
from docindex.protocols import SourceRecord
from docindex.schema import Duplicate, Planned, Problem, Source, digest

if TYPE_CHECKING:
    from docindex.config import IngestOptions
    from docindex.ingest.found import Discovery
    from docindex.ingest.stamps import FileHashes
    from docindex.protocols import LoaderRegistry

UNFINISHED = ""
"""In place of the hash of a file that was not read to its end: no bytes have it."""
_LEFT_ALONE = "it has not changed since and is left alone: --retry tries again"
_FILE_LIMIT_CURE = "raise the limit file_bytes (--limit file_bytes=N)"


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file to read: new, or not as the index knows it."""

    source: Source
    record: SourceRecord
    known: bool
    why: str
    replaces: str | None = None
    """The location of a file that is gone and had the same name: this one takes its place."""
    like: str | None = None
    """The location of a file with the same bytes that the index knows, and that was moved or is gone."""


@dataclass(slots=True)
class Plan:
    """What an ingest has to do, and what it need not."""

    read: list[PlannedFile] = field(default_factory=list)
    links: list[SourceRecord] = field(default_factory=list)
    """Files that hold the same bytes as another one, and were not known to."""
    unchanged: list[SourceRecord] = field(default_factory=list)
    gone: list[SourceRecord] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    """All files that another one stands for, the known ones too."""
    skipped: list[Problem] = field(default_factory=list)
    failed: list[Problem] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """The size of what is to be read."""
        return sum(file.record.bytes for file in self.read)

    def listed(self) -> Iterator[Planned]:
        """Every source that something is to be done with, and why."""
        same_as = {duplicate.source: duplicate.same_as for duplicate in self.duplicates}
        for file in self.read:
            yield Planned(file.source.name, "update" if file.known else "add", file.why)
        for record in self.links:
            yield Planned(record.name, "link", f"holds the same bytes as {same_as[record.name]}")
        for record in self.gone:
            yield Planned(record.name, "delete", "is gone")


class UnreadError(Exception):
    """A file would have to be read to be known."""


def plan(
    found: Discovery,
    sources: Iterable[SourceRecord],
    hashes: FileHashes,
    loaders: Callable[[], LoaderRegistry],
    options: IngestOptions,
    *,
    may_read: bool = True,
) -> Plan:
    """The difference between the files and the sources that the index holds.

    A file whose stamp still holds costs nothing more than finding it did; any other one is read and hashed.

    Args:
        found: The files as they are.
        sources: What the index holds of files.
        hashes: What is known of the files' bytes.
        loaders: The registry, which is asked for when a file's media type has to be found out.
        options: What this ingest reads.
        may_read: Whether files may be read.

    Raises:
        LoadError: With `options.sync`, a folder is empty or missing and the index holds files of it.
        UnreadError: A file has to be read, and may not be.
    """
    known = {record.location: record for record in sources}
    return _Planner(known, found, hashes, loaders, options, may_read).plan()


def validators(sources: Iterable[SourceRecord], hashes: FileHashes, options: IngestOptions) -> dict[str, str]:
    """For each web page that this ingest would find unchanged if it has not changed, what its server calls its state.

    Of any other one, the bytes are needed: it was not read to its end, not without problems, or in another way.
    """
    known = {}
    for record in sources:
        if record.validator is None or record.failure or record.problems or record.same_as:
            continue
        stamp = hashes.known_page(record.location, record.validator)
        if stamp and record.content_hash == _content_hash(stamp.bytes_hash, stamp.media_type, options):
            known[record.location] = record.validator
    return known


@dataclass(frozen=True, slots=True)
class _Hashed:
    file: FoundFile
    media_type: str
    content_hash: str


class _Planner:
    """One plan in the making."""

    def __init__(
        self,
        known: Mapping[str, SourceRecord],
        found: Discovery,
        hashes: FileHashes,
        loaders: Callable[[], LoaderRegistry],
        options: IngestOptions,
        may_read: bool,
    ) -> None:
        self._known = known
        self._found = found
        self._hashes = hashes
        self._loaders = cache(loaders)
        self._options = options
        self._may_read = may_read
        self._limits = str(options.load.limits) or None
        # A file that is read in the place of one which is gone shares its name until it has been read to its end.
        unfinished_first = sorted(known.values(), key=lambda record: record.content_hash != UNFINISHED)
        self._names = {record.name: record.location for record in unfinished_first}
        self._known_as = {record.content_hash: record.location for record in known.values() if record.same_as is None}
        self._name_of = {record.location: record.name for record in known.values()}
        self._stands: dict[str, str] = {}
        """For each content hash the location of the file whose documents stand for all files that have it."""
        self._plan = Plan(skipped=list(found.skipped), failed=list(found.failed))

    def plan(self) -> Plan:
        result = self._plan
        hashed = list(self._hashed(self._found.files))
        seen = {file.file.location: file.content_hash for file in hashed}
        self._find_standing(seen)
        for file in hashed:
            self._place(file)
        replaced = {file.replaces for file in result.read}
        if self._options.sync:
            gone = _gone(self._found, self._known, self._options)
            result.gone = [record for record in gone if record.location not in replaced]
        emptied = (self._known[location] for location in self._found.emptied if location in self._known)
        result.gone += [record for record in emptied if record not in result.gone]
        lost = {file.record.location for file in result.read} | {record.location for record in result.gone} | replaced
        for file in self._hashed(self._orphans(lost, seen)):
            self._place(file)
        result.unchanged += [self._known[location] for location in self._found.not_modified]
        return result

    def _hashed(self, files: Iterable[FoundFile]) -> Iterator[_Hashed]:
        result = self._plan
        for file in files:
            try:
                stamp = self._hashes.known(file)
                media_type = stamp.media_type if stamp else self._media_type(file)
                if media_type is None:
                    continue
                if media_type.startswith("image/") and not self._options.load.ocr:
                    result.skipped.append(Problem(file.name, "is a picture: its text is read with --ocr"))
                    continue
                if file.bytes > self._options.load.limits.file_bytes:
                    largest = self._options.load.limits.file_bytes
                    reason = f"has {file.bytes:,} bytes, and the limit is {largest:,}: {_FILE_LIMIT_CURE}"
                    result.failed.append(Problem(file.name, reason))
                    continue
                # What can't be read tells no more to an ingest that may read.
                if stamp is None and not self._may_read and os.access(file.path, os.R_OK):
                    raise UnreadError(file.name)
                bytes_hash = stamp.bytes_hash if stamp else self._hashes.read(file, media_type)
                yield _Hashed(file, media_type, _content_hash(bytes_hash, media_type, self._options))
            except OSError as error:
                result.failed.append(Problem(file.name, f"can't be read: {error.strerror}"))

    def _media_type(self, file: FoundFile) -> str | None:
        """The media type, if a loader reads it; what is passed over is noted."""
        loaders = self._loaders()
        media_type = file.media_type or loaders.media_type_of(file.path)
        if media_type is not None and loaders.supports(media_type):
            return media_type
        self._plan.skipped.append(Problem(file.name, loaders.unsupported_reason(file.path, media_type)))
        return None

    def _find_standing(self, seen: Mapping[str, str]) -> None:
        wanted = set(seen.values())
        emptied = set(self._found.emptied)
        for location, record in self._known.items():
            if location in emptied:
                continue
            if record.same_as is None and record.failure is None and record.content_hash in wanted:
                # A file that was not looked at now is trusted to be as it was, while it is there.
                now = seen.get(location) or (record.content_hash if is_there(location) else None)
                if now == record.content_hash:
                    self._stands.setdefault(now, location)

    def _place(self, hashed: _Hashed) -> None:
        """Finds what is to be done with a file."""
        result, file = self._plan, hashed.file
        before = self._known.get(file.location)
        same = before is not None and before.content_hash == hashed.content_hash
        holder = self._stands.get(hashed.content_hash)
        if before and same and before.failure and not self._is_tried_again(before):
            result.failed.append(Problem(before.name, f"{before.failure}; {_LEFT_ALONE}"))
        elif before and same and holder == (before.same_as or file.location) and not self._is_tried_again(before):
            result.unchanged.append(before)
            result.failed += (replace(each, reason=f"{each.reason}; {_LEFT_ALONE}") for each in before.problems)
            if before.same_as:
                self._note_duplicate(before)
        elif holder is not None and holder != file.location:
            record = replace(self._record(hashed, before), same_as=holder, documents=0)
            self._names[record.name] = record.location
            result.links.append(record)
            self._note_duplicate(record)
        else:
            self._stands[hashed.content_hash] = file.location
            self._read(hashed, before)

    def _is_tried_again(self, before: SourceRecord) -> bool:
        """Something of it could not be read, and perhaps can now."""
        if self._options.retry or before.limits != self._limits:
            return bool(before.problems or before.failure)
        return bool(before.problems) and self._options.load.password is not None

    def _read(self, hashed: _Hashed, before: SourceRecord | None) -> None:
        record = self._record(hashed, before)
        holder = self._names.get(record.name)
        self._names[record.name] = record.location
        self._plan.read.append(
            PlannedFile(
                Source(record.name, hashed.file.path, hashed.media_type, self._options.load),
                record,
                before is not None,
                _why(before, record),
                holder if holder != record.location else None,
                self._known_as.get(hashed.content_hash),
            )
        )

    def _record(self, hashed: _Hashed, before: SourceRecord | None) -> SourceRecord:
        file = hashed.file
        keeps = before is not None and _is_free(before.name, file.location, self._names)
        name = before.name if before and keeps else _free_name(file, self._names)
        self._name_of[file.location] = name
        return SourceRecord(
            location=file.location,
            name=name,
            root=file.root,
            content_hash=hashed.content_hash,
            bytes=file.bytes,
            modified_at=file.modified_at,
            validator=file.validator,
            limits=self._limits,
        )

    def _note_duplicate(self, record: SourceRecord) -> None:
        self._plan.duplicates.append(Duplicate(record.name, self._name_of[str(record.same_as)]))

    def _orphans(self, lost: set[str | None], seen: Mapping[str, str]) -> Iterator[FoundFile]:
        """Files outside of this ingest whose bytes only a file held that is changed or gone now."""
        for record in self._known.values():
            if record.same_as not in lost or record.same_as is None or record.location in seen:
                continue
            path = path_at(record.location)
            if path is not None and path.is_file():
                status = path.stat()
                yield FoundFile(
                    path,
                    record.location,
                    record.name,
                    record.root,
                    status.st_size,
                    modified_at(status),
                    status=status,
                )


def _why(before: SourceRecord | None, record: SourceRecord) -> str:
    if before is None:
        return "is new"
    if before.content_hash == record.content_hash:
        return (
            "is tried again" if before.failure or before.problems else "stood in for by a file that is changed or gone"
        )
    return "has changed"


def _gone(found: Discovery, known: Mapping[str, SourceRecord], options: IngestOptions) -> list[SourceRecord]:
    gone: dict[str, SourceRecord] = {}
    for root in found.roots:
        held = [record for record in known.values() if root.covers(record.location)]
        if held and not root.paths and not options.allow_empty_sync:
            raise LoadError(
                root.name,
                f"holds nothing, but the index has {len(held)} files of it; is it mounted? "
                "Give --yes to delete them all from the index",
            )
        gone |= {record.location: record for record in held if path_at(record.location) is None}
    return list(gone.values())


def _free_name(file: FoundFile, names: Mapping[str, str]) -> str:
    """The file's relative path; with as many parent folders before it as it takes to differ from living files."""
    if is_remote(file.location):
        return file.name
    name, parents = file.name, Path(file.location).parts[: -len(Path(file.name).parts)]
    for parent in reversed(parents):
        if _is_free(name, file.location, names):
            return name
        name = f"{parent.strip('/')}/{name}"
    return name if _is_free(name, file.location, names) else file.location


def _is_free(name: str, location: str, names: Mapping[str, str]) -> bool:
    holder = names.get(name)
    return holder is None or holder == location or not is_there(holder)


def is_there(location: str) -> bool:
    """Whether a source is still there, as far as can be told without asking a server."""
    return location == STDIN or is_remote(location) or path_at(location) is not None


def _content_hash(bytes_hash: str, media_type: str, options: IngestOptions) -> str:
    load = options.load
    parts = [bytes_hash, media_type, load.id_field or "", load.title_field or "", load.text_field or ""]
    return digest(*parts, *(["ocr"] if load.ocr else []))
