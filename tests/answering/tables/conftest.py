"""A small shop as tables of documents, without any index."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from docindex.answering.tables.catalogue import Catalogue, catalogue_of
from docindex.answering.tables.engine import TablesEngine
from docindex.loaders.table_text import typed_table
from docindex.protocols import Snapshot, StoredTable
from docindex.schema import CellValue, Document, Node

Rows = Sequence[Sequence[CellValue]]
Sheet = tuple[str, Sequence[str], Rows]
"""A file, the names of its columns, its rows."""


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


PARTS: Sheet = (
    "spare-parts.csv",
    ("Part", "Part number", "Price in euros", "Weight (g)", "Maker", "In stock"),
    (
        ("Rain funnel", "TW-114", 9.5, 210, "Aldo", True),
        ("Wind cups", "TW-118", 14.0, 95, "Brix", True),
        ("Radiation shield", "TW-122", 18.5, 480, "Aldo", False),
        ("Mounting bracket", "TW-125", 12.0, 1250, "Corin", True),
        ("Adapter plug", "TW-131", 6.0, 40, "Brix", False),
        ("Power adapter", "TW-133", 11.0, 310, "Brix", True),
    ),
)
MAKERS: Sheet = (
    "makers.xlsx",
    ("Maker", "Country", "Founded", "Staff"),
    (("Aldo", "Italy", 1984, 120), ("Brix", "Norway", 2001, 45), ("Corin", "Italy", 1969, 300)),
)
READINGS: Sheet = (
    "readings.csv",
    ("date", "minimum °C", "maximum °C", "rain mm", "remark"),
    (
        (_day("2025-03-01"), 1.2, 9.8, 0.0, "Clear all day"),
        (_day("2025-03-02"), 0.4, 10.6, 0.1, "Morning fog"),
        (_day("2025-03-03"), 2.9, 8.1, 12.4, None),
        (_day("2025-03-04"), 4.0, 7.7, 31.6, "Storm"),
        (_day("2025-03-11"), -0.8, 8.4, 0.2, "Frost"),
        (_day("2025-04-02"), 5.5, 17.5, 2.3, "Fog at night"),
    ),
)
SALES = tuple(
    (
        f"sales-{month}.xlsx",
        ("Date", "Region", "Amount (EUR)"),
        tuple((_day(f"2025-{number:02}-{at:02}"), region, amount) for at, region, amount in rows),
    )
    for number, month, rows in (
        (1, "january", ((3, "North", 100.1), (9, "South", 40.2), (20, "North", 7.0))),
        (2, "february", ((1, "South", 55.5), (14, "East", 0.2))),
    )
)
SHEETS: tuple[Sheet, ...] = (PARTS, MAKERS, READINGS, *SALES)


class FakeSnapshot:
    """Documents of one table each."""

    def __init__(self, sheets: Iterable[Sheet], version: int = 1) -> None:
        self.version = version
        self.documents_by_id: dict[str, Document] = {}
        for file, names, rows in sheets:
            draft = typed_table(file.partition(".")[0], names, [(at, list(row)) for at, row in enumerate(rows, 2)])
            text = f"# {file}\n\n{draft.markdown}\n"
            table = draft.placed(text.index("|"))
            self.documents_by_id[file] = Document(file, file, text, tables=(table,))

    def tables(self, doc_ids: Collection[str] | None = None) -> Iterator[StoredTable]:
        for doc_id, document in self.documents_by_id.items():
            if doc_ids is None or doc_id in doc_ids:
                for number, table in enumerate(document.tables, 1):
                    yield StoredTable(doc_id, document.source, number, table)

    def load_all(self, doc_ids: Collection[str]) -> dict[str, Document]:
        return {doc_id: self.documents_by_id[doc_id] for doc_id in doc_ids}

    def nodes_of_all(self, doc_ids: Collection[str]) -> dict[str, list[Node]]:
        return {
            doc_id: [Node(f"node of {doc_id}", doc_id, 0, 0, len(document.text), document.text)]
            for doc_id, document in self.load_all(doc_ids).items()
        }


def _snapshot_of(*sheets: Sheet, version: int = 1) -> Snapshot:
    return cast("Snapshot", FakeSnapshot(sheets, version))


def _engine_of(*sheets: Sheet, **options: Any) -> TablesEngine:
    snapshot = _snapshot_of(*sheets)
    return TablesEngine.over(lambda: snapshot, **options)


@pytest.fixture(scope="session")
def snapshot_of() -> Callable[..., Snapshot]:
    """A snapshot of sheets."""
    return _snapshot_of


@pytest.fixture(scope="session")
def engine_of() -> Callable[..., TablesEngine]:
    """An engine over sheets."""
    return _engine_of


@pytest.fixture(scope="session")
def catalogue_for() -> Callable[..., Catalogue]:
    """The relations of sheets."""
    return lambda *sheets: catalogue_of(_snapshot_of(*sheets).tables())


@pytest.fixture(scope="session")
def sheets() -> dict[str, Sheet]:
    """Those of the shop, by file."""
    return {sheet[0]: sheet for sheet in SHEETS}


@pytest.fixture(scope="session")
def shop() -> TablesEngine:
    return _engine_of(*SHEETS)


Values = Callable[[str], tuple[tuple[CellValue, ...], ...] | None]


@pytest.fixture(scope="session")
def values(shop: TablesEngine) -> Values:
    """The values of an answer, or None where there is none."""

    def ask(question: str) -> tuple[tuple[CellValue, ...], ...] | None:
        result = shop.result(question)
        return None if result is None else result.rows

    return ask
