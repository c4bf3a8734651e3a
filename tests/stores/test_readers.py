"""Readers are never in the way of a writer, nor it in theirs."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from docindex.config import IndexConfig
from docindex.errors import LockedError, StoreError
from docindex.protocols import ChangeSet
from docindex.stores.commit import TwoStores, create_stores, open_stores
from docindex.stores.manifest import Manifest
from docindex.testing.stored_texts import DIM, text_change, text_vector

MANIFEST = Manifest(config=IndexConfig(), embedder="e", fingerprint="f", dim=DIM)

WRITER = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from docindex.protocols import ChangeSet
    from docindex.stores.commit import open_stores
    from docindex.testing.stored_texts import text_change
    from docindex.testing.store_growth_contract import vectors_for, without_vectors

    stores = open_stores(Path(sys.argv[1]))
    with stores.writer() as writer:
        for round in range(1, 13):
            changes = [text_change(f"d{i}", f"Round {round}.", "More.") for i in range(5)]
            writer.commit(ChangeSet(documents=[without_vectors(change) for change in changes]))
            print(round, time.time(), flush=True)
            writer.commit(ChangeSet(vectors=vectors_for(writer.snapshot, 7)))
            if round % 3 == 0:
                writer.maintain(force=True)
            time.sleep(0.05)
    """
)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[TwoStores]:
    made = create_stores(tmp_path / "index", MANIFEST)
    yield made
    made.close()


def test_a_reader_sees_whole_commits_soon_and_no_error(tmp_path: Path, stores: TwoStores) -> None:
    with stores.writer() as writer:
        writer.commit(ChangeSet(documents=[text_change(f"d{i}", "Round 0.", "More.") for i in range(5)]))
    seen: list[tuple[int, float]] = []
    embedded: set[int] = set()
    errors: list[BaseException] = []
    stop = threading.Event()

    def read() -> None:
        try:
            while not stop.is_set():
                snapshot = stores.snapshot()
                found = snapshot.nodes([match.node_id for match in snapshot.lexical("round", 10)])
                rounds = {stored.node.text for stored in found}
                assert len(found) == 5
                assert len(rounds) == 1, rounds
                assert snapshot.count() == 10
                assert len(snapshot.dense(text_vector("x"), 20)) == snapshot.embedded()
                assert len(snapshot.unembedded(20)) == 10 - snapshot.embedded()
                embedded.add(snapshot.embedded())
                round_number = int(rounds.pop().removeprefix("Round ").removesuffix("."))
                if not seen or seen[-1][0] != round_number:
                    seen.append((round_number, time.time()))
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            errors.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(tmp_path / "index")], capture_output=True, text=True, timeout=120, check=True
    )
    time.sleep(1.0)
    stop.set()
    thread.join()
    assert errors == []
    assert embedded <= {0, 7, 10}
    assert embedded & {0, 7}
    committed = {int(line.split()[0]): float(line.split()[1]) for line in done.stdout.splitlines()}
    rounds = [number for number, _ in seen]
    assert rounds == sorted(rounds)
    assert rounds[-1] == 12
    for number, at in seen[1:]:
        newer = [when for later, when in committed.items() if later > number]
        assert not newer or at < min(newer) + 1.0  # what it read was no longer outdated than a second


def test_a_snapshot_outlives_maintenance(tmp_path: Path) -> None:
    stores = create_stores(tmp_path / "index", MANIFEST, keep_seconds=1.0)
    with stores.writer() as writer:
        first = writer.commit(ChangeSet(documents=[text_change("a", "First.")]))
        time.sleep(1.2)  # versions that lie closer together may stay longer than they need
        second = writer.commit(ChangeSet(documents=[text_change("a", "Second.")]))
        time.sleep(1.5)  # now the second is old, but it is still what readers read
        assert second.count() == 1
        writer.commit(ChangeSet(documents=[text_change("a", "Third.")]))
        writer.maintain(force=True)
        assert [stored.node.text for stored in second.nodes_of("a")] == ["Second."]
        assert second.lexical("second", 1)
        assert second.load("a") is not None
        with pytest.raises(StoreError, match="not kept"):
            stores.snapshot(first.version)
        stores.close()  # drops the open handles, so that it is read from the disk
        with pytest.raises(StoreError):
            first.nodes_of("a")
        time.sleep(1.5)
        writer.maintain(force=True)
    with pytest.raises(StoreError, match="not kept"):
        stores.snapshot(second.version)
    assert [stored.node.text for stored in stores.snapshot().nodes_of("a")] == ["Third."]
    assert stores.snapshot().problems() == []
    assert len(stores._parts.registry.texts(["x"])) == 0
    stores.close()


def test_forgetting_frees_texts_and_files(tmp_path: Path) -> None:
    path = tmp_path / "index"
    stores = create_stores(path, MANIFEST, keep_seconds=0.0)
    with stores.writer() as writer:
        writer.commit(
            ChangeSet(documents=[text_change("a", "First."), text_change("b", "Shared."), text_change("c", "Shared.")])
        )
        writer.commit(ChangeSet(documents=[text_change("a", "Second.")], delete_documents=["b"]))
        time.sleep(1.1)
        for i in range(20):
            writer.commit(ChangeSet(documents=[text_change("d", f"Number {i}.")]))
        files = len(list((path / "nodes.lance").rglob("*")))
        time.sleep(1.1)
        writer.maintain(force=True)
        assert len(list((path / "nodes.lance").rglob("*"))) < files / 2
    with stores._parts.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM texts").scalar() == 3
        assert connection.exec_driver_sql("SELECT count(*) FROM documents").scalar() == 3
    assert stores.snapshot().problems() == []
    stores.close()


def test_the_lease_of_a_dead_process_is_free(tmp_path: Path, stores: TwoStores) -> None:
    holder = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from docindex.stores.lease import lease
        with lease(Path(sys.argv[1])):
            print("held", flush=True)
            time.sleep(60)
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(tmp_path / "index")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(LockedError) as caught, stores.writer():
            pass
        assert f"process {process.pid} on" in caught.value.holder
        started = time.monotonic()
        threading.Timer(0.3, process.kill).start()
        with stores.writer(wait_seconds=30.0) as writer:
            assert time.monotonic() - started >= 0.25
            writer.commit(ChangeSet(documents=[text_change("a", "A")]))
    assert stores.snapshot().count() == 1


def test_two_stores_of_one_process_share_an_index(tmp_path: Path, stores: TwoStores) -> None:
    other = open_stores(tmp_path / "index")
    with stores.writer() as writer:
        with pytest.raises(LockedError), other.writer():
            pass
        writer.commit(ChangeSet(documents=[text_change("a", "Seen at once.")]))
        assert len(other.snapshot().lexical("seen", 3)) == 1
    with other.writer() as writer:
        writer.commit(ChangeSet(documents=[text_change("b", "Seen as well.")]))
    assert len(stores.snapshot().lexical("seen", 3)) == 2
    other.close()


def test_many_threads_read_at_once(stores: TwoStores) -> None:
    with stores.writer() as writer:
        writer.commit(ChangeSet(documents=[text_change(f"d{i}", f"Text {i}.", metadata={"i": i}) for i in range(50)]))
    expected = stores.snapshot().lexical("text", 50)
    results: list[bool] = []

    def read() -> None:
        for _ in range(5):
            snapshot = stores.snapshot()
            same = snapshot.lexical("text", 50) == expected and len(list(snapshot.documents())) == 50
            results.append(same and len(snapshot.nodes([match.node_id for match in expected])) == 50)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 40
