"""Damage of every kind is found by `problems`, mended by `repair`, and costs no more than what was damaged."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pytest

from docindex.config import IndexConfig
from docindex.errors import StoreError
from docindex.protocols import ChangeSet, NodeVectors
from docindex.schema import Column, DocumentTable, TableRow
from docindex.stores.agreement import UNPROVEN_COLUMNS
from docindex.stores.commit import TwoStores, create_stores, open_stores
from docindex.stores.manifest import Manifest
from docindex.testing.store_growth_contract import vectors_for, with_tables
from docindex.testing.stored_texts import DIM, source_of, text_change, text_vector, texts

MANIFEST = Manifest(config=IndexConfig(), embedder="e", fingerprint="f", dim=DIM)
TABLE = DocumentTable("t", (Column("x", "text"),), tuple(TableRow(i, 0, 1, ("v",)) for i in range(3)), 0, 1)
CHANGES = [
    with_tables(text_change("a", "Alpha paragraph.", "Bravo paragraph.", metadata={"n": 1}), TABLE),
    text_change("b", "Charlie paragraph."),
    text_change("c", "Delta paragraph.", "Echoing paragraph.", "Foxtrot paragraph."),
]


def put(stores: TwoStores, *changes: int) -> None:
    chosen = [CHANGES[i] for i in changes]
    with stores.writer() as writer:
        writer.commit(ChangeSet(documents=chosen, sources=[source_of(change) for change in chosen]))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("built") / "index"
    made = create_stores(path, MANIFEST, keep_seconds=0.0)
    put(made, 0, 1)
    put(made, 2)
    made.close()
    return path


@pytest.fixture
def stores(built: Path, tmp_path: Path) -> Iterator[TwoStores]:
    """A copy of the index: making it takes ten times as long."""
    opened = open_stores(Path(shutil.copytree(built, tmp_path / "index")), keep_seconds=0.0)
    yield opened
    opened.close()


def again(path: Path, stores: TwoStores) -> TwoStores:
    """The index in a process that has none of it in memory."""
    stores.close()
    return open_stores(path, keep_seconds=0.0)


def run_sql(stores: TwoStores, *statements: str) -> None:
    with stores._parts.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def mend(stores: TwoStores) -> list[str]:
    with stores.writer() as writer:
        said = writer.repair()
        assert writer.snapshot.problems() == []
        assert writer.repair() == []
    return said


def finish(stores: TwoStores) -> None:
    """Reads again what is missing, as an ingest does, embeds what waits, and sees that all is as it was."""
    held = {record.name for record in stores.snapshot().sources()}
    with stores.writer() as writer:
        missing = [
            change
            for change in CHANGES
            if change.document.source not in held
            or (record := writer.snapshot.document(change.document.doc_id)) is None
            or record.content_hash != change.content_hash
        ]
        if missing:
            writer.commit(ChangeSet(documents=missing, sources=[source_of(change) for change in missing]))
        if writer.snapshot.unembedded(1):
            writer.commit(ChangeSet(vectors=vectors_for(writer.snapshot, 99)))
    snapshot = stores.snapshot()
    assert snapshot.problems() == []
    for change in CHANGES:
        assert snapshot.load(change.document.doc_id) == change.document
        assert [stored.node for stored in snapshot.nodes_of(change.document.doc_id)] == list(change.nodes)
        assert np.array_equal(snapshot.vectors([node.node_id for node in change.nodes]), change.vectors)
    assert len(snapshot.lexical("paragraph", 9)) == len(snapshot.dense(text_vector("x"), 9)) == 6
    assert {record.state for record in snapshot.documents()} == {"ready"}


# --- the registry ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "problem", "done"),
    [
        (
            "UPDATE commits SET documents = 9, nodes = 8",
            "counts 9 documents, and there are 3",
            "counts 3 documents now",
        ),
        ("UPDATE commits SET sources = 9, embedded = 1", "counts 1 embedded nodes", "counts 6 embedded nodes now"),
        ("UPDATE documents SET nodes = 5 WHERE doc_id = 'a'", "should have 5 nodes and has 2", "has 2 of its 5 nodes"),
        ("DELETE FROM documents WHERE doc_id = 'c'", "3 nodes belong to 'c'", "3 unsound rows of the nodes table"),
        (
            "DELETE FROM texts WHERE hash IN (SELECT text_hash FROM documents WHERE doc_id = 'c')",
            "The text of document 'c' is missing",
            "'c' is lost",
        ),
        (
            "UPDATE texts SET text = X'78' WHERE hash IN (SELECT text_hash FROM documents WHERE doc_id = 'c')",
            "'c' is damaged",
            "The text of document 'c' is lost",
        ),
        (
            "DELETE FROM table_rows WHERE place = 1",
            "The tables of document 'a' are damaged",
            "The tables of document 'a' are lost",
        ),
        ("DELETE FROM tables", "The tables of document 'a' are missing", "The tables of document 'a' are lost"),
        ("INSERT INTO pending VALUES ('b', 1, NULL, 1)", "1 are noted as waiting", ""),
        ("UPDATE fields SET documents = 7", "'n' (number) is counted in 7 documents, and 1 have it", ""),
        ("DELETE FROM fields", "'n' (number) is counted in 0 documents, and 1 have it", ""),
    ],
)
def test_a_registry_that_disagrees_is_mended(
    tmp_path: Path, stores: TwoStores, statement: str, problem: str, done: str
) -> None:
    run_sql(stores, statement)
    assert any(problem in found for found in stores.snapshot().problems()), stores.snapshot().problems()
    said = mend(stores)
    assert any(done in one for one in said) or not done
    assert not any(" lost" in one for one in said) or "lost" in done
    finish(stores)


def test_what_is_lost_is_read_again_and_what_is_not_stays(stores: TwoStores) -> None:
    run_sql(stores, "DELETE FROM texts WHERE hash IN (SELECT text_hash FROM documents WHERE doc_id = 'c')")
    mend(stores)
    snapshot = stores.snapshot()
    assert [record.doc_id for record in snapshot.documents()] == ["a", "b"]
    assert {record.name for record in snapshot.sources()} == {"a", "b"}
    assert texts(snapshot, snapshot.lexical("foxtrot", 3)) == []
    assert {one.kind for one in stores.versions()} >= {"recovered"}
    finish(stores)


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 3], lambda data: b"", lambda data: b"?" * 40_000])
def test_a_registry_that_can_not_be_read_is_named(
    tmp_path: Path, stores: TwoStores, damage: Callable[[bytes], bytes]
) -> None:
    stores.close()
    path = tmp_path / "index"
    for log in path.glob("registry.db-*"):
        log.unlink()
    file = path / "registry.db"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(StoreError, match=r"registry\.db is truncated or damaged.*can't mend the registry"):
        open_stores(path)


def test_a_registry_damaged_inside_is_said_to_be_so(tmp_path: Path, stores: TwoStores) -> None:
    stores.close()
    file = tmp_path / "index" / "registry.db"
    data = bytearray(file.read_bytes())
    for start in range(4096, len(data), 4096):
        data[start : start + 60] = b"\xff" * 60
    file.write_bytes(data)
    with pytest.raises(StoreError, match=r"registry is damaged.*can't mend the registry"):
        open_stores(tmp_path / "index").snapshot().problems()


def test_a_registry_with_one_bad_page_is_no_sound_one(tmp_path: Path, stores: TwoStores) -> None:
    with stores._parts.engine.connect() as connection:
        root = connection.exec_driver_sql(
            "SELECT rootpage FROM sqlite_master WHERE name = 'documents_by_location'"
        ).scalar()
    assert isinstance(root, int)
    stores.close()
    file = tmp_path / "index" / "registry.db"
    data = bytearray(file.read_bytes())
    data[(root - 1) * 4096 : root * 4096] = bytes(4096)
    file.write_bytes(data)
    opened = open_stores(tmp_path / "index")
    assert any("registry is damaged" in found for found in opened.snapshot().problems())
    with opened.writer() as writer:
        assert "can't mend the registry" in writer.repair()[0]
    opened.close()


# --- the tables -----------------------------------------------------------------------------------------------------


def write_rows(stores: TwoStores, kind: str, action: Callable[[TwoStores], None]) -> None:
    """Changes a table behind the registry's back, and makes the newest commit point at the result."""
    action(stores)
    parts = stores._parts
    table = (parts.nodes if kind == "nodes" else parts.vectors).writable(kind)
    run_sql(
        stores,
        f"UPDATE commits SET {kind}_version = {table.version} WHERE version = (SELECT max(version) FROM commits)",
    )


def drop_nodes(stores: TwoStores) -> None:
    stores._parts.nodes.writable("nodes").delete("node_id", [CHANGES[2].nodes[1].node_id])


def double_nodes(stores: TwoStores) -> None:
    table = stores._parts.nodes.writable("nodes").table
    table.add(table.search().limit(2).to_arrow())


def foreign_vectors(stores: TwoStores) -> None:
    table = stores._parts.vectors.writable("vectors").table
    rows = table.search().limit(1).to_arrow()
    place = rows.schema.get_field_index("node_id")
    table.add(rows.set_column(place, rows.schema.field(place), [["stranger"]]))


def double_vectors(stores: TwoStores) -> None:
    table = stores._parts.vectors.writable("vectors").table
    table.add(table.search().limit(2).to_arrow())


def drop_vectors(stores: TwoStores) -> None:
    stores._parts.vectors.writable("vectors").delete(
        "node_id", [CHANGES[2].nodes[1].node_id, CHANGES[1].nodes[0].node_id]
    )


@pytest.mark.parametrize(
    ("kind", "action", "problem", "done"),
    [
        ("nodes", drop_nodes, "Document 'c' should have 3 nodes and has 2", "Document 'c' has 2 of its 3 nodes"),
        ("nodes", double_nodes, "is stored more than once", "2 unsound rows of the nodes table"),
        ("vectors", foreign_vectors, "1 vectors belong to no node", "1 unsound rows of the vectors table"),
        ("vectors", double_vectors, "has more than one vector", "2 unsound rows of the vectors table"),
        ("vectors", drop_vectors, "the document is noted as ready", "2 nodes wait to be embedded again"),
    ],
)
def test_tables_that_disagree_are_mended(
    stores: TwoStores, kind: str, action: Callable[[TwoStores], None], problem: str, done: str
) -> None:
    write_rows(stores, kind, action)
    assert any(problem in found for found in stores.snapshot().problems()), stores.snapshot().problems()
    with stores.writer() as writer, pytest.raises(StoreError, match="check --repair"):
        writer.commit(ChangeSet(documents=[text_change("z", "Z.")]))
    assert any(done in one for one in mend(stores))
    finish(stores)


OTHER: dict[str, object] = {
    "search_text": "Zebra paragraph.",
    "context": "Zebras",
    "content_hash": "f" * 32,
    "page": 9,
    "page_label": "ix",
    "headings": ["Zebras"],
    "level": 1,
    "source": "zebra.txt",
    "title": "Zebras",
    "media_type": "text/html",
    "modified_at": datetime(2020, 1, 1, tzinfo=UTC),
    "kv": ["n", "n=2"],
    "metadata": '{"n:n":2.0,"s:n":"2"}',
}
NODES_ALONE = ("search_text", "context")


def change_column(stores: TwoStores, kind: Literal["nodes", "vectors"], column: str) -> None:
    """Gives a column of one node another value."""
    parts = stores._parts
    table = (parts.nodes if kind == "nodes" else parts.vectors).writable(kind).table
    chosen = f"node_id = '{CHANGES[0].nodes[0].node_id}'"
    rows = table.search().where(chosen).to_arrow()
    place = rows.schema.get_field_index(column)
    kept = rows.schema.field(place)
    value = pa.array([OTHER[column]], pa.string() if column == "metadata" else kept.type)
    if column == "metadata":
        value = pa.ExtensionArray.from_storage(kept.type, value)
    table.delete(chosen)
    table.add(rows.set_column(place, kept, value))


@pytest.mark.parametrize("column", [column for column in OTHER if column not in UNPROVEN_COLUMNS])
def test_a_node_whose_column_says_something_else_is_read_again(stores: TwoStores, column: str) -> None:
    write_rows(stores, "nodes", lambda stores: change_column(stores, "nodes", column))
    named = {"context": "search_text", "page_label": "page"}.get(column, column)
    assert f"1 nodes of 'a' have another {named!r} than they should." in stores.snapshot().problems()
    assert "Document 'a' has 1 of its 2 nodes: the next ingest of 'a' reads it again." in mend(stores)
    finish(stores)


@pytest.mark.parametrize("column", [column for column in OTHER if column not in (*NODES_ALONE, *UNPROVEN_COLUMNS)])
def test_a_vector_that_differs_from_its_node_is_made_again(stores: TwoStores, column: str) -> None:
    write_rows(stores, "vectors", lambda stores: change_column(stores, "vectors", column))
    assert "1 vectors of 'a' come with other columns than their nodes have." in stores.snapshot().problems()
    assert "1 nodes wait to be embedded again: `docindex embed` does that." in mend(stores)
    finish(stores)


@pytest.mark.parametrize("kind", ["nodes", "vectors"])
@pytest.mark.parametrize("column", UNPROVEN_COLUMNS)
def test_where_only_the_tables_disagree_neither_is_believed(
    stores: TwoStores, kind: Literal["nodes", "vectors"], column: str
) -> None:
    write_rows(stores, kind, lambda stores: change_column(stores, kind, column))
    assert "1 vectors of 'a' come with other columns than their nodes have." in stores.snapshot().problems()
    assert "Document 'a' has 1 of its 2 nodes: the next ingest of 'a' reads it again." in mend(stores)
    finish(stores)


def test_columns_that_agree_in_both_tables_and_not_with_the_registry(stores: TwoStores) -> None:
    for kind in ("nodes", "vectors"):
        write_rows(stores, kind, lambda stores, kind=kind: change_column(stores, kind, "source"))  # type: ignore[misc]
    assert "1 nodes of 'a' have another 'source' than they should." in stores.snapshot().problems()
    mend(stores)
    finish(stores)


@pytest.mark.parametrize("kind", ["nodes", "vectors"])
@pytest.mark.parametrize("how", ["cut", "garbage", "gone"])
def test_a_damaged_data_file_costs_what_it_held(tmp_path: Path, stores: TwoStores, kind: str, how: str) -> None:
    path = tmp_path / "index"
    stores.close()
    files = sorted((path / f"{kind}.lance" / "data").glob("*.lance"), key=lambda file: file.stat().st_mtime)
    damage(files[-1], how)  # the second commit's
    opened = open_stores(path)
    assert opened.snapshot().problems() != []
    said = mend(opened)
    snapshot = opened.snapshot()
    assert any("3 unsound rows" in one for one in said)
    assert set(_ids(0, 1)) <= {match.node_id for match in snapshot.lexical("paragraph", 9)}
    assert len(snapshot.dense(text_vector("x"), 9)) == 3
    if kind == "vectors":
        assert [node.doc_id for node in snapshot.unembedded(9)] == ["c", "c", "c"]
        assert snapshot.count() == 6
    else:
        assert any("'c' has 0 of its 3 nodes" in one for one in said)
    finish(opened)
    opened.close()


@pytest.mark.parametrize("kind", ["nodes", "vectors"])
@pytest.mark.parametrize("how", ["cut", "garbage", "gone"])
def test_damaged_indexes_are_made_anew(tmp_path: Path, stores: TwoStores, kind: str, how: str) -> None:
    path = tmp_path / "index"
    with stores.writer() as writer:
        writer.maintain(force=True)
    stores.close()
    for file in (path / f"{kind}.lance" / "_indices").rglob("*.lance"):
        damage(file, how)
    opened = open_stores(path)
    found = opened.snapshot().problems()
    for column in ("node_id", "doc_id", "content_hash", "source", *(["search_text"] if kind == "nodes" else [])):
        assert any(f"The index of {column!r} in the {kind} table can't be read" in one for one in found), found
    said = mend(opened)
    assert sum("is made anew" in one for one in said) >= 4
    assert {record.name for record in opened.snapshot().sources()} == {"a", "b", "c"}  # nothing is lost
    finish(opened)
    opened.close()


def test_a_missing_index_is_made(stores: TwoStores) -> None:
    def drop(stores: TwoStores) -> None:
        table = stores._parts.nodes.writable("nodes").table
        table.drop_index("search_text_idx")

    write_rows(stores, "nodes", drop)
    assert stores.snapshot().problems() == ["The index of 'search_text' in the nodes table is missing."]
    assert mend(stores) == ["The index of 'search_text' in the nodes table is made anew: it is missing."]
    finish(stores)


@pytest.mark.parametrize("kind", ["nodes", "vectors"])
@pytest.mark.parametrize("how", ["cut", "garbage", "gone", "folder"])
def test_a_newest_version_that_can_not_be_opened(tmp_path: Path, stores: TwoStores, kind: str, how: str) -> None:
    path = tmp_path / "index"
    number = getattr(stores._parts.head(), f"{kind}_table").number
    stores.close()
    if how == "folder":
        shutil.rmtree(path / f"{kind}.lance")
    else:
        damage(path / f"{kind}.lance" / "_versions" / f"{2**64 - 1 - number}.manifest", how)
    opened = open_stores(path)
    assert any("can't be opened" in found for found in opened.snapshot().problems())
    said = mend(opened)
    if how == "folder":
        assert any(f"No version of the {kind} can be opened" in one for one in said)
    else:
        assert any(f"The newest {kind} can't be opened: those of version 1 are taken." in one for one in said), said
    snapshot = opened.snapshot()
    assert [record.doc_id for record in snapshot.documents()] == ["a", "b", "c"]
    for record in opened.versions():
        assert opened.snapshot(record.version).count() >= 0  # what is listed can be read
    left = 0 if how == "folder" else 3
    assert (snapshot.count(), snapshot.embedded()) == ((6, left) if kind == "vectors" else (left, left))
    finish(opened)
    opened.close()


def test_a_large_table_loses_no_more_than_the_damaged_rows(tmp_path: Path) -> None:
    path = tmp_path / "index"
    stores = create_stores(path, MANIFEST)
    changes = [text_change(f"d{i:04}", *(f"Text {i} {j}." for j in range(50))) for i in range(90)]
    with stores.writer() as writer:
        for start in range(0, 90, 30):
            some = changes[start : start + 30]
            writer.commit(ChangeSet(documents=some, sources=[source_of(change) for change in some]))
    stores.close()
    files = sorted((path / "nodes.lance" / "data").glob("*.lance"), key=lambda file: file.stat().st_mtime)
    damage(files[1], "gone")
    opened = open_stores(path)
    said = mend(opened)
    assert any("1500 unsound rows of the nodes table" in one for one in said)
    assert any("10 more documents" in one for one in said)
    snapshot = opened.snapshot()
    assert (snapshot.count(), snapshot.embedded()) == (3000, 3000)
    assert len(list(snapshot.sources())) == 60
    assert len(snapshot.lexical("text", 9999)) == 3000
    opened.close()


def test_a_vector_of_zeros_or_worse_waits_again(stores: TwoStores) -> None:
    with stores.writer() as writer:
        nodes = writer.snapshot.nodes_of("b")
        given = NodeVectors([nodes[0].node.node_id], text_vector("x").reshape(1, -1))
        with pytest.raises(StoreError, match="already"):
            writer.commit(ChangeSet(vectors=given))
    table = stores._parts.vectors.writable("vectors").table
    run_sql(stores, "SELECT 1")
    table.update(where="doc_id = 'b'", values={"vector": [0.0] * DIM})
    write_rows(stores, "vectors", lambda _: None)
    assert any("is damaged" in found for found in stores.snapshot().problems())
    mend(stores)
    assert [node.doc_id for node in stores.snapshot().unembedded(9)] == ["b"]
    finish(stores)


def _ids(*changes: int) -> list[str]:
    return [node.node_id for i in changes for node in CHANGES[i].nodes]


def damage(file: Path, how: str) -> None:
    """Cuts a file short, overwrites it, or removes it."""
    data = file.read_bytes()
    if how == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif how == "garbage":
        file.write_bytes(bytes(byte ^ 0x5A for byte in data))
    else:
        file.unlink()
