"""The indexes of a manual: one of its files, and one of their texts without headings."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from items import without_headings

from docindex import wiring
from docindex.config import Environment, IndexConfig, IngestOptions, LLMConfig
from docindex.index import Index
from docindex.schema import Document, LoadOptions, Progress, digest

EVERY = 20.0
"""Seconds between two lines on the progress of an ingest."""


@dataclass(frozen=True)
class Manual:
    """A manual's indexes."""

    name: str
    folder: Path
    config: IndexConfig

    @property
    def index(self) -> Path:
        """Of the files."""
        return self.folder / "index"

    def without_headings(self, documents: Sequence[Document]) -> Path:
        """The index of the texts without headings, made if it is not there."""
        texts = self.folder / "texts.jsonl"
        records = ({"_id": document.doc_id, "text": without_headings(document)[0]} for document in documents)
        texts.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        load = LoadOptions(id_field="_id", text_field="text")
        ingest(self.folder / "bare", self.config, [texts], IngestOptions(load=load))
        return self.folder / "bare"

    @staticmethod
    @contextmanager
    def open(path: Path) -> Iterator[wiring.Parts]:
        """The parts of an index, as long as they are used."""
        parts = wiring.open(path, LLMConfig(), Environment.read())
        try:
            yield parts
        finally:
            parts.close()


def build(name: str, files: Sequence[Path], work: Path, levels: tuple[int, ...]) -> Manual:
    """The manual, with the index of its files made if it is not there; other files and levels have others."""
    folder = work / f"{name}-{digest(*map(str, (*files, *levels)))[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    manual = Manual(name, folder, IndexConfig(levels=levels))
    ingest(manual.index, manual.config, files, IngestOptions())
    return manual


def ingest(path: Path, config: IndexConfig, files: Sequence[Path], options: IngestOptions) -> None:
    said = time.monotonic()

    def show(progress: Progress) -> None:
        nonlocal said
        if progress.nodes_total and time.monotonic() > said + EVERY:
            said = time.monotonic()
            say(f"{path.parent.name}/{path.name}: {progress.nodes:,} of {progress.nodes_total:,} passages")

    with Index.open(path) if path.exists() else Index.create(path, config) as index:
        report = index.ingest(*files, options=options, on_progress=show)
        if report.failed:
            sys.exit(f"{path} could not be built: {report.failed[0]}")


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
