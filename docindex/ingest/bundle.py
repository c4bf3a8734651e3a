"""A whole index in one file, to be carried to another machine: texts, structure, passages and vectors, with checksums.

A ZIP archive. `bundle.json` says what built it, `documents.jsonl` has a document with its nodes a line, `vectors.f32`
the nodes' vectors in the same order (little-endian, zeros where a node waits for its vector), `sources.jsonl` the
files, and `checksums.json` the SHA-256 of each.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import numpy as np

from docindex.config import IndexConfig
from docindex.errors import EmbedderMismatchError, FormatError, StoreError
from docindex.indices.handfuls import handfuls
from docindex.ingest.merge import Arrival, merge
from docindex.ingest.wire import document_as_json, document_from_json
from docindex.protocols import DocumentChange, DocumentRecord, OnProgress, Snapshot, SourceRecord, Vectors, Writer
from docindex.schema import Document, IngestReport, Node, Problem, Progress

BUNDLE_FORMAT = 1

_ABOUT, _DOCUMENTS, _VECTORS, _SOURCES, _CHECKSUMS = (
    "bundle.json",
    "documents.jsonl",
    "vectors.f32",
    "sources.jsonl",
    "checksums.json",
)
_BLOCK = 1 << 20
_VECTORS_AT_ONCE = 1024
_FLOAT = np.dtype("<f4")
_DAMAGE = (
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    EOFError,
    OSError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading a file raises whose bytes are not as they were written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What a bundle says of itself."""

    config: IndexConfig
    fingerprint: str
    """Of the embedder that made the vectors."""
    dim: int
    documents: int
    nodes: int


def export_bundle(
    snapshot: Snapshot, config: IndexConfig, fingerprint: str, dim: int, path: Path, on_progress: OnProgress
) -> Bundle:
    """Writes a snapshot to a file, which is there when it is whole.

    Raises:
        StoreError: The file exists, or the folder that it would be in does not.
    """
    if path.exists():
        raise StoreError(f"{path} exists already: choose another name, or delete it.")
    if not path.parent.is_dir():
        raise StoreError(f"{path.parent} is no folder: make it first, or choose another place for the bundle.")
    partial = path.with_name(f".{path.name}.partial")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            bundle = _Export(archive, snapshot, on_progress).write(config, fingerprint, dim)
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
    return bundle


class _Export:
    """One bundle in the making."""

    def __init__(self, archive: zipfile.ZipFile, snapshot: Snapshot, on_progress: OnProgress) -> None:
        self._archive = archive
        self._snapshot = snapshot
        self._on_progress = on_progress
        self._checksums: dict[str, str] = {}

    def write(self, config: IndexConfig, fingerprint: str, dim: int) -> Bundle:
        folder = Path(str(self._archive.filename)).parent
        with tempfile.TemporaryFile(dir=folder) as vectors:  # a ZIP archive takes one member at a time
            documents, nodes = self._documents(vectors)
            vectors.seek(0)
            with self._member(_VECTORS) as member:
                while block := vectors.read(_BLOCK):
                    member.write(block)
        with self._member(_SOURCES) as member:
            for source in self._snapshot.sources():
                member.write(_line(asdict(source) | {"modified_at": _iso(source.modified_at)}))
        # Where the registry is belongs to the machine, and may hold a password.
        config = IndexConfig.from_dict(config.as_dict() | {"database": None})
        about = {
            "format": BUNDLE_FORMAT,
            "config": config.as_dict(),
            "fingerprint": fingerprint,
            "dim": dim,
            "documents": documents,
            "nodes": nodes,
        }
        with self._member(_ABOUT) as member:
            member.write(_line(about))
        self._archive.writestr(_CHECKSUMS, json.dumps(self._checksums, indent=2))
        return Bundle(config=config, fingerprint=fingerprint, dim=dim, documents=documents, nodes=nodes)

    def _documents(self, vectors: IO[bytes]) -> tuple[int, int]:
        snapshot = self._snapshot
        total, documents, nodes = snapshot.count(), 0, 0
        waiting: list[str] = []

        def write_vectors() -> None:
            vectors.write(snapshot.vectors(waiting).astype(_FLOAT).tobytes())
            waiting.clear()

        with self._member(_DOCUMENTS) as member:
            for record, document, held in self._contents():
                line = {
                    "document": document_as_json(document),
                    "record": _record_as_json(record),
                    "nodes": [asdict(node) for node in held],
                }
                member.write(_line(line))
                waiting += [node.node_id for node in held]
                if len(waiting) >= _VECTORS_AT_ONCE:
                    write_vectors()
                documents, nodes = documents + 1, nodes + len(held)
                self._on_progress(Progress("export", source=record.source, nodes=nodes, nodes_total=total))
            write_vectors()
        return documents, nodes

    def _contents(self) -> Iterator[tuple[DocumentRecord, Document, list[Node]]]:
        """Each document with its nodes."""
        for records in handfuls(self._snapshot.documents()):
            doc_ids = [record.doc_id for record in records]
            documents, nodes = self._snapshot.load_all(doc_ids), self._snapshot.nodes_of_all(doc_ids)
            for record in records:
                if record.doc_id not in documents:
                    raise StoreError(f"The text of {record.doc_id} is lost: `docindex check --repair` first.")
                yield record, documents[record.doc_id], nodes[record.doc_id]

    @contextmanager
    def _member(self, name: str) -> Iterator[_Member]:
        with self._archive.open(name, "w", force_zip64=True) as file:
            member = _Member(file)
            yield member
        self._checksums[name] = member.checksum


class _Member:
    """A member of an archive that is being written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    @property
    def checksum(self) -> str:
        """Of what was written."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        self._hash.update(data)
        self._file.write(data)


class BundleReader:
    """A bundle that has been checked against its checksums. A context manager."""

    def __init__(self, path: Path) -> None:
        """Opens and checks the file, which reads all of it once.

        Raises:
            StoreError: It is no bundle, or damaged.
            FormatError: A newer docindex wrote it.
        """
        self._path = path
        self._archive = _opened(path)
        try:
            self.about = _about(self._archive, path)
            self._check()
        except BaseException:
            self._archive.close()
            raise

    def __enter__(self) -> BundleReader:
        return self

    def __exit__(self, *exception: object) -> None:
        self._archive.close()

    def require_embedder(self, fingerprint: str) -> None:
        """Makes sure of the model.

        Raises:
            EmbedderMismatchError: The vectors are another model's.
        """
        if fingerprint != self.about.fingerprint:
            raise EmbedderMismatchError(self.about.fingerprint[:12], fingerprint[:12])

    def merge_into(self, writer: Writer, fingerprint: str, on_progress: OnProgress) -> IngestReport:
        """Adds what the index lacks or has in an older state; see `merge`.

        Raises:
            EmbedderMismatchError: The vectors are another model's.
        """
        self.require_embedder(fingerprint)
        return merge(self._documents(), self._sources(), writer, self.about.nodes, on_progress)

    def _documents(self) -> Iterator[Arrival]:
        with self._archive.open(_DOCUMENTS) as lines, self._archive.open(_VECTORS) as vectors:
            for line in lines:
                with _damage(self._path, _DOCUMENTS):
                    arrival = _arrival(json.loads(line), vectors, self.about.dim)
                yield arrival

    def _sources(self) -> Iterator[SourceRecord]:
        with self._archive.open(_SOURCES) as lines:
            for line in lines:
                with _damage(self._path, _SOURCES):
                    source = _source(json.loads(line))
                yield source

    def _check(self) -> None:
        with _damage(self._path, _CHECKSUMS):
            checksums = dict(json.loads(self._archive.read(_CHECKSUMS)))
        for name in (_ABOUT, _DOCUMENTS, _VECTORS, _SOURCES):
            with _damage(self._path, name), self._archive.open(name) as member:
                checksum = hashlib.sha256()
                while block := member.read(_BLOCK):
                    checksum.update(block)
                if checksum.hexdigest() != checksums.get(name):
                    raise ValueError("its checksum differs")


def read_about(path: Path) -> Bundle:
    """What a bundle says of itself, without looking at the rest.

    Raises:
        StoreError: It is no bundle, or damaged.
        FormatError: A newer docindex wrote it.
    """
    with _opened(path) as archive:
        return _about(archive, path)


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except OSError as error:
        raise StoreError(f"{path} can't be read: {error.strerror or error}.") from error
    except _DAMAGE as error:
        raise StoreError(
            f"{path} is no bundle, or only a part of one ({error}): copy it again, or make it with `docindex export`."
        ) from error


def _about(archive: zipfile.ZipFile, path: Path) -> Bundle:
    with _damage(path, _ABOUT):
        about = json.loads(archive.read(_ABOUT))
        written = int(about["format"])
        if written < 1:
            raise ValueError(f"there is no format {written}")
    if written > BUNDLE_FORMAT:
        raise FormatError(written, BUNDLE_FORMAT, f"The bundle {path}")
    with _damage(path, _ABOUT):
        return Bundle(
            config=IndexConfig.from_dict(about["config"]),
            fingerprint=str(about["fingerprint"]),
            dim=int(about["dim"]),
            documents=int(about["documents"]),
            nodes=int(about["nodes"]),
        )


@contextmanager
def _damage(path: Path, member: str) -> Iterator[None]:
    """Names the bundle and the member that a block could not read."""
    try:
        yield
    except _DAMAGE as error:
        raise StoreError(
            f"{path} is damaged: {member} in it can't be read ({error}): copy it again, or export it anew."
        ) from error


def _arrival(line: Mapping[str, Any], vectors: IO[bytes], dim: int) -> Arrival:
    nodes = tuple(map(_node, line["nodes"]))
    record = line["record"]
    change = DocumentChange(
        document=document_from_json(line["document"]),
        location=record["location"],
        content_hash=record["content_hash"],
        bytes=record["bytes"],
        modified_at=_moment(record["modified_at"]),
        nodes=nodes,
        vectors=_rows(vectors, len(nodes), dim),
    )
    return Arrival(change, datetime.fromisoformat(record["updated_at"]))


def _rows(vectors: IO[bytes], count: int, dim: int) -> Vectors:
    rows = np.frombuffer(vectors.read(count * dim * _FLOAT.itemsize), _FLOAT)
    return rows.astype(np.float32).reshape(count, dim)


def _record_as_json(record: DocumentRecord) -> dict[str, object]:
    return {
        "location": record.location,
        "content_hash": record.content_hash,
        "bytes": record.bytes,
        "modified_at": _iso(record.modified_at),
        "updated_at": record.updated_at.isoformat(),
    }


def _node(plain: Mapping[str, Any]) -> Node:
    return Node(**dict(plain) | {"headings": tuple(plain["headings"])})


def _source(plain: Mapping[str, Any]) -> SourceRecord:
    problems = tuple(Problem(**problem) for problem in plain.get("problems", ()))
    return SourceRecord(**dict(plain) | {"modified_at": _moment(plain["modified_at"]), "problems": problems})


def _line(plain: Mapping[str, object]) -> bytes:
    return json.dumps(plain, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(written)
