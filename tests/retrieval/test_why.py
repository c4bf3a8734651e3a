"""Why a document was not found: the reason is what kept it out, not what its plain ranks suggest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from docindex import Index, IndexConfig, IngestOptions
from docindex.indices.definitions import definition_of
from docindex.retrieval.options import RetrievalOptions
from docindex.schema import SearchMode, Via
from docindex.testing.scripted_llm import ScriptedLLM
from docindex.wiring import Parts

BIRDS = """
    heron stork crane egret ibis bittern swan goose duck teal grebe coot rail plover snipe curlew tern gull osprey kite
    harrier kingfisher wagtail warbler
"""
QUERY = "when do the wardens ring and count birds?"
ODD = "dairy.txt"
"""It has the best passage of all for the query, in the midst of something else."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("why")
    docs = folder / "docs"
    docs.mkdir()
    for bird in BIRDS.split():
        text = f"The {bird} is a bird of the wetlands. Wardens count it from a boat. It nests among the reeds. "
        (docs / f"{bird}.txt").write_text(f"{text}Each {bird} has a ring, as the birds of other marshes have. " * 3)
    cheese = "The dairy makes a hard cheese from raw milk. It ripens in a cellar for nine months. " * 12
    butter = "The rind of the cheese is washed in brine and turned each week. Butter is made on Mondays. " * 12
    (docs / ODD).write_text(f"{cheese}\n\nEach spring the wardens ring and count birds on the roof.\n\n{butter}")
    (docs / "ring.txt").write_text("A ring of iron.")
    with Index.create(folder / "index", IndexConfig(chunk_tokens=48, overlap_tokens=0, levels=(120,))) as made:
        made.ingest(docs)
        for kind in ("summaries", "tree"):
            made.add_index(definition_of(kind))
        late = folder / "late.txt"
        late.write_text("The roof is late.")
        made.ingest(late, options=IngestOptions(wait="text"))
        yield made


def reason(index: Index, mode: SearchMode = "hybrid", **options: object) -> str:
    found = index.why(QUERY, ODD, 5, mode, options=RetrievalOptions(**options))
    assert not found.found
    return found.reason


def test_it_is_the_best_of_the_plain_search(index: Index) -> None:
    assert index.why(QUERY, ODD, 5).reason == "It is hit 1 of 5."


@pytest.mark.parametrize("mode", ["hybrid", "lexical"])
@pytest.mark.parametrize(
    ("via", "said"),
    [
        ("summaries", "Its summary is not among the nearest ones, and only the documents of those were looked into."),
        ("parents", "No larger node that was looked into holds a passage of it."),
        ("tree-walk", "The walk down the tree of summaries did not come to it."),
    ],
)
def test_what_a_way_does_not_lead_to_is_told(index: Index, via: Via, mode: SearchMode, said: str) -> None:
    assert reason(index, mode=mode, via=via) == said
    assert reason(index, mode=mode, via=via, per_document=1) == said  # which asks in several rounds


def test_a_condition_of_the_question_is_told(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Parts, "llm", lambda parts: ScriptedLLM('[["source", "contains", "ring"]]'))
    said = "No passage of it meets the condition that the model read out of the question: source CONTAINS 'ring'"
    for via in ("passages", "summaries", "tree-walk"):
        assert reason(index, auto_filter=True, via=via).startswith(said)


def test_what_was_looked_up_in_the_place_of_the_query_is_told(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Parts, "llm", lambda parts: ScriptedLLM('["a boat in the reeds"]'))
    said = "Too many passages are nearer to what was looked up in the place of the query: 'a boat in the reeds'."
    assert reason(index, transform="rewrite") == said


def test_a_document_without_a_summary_is_told(index: Index) -> None:
    found = index.why("the late roof", "late.txt", options=RetrievalOptions(via="summaries"))
    assert found.reason == "It has no summary yet, and documents without one are not looked into."
