"""Several indexes that are searched and asked as one: the calls of a single one, over all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from docindex import ConfigError, Index, QueryError, StoreError
from docindex.config import AnswerOptions
from docindex.indices.definitions import definition_of
from docindex.joined import JoinedIndex
from docindex.retrieval.options import RetrievalOptions
from docindex.schema import Via
from docindex.testing.scripted_llm import ScriptedLLM
from docindex.wiring import Parts

PASSAGES = AnswerOptions(synthesis="context-only")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JoinedIndex]:
    folder = tmp_path_factory.mktemp("joined")
    for name, text in (("letters", "The heron stands in the reeds."), ("manuals", "The stork pump runs at 900 rpm.")):
        docs = folder / name / "docs"
        docs.mkdir(parents=True)
        (docs / "bird.txt").write_text(text)
        with Index.create(folder / name / "birds") as index:
            index.ingest(docs)
    with JoinedIndex.open([folder / "letters" / "birds", folder / "manuals" / "birds"]) as joined:
        yield joined


def test_ids_and_sources_begin_with_the_names_of_the_indexes(both: JoinedIndex):
    assert both.names == ("birds", "birds-2")
    hits = both.search("heron or stork", k=5)
    assert {(hit.doc_id, hit.source) for hit in hits} == {(f"{name}/bird.txt",) * 2 for name in both.names}
    found = both.document("birds-2/bird.txt")
    assert found is not None
    assert "pump" in found.text
    assert both.document("birds-3/bird.txt") is None


def test_many_queries_are_searched_as_each_of_them(both: JoinedIndex):
    queries = ["heron", "stork pump"]
    found = list(both.search_many(queries, k=2, mode="lexical"))
    assert found == [both.search(query, k=2, mode="lexical") for query in queries]
    assert [hits[0].source for hits in found] == ["birds/bird.txt", "birds-2/bird.txt"]


def test_each_index_reads_the_filter(both: JoinedIndex):
    assert len(both.search("bird", filter="source = 'bird.txt'")) == 2
    assert both.search("bird", filter="source = 'other.txt'") == []
    with pytest.raises(QueryError, match="colour"):
        both.search("bird", filter="colour = 'grey'")


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("source = 'birds/bird.txt'", {"birds"}),
        ("doc_id = 'birds-2/bird.txt'", {"birds-2"}),
        ("source in ('birds-2/bird.txt', 'other.txt')", {"birds-2"}),
        ("doc_id in ('birds/bird.txt', 'birds-2/bird.txt')", {"birds", "birds-2"}),
        ("source in ('bird.txt')", {"birds", "birds-2"}),
        ("source != 'birds/bird.txt'", {"birds-2"}),
        ("source != 'bird.txt'", set()),
        ("source not in ('birds-2/bird.txt')", {"birds"}),
        ("not (source = 'birds/bird.txt') and page != 7 or source = 'birds/bird.txt'", {"birds"}),
        ("source = 'elsewhere/bird.txt'", set()),
        ("source contains 'bird.txt'", {"birds", "birds-2"}),
    ],
)
def test_a_filter_names_ids_and_sources_as_hits_do(both: JoinedIndex, condition: str, found: set[str]):
    for mode in ("lexical", "hybrid"):
        hits = both.search("heron or stork", filter=condition, mode=mode)
        assert {hit.source.partition("/")[0] for hit in hits} == found


@pytest.mark.parametrize("via", ["graph", "summaries", "tree", "tree-walk"])
def test_all_of_them_are_searched_through_what_each_has(both: JoinedIndex, via: Via):
    kind = via.removesuffix("-walk")
    first, second = both._indexes.values()
    first.add_index(definition_of(kind))
    if kind not in {made.kind for made in second.indexes()}:
        with pytest.raises(StoreError, match=f"docindex indexes add {kind}"):
            both.search("heron or stork", options=RetrievalOptions(via=via))
        second.add_index(definition_of(kind))
    hits = both.search("heron or stork", options=RetrievalOptions(via=via))
    assert {hit.source for hit in hits} == {"birds/bird.txt", "birds-2/bird.txt"}
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    (hit,) = both.search("heron", filter="source = 'birds/bird.txt'", options=RetrievalOptions(via=via))
    assert (hit.rank, hit.source) == (1, "birds/bird.txt")


@pytest.fixture
def dated(tmp_path: Path) -> Iterator[JoinedIndex]:
    """Two indexes, of which the second alone has years."""
    for name, record in (("plain", {}), ("dated", {"year": 2021})):
        file = tmp_path / f"{name}.jsonl"
        file.write_text(json.dumps({"_id": name, "text": "The heron stands in the reeds."} | record))
        with Index.create(tmp_path / name) as index:
            index.ingest(file)
    with JoinedIndex.open([tmp_path / "plain", tmp_path / "dated"]) as joined:
        yield joined


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("year >= 2020", {"dated"}),
        ("year in (2021, 2022)", {"dated"}),
        ("metadata.year = 2021", {"dated"}),
        ("year != 2020", {"dated"}),
        ("not (year >= 2020)", {"plain"}),
        ("year < 2020 or source = 'plain.jsonl'", {"plain"}),
    ],
)
def test_a_field_that_one_index_lacks_is_one_that_its_documents_do_not_have(
    dated: JoinedIndex, condition: str, found: set[str]
):
    for mode in ("lexical", "hybrid"):
        assert {hit.doc_id.partition("/")[0] for hit in dated.search("heron", filter=condition, mode=mode)} == found


def test_a_field_that_none_of_them_has_is_an_error(dated: JoinedIndex):
    with pytest.raises(QueryError, match="there is no field 'yeer': did you mean year"):
        dated.search("heron", filter="yeer = 2020")


def test_what_ranks_without_a_score_is_refused(both: JoinedIndex):
    with pytest.raises(ConfigError, match="mmr goes with one index"):
        both.search("bird", options=RetrievalOptions(mmr=0.5))


def test_answers_come_from_all_of_them(both: JoinedIndex):
    response = both.engine(k=2, answers=PASSAGES).query("How fast does the stork pump run?")
    assert {hit.source for hit in response.hits} == {"birds/bird.txt", "birds-2/bird.txt"}
    assert "900 rpm" in response.answer
    for options in ({"false_refusals": 0.1}, {"name": "graph"}):
        with pytest.raises(ConfigError, match="goes with one index"):
            both.engine(**options)
    with pytest.raises(ConfigError, match="asks no tables"):
        both.engine(answers=AnswerOptions(database="sqlite:///shop.db"))


@pytest.mark.parametrize("strict", [True, False])
def test_what_can_not_be_verified_is_withheld_where_that_is_wanted(
    both: JoinedIndex, monkeypatch: pytest.MonkeyPatch, strict: bool
):
    monkeypatch.setattr(Parts, "llm", lambda parts: ScriptedLLM("The old stork pump runs at 900 rpm."))
    engine = both.engine(k=2, answers=AnswerOptions(strict=strict, cache=False))
    assert ("The old stork" not in engine.query("How fast does the stork pump run?").answer) is strict


def test_conversations_are_kept_in_the_first_one(both: JoinedIndex):
    both.chat(conversation="birds", answers=PASSAGES).ask("How fast does the stork pump run?")
    first, second = both._indexes.values()
    assert [turn.question for turn in both.chat(conversation="birds").turns] == ["How fast does the stork pump run?"]
    assert [conversation.name for conversation in first.conversations.summaries()] == ["birds"]
    assert list(second.conversations.summaries()) == []


def test_none_is_no_index() -> None:
    with pytest.raises(QueryError, match="name at least one"):
        JoinedIndex([])
