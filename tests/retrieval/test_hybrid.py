"""Fusion, against the formula computed by hand over all nodes of a real index."""

import pytest

from docindex import Environment, Index, LLMConfig, wiring
from docindex.retrieval.fusion import fuse
from docindex.retrieval.hybrid import HybridRetriever, find_candidates, fused_hits
from docindex.schema import Query

QUERIES = [
    "oil change interval",
    "how many apple trees",
    "moon",
    "zebra",
    "the",
    "What does the engine need?",
    "'(\"*:",
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("fusion")
    (folder / "docs").mkdir()
    topics = [
        "engine oil",
        "apple orchards",
        "tides and the moon",
        "bread",
        "copper wire",
        "old maps",
        "chess openings",
    ]
    for number, topic in enumerate(topics * 3):
        text = f"Number {number} is about {topic}. It says more on {topic} than on {topics[number % 5]}."
        (folder / "docs" / f"{number}.txt").write_text(text)
    with Index.create(folder / "index") as index:
        index.ingest(folder / "docs")
        yield index


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("weight", [0.0, 0.3, 0.7, 1.0])
def test_the_score_is_the_weighted_sum_over_every_candidate(filled: Index, query: str, weight: float):
    parts = wiring.open(filled.path, LLMConfig(), Environment.read())
    snapshot = parts.store.snapshot()
    embedder = parts.embedder()
    hits = HybridRetriever(lambda: snapshot, embedder, weight).retrieve(Query(query, k=50))

    ids = [stored.node.node_id for record in snapshot.documents() for stored in snapshot.nodes_of(record.doc_id)]
    cosines = dict(zip(ids, (snapshot.vectors(ids) @ embedder.embed([query], kind="query")[0]).tolist(), strict=True))
    bm25 = {match.node_id: match.score for match in snapshot.lexical(query, len(ids))}
    best = max(bm25.values(), default=1.0)
    expected = {i: weight * cosines[i] + (1 - weight) * bm25.get(i, 0.0) / best for i in ids}
    parts.close()

    assert {hit.node_id for hit in hits} == set(ids)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    for hit in hits:
        assert hit.score == pytest.approx(expected[hit.node_id], abs=1e-5)
        assert hit.scores.dense == pytest.approx(cosines[hit.node_id], abs=1e-5)
        assert hit.scores.lexical == pytest.approx(bm25.get(hit.node_id, 0.0), abs=1e-5)


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("k", [0, 1, 3, 6])
@pytest.mark.parametrize("worded", [1, 2])
def test_what_is_not_looked_up_changes_no_hit(
    filled: Index, weight: float, k: int, worded: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("docindex.retrieval.hybrid.DEPTH", 6)
    monkeypatch.setattr("docindex.retrieval.hybrid.WORDED", worded)
    parts = wiring.open(filled.path, LLMConfig(), Environment.read())
    snapshot, embedder = parts.store.snapshot(), parts.embedder()
    looked_up: list[int] = []
    lexical = type(snapshot).lexical

    def counting(*given, among):
        looked_up.append(len(among))
        return lexical(*given, among=among)

    monkeypatch.setattr(type(snapshot), "lexical", counting)
    expected, asked = [], [Query(text, k=k) for text in (*QUERIES, "number is about", "it says more on bread")]
    for query in asked:
        whole = find_candidates(snapshot, query, embedder.embed([query.text], kind="query")[0])
        expected.append(fused_hits(snapshot, whole, fuse("weighted", whole, weight), k))
    every = sum(looked_up)
    looked_up.clear()
    retriever = HybridRetriever(lambda: snapshot, embedder, weight)
    assert [retriever.retrieve(query) for query in asked] == expected
    parts.close()
    assert sum(looked_up) <= every
    assert every > 0


def test_filters_hold_on_both_sides(filled: Index):
    for mode in ("hybrid", "dense", "lexical"):
        hits = filled.search("engine oil apple moon", k=50, mode=mode, filter="source in ('0.txt', '1.txt', '3.txt')")
        assert {hit.source for hit in hits} <= {"0.txt", "1.txt", "3.txt"}
        assert hits


def test_fewer_hits_are_the_first_of_more(filled: Index):
    for mode in ("hybrid", "dense"):
        assert filled.search("old maps", k=3, mode=mode) == filled.search("old maps", k=9, mode=mode)[:3]


def test_a_query_that_shares_no_word_is_still_answered_by_meaning(filled: Index):
    hit = filled.search("lunar gravity pulls seawater", k=1)[0]
    assert "tides" in hit.text
    assert filled.search("lunar gravitation", mode="lexical") == []
