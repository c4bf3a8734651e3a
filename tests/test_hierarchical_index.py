"""An index with larger nodes above the passages, through the public API."""

from __future__ import annotations

from pathlib import Path

import pytest

from docindex import ConfigError, Index, IndexConfig
from docindex.retrieval.options import RetrievalOptions

LEVELS = (120, 400)


@pytest.fixture(scope="module")
def manual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hierarchy")
    parts = []
    for topic in ("pump", "lamp", "fan", "dam"):
        facts = " ".join(f"The {topic} of hall {number} was checked {number + 3} times." for number in range(30))
        parts.append(f"# The {topic}\n\n{facts}\n")
    (folder / "manual.md").write_text("\n".join(parts))
    config = IndexConfig(chunk_tokens=48, overlap_tokens=0, levels=LEVELS)
    with Index.create(folder / "index", config) as index:
        report = index.ingest(folder / "manual.md")
        assert report.failed == ()
    return folder


def test_levels_outlive_the_process_and_are_whole(manual: Path) -> None:
    with Index.open(manual / "index") as index:
        assert index.config.levels == LEVELS
        assert index.check() == []
        levels = [stored.node.level for stored in index.nodes("manual.md")]
        assert {0, 1, 2} == set(levels)
        status = index.status()
        assert status["embedded"] == status["nodes"] == len(levels)


def test_hits_are_passages_unless_larger_ones_are_asked_for(manual: Path) -> None:
    with Index.open(manual / "index") as index:
        for mode in ("hybrid", "dense", "lexical"):
            assert {hit.node.level for hit in index.search("lamp of hall 7", mode=mode)} == {0}
        (merged, *_) = index.search("lamp", options=RetrievalOptions(expand="merge"))
        assert merged.node.level > 0
        assert merged.merged
        parents = index.search("lamp of hall 7", k=2, options=RetrievalOptions(expand="parent"))
        assert all(hit.node.level == 2 for hit in parents)
        assert all(
            hit.node.level == 0 for hit in index.search("lamp of hall 7", options=RetrievalOptions(via="parents"))
        )
        text = index.document("manual.md")
        assert text is not None
        assert text.text[merged.node.start : merged.node.end] == merged.text


@pytest.mark.parametrize("where", [None, "source = 'manual.md'"])
def test_why_counts_and_ranks_passages_alone(manual: Path, where: str | None) -> None:
    with Index.open(manual / "index") as index:
        passages = [stored for stored in index.nodes("manual.md") if stored.node.level == 0]
        why = index.why("Lamp", "manual.md", filter=where)
        assert (why.passages, why.passages_in_question) == (len(passages), len(passages))
        # Of the only document, the best passage of either side is the first one, and a hit of that mode.
        for side, mode in ((why.dense, "dense"), (why.lexical, "lexical")):
            assert side.rank == 1
            assert side.score == pytest.approx(index.search("Lamp", 1, mode)[0].score, abs=1e-5)


def test_an_edit_embeds_a_few_passages_and_no_parent(manual: Path) -> None:
    path = manual / "manual.md"
    path.write_text(path.read_text().replace("fan of hall 9 was checked 12 times", "fan of hall 9 has a new belt"))
    with Index.open(manual / "index") as index:
        report = index.ingest(path)
        assert report.updated == 1
        assert 1 <= report.nodes.embedded <= 3
        assert index.check() == []
        assert "new belt" in index.search("new belt of the fan", k=1)[0].text


@pytest.mark.parametrize(
    "options", [RetrievalOptions(via="parents"), RetrievalOptions(expand="merge"), RetrievalOptions(expand="parent")]
)
def test_without_levels_what_wants_them_is_refused(example_index: Index, options: RetrievalOptions) -> None:
    for refused in (example_index.search, example_index.explain, example_index.engine):
        with pytest.raises(ConfigError, match="levels"):
            refused("retriever", options=options)


@pytest.mark.parametrize("levels", [(100,), (400, 300), (300, 300)])
def test_levels_must_ascend_above_the_passages(levels: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="levels"):
        IndexConfig(chunk_tokens=200, levels=levels)
