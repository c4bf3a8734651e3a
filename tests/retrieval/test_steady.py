"""A search sees one version of the index, whatever is committed while it runs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import cast

import pytest

from docindex import Index
from docindex.protocols import Snapshot
from docindex.retrieval.collapse import CollapsingRetriever
from docindex.retrieval.options import RetrievalOptions
from docindex.retrieval.steady import HeldSnapshot
from docindex.schema import Hit, Query

QUESTION = "how much oil does the engine take"


@pytest.mark.parametrize("gone", [True, False], ids=["deleted", "edited"])
@pytest.mark.parametrize(
    "options",
    [RetrievalOptions(window=2), RetrievalOptions(recency_half_life_days=30.0), RetrievalOptions(mmr=0.5)],
    ids=["window", "recency", "mmr"],
)
def test_what_is_committed_between_two_stages_is_not_seen(
    index: Index, docs: Path, monkeypatch: pytest.MonkeyPatch, options: RetrievalOptions, gone: bool
) -> None:
    index.ingest(docs)
    plain = index.search(QUESTION, options=options)
    assert "4.2 litres of oil" in plain[0].text
    collapsed = CollapsingRetriever.retrieve

    def then_committed(self: CollapsingRetriever, query: Query) -> list[Hit]:
        hits = collapsed(self, query)
        if gone:
            index.delete("sub/engine.txt")
        else:
            (docs / "sub" / "engine.txt").write_text("Gone fishing. Back at the end of the week, or of the next one.\n")
            index.ingest(docs)
        return hits

    monkeypatch.setattr(CollapsingRetriever, "retrieve", then_committed)
    meanwhile = index.search(QUESTION, options=options)
    assert [hit.text for hit in meanwhile] == [hit.text for hit in plain]
    monkeypatch.undo()
    assert all("4.2 litres" not in hit.text for hit in index.search(QUESTION, options=options))


def test_a_snapshot_is_held_by_a_thread_and_until_the_outermost_block_ends() -> None:
    numbers = count()
    snapshot = HeldSnapshot(lambda: cast("Snapshot", f"version {next(numbers)}"))
    assert snapshot() != snapshot()
    with snapshot.held():
        first = snapshot()
        with snapshot.held():
            assert snapshot() is first
        assert snapshot() is first
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(snapshot).result() is not first
    assert snapshot() is not first
