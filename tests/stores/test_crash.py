"""kill -9 at every named step of every kind of commit: the index is wholly the old one or wholly the new one."""

from __future__ import annotations

import importlib.util
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from docindex.config import IndexConfig
from docindex.protocols import ChangeSet, Snapshot
from docindex.stores.commit import create_stores, open_stores
from docindex.stores.manifest import Manifest
from docindex.testing.store_growth_contract import without_vectors
from docindex.testing.stored_texts import DIM, source_of, text_change

WORKER = Path(__file__).with_name("crash_worker.py")
SPEC = importlib.util.spec_from_file_location("crash_worker", WORKER)
assert SPEC is not None
assert SPEC.loader is not None
crash_worker = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(crash_worker)

COMMIT_STEPS = (
    "lease",
    "recovered",
    "journal",
    "nodes-deleted",
    "nodes-written",
    "vectors-written",
    "registry-written",
    "committed",
)
REWRITE_STEPS = ("nodes-written", "registry-written", "committed")
MAINTAIN_STEPS = (
    "journal",
    "optimized",
    "vector-index",
    "registry-written",
    "committed",
    "cleaned",
    "maintained",
)

KEEPING = ("maintain", "purge", "repair")
"""Operations that change nothing that a reader can see."""

Kill = Callable[[Path, str, str], int]


@pytest.fixture(scope="module")
def kill() -> Iterator[Kill]:
    with subprocess.Popen(
        [sys.executable, WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def order(path: Path, operation: str, step: str) -> int:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps({"path": str(path), "operation": operation, "step": step}) + "\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield order


def build(path: Path, database: str | None = None) -> None:
    config = IndexConfig(database=database)
    stores = create_stores(path, Manifest(config=config, embedder="e", fingerprint="f", dim=DIM))
    old = [text_change(name, f"Old text of {name}.", "Second.", metadata={"name": name}) for name in ("a", "b", "c")]
    with stores.writer() as writer:
        writer.commit(ChangeSet(documents=old[:2], sources=[source_of(one) for one in old[:2]]))
        writer.tag("start")
        writer.commit(ChangeSet(documents=[without_vectors(old[2], 1)], sources=[source_of(old[2])]))
    stores.close()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("built") / "index"
    build(path)
    return path


@pytest.fixture
def path(built: Path, tmp_path: Path) -> Path:
    """A copy of what `build` makes."""
    return Path(shutil.copytree(built, tmp_path / "index"))


def content(snapshot: Snapshot) -> dict[str, object]:
    """All that a reader can see."""
    records = list(snapshot.documents())
    return {
        "documents": {record.doc_id: (record.content_hash, record.nodes, record.metadata) for record in records},
        "texts": {record.doc_id: snapshot.load(record.doc_id) for record in records},
        "nodes": {record.doc_id: [stored.node for stored in snapshot.nodes_of(record.doc_id)] for record in records},
        "vectors": {
            record.doc_id: snapshot.vectors(
                [stored.node.node_id for stored in snapshot.nodes_of(record.doc_id)]
            ).tolist()
            for record in records
        },
        "states": [record.state for record in records],
        "waiting": [node.node_id for node in snapshot.unembedded(99)],
        "embedded": snapshot.embedded(),
        "sources": list(snapshot.sources()),
        "fields": snapshot.fields(),
        "count": snapshot.count(),
        "found": {word: {m.node_id for m in snapshot.lexical(word, 50)} for word in ("old", "new", "changed")},
    }


def check_kill(path: Path, kill: Kill, operation: str, step: str) -> None:
    stores = open_stores(path, keep_seconds=0.0)
    old = content(stores.snapshot())
    assert kill(path, operation, step) == signal.SIGKILL

    reader = open_stores(path)
    seen = content(reader.snapshot())
    assert reader.snapshot().problems() == []
    assert content(stores.snapshot()) == seen  # a reader that was open all along
    if operation not in KEEPING:
        assert (seen != old) == (step == "committed")

    with stores.writer() as writer:  # the retry
        crash_worker.work(writer, operation, lambda _: None)
    new = content(stores.snapshot())
    assert stores.snapshot().problems() == []
    if operation in KEEPING:
        assert seen == new == old
    else:
        assert new != old
        assert seen in (old, new)
    assert content(reader.snapshot()) == new
    reader.close()
    stores.close()


@pytest.mark.parametrize("operation", ["add", "update", "delete"])
@pytest.mark.parametrize("step", COMMIT_STEPS)
def test_a_killed_commit_happened_or_it_did_not(path: Path, kill: Kill, operation: str, step: str) -> None:
    check_kill(path, kill, operation, step)


@pytest.mark.parametrize("step", ["journal", "vectors-written", "registry-written", "committed"])
def test_killed_vectors_are_there_or_wait(path: Path, kill: Kill, step: str) -> None:
    check_kill(path, kill, "embed", step)


@pytest.mark.parametrize("step", REWRITE_STEPS)
def test_a_killed_rollback_happened_or_it_did_not(path: Path, kill: Kill, step: str) -> None:
    check_kill(path, kill, "rollback", step)


@pytest.mark.parametrize("step", REWRITE_STEPS)
def test_a_killed_purge_changes_nothing(path: Path, kill: Kill, step: str) -> None:
    check_kill(path, kill, "purge", step)
    tables = sorted(folder.name for folder in path.glob("*.lance"))
    assert len(tables) == 2


@pytest.mark.parametrize("step", REWRITE_STEPS[:2])
def test_a_killed_repair_is_repeated(path: Path, kill: Kill, step: str) -> None:
    stores = open_stores(path)
    with stores._parts.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE commits SET nodes = 99, embedded = 98")
        connection.exec_driver_sql("UPDATE pending SET nodes = 2")
    stores.close()
    assert kill(path, "repair", step) == signal.SIGKILL
    stores = open_stores(path)
    with stores.writer() as writer:
        writer.repair()
    assert stores.snapshot().problems() == []
    assert (stores.snapshot().count(), stores.snapshot().embedded()) == (6, 5)
    stores.close()


@pytest.mark.parametrize("step", MAINTAIN_STEPS)
def test_killed_maintenance_changes_nothing(path: Path, kill: Kill, step: str) -> None:
    check_kill(path, kill, "maintain", step)


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("operation", "step"),
    [
        ("update", "nodes-deleted"),
        ("add", "nodes-written"),
        ("delete", "registry-written"),
        ("embed", "vectors-written"),
        ("maintain", "optimized"),
        ("rollback", "registry-written"),
        ("purge", "committed"),
    ],
)
def test_a_killed_commit_on_postgres(
    tmp_path: Path, kill: Kill, postgres_url: Callable[[], str], operation: str, step: str
) -> None:
    build(tmp_path / "index", postgres_url())
    check_kill(tmp_path / "index", kill, operation, step)


def test_kills_one_after_another(path: Path, kill: Kill) -> None:
    """Recovery itself is interrupted, and what a killed writer left does not pile up into a problem."""
    for operation, step in (
        ("update", "nodes-deleted"),
        ("add", "nodes-written"),
        ("delete", "recovered"),
        ("add", "lease"),
        ("maintain", "optimized"),
        ("update", "registry-written"),
    ):
        assert kill(path, operation, step) == signal.SIGKILL
    stores = open_stores(path)
    assert stores.snapshot().problems() == []
    assert [record.doc_id for record in stores.snapshot().documents()] == ["a", "b", "c"]
    with stores.writer() as writer:
        writer.commit(crash_worker.change("add", writer.snapshot))
    assert stores.snapshot().count() == 9
    assert stores.snapshot().problems() == []
    stores.close()
