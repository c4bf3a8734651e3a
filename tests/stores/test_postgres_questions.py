"""Questions to a PostgreSQL database, by a user who may read one of its tables."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import create_engine, make_url

from docindex.answering.tables.database_tables import DatabaseTables
from docindex.answering.tables.engine import TablesEngine
from docindex.answering.tables.limits import TableLimits


def test_a_limited_user_asks_what_it_may_read(
    postgres_url: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    url = make_url(postgres_url())
    owner = create_engine(url)
    with owner.begin() as connection:
        for statement in (
            "CREATE TABLE orders (id integer PRIMARY KEY, amount numeric(10, 2))",
            "CREATE TABLE salaries (id integer PRIMARY KEY, amount numeric(10, 2))",
            "CREATE MATERIALIZED VIEW payments AS SELECT * FROM orders",
            "INSERT INTO orders VALUES (1, 10.5), (2, 4)",
            "CREATE ROLE reader LOGIN",
            "GRANT SELECT ON orders, payments TO reader",
        ):
            connection.exec_driver_sql(statement)
        schema = connection.exec_driver_sql("SELECT current_schema()").scalar_one()
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO reader")
    owner.dispose()
    reader = url.set(username="reader").render_as_string(hide_password=False)
    engine = TablesEngine(DatabaseTables(reader, TableLimits()))
    assert "14.5" in engine.query("What is the total amount of the orders?").answer
    assert [record.getMessage().partition("#")[2] for record in caplog.records] == [
        "salaries is left out, as it can't be read: permission denied for table salaries"
    ]
    engine.close()
