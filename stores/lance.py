"""The LanceDB tables of an index directory: how one is opened at a version, and everything that changes one.

Only the holder of the lease changes a table. Each change makes a version of it; which version counts, the registry
says. A table that is written afresh gets a new name, so that the registry can go over to it in one transaction. A
tagged version lies under `kept/` a second time, its files linked, where no clean-up of the table reaches it.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pyarrow as pa

from docindex.errors import StoreError
from docindex.stores.conditions import is_any_of
from docindex.stores.lancedb_api import FTS, Bitmap, BTree, LabelList, LanceDBConnection, LanceTable, Session
from docindex.stores.plans import Known
from docindex.stores.queries import query_of, wait_for
from docindex.stores.row_ids import RowIdsOnDemand
from docindex.stores.segments import begin_segment_if_full

TableKind = Literal["nodes", "vectors"]
KEPT = "kept"

_CHUNK = 500
_DELETE_IDS = 1000
_READER_CACHE = 512 << 20
_WRITER_CACHE = 64 << 20
"""Bytes of indexes that a process keeps in memory. A reader has use for all of them, a writer comes back to few; left
to itself LanceDB keeps up to six gigabytes."""
_READER_METADATA = 64 << 20
_WRITER_METADATA = 16 << 20
_OPEN_VERSIONS = 4
_CLOCK_GRAIN = timedelta(milliseconds=10)
_SLACK = timedelta(seconds=1)
_SOURCE_PLACE = re.compile(r",? *\S*/\S+\.rs:\d+(:\d+)?")
_NEVER = timedelta(days=36_500)
"""`optimize` deletes versions older than seven days unless told otherwise; the head may be one of them."""
_WORDS = "search_text"
"""The column that is searched by words."""
_INDEXES: dict[TableKind, dict[str, BTree | Bitmap | LabelList | FTS]] = {
    "nodes": {
        "node_id": BTree(),
        "doc_id": BTree(),
        "content_hash": BTree(),
        "source": Bitmap(),
        "kv": LabelList(),
        _WORDS: FTS(with_position=False),
    },
    "vectors": {
        "node_id": BTree(),
        "doc_id": BTree(),
        "content_hash": BTree(),
        "source": Bitmap(),
        "kv": LabelList(),
    },
}


@dataclass(frozen=True, slots=True)
class TableVersion:
    """A version of a table, as the registry names it."""

    name: str
    number: int
    at: int
    """A time before it was written, in microseconds since 1970."""


@dataclass(slots=True)
class OpenVersion:
    """A version of a table that is open."""

    table: LanceTable
    known: Known | None = None
    """Of the vectors."""
    has_levels: bool | None = None
    """Of the nodes: whether one of them has another level than 0."""
    row_ids: RowIdsOnDemand = field(init=False)

    def __post_init__(self) -> None:
        self.row_ids = RowIdsOnDemand(self.table)


class LanceTables:
    """The tables of one kind in an index directory."""

    def __init__(self, directory: Path, kind: TableKind, schema: pa.Schema) -> None:
        self.kind = kind
        self.schema = schema
        self._directory = directory.absolute()
        self._session = Session(_READER_CACHE, _READER_METADATA)
        self._connection = LanceDBConnection(str(self._directory), session=self._session)
        self._pinned: OrderedDict[tuple[Path, int], OpenVersion] = OrderedDict()
        self._lock = threading.Lock()

    def folder(self, name: str) -> Path:
        """Where the table of that name is."""
        return self._directory / f"{name}.lance"

    def kept_folder(self, version: TableVersion) -> Path:
        """Where a version is kept for its tag."""
        return self._directory / KEPT / f"{version.name}-{version.number}.lance"

    def create(self, name: str) -> WritableTable:
        """Makes the empty table with its indexes.

        On an empty table an index costs milliseconds, and rows are found whether an index has taken them up or not.
        """
        with store_errors(self.kind):
            self._fresh_connection().create_table(name, schema=self.schema)
        table = self.writable(name)
        table.mend_indexes()
        return table

    def at(self, version: TableVersion) -> LanceTable:
        """The table as it was at a version.

        Raises:
            StoreError: The version is no longer there, or damaged.
        """
        return self.opened(version).table

    def opened(self, version: TableVersion) -> OpenVersion:
        """A version of the table, kept with what is known of it for those who ask again.

        Raises:
            StoreError: The version is no longer there, or damaged.
        """
        kept = self.kept_folder(version)
        folder = kept if kept.exists() else self.folder(version.name)
        key = (folder, version.number)
        with self._lock:
            found = self._pinned.get(key)
            if found is None:
                found = self._pinned[key] = OpenVersion(self._open(folder, version.number))
                while len(self._pinned) > _OPEN_VERSIONS:
                    self._pinned.popitem(last=False)
            self._pinned.move_to_end(key)
            return found

    def writable(self, name: str) -> WritableTable:
        """The newest table, for the holder of the lease.

        Raises:
            StoreError: It can't be opened.
        """
        try:
            return WritableTable(self._fresh_connection().open_table(name), self.kind)
        except (ValueError, RuntimeError, OSError) as error:
            raise StoreError(
                f"The table {name}.lance can't be opened ({first_line(error)}): "
                "`docindex check --repair` makes it anew from what can be read."
            ) from error

    def close(self) -> None:
        """Lets go of the open versions."""
        with self._lock:
            self._pinned.clear()

    def _fresh_connection(self) -> LanceDBConnection:
        session = Session(_WRITER_CACHE, _WRITER_METADATA)
        return LanceDBConnection(str(self._directory), read_consistency_interval=timedelta(0), session=session)

    def _open(self, folder: Path, number: int) -> LanceTable:
        try:
            connection = self._connection
            if folder.parent != self._directory:
                connection = LanceDBConnection(str(folder.parent), session=self._session)
            return connection.open_table(folder.stem, version=number)
        except (ValueError, RuntimeError, OSError) as error:
            raise StoreError(
                f"Version {number} of the {self.kind} can't be opened ({first_line(error)}): "
                "`docindex check --repair` mends what can be mended."
            ) from error


class WritableTable:
    """The newest version of a table, and what may be done to it. Every method raises StoreError when LanceDB fails."""

    def __init__(self, table: LanceTable, kind: TableKind) -> None:
        self.table = table
        self.kind = kind

    @property
    def name(self) -> str:
        """The table's name."""
        return str(self.table.name)

    @property
    def version(self) -> int:
        """The newest version there is, committed or not."""
        with store_errors(self.kind):
            return self.table.version

    def go_back(self, number: int) -> None:
        """Makes a new version that equals an old one."""
        with store_errors(self.kind):
            self.table.restore(number)

    def count(self) -> int:
        """How many rows there are."""
        with store_errors(self.kind):
            return self.table.count_rows()

    def delete(self, column: str, values: Sequence[str]) -> None:
        """Deletes the rows that have one of the values."""
        with store_errors(self.kind):
            for start in range(0, len(values), _DELETE_IDS):
                self.table.delete(is_any_of(column, values[start : start + _DELETE_IDS]))

    def add(self, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
        """Adds rows, in one version."""
        with store_errors(self.kind):
            self.table.add(pa.RecordBatchReader.from_batches(schema, batches))

    def drop_columns(self, columns: list[str]) -> None:
        """Takes columns away; their bytes go with the next compaction."""
        with store_errors(self.kind):
            self.table.drop_columns(columns)

    def unindexed(self) -> int:
        """How many rows the indexes have not taken up yet."""
        with store_errors(self.kind):
            return unindexed_rows(self.table)

    def mend_indexes(self, anew: Collection[str] = ()) -> None:
        """Makes the indexes that are missing, and those of the columns `anew` once more."""
        with store_errors(self.kind):
            present = {column: index.name for index in self.table.list_indices() for column in index.columns}
            for column, config in _INDEXES[self.kind].items():
                if column in anew and column in present:
                    self.table.drop_index(present[column])
                if column in anew or column not in present:
                    self.table.create_index(column, config=config)

    def optimize(self) -> None:
        """Joins small files, and brings every index up to date. Takes seconds for each 100,000 rows."""
        with store_errors(self.kind):
            if self.kind == "nodes":
                begin_segment_if_full(self.table, _WORDS)
            self.table.optimize(cleanup_older_than=_NEVER)

    def clean(self, before: datetime | None = None) -> None:
        """Deletes versions that were written before a moment, or all but the newest.

        LanceDB takes an age: what passes before it looks at the clock itself must not cost a version that is to stay.
        """
        slack = _SLACK if before is not None else _CLOCK_GRAIN
        now = datetime.now(UTC)
        with store_errors(self.kind), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that readers of old versions fail, which `forget` sees to
            self.table.optimize(cleanup_older_than=now - (before or now) + slack)


def expected_indexes(kind: TableKind) -> tuple[str, ...]:
    """The columns that have an index in any table of the kind."""
    return tuple(_INDEXES[kind])


def unindexed_rows(table: LanceTable) -> int:
    """How many rows the slowest index has not taken up yet."""
    found = [table.index_stats(index.name) for index in table.list_indices()]
    return max((statistics.num_unindexed_rows for statistics in found if statistics is not None), default=0)


def rows_of(
    table: LanceTable, column: str, values: Sequence[str], columns: list[str], where: str | None = None
) -> Iterator[pa.Table]:
    """The rows that have one of the values, and meet a filter, some at a time."""
    for start in range(0, len(values), _CHUNK):
        chosen = is_any_of(column, values[start : start + _CHUNK])
        if where is not None:
            chosen = f"{chosen} AND {where}"
        yield wait_for(query_of(table).where(chosen).select(columns).to_arrow())


def scan(table: LanceTable, columns: list[str], batch_rows: int = 4096) -> Iterator[pa.RecordBatch]:
    """All rows, batch by batch."""
    yield from table.search().select(columns).to_batches(batch_rows)


def first_line(error: Exception) -> str:
    """The beginning of what an error says, without the place in LanceDB's source that it names."""
    return _SOURCE_PLACE.sub("", str(error).partition("\n")[0])[:200]


@contextmanager
def store_errors(kind: TableKind) -> Iterator[None]:
    """Within the block, what LanceDB raises is raised as StoreError."""
    try:
        yield
    except (ValueError, RuntimeError, OSError) as error:
        raise StoreError(
            f"The {kind} table failed ({first_line(error)}): see that the disk has space, and run `docindex check`."
        ) from error
