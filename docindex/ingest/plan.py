"""What has changed: files on disk against the files that the index holds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from docindex.config import IngestOptions
from docindex.errors import LoadError
from docindex.ingest.discover import STDIN, Discovery, FoundFile
from docindex.protocols import LoaderRegistry, Snapshot, SourceRecord
from docindex.schema import Problem, Source, digest


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file to read: new, or not as the index knows it."""

    source: Source
    record: SourceRecord
    known: bool
    replaces: str | None = None
    """The location of a file that is gone and had the same name: this one takes its place."""


@dataclass(slots=True)
class Plan:
    """What an ingest has to do, and what it need not."""

    read: list[PlannedFile] = field(default_factory=list)
    unchanged: list[SourceRecord] = field(default_factory=list)
    gone: list[SourceRecord] = field(default_factory=list)
    skipped: list[Problem] = field(default_factory=list)
    failed: list[Problem] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """The size of what is to be read."""
        return sum(file.record.bytes for file in self.read)


def plan(found: Discovery, snapshot: Snapshot, loaders: LoaderRegistry, options: IngestOptions) -> Plan:
    """The difference between the files and the snapshot.

    A file costs a stat and a hash of its bytes: a time stamp alone would miss edits that keep it.

    Raises:
        LoadError: With `options.sync`, a folder is empty or missing and the index holds files of it.
    """
    result = Plan(skipped=list(found.skipped), failed=list(found.failed))
    known = {record.location: record for record in snapshot.sources()}
    names = {record.name: record.location for record in known.values()}
    for file in found.files:
        try:
            media_type = loaders.media_type_of(file.path)
            if media_type is None or not loaders.supports(media_type):
                result.skipped.append(Problem(file.name, loaders.unsupported_reason(file.path, media_type)))
                continue
            content_hash = _file_hash(file.path, media_type, options)
        except OSError as error:
            result.failed.append(Problem(file.name, f"can't be read: {error.strerror}"))
            continue
        before = known.get(file.location)
        if before and before.content_hash == content_hash:
            result.unchanged.append(before)
            continue
        name = before.name if before else _free_name(file, names)
        taken_from = names.get(name)
        names[name] = file.location
        record = SourceRecord(
            location=file.location,
            name=name,
            root=file.root,
            content_hash=content_hash,
            bytes=file.bytes,
            modified_at=file.modified_at,
        )
        source = Source(name, file.path, media_type, options.load)
        replaces = taken_from if taken_from != file.location else None
        result.read.append(PlannedFile(source, record, before is not None, replaces))
    if options.sync:
        replaced = {file.replaces for file in result.read}
        result.gone = [record for record in _gone(found, known, options) if record.location not in replaced]
    return result


def _gone(found: Discovery, known: Mapping[str, SourceRecord], options: IngestOptions) -> list[SourceRecord]:
    gone = []
    for root, paths in found.roots.items():
        held = [record for record in known.values() if record.location.startswith(f"{root.rstrip('/')}/")]
        if held and not paths and not options.allow_empty_sync:
            raise LoadError(
                root,
                f"holds nothing, but the index has {len(held)} files of it; is it mounted? "
                "Give --yes to delete them all from the index",
            )
        gone += [record for record in held if not Path(record.location).exists()]
    return gone


def _free_name(file: FoundFile, names: Mapping[str, str]) -> str:
    """The file's relative path; with as many parent folders before it as it takes to differ from living files."""
    name, parents = file.name, Path(file.location).parts[: -len(Path(file.name).parts)]
    for parent in reversed(parents):
        if _is_free(name, file.location, names):
            return name
        name = f"{parent.strip('/')}/{name}"
    return name if _is_free(name, file.location, names) else file.location


def _is_free(name: str, location: str, names: Mapping[str, str]) -> bool:
    holder = names.get(name)
    return holder is None or holder == location or (holder != STDIN and not Path(holder).exists())


def _file_hash(path: Path, media_type: str, options: IngestOptions) -> str:
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    load = options.load
    return digest(content, media_type, load.id_field or "", load.title_field or "", load.text_field or "")
