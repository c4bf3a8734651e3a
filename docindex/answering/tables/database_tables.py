"""The tables of a given database: looked up, asked read-only, and their rows cited as they were read."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Float,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    and_,
    case,
    func,
    inspect,
    literal,
    or_,
    select,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeEngine

from docindex.answering.tables.catalogue import Catalogue
from docindex.answering.tables.guarded import UNREADABLE, GuardedDatabase, given_database, public_name, said
from docindex.answering.tables.limits import TableLimits
from docindex.answering.tables.loading import Loaded, decimals_of, told
from docindex.answering.tables.relations import (
    MOST_VALUES,
    Field,
    Part,
    Relation,
    Summing,
    ValueSummary,
    field_of,
    title_words,
)
from docindex.answering.tables.running import Cited, Result
from docindex.answering.tables.statement import Source, Statements
from docindex.answering.tables.wording import cell
from docindex.errors import QueryError
from docindex.schema import CellValue, Citation, ColumnType

logger = logging.getLogger("docindex")

_MOST_TABLES = 200


class DatabaseTables:
    """Tables and views of the default schema of a database.

    They are looked up once, and those that can't be read are left out. Of each column, up to 5,000 different values are
    read to know what a question may name.
    """

    def __init__(self, url: str, limits: TableLimits) -> None:
        """Opens the database.

        Raises:
            QueryError: The URL is none, or the file is missing.
            MissingDependencyError: The driver of the database is not installed.
        """
        self._database, self._looking = given_database(url, limits)
        self._label = public_name(url)
        self._limits = limits
        self._turn = threading.Lock()
        self._tables: dict[str, Table] = {}
        self._catalogue: Catalogue | None = None

    @contextmanager
    def opened(self) -> Iterator[DatabaseTables]:
        """Holds the connection for one question; further ones wait."""
        with self._turn:
            if self._catalogue is None:
                self._catalogue = self._looked_up()
            yield self

    @property
    def catalogue(self) -> Catalogue:
        """The relations, while it is held."""
        if self._catalogue is None:
            raise RuntimeError("The tables are asked while they are not held: use `opened`.")
        return self._catalogue

    def load(self, relations: Sequence[Relation]) -> Loaded:
        """The database itself: nothing is copied."""
        sources = tuple(Source(self._tables[one.name], decimals_of(one.fields)) for one in relations)
        return Loaded(self._database, sources)

    def cite(self, result: Result) -> Cited:
        """The rows as they were read; a database has no text in which they could be looked up again."""
        plan, relation = result.plan, result.view.relations[0]
        if plan.measures or plan.distinct or plan.part is not None:
            sources = self.load(result.view.relations).sources
            statements = Statements(plan, sources, self._database.dialect)
            fields = list(relation.fields)
            names = [field.name for field in fields]
            found = self._database.run(statements.rows(names, self._limits.cited, *result.narrowed))
            rows = [tuple(map(told, row)) for row in found.rows]
        else:
            rows = list(result.rows[: self._limits.cited])
            fields = [result.view.seen(column).field for column in plan.columns]
        citations = tuple(self._citation(number, relation, _quote(row, fields)) for number, row in enumerate(rows, 1))
        return Cited(citations, tuple((citation.marker,) for citation in citations))

    def close(self) -> None:
        """Closes the connections."""
        self._database.close()
        self._looking.dispose()

    def _citation(self, marker: int, relation: Relation, quote: str) -> Citation:
        source = f"{self._label}#{relation.name}"
        return Citation(
            marker=marker,
            node_id="",
            doc_id=source,
            source=source,
            page=None,
            page_label=None,
            start=0,
            end=len(quote),
            quote=quote,
            verified=True,
        )

    def _looked_up(self) -> Catalogue:
        relations: list[Relation] = []
        reasons: list[str] = []
        try:
            with self._looking.connect() as connection:
                names = _names(connection)
                for name in names:
                    try:
                        table = Table(name, MetaData(), autoload_with=connection, resolve_fks=False)
                        relation = _relation(table, self._database, self._label)
                    except (SQLAlchemyError, QueryError) as error:
                        connection.rollback()
                        reasons.append(said(error.__cause__ or error))
                        logger.warning("%s#%s is left out, as it can't be read: %s", self._label, name, reasons[-1])
                        continue
                    if relation is not None:
                        self._tables[name] = table
                        relations.append(relation)
        except (SQLAlchemyError, OSError) as error:
            raise QueryError(f"The database can't be read ({said(error)}).") from error
        if reasons and not relations:
            raise QueryError(f"No table of the database can be read ({reasons[0]}): give a user who may read some.")
        return Catalogue(relations)


def _names(connection: Connection) -> list[str]:
    """The first tables and views by their names."""
    inspector = inspect(connection)
    names = {*inspector.get_table_names(), *inspector.get_view_names()}
    with suppress(NotImplementedError):  # not every kind of database has them
        names.update(inspector.get_materialized_view_names())
    return sorted(names)[:_MOST_TABLES]


def _relation(table: Table, database: GuardedDatabase, label: str) -> Relation | None:
    types = {column.name: kind for column in table.columns if (kind := _type(column.type)) is not None}
    rows = _count(table, database) if types else 0
    fields: list[Field] = []
    for name, declared in types.items():
        kind = declared
        values = _values(table, name, kind, database)
        if values is None:
            logger.warning("%s#%s.%s is read as text, as not all of it is of its type", label, table.name, name)
            table.c[name].type, kind = Text(), "text"
            values = _values(table, name, kind, database) or ValueSummary()
        fields.append(field_of(name, kind, values, rows))
    if not fields:
        return None
    nouns, roots = title_words([table.name.replace("_", " ")])
    part = Part(table.name, table.name, 1, table.name, rows)
    return Relation(table.name, table.name, (part,), tuple(fields), nouns, roots, rows)


def _type(kind: TypeEngine[Any]) -> ColumnType | None:
    types: tuple[tuple[type[TypeEngine[Any]], ColumnType], ...] = (
        (Boolean, "boolean"),
        (Integer, "integer"),
        (Numeric, "number"),
        (Float, "number"),
        (DateTime, "date"),
        (Date, "date"),
        (String, "text"),
    )
    return next((name for one, name in types if isinstance(kind, one)), None)


def _count(table: Table, database: GuardedDatabase) -> int:
    value = database.run(select(func.count()).select_from(table)).rows[0][0]
    return value if isinstance(value, int) else 0


def _values(table: Table, name: str, kind: ColumnType, database: GuardedDatabase) -> ValueSummary | None:
    """What a column holds; None where some of it is not of its type."""
    column = table.c[name]
    try:
        odd = _odd(column, kind) if database.dialect == "sqlite" else literal(0)
        filled, distinct, strange = database.run(select(func.count(column), func.count(column.distinct()), odd)).rows[0]
        if strange:
            return None
        found = database.run(
            select(column).where(column.is_not(None)).distinct().limit(MOST_VALUES + 1), most=MOST_VALUES
        )
    except QueryError as error:
        if isinstance(error.__cause__, UNREADABLE):
            return None
        return ValueSummary()  # it takes too long: it is known by its name alone
    summing = Summing(kind)
    for (value,) in found.rows:
        summing.add(_as(kind, value))
    return summing.summary(filled=_int(filled), distinct=_int(distinct), known=not found.cut)


def _odd(column: ColumnElement[Any], kind: ColumnType) -> ColumnElement[int]:
    """How many values are not of the column's type: SQLite keeps any value in any column."""
    stored = func.typeof(column)
    strange: ColumnElement[bool]
    match kind:
        case "integer" | "number":
            strange = stored.not_in(("integer", "real"))
        case "date":
            strange = or_(stored != "text", func.strftime("%Y", column).is_(None))
        case "boolean":
            strange = stored != "integer"
        case _:
            return literal(0)
    return func.count(case((and_(column.is_not(None), strange), 1)))


def _as(kind: ColumnType, value: object) -> CellValue:
    if kind == "number" and isinstance(value, Decimal | int):
        return float(value)
    return str(value) if kind == "text" else told(value)


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _quote(row: Sequence[CellValue], fields: Sequence[Field]) -> str:
    return "; ".join(f"{field.name}: {cell(value, field)}" for value, field in zip(row, fields, strict=True))
