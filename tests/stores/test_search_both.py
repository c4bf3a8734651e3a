"""Both sides of a hybrid search at once: the same as one after the other."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from docindex.config import IndexConfig
from docindex.protocols import ChangeSet
from docindex.schema import Compare, Field
from docindex.stores.commit import TwoStores, create_stores
from docindex.stores.manifest import Manifest
from docindex.stores.queries import both, wait_for
from docindex.testing.stored_texts import DIM, text_change, text_vector

WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]


@pytest.fixture
def stores(tmp_path: Path) -> TwoStores:
    """Forty documents, a third of them without vectors."""
    made = create_stores(
        tmp_path / "index", Manifest(config=IndexConfig(), embedder="e", fingerprint="f", dim=DIM), keep_seconds=0.0
    )
    changes = []
    for number in range(40):
        rng = np.random.default_rng(number)
        change = text_change(
            f"d{number:02}", " ".join(rng.choice(WORDS, 6)), " ".join(rng.choice(WORDS, 4)), metadata={"n": number % 2}
        )
        changes.append(change if number % 3 else replace(change, vectors=np.zeros_like(change.vectors)))
    with made.writer() as writer:
        writer.commit(ChangeSet(documents=changes))
    return made


@pytest.mark.parametrize("where", [None, Compare(Field("n", "number", builtin=False), "=", 1)])
def test_both_searches_give_what_each_gives(stores: TwoStores, where: Compare | None) -> None:
    snapshot = stores.snapshot()
    vector = text_vector("question")
    near, worded, _ = snapshot.search_both("gamma kappa", vector, 7, where)
    assert near == snapshot.dense(vector, 7, where)
    assert worded == snapshot.lexical("gamma kappa", 7, where)
    assert len(near) == len(worded) == 7


def test_best_cosines_are_those_of_searches_for_one(stores: TwoStores) -> None:
    snapshot = stores.snapshot()
    vectors = np.stack([text_vector(word) for word in WORDS] + [np.zeros(DIM, np.float32)])
    searched = [snapshot.dense(vector, 1)[0].score for vector in vectors[:-1]]
    assert snapshot.best_cosines(3 * vectors) == pytest.approx([*searched, 0.0], abs=1e-6)
    assert len(snapshot.best_cosines(vectors[:0])) == 0


def test_what_the_words_find_has_its_cosine_if_it_is_embedded(stores: TwoStores) -> None:
    snapshot = stores.snapshot()
    vector = text_vector("question")
    _, worded, cosines = snapshot.search_both("gamma kappa", vector, 30)
    ids = [match.node_id for match in worded]
    rows = snapshot.vectors(ids)
    assert cosines == pytest.approx({key: row @ vector for key, row in zip(ids, rows, strict=True) if row.any()})
    assert 0 < len(cosines) < len(ids)
    assert snapshot.search_both("", vector, 30)[1:] == ([], {})


def test_what_one_of_two_raises_is_raised_and_the_other_is_given_up() -> None:
    ended: list[str] = []

    async def fails() -> int:
        await asyncio.sleep(0.01)
        raise OSError("no such table")

    async def waits() -> int:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append("given up")
            raise
        return 1

    with pytest.raises(OSError, match="no such table"):
        wait_for(both(fails(), waits()))
    assert ended == ["given up"]


def test_levels_come_back_whether_all_are_equal_or_not(tmp_path: Path) -> None:
    manifest = Manifest(config=IndexConfig(), embedder="e", fingerprint="f", dim=DIM)
    stores = create_stores(tmp_path / "index", manifest, keep_seconds=0.0)
    flat = text_change("flat", "one passage", "another passage")
    with stores.writer() as writer:
        writer.commit(ChangeSet(documents=[flat]))
        assert [node.node.level for node in writer.snapshot.nodes_of("flat")] == [0, 0]
        deep = text_change("deep", "a part", "its whole")
        whole = replace(deep.nodes[1], level=1, order=0)
        writer.commit(ChangeSet(documents=[replace(deep, nodes=(deep.nodes[0], whole))]))
        found = writer.snapshot.nodes([whole.node_id, flat.nodes[0].node_id])
    assert [node.node.level for node in found] == [1, 0]
    stores.close()
