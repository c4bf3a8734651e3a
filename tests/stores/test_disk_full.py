"""A disk without space costs the commit that does not fit, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from docindex.config import IndexConfig
from docindex.errors import StoreError
from docindex.protocols import ChangeSet, DocumentChange, OnProgress, Writer
from docindex.schema import Document, Node, Progress, digest
from docindex.stores.commit import TwoStores, create_stores, open_stores
from docindex.stores.manifest import Manifest
from docindex.testing.stored_texts import text_change, texts

DIM = 64
MANIFEST = Manifest(config=IndexConfig(), embedder="e", fingerprint="f", dim=DIM)
SPACE = 24 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own. Where none can be mounted, the test below with a limit on files covers for it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SPACE}", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def noise(number: int, nodes: int = 400) -> DocumentChange:
    """A document that no compression makes much smaller."""
    rng = np.random.default_rng(number)
    doc_id = f"noise{number}"
    parts = [rng.bytes(1500).hex() for _ in range(nodes)]
    text = "".join(parts)
    starts = np.cumsum([0, *(len(part) for part in parts)]).tolist()
    made = tuple(
        Node(digest(doc_id, str(i)), doc_id, i, starts[i], starts[i + 1], part) for i, part in enumerate(parts)
    )
    vectors = rng.normal(size=(nodes, DIM)).astype(np.float32)
    return DocumentChange(
        document=Document(doc_id, doc_id, text),
        location=f"/docs/{doc_id}",
        content_hash=digest(text),
        bytes=len(text),
        modified_at=None,
        nodes=made,
        vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
    )


def check_old_state(stores: TwoStores, documents: list[str]) -> None:
    snapshot = stores.snapshot()
    assert [record.doc_id for record in snapshot.documents()] == documents
    assert texts(snapshot, snapshot.lexical("survives", 3)) == ["This text survives."]
    assert snapshot.problems() == []


def test_a_full_disk_leaves_the_old_state(disk: Path) -> None:
    path = disk / "index"
    stores = create_stores(path, MANIFEST, keep_seconds=0.0)
    with stores.writer() as writer:
        writer.commit(ChangeSet(documents=[text_change("a", "This text survives.", dim=DIM)]))
        documents = ["a", *fill_up(writer)]
    check_old_state(stores, documents)
    assert len(documents) > 2
    with stores.writer() as writer:
        with pytest.raises(StoreError):  # each needs room for a second copy
            writer.purge()
        check_old_state(stores, documents)
        with pytest.raises(StoreError):
            writer.maintain(force=True)
        check_old_state(stores, documents)
    stores.close()

    subprocess.run(["mount", "-o", f"remount,size={SPACE * 4}", disk], check=True)
    opened = open_stores(path, keep_seconds=0.0)
    check_old_state(opened, documents)
    with opened.writer() as writer:
        writer.commit(ChangeSet(documents=[noise(99)], delete_documents=documents[1:]))
        writer.maintain(force=True)
        writer.purge()
    check_old_state(opened, ["a", "noise99"])
    left = sum(file.stat().st_blocks * 512 for file in path.rglob("*") if file.is_file())
    assert left < 8 << 20
    opened.close()


@pytest.mark.parametrize("step", ["nodes-deleted", "nodes-written", "vectors-written", "registry-written"])
def test_a_disk_that_is_full_at_a_step(disk: Path, step: str) -> None:
    path = disk / "index"
    stores = create_stores(path, MANIFEST)
    with stores.writer() as writer:
        writer.commit(ChangeSet(documents=[text_change("a", "This text survives.", dim=DIM), noise(1, 40)]))
    filler = disk / "filler"

    def fill(progress: Progress) -> None:
        if progress.step == step:
            with filler.open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(b"x" * (1 << 16))
                except OSError:
                    while True:
                        try:
                            file.write(b"x" * 256)
                        except OSError:
                            break

    change = ChangeSet(documents=[noise(2, 200)], delete_documents=["noise1"])
    with stores.writer() as writer:
        with pytest.raises(StoreError):
            commit(writer, change, fill)
        check_old_state(stores, ["a", "noise1"])
        filler.unlink()
        writer.commit(change)
    check_old_state(stores, ["a", "noise2"])
    stores.close()


def fill_up(writer: Writer) -> list[str]:
    """Commits until nothing more fits; the ids of the documents that did."""
    written: list[str] = []
    for number in range(100, 160):
        try:
            writer.commit(ChangeSet(documents=[noise(number)]))
        except StoreError:
            return written
        written.append(f"noise{number}")
    raise AssertionError("all of it fits")


def commit(writer: Writer, change: ChangeSet, on_progress: OnProgress) -> None:
    writer.commit(change, on_progress)


LIMITED = textwrap.dedent(
    """
    import resource, signal, sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[2])
    from docindex.errors import StoreError
    from docindex.protocols import ChangeSet
    from docindex.stores.commit import open_stores
    from test_disk_full import noise

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    stores = open_stores(Path(sys.argv[1]))
    with stores.writer() as writer:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
        try:
            writer.commit(ChangeSet(documents=[noise(1)]))
        except StoreError as error:
            print("refused", error)
        assert [record.doc_id for record in stores.snapshot().documents()] == ["a"]
        assert stores.snapshot().problems() == []
    """
)


@pytest.mark.parametrize("limit", [100_000, 600_000])
def test_a_file_that_may_not_grow_leaves_the_old_state(tmp_path: Path, limit: int) -> None:
    path = tmp_path / "index"
    stores = create_stores(path, MANIFEST)
    with stores.writer() as writer:
        writer.commit(ChangeSet(documents=[text_change("a", "This text survives.", dim=DIM)]))
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path), str(Path(__file__).parent), str(limit)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("refused")
    check_old_state(stores, ["a"])
    with stores.writer() as writer:
        writer.commit(ChangeSet(documents=[noise(1)]))
    check_old_state(stores, ["a", "noise1"])
    stores.close()
