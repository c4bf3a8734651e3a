from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest

from docindex import Index, IngestOptions, LoadOptions

RECORDS = IngestOptions(load=LoadOptions(id_field="_id", title_field="title", text_field="text"))


class Write(Protocol):
    """Makes a file that was changed at noon of a day."""

    def __call__(self, path: Path, text: str, *, day: int = 1) -> Path: ...


@pytest.fixture(scope="session")
def write() -> Write:
    def make(path: Path, text: str, *, day: int = 1) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        moment = (datetime(2025, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)).timestamp()
        os.utime(path, (moment, moment))
        return path

    return make


@pytest.fixture(scope="session")
def files(write: Write, tmp_path_factory: pytest.TempPathFactory, example_documents: Path) -> Path:
    """Headings, tables, pages, records with metadata, a name that is not ASCII, and a file that is there twice."""
    folder = tmp_path_factory.mktemp("bundle") / "docs"
    write(
        folder / "dam.md",
        "---\nauthor: Ida\nyear: 1931\n---\n# The dam\n\nIt holds three turbines.\n\n## Sizes\n\n"
        "| part | metres |\n|---|---|\n| crest | 220.5 |\n| base | 48 |\n",
    )
    write(folder / "größe \N{SNOWMAN}.txt", "Grüße aus dem Schnee.\N{GRINNING FACE} Der Hügel ist 300 Meter hoch.\n")
    write(
        folder / "facts.jsonl",
        '{"_id": "f1", "title": "Granite", "text": "Granite is made of quartz.", "tags": ["rock", "hard"], "age": 3}\n'
        '{"_id": "f2", "title": "Chalk", "text": "Chalk is soft.", "seen": "2024-05-01T10:00:00+02:00"}\n',
    )
    shutil.copy(example_documents / "user-manual.pdf", folder / "manual.pdf")
    shutil.copy(folder / "dam.md", folder / "sub.md")
    return folder


@pytest.fixture(scope="session")
def origin(write: Write, files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index of which one document waits for its vectors."""
    with Index.create(tmp_path_factory.mktemp("origin") / "index") as index:
        report = index.ingest(files, options=RECORDS)
        assert report.failed == ()
        assert len(report.duplicates) == 1
        late = write(files.parent / "late.txt", "Lapwings nest in the wet meadow behind the church.\n")
        index.ingest(late, options=IngestOptions(wait="text"))
        yield index


@pytest.fixture(scope="session")
def bundle(origin: Index, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundles") / "all.bundle"
    origin.export(path)
    return path
