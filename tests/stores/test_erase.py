"""After a purge, no byte of the index directory holds what was deleted."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import textwrap
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from docindex.config import IndexConfig
from docindex.errors import StoreError
from docindex.protocols import ChangeSet, KeptCompletion
from docindex.schema import (
    Citation,
    Column,
    DocumentTable,
    SavedTurn,
    TableRow,
    Trace,
    TracedAnswer,
    TracedHit,
    TracedStage,
)
from docindex.stores import erase
from docindex.stores.commit import TwoStores, create_stores
from docindex.stores.completions import CompletionCache
from docindex.stores.conversations import ConversationLog
from docindex.stores.manifest import Manifest
from docindex.stores.traces import TraceLog
from docindex.testing.stored_texts import DIM, source_of, text_change

MARKS = ("quetzalcoatlus", "xylographica", "zeppelinfahrer", "wolframcarbid", "jabberwockian", "vexillologe")
STAYS = "brontosaurus"
MANIFEST = Manifest(config=IndexConfig(), embedder="e", fingerprint="f", dim=DIM)


def secret_change(number: int = 0) -> ChangeSet:
    text, title, key, value, cell, name = MARKS
    change = text_change(
        f"doc-{name}-{number}", f"A text with {text} in it.", "More.", title=title, metadata={key: (value,)}
    )
    table = DocumentTable(cell, (Column(cell, "text"),), (TableRow(1, 0, 1, (cell,)),), 0, 1)
    change = replace(change, document=replace(change.document, tables=(table,)))
    return ChangeSet(documents=[change], sources=[source_of(change)])


def holders(path: Path) -> dict[str, set[str]]:
    """For each mark the files that hold it, as it is or deflated."""
    found: dict[str, set[str]] = {}
    for file in sorted(path.rglob("*")):
        if not file.is_file():
            continue
        data = file.read_bytes()
        for mark in (*MARKS, STAYS):
            if mark.encode() in data or mark.encode() in os.fsencode(file):
                found.setdefault(mark, set()).add(file.name)
        for deflated in inflated(data):
            for mark in (*MARKS, STAYS):
                if mark.encode() in deflated:
                    found.setdefault(mark, set()).add(file.name)
    return found


def inflated(data: bytes) -> Iterator[bytes]:
    """What anything in the bytes that looks like a zlib stream unpacks to."""
    at = data.find(b"\x78")
    while at >= 0:
        if data[at + 1 : at + 2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
            with contextlib.suppress(zlib.error):
                yield zlib.decompressobj().decompress(data[at:])
        at = data.find(b"\x78", at + 1)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[TwoStores]:
    made = create_stores(tmp_path / "index", MANIFEST)
    yield made
    made.close()


def fill(stores: TwoStores) -> None:
    """Texts that are deleted, replaced, tagged, rolled back, and written by a writer that broke off."""
    keep = text_change("stays", f"Here is a {STAYS}.", title="Animals")
    with stores.writer() as writer:
        writer.commit(ChangeSet(documents=[keep], sources=[source_of(keep)]))
        first = writer.commit(secret_change())
        writer.tag("secret")
        writer.maintain(force=True)
        writer.commit(secret_change(1))
        writer.commit(ChangeSet(documents=[text_change("doc-1", f"Says {MARKS[0]}.")]))
        writer.commit(ChangeSet(documents=[text_change("doc-1", "Says nothing of the kind.")]))
        writer.rollback(first.version)
        writer.maintain(force=True)

        def interrupt(progress: object) -> None:
            if getattr(progress, "step", "") == "registry-written":
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            writer.commit(secret_change(2), interrupt)
        name = MARKS[-1]
        writer.commit(ChangeSet(delete_documents=[f"doc-{name}-0"], delete_sources=[f"/docs/doc-{name}-0"]))


def test_a_purge_leaves_no_byte_of_what_was_deleted(tmp_path: Path, stores: TwoStores) -> None:
    path = tmp_path / "index"
    fill(stores)
    (path / "nodes.lance" / "data" / "orphan.lance").write_text(f"left by a killed writer: {MARKS[0]}")
    assert set(holders(path)) == {*MARKS, STAYS}
    with stores.writer() as writer:
        writer.purge()
    assert set(holders(path)) == {STAYS}
    assert len(stores.versions()) == 1
    assert stores.snapshot().problems() == []
    assert [record.doc_id for record in stores.snapshot().documents()] == ["stays"]
    assert len(stores.snapshot().lexical(STAYS, 3)) == 1
    assert stores.snapshot().statistics()["unindexed_rows"] == 0
    with stores.writer() as writer:
        writer.commit(secret_change())
        writer.maintain(force=True)
    assert set(holders(path)) == {*MARKS, STAYS}
    stores.close()


def test_a_purge_waits_for_readers_of_the_registry(
    tmp_path: Path, stores: TwoStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "index"
    fill(stores)
    reader = sqlite3.connect(path / "registry.db", isolation_level=None, check_same_thread=False)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM documents").fetchall()
    with stores.writer() as writer, monkeypatch.context() as patch:
        patch.setattr(erase, "_PATIENCE", 0.0)
        patch.setattr(erase, "_CHECKPOINT_MS", 50)
        with pytest.raises(StoreError, match="purge again"):
            writer.purge()
    timer = threading.Timer(0.5, reader.close)
    timer.start()
    started = time.monotonic()
    with stores.writer() as writer:
        writer.purge()
    assert time.monotonic() - started > 0.3
    timer.join()
    assert set(holders(path)) == {STAYS}


@pytest.mark.postgres
def test_a_purge_on_postgres(tmp_path: Path, postgres_url: Callable[[], str]) -> None:
    url = postgres_url()
    stores = create_stores(tmp_path / "index", replace(MANIFEST, config=IndexConfig(database=url)))
    fill(stores)
    with stores.writer() as writer:
        writer.purge()
    assert set(holders(tmp_path / "index")) == {STAYS}
    with stores._parts.engine.connect() as connection:
        dead = textwrap.dedent(
            """
            SELECT sum(n_dead_tup) FROM pg_stat_user_tables
            WHERE schemaname = current_schema() AND relname IN ('texts', 'documents', 'table_rows')
            """
        )
        connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
        assert connection.exec_driver_sql("SELECT count(*) FROM texts").scalar() == 1
        assert connection.exec_driver_sql(dead).scalar() is not None
    assert stores.snapshot().problems() == []
    stores.close()


def test_a_purge_erases_traces(tmp_path: Path, stores: TwoStores) -> None:
    path = tmp_path / "index"
    fill(stores)
    log = TraceLog(path)
    log.switch_on()
    version = stores.snapshot().version
    trace = Trace(
        kind="query",
        at=datetime(2026, 3, 1, tzinfo=UTC),
        query=f"What is {MARKS[0]}?",
        k=1,
        mode="hybrid",
        filter=f"source = '{MARKS[5]}'",
        version=version,
        milliseconds=1.0,
        stages=(TracedStage(MARKS[1], 1.0, MARKS[2], MARKS[3], (TracedHit(1, 1.0, None, None, MARKS[3], MARKS[4]),)),),
        answer=TracedAnswer(f"It is {MARKS[5]}.", no_answer=False, model="m", passages=(), citations=()),
    )
    for _ in range(20):
        log.add(trace)
    assert all({"traces.db", "traces.db-wal"} & names for mark, names in holders(path).items() if mark != STAYS)
    with stores.writer() as writer:
        writer.purge()
    assert set(holders(path)) == {STAYS}
    assert log.state().on
    assert log.newest() == []
    assert log.add(trace) is None  # of an answer that was begun before the purge
    assert set(holders(path)) == {STAYS}
    log.close()
    assert stores.snapshot().problems() == []


def test_a_purge_erases_conversations_and_completions(tmp_path: Path, stores: TwoStores) -> None:
    path = tmp_path / "index"
    fill(stores)
    talks, written = ConversationLog(path), CompletionCache(path)
    version = stores.snapshot().version
    when = datetime(2026, 3, 1, tzinfo=UTC)
    citation = Citation(1, MARKS[0], MARKS[5], MARKS[5], None, None, 0, 5, MARKS[1], verified=True)
    turn = SavedTurn(when, f"What is {MARKS[2]}?", f"And {MARKS[3]}?", f"It is {MARKS[4]}.", no_answer=False)
    for number in range(20):
        talks.add(MARKS[0], replace(turn, citations=(citation,)), version)
        written.add(f"key {number}", KeptCompletion(MARKS, whole=True), version)
    assert {"chats.db", "completions.db"} <= {name.removesuffix("-wal") for name in holders(path)[MARKS[1]]}
    with stores.writer() as writer:
        writer.purge()
    assert set(holders(path)) == {STAYS}
    talks.add(MARKS[0], turn, version)  # of an answer that was begun before the purge
    written.add("late", KeptCompletion(MARKS, whole=True), version)
    assert talks.summaries() == []
    assert written.count() == 0
    assert set(holders(path)) == {STAYS}
    talks.close()
    written.close()
