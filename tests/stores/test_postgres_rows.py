"""A PostgreSQL database as a source, on the server that the stores are tested with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine

from docindex.errors import LoadError
from docindex.loaders.sql_rows import SqlRows, SqlSource
from docindex.schema import LoadOptions

pytestmark = pytest.mark.postgres


@pytest.fixture
def url(postgres_url: Callable[[], str]) -> str:
    url = postgres_url()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE parts (id int, price numeric(8, 2), made timestamptz, tags text[], more jsonb, photo bytea)"
        )
        connection.exec_driver_sql(
            "INSERT INTO parts VALUES (1, 1.50, '2024-05-01 10:00+02', '{a,b}', '{\"size\": {\"mm\": 8}}', '\\xff')"
        )
    engine.dispose()
    return url


def test_typed_values_become_fields(url: str) -> None:
    (part,) = SqlRows().load(SqlSource(url, "SELECT * FROM parts", "parts"), LoadOptions(id_field="id"))
    assert part.doc_id == "1"
    assert part.metadata == {
        "price": 1.5,
        "made": datetime(2024, 5, 1, 8, tzinfo=UTC),
        "tags": ("a", "b"),
        "more.size.mm": 8,
    }


def test_colons_and_percent_signs_are_the_querys_own(url: str) -> None:
    statement = "SELECT id::text AS id, '50 % :x' AS note FROM parts WHERE tags::text LIKE '%a%' AND 7 %% 4 = 3"
    with pytest.raises(LoadError, match="can't be read"):
        list(SqlRows().rows(SqlSource(url, statement)))
    assert list(SqlRows().rows(SqlSource(url, statement.replace("%%", "%")))) == [{"id": "1", "note": "50 % :x"}]


def test_rows_are_not_held(url: str) -> None:
    rows = SqlRows().rows(SqlSource(url, "SELECT i FROM generate_series(1, 3000000) AS i"))
    assert next(iter(rows)) == {"i": 1}
    rows.close()


@pytest.mark.parametrize(
    "statement",
    [
        "WITH gone AS (DELETE FROM parts RETURNING id) SELECT * FROM gone",
        "SELECT * INTO copy FROM parts",
        "SELECT nextval('numbers')",
    ],
)
def test_nothing_is_written(url: str, statement: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SEQUENCE numbers")
    with pytest.raises(LoadError, match=r"read-only transaction|DECLARE CURSOR|INTO is not allowed"):
        list(SqlRows().rows(SqlSource(url, statement)))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM parts").scalar() == 1
    engine.dispose()
