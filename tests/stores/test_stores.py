"""What is particular to these two stores: the files, the manifest, the registry's tables, a lazier import."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect

from docindex.config import FORMAT_VERSION, IndexConfig
from docindex.errors import ConfigError, FormatError, IndexNotFoundError, QueryError, StoreError
from docindex.protocols import ChangeSet
from docindex.schema import Compare, Field
from docindex.stores.commit import create_stores, open_stores
from docindex.stores.conditions import compile_condition
from docindex.stores.database import migrate, open_engine, pending_migrations
from docindex.stores.encoding import date_text, from_micros, label, labels, to_micros
from docindex.stores.manifest import Canary, Manifest, read_manifest
from docindex.stores.tables import METADATA
from docindex.testing.stored_texts import DIM, text_change

MANIFEST = Manifest(
    config=IndexConfig(chunk_tokens=128),
    embedder="model",
    fingerprint="abc",
    dim=DIM,
    canaries=(Canary("a text", (0.1234567, -1.0)),),
)


# --- making and opening ---------------------------------------------------------------------------------------------


def test_an_index_opens_as_it_was_made(tmp_path: Path) -> None:
    path = tmp_path / "some" / "index"
    create_stores(path, MANIFEST).close()
    stores = open_stores(path)
    assert stores.manifest == read_manifest(path)
    assert stores.manifest.config == MANIFEST.config
    assert stores.manifest.canaries == (Canary("a text", (0.123457, -1.0)),)
    assert (stores.manifest.embedder, stores.manifest.fingerprint, stores.manifest.dim) == ("model", "abc", DIM)
    stores.close()
    assert sorted(file.name for file in path.iterdir() if not file.name.startswith("registry.db-")) == [
        "docindex.json",
        "nodes.lance",
        "registry.db",
        "vectors.lance",
        "writer.lock",
    ]


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    path = tmp_path / "a b%20c#d?e='ü" / "s3:x"
    stores = create_stores(path, MANIFEST)
    with stores.writer() as writer:
        writer.commit(ChangeSet(documents=[text_change("a", "Some text.")]))
    stores.close()
    stores = open_stores(path)
    assert len(stores.snapshot().lexical("text", 1)) == 1
    assert stores.snapshot().problems() == []
    stores.close()
    assert sorted(file.name for file in path.iterdir())[0] == "docindex.json"
    assert (path / "nodes.lance").is_dir()


def test_there_is_no_index_where_none_was_made(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFoundError):
        open_stores(tmp_path)
    with pytest.raises(IndexNotFoundError):
        open_stores(tmp_path / "missing")


def test_an_index_is_made_once_and_in_a_free_folder(tmp_path: Path) -> None:
    create_stores(tmp_path / "index", MANIFEST).close()
    with pytest.raises(StoreError, match="There is an index"):
        create_stores(tmp_path / "index", MANIFEST)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"notes\.txt"):
        create_stores(tmp_path / "docs", MANIFEST)
    with pytest.raises(StoreError, match="no folder"):
        create_stores(tmp_path / "docs" / "notes.txt", MANIFEST)
    assert [file.name for file in (tmp_path / "docs").iterdir()] == ["notes.txt"]


def test_making_goes_on_after_a_crash(tmp_path: Path) -> None:
    create_stores(tmp_path, MANIFEST).close()
    (tmp_path / "docindex.json").unlink()
    stores = create_stores(tmp_path, Manifest(config=IndexConfig(), embedder="e", fingerprint="f", dim=DIM + 1))
    with stores.writer() as writer:
        writer.commit(ChangeSet(documents=[text_change("a", "A", dim=DIM + 1)]))
    assert stores.snapshot().problems() == []
    stores.close()
    (tmp_path / "docindex.json").unlink()
    with pytest.raises(StoreError, match=r"docindex\.json is missing"):
        create_stores(tmp_path, MANIFEST)


def test_how_many_passages_a_search_gives_stands_beside_the_config(tmp_path: Path) -> None:
    create_stores(tmp_path, replace(MANIFEST, k=30)).close()
    assert read_manifest(tmp_path).k == 30
    file = tmp_path / "docindex.json"
    saved = json.loads(file.read_text())
    assert "k" not in saved["config"]  # of which older versions refuse what they don't know
    del saved["k"]  # as they write it
    file.write_text(json.dumps(saved | {"of the future": 1}))
    assert read_manifest(tmp_path).k == 10


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"format_version": FORMAT_VERSION + 1}, FormatError),
        ({"format_version": "two"}, StoreError),
        ({"config": {"unknown": 1}}, ConfigError),
        ({"embedder": {}}, StoreError),
    ],
)
def test_a_manifest_that_is_not_understood_is_refused(
    tmp_path: Path, change: dict[str, object], error: type[Exception]
) -> None:
    create_stores(tmp_path, MANIFEST).close()
    file = tmp_path / "docindex.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(error):
        open_stores(tmp_path)


@pytest.mark.parametrize("text", ['{"format_ver', "{}", "[]", '{"format_version": "2"}', '{"format_version": 2}'])
def test_a_damaged_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "docindex.json").write_text(text)
    with pytest.raises(StoreError, match=r"docindex\.json is damaged .*: restore it"):
        open_stores(tmp_path)


def test_a_missing_registry_is_not_made_anew(tmp_path: Path) -> None:
    create_stores(tmp_path, MANIFEST).close()
    (tmp_path / "registry.db").unlink()
    with pytest.raises(StoreError, match="missing"):
        open_stores(tmp_path)
    assert not (tmp_path / "registry.db").exists()


def test_a_database_serves_one_index(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    manifest = Manifest(config=IndexConfig(database=url), embedder="e", fingerprint="f", dim=DIM)
    create_stores(tmp_path / "one", manifest).close()
    other = Manifest(config=IndexConfig(database=url), embedder="e", fingerprint="f", dim=DIM)
    with pytest.raises(StoreError, match="of its own"):
        create_stores(tmp_path / "two", other)
    open_stores(tmp_path / "one").close()


@pytest.mark.parametrize("url", ["no url", "sqlite://", "what://x/y"])
def test_a_database_url_that_can_not_serve_is_refused(tmp_path: Path, url: str) -> None:
    manifest = Manifest(config=IndexConfig(database=url), embedder="e", fingerprint="f", dim=DIM)
    with pytest.raises(ConfigError):
        create_stores(tmp_path / "index", manifest)


def test_an_unreachable_database_is_a_store_error(tmp_path: Path) -> None:
    url = f"postgresql://nobody@/none?host={tmp_path}"
    manifest = Manifest(config=IndexConfig(database=url), embedder="e", fingerprint="f", dim=DIM)
    with pytest.raises(StoreError, match="registry failed"):
        create_stores(tmp_path / "index", manifest)


# --- check ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE documents SET nodes = 5 WHERE doc_id = 'a'", "Document 'a' should have 5 nodes and has 2"),
        ("DELETE FROM documents WHERE doc_id = 'a'", "2 nodes belong to 'a', which is no document"),
        ("DELETE FROM texts", "The text of document 'a' is missing"),
        ("UPDATE texts SET text = X'78'", "The text of document 'a' is damaged"),
        ("UPDATE commits SET documents = 9", "counts 9 documents, and there are 2"),
        ("UPDATE commits SET nodes_version = 77", "Version 77 of the nodes can't be opened"),
        (
            "UPDATE documents SET text_hash = (SELECT text_hash FROM documents WHERE doc_id = 'b') WHERE doc_id = 'a'",
            "differs from the text of its document",
        ),
    ],
)
def test_check_finds_each_disagreement(tmp_path: Path, statement: str, problem: str) -> None:
    stores = create_stores(tmp_path, MANIFEST)
    with stores.writer() as writer:
        writer.commit(ChangeSet(documents=[text_change("a", "One.", "Two."), text_change("b", "Three.")]))
    assert stores.snapshot().problems() == []
    engine = open_engine(tmp_path, None)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
    assert any(problem in found for found in stores.snapshot().problems())
    stores.close()


# --- the registry ---------------------------------------------------------------------------------------------------


def check_tables(engine: Engine) -> None:
    found = inspect(engine)
    assert set(found.get_table_names()) == {"migrations", *METADATA.tables}
    for name, table in METADATA.tables.items():
        columns = {column["name"]: column for column in found.get_columns(name)}
        assert list(columns) == [column.name for column in table.columns]
        for column in table.columns:
            made = columns[column.name]["type"].compile(engine.dialect)
            assert made == column.type.compile(engine.dialect), f"{name}.{column.name}"
            assert columns[column.name]["nullable"] == column.nullable, f"{name}.{column.name}"
        keys = [column.name for column in table.primary_key.columns]
        assert found.get_pk_constraint(name)["constrained_columns"] == keys


def test_migrations_make_the_tables_that_queries_use(tmp_path: Path) -> None:
    engine = open_engine(tmp_path, None)
    migrate(engine)
    check_tables(engine)
    migrate(engine)
    assert pending_migrations(engine) == []
    engine.dispose()


@pytest.mark.postgres
def test_migrations_make_the_tables_on_postgres(tmp_path: Path, postgres_url: Callable[[], str]) -> None:
    engine = open_engine(tmp_path, postgres_url())
    migrate(engine)
    check_tables(engine)
    engine.dispose()


def test_a_registry_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    create_stores(tmp_path, MANIFEST).close()
    engine = open_engine(tmp_path, None)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO migrations VALUES (999, 'm999_future', 0)")
    engine.dispose()
    with pytest.raises(FormatError):
        open_stores(tmp_path)


def test_reads_use_an_index(tmp_path: Path) -> None:
    """No statement that a search or an ingest runs looks through a whole table."""
    engine = open_engine(tmp_path, None)
    migrate(engine)
    force = "(since <= 5 AND (until IS NULL OR until > 5))"
    with engine.begin() as connection:
        for statement in (
            f"SELECT * FROM documents WHERE doc_id IN ('a', 'b') AND {force}",
            f"SELECT * FROM documents WHERE location = 'a' AND {force}",
            f"SELECT * FROM documents WHERE {force} AND doc_id > 'a' ORDER BY doc_id LIMIT 500",
            f"SELECT * FROM sources WHERE location IN ('a', 'b') AND {force}",
            "SELECT * FROM commits ORDER BY version DESC LIMIT 1",
            "SELECT * FROM texts WHERE hash IN ('a')",
            "DELETE FROM documents WHERE until <= 5",
            f"SELECT *, EXISTS (SELECT * FROM pending WHERE pending.doc_id = documents.doc_id AND pending.since <= 5) "
            f"FROM documents WHERE doc_id IN ('a', 'b') AND {force}",
            f"SELECT doc_id, nodes FROM pending WHERE {force} AND doc_id > 'a' ORDER BY doc_id LIMIT 500",
            f"SELECT same_as, name FROM sources WHERE same_as IN ('a', 'b') AND {force}",
            "SELECT * FROM tables WHERE hash = 'a' ORDER BY number",
            "SELECT * FROM table_rows WHERE hash = 'a' AND number = 1 AND place >= 0 AND place < 2000 ORDER BY place",
        ):
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all()
            steps = [str(step[-1]) for step in plan]
            assert all("USING" in step or "SUBQUERY" in step for step in steps), (statement, steps)
            assert not any("TEMP B-TREE" in step for step in steps), (statement, steps)
    engine.dispose()


# --- encoding -------------------------------------------------------------------------------------------------------


def test_labels_of_different_fields_never_meet() -> None:
    pairs = [
        ("a", "b=c"),
        ("a=b", "c"),
        ("a%3Db", "c"),
        ("a", "b#c"),
        ("a#b", "c"),
        ("a", "x" * 300),
        ("a#", "x" * 300),
    ]
    assert len({label(name, value) for name, value in pairs}) == len(pairs)
    assert labels({"n": 3.0, "l": ("x", "x")}) == ["n", "n=3", "l", "l=x"]
    assert label("n", 3) == label("n", 3.0)
    assert label("n", 2**70) == label("n", float(2**70))
    assert label("n", 10**400) == label("n", float("inf"))


def test_times_are_utc_and_of_one_length() -> None:
    there = datetime(2024, 5, 1, 12, 0, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert date_text(there) == "2024-05-01T06:30:00.000000Z"
    assert from_micros(to_micros(there)) == there
    assert to_micros(datetime(2024, 5, 1)) == to_micros(datetime(2024, 5, 1, tzinfo=UTC))
    assert date_text(datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))) == "0001-01-01T00:00:00.000000Z"
    assert date_text(datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))) == "9999-12-31T23:59:59.999999Z"


@pytest.mark.parametrize(
    "condition",
    [
        Compare(Field("tags", "list", builtin=False), "<", "a"),
        Compare(Field("n", "number", builtin=False), "contains", "a"),
        Compare(Field("n", "number", builtin=False), "=", "a"),
        Compare(Field("flag", "boolean", builtin=False), ">", True),
        Compare(Field("page", "number", builtin=True), "contains", 3),
        Compare(Field("headings", "list", builtin=True), ">", "a"),
        Compare(Field("title; DROP", "text", builtin=True), "=", "a"),
        Compare(Field("when", "date", builtin=False), "<", "2024"),
        Compare(Field("title", "text", builtin=True), "=", ("a", "b")),
    ],
)
def test_a_comparison_that_means_nothing_is_refused(condition: Compare) -> None:
    with pytest.raises(QueryError):
        compile_condition(condition)


# --- the import -----------------------------------------------------------------------------------------------------


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_unused_client_is_imported_on_first_use_and_is_the_real_one() -> None:
    out = run(
        """
        import sys
        import docindex.stores.lancedb_api
        client = sys.modules["lance_namespace_urllib3_client"]
        assert not [name for name in sys.modules if name.startswith("lance_namespace_urllib3_client.api")]
        assert "urllib3" not in sys.modules
        import lance_namespace
        from lance_namespace_urllib3_client import TableApi, CreateTableRequest
        import lance_namespace_urllib3_client.api.table_api as real
        assert TableApi is real.TableApi
        assert CreateTableRequest is lance_namespace.CreateTableRequest
        assert sys.modules["lance_namespace_urllib3_client"] is client
        assert client.__version__ and type(client.__spec__.loader).__name__ == "SourceFileLoader"
        try:
            client.nothing
        except AttributeError:
            print("fine", len(sys.meta_path), "__getattr__" in vars(client))
        """
    )
    plain = run("import sys, lancedb; print(len(sys.meta_path))")
    assert out.split() == ["fine", plain.strip(), "False"]


def test_a_package_that_is_imported_already_stays_as_it_is() -> None:
    run(
        """
        import lance_namespace_urllib3_client as client
        api = client.TableApi
        import docindex.stores.lancedb_api
        assert client.TableApi is api
        import lancedb.namespace
        """
    )


def test_a_failing_package_fails_on_first_use_and_again(tmp_path: Path) -> None:
    package = tmp_path / "broken_package"
    package.mkdir()
    (package / "__init__.py").write_text("raise ValueError('broken')")
    (package / "part.py").write_text("value = 1")
    run(
        f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        from docindex.stores.deferred import deferred
        with deferred("broken_package"), deferred("missing_package"):
            from broken_package.part import value
            try:
                import missing_package
            except ModuleNotFoundError:
                pass
        for _ in range(2):
            try:
                sys.modules["broken_package"].name
            except ValueError as error:
                assert str(error) == "broken"
            else:
                raise AssertionError
        """
    )


def test_classes_made_quickly_work_as_ever_and_those_of_others_are_made_as_ever() -> None:
    run(
        """
        import sys
        import docindex.stores.lancedb_api
        import lance_namespace
        from lancedb.db import DBConnection, LanceDBConnection
        from pydantic import BaseModel, ValidationError

        request = lance_namespace.CreateTableRequest
        assert not request.__pydantic_complete__  # nobody has used it
        assert request(id=["a", "b"]).model_dump()["id"] == ["a", "b"]
        try:
            request(id=1)
        except ValidationError:
            pass
        else:
            raise AssertionError
        names = [name for name in dir(lance_namespace) if name.endswith(("Request", "Response"))]
        assert len(names) > 50
        for name in names:
            assert getattr(lance_namespace, name).model_json_schema()["properties"], name

        class Mine(BaseModel):
            number: int

        assert Mine.__pydantic_complete__
        assert LanceDBConnection.open_table is not DBConnection.open_table

        if sys.version_info < (3, 12):
            from overrides import EnforceOverrides, override

            class Base(EnforceOverrides):
                def one(self, a: int) -> int: ...

            try:
                class Wrong(Base):
                    @override
                    def one(self, b: str) -> str: ...
            except TypeError:
                pass
            else:
                raise AssertionError
        """
    )
