"""A bundle that is read: checked against its checksums, and merged into an index."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import numpy as np

from docindex.config import IndexConfig
from docindex.errors import EmbedderMismatchError, FormatError, StoreError
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
from docindex.ingest.merge import Arrival, merge
from docindex.ingest.wire import document_from_json
from docindex.protocols import DocumentChange, OnProgress, SourceRecord, Vectors, Writer
from docindex.schema import IngestReport, Node, Problem

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
        with self._archive.open(DOCUMENTS) as lines, self._archive.open(VECTORS) as vectors:
            for line in lines:
                with _damage(self._path, DOCUMENTS):
                    arrival = _arrival(json.loads(line), vectors, self.about.dim)
                yield arrival

    def _sources(self) -> Iterator[SourceRecord]:
        with self._archive.open(SOURCES) as lines:
            for line in lines:
                with _damage(self._path, SOURCES):
                    source = _source(json.loads(line))
                yield source

    def _check(self) -> None:
        with _damage(self._path, CHECKSUMS):
            checksums = dict(json.loads(self._archive.read(CHECKSUMS)))
        for name in (ABOUT, DOCUMENTS, VECTORS, SOURCES):
            with _damage(self._path, name), self._archive.open(name) as member:
                checksum = hashlib.sha256()
                while block := member.read(BLOCK):
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
    with _damage(path, ABOUT):
        about = json.loads(archive.read(ABOUT))
        written = int(about["format"])
        if written < 1:
            raise ValueError(f"there is no format {written}")
    if written > BUNDLE_FORMAT:
        raise FormatError(written, BUNDLE_FORMAT, f"The bundle {path}")
    with _damage(path, ABOUT):
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
    rows = np.frombuffer(vectors.read(count * dim * FLOAT.itemsize), FLOAT)
    return rows.astype(np.float32).reshape(count, dim)


def _node(plain: Mapping[str, Any]) -> Node:
    return Node(**dict(plain) | {"headings": tuple(plain["headings"])})


def _source(plain: Mapping[str, Any]) -> SourceRecord:
    problems = tuple(Problem(**problem) for problem in plain.get("problems", ()))
    return SourceRecord(**dict(plain) | {"modified_at": _moment(plain["modified_at"]), "problems": problems})


def _moment(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(written)
