"""A small library that the tests of retrievers share, and its parts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from docindex import Environment, Index, LLMConfig, wiring
from docindex.indices.sentences import SentenceVectors
from docindex.protocols import Embedder, Snapshot

TOPICS = {
    "engine": "The engine needs 4.2 litres of oil. Change the oil every 9,000 kilometres. Cold engines burn more fuel.",
    "orchard": "Apple trees want sun and sandy soil. The orchard in Kent has four hundred of them. Prune in winter.",
    "tides": "The moon moves the tides twice daily. Spring tides come with the full moon. Neap tides are weak.",
    "bread": "Bread dough rises in a warm place. Knead it for ten minutes. Salt slows the yeast down.",
    "copper": "Copper wire carries current with little loss. It is drawn through dies. Old copper turns green.",
    "maps": "Old maps show coasts that were guessed. Sea monsters filled what was unknown. Collectors pay well.",
    "chess": "The Sicilian defence answers the king's pawn. Most openings fight for the centre. Castle early.",
    "fuel": "Diesel fuel has more energy than petrol. Cold diesel turns to wax. Filters clog when that happens.",
}
NOW = datetime(2030, 1, 1, tzinfo=UTC)
LONG = "long.txt"
"""A document of many passages: one on each topic, in order."""


@dataclass(frozen=True)
class Library:
    """What a retriever is made of."""

    path: Path
    snapshot: Snapshot
    embedder: Embedder

    def now(self) -> Snapshot:
        return self.snapshot


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    folder = tmp_path_factory.mktemp("library")
    docs = folder / "docs"
    docs.mkdir()
    for number, (topic, text) in enumerate(TOPICS.items()):
        path = docs / f"{topic}.txt"
        path.write_text(f"{text}\n")
        when = (NOW - timedelta(days=100 * number)).timestamp()
        os.utime(path, (when, when))
    filler = " It is told again, in other words, so that the passage is long enough to be one of its own." * 6
    (docs / LONG).write_text("\n\n".join(text + filler for text in TOPICS.values()))
    with Index.create(folder / "index") as index:
        index.ingest(docs)
    parts = wiring.open(folder / "index", LLMConfig(), Environment.read())
    with parts.store.writer() as writer:
        made = SentenceVectors(parts.embedder()).refresh(writer, lambda _: None)
        assert made == writer.snapshot.count()
    yield Library(folder / "index", parts.store.snapshot(), parts.embedder())
    parts.close()


@pytest.fixture
def today() -> datetime:
    """The day on which the newest document of the library was modified."""
    return NOW
