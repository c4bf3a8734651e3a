"""An index written to a bundle."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import IO

from docindex.config import IndexConfig
from docindex.errors import StoreError
from docindex.indices.handfuls import handfuls
from docindex.ingest.bundle_format import (
    ABOUT,
    BLOCK,
    BUNDLE_FORMAT,
    CHECKSUMS,
    DOCUMENTS,
    FLOAT,
    SOURCES,
    VECTORS,
    Bundle,
)
from docindex.ingest.wire import document_as_json
from docindex.protocols import DocumentRecord, OnProgress, Snapshot
from docindex.schema import Document, Node, Progress

_VECTORS_AT_ONCE = 1024


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
            with self._member(VECTORS) as member:
                while block := vectors.read(BLOCK):
                    member.write(block)
        with self._member(SOURCES) as member:
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
        with self._member(ABOUT) as member:
            member.write(_line(about))
        self._archive.writestr(CHECKSUMS, json.dumps(self._checksums, indent=2))
        return Bundle(config=config, fingerprint=fingerprint, dim=dim, documents=documents, nodes=nodes)

    def _documents(self, vectors: IO[bytes]) -> tuple[int, int]:
        snapshot = self._snapshot
        total, documents, nodes = snapshot.count(), 0, 0
        waiting: list[str] = []

        def write_vectors() -> None:
            vectors.write(snapshot.vectors(waiting).astype(FLOAT).tobytes())
            waiting.clear()

        with self._member(DOCUMENTS) as member:
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


def _record_as_json(record: DocumentRecord) -> dict[str, object]:
    return {
        "location": record.location,
        "content_hash": record.content_hash,
        "bytes": record.bytes,
        "modified_at": _iso(record.modified_at),
        "updated_at": record.updated_at.isoformat(),
    }


def _line(plain: Mapping[str, object]) -> bytes:
    return json.dumps(plain, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
