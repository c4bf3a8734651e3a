from __future__ import annotations

import re
import threading

import pytest

from docindex import Index
from docindex.answering.engines.compare import CompareEngine
from docindex.errors import QueryError, RequestCancelledError
from docindex.schema import TokenCounts


@pytest.fixture
def engine(example_index: Index, knowing) -> CompareEngine:
    embedder = example_index._parts.embedder()
    return CompareEngine(
        example_index.retriever(),
        example_index._snapshot,
        knowing({"heavy": "It weighs 640 grams."}),
        embed=lambda texts: embedder.embed(texts, kind="passage"),
    )


def test_two_things_are_set_side_by_side(engine: CompareEngine, example_index: Index):
    response = engine.query("What is the difference between a restart and a factory reset?")
    assert {step.text for step in response.steps} == {"a restart", "a factory reset"}
    quotes = [citation.quote for citation in response.citations]
    assert any("erases the Wi-Fi password" in " ".join(quote.split()) for quote in quotes)
    assert any("restarts, and nothing is" in " ".join(quote.split()) for quote in quotes)
    for citation in response.citations:
        document = example_index.document(citation.doc_id)
        assert citation.verified
        assert document is not None
        assert document.text[citation.start : citation.end] == citation.quote
    markers = {int(marker) for marker in re.findall(r"\[(\d+)\]", response.answer)}
    assert markers == {citation.marker for citation in response.citations}


def test_two_documents_are_set_side_by_side(engine: CompareEngine):
    response = engine.query("Compare the FAQ with the privacy policy")
    assert {citation.source for citation in response.citations} == {"faq.md", "privacy-policy.html"}
    assert [step.kind for step in response.steps] == ["side", "side"]


def test_quantities_that_differ_are_shown(index: Index, tmp_path, knowing, costly):
    (tmp_path / "old.txt").write_text("The old pump has a warranty of 2 years.\n")
    (tmp_path / "new.txt").write_text("The new pump has a warranty of 5 years.\n")
    index.ingest(tmp_path / "old.txt", tmp_path / "new.txt")
    engine = CompareEngine(costly(index.retriever()), index._snapshot, knowing({}))
    response = engine.query("Compare the old pump with the new pump")
    assert response.answer == (
        "Warranty (2 years and 5 years):\n"
        "- the old pump: The old pump has a warranty of 2 years. [1]\n"
        "- the new pump: The new pump has a warranty of 5 years. [2]"
    )
    assert response.tokens == TokenCounts(14, 4, 2)  # two searches
    assert engine.query("Compare a heron with a stork").tokens == TokenCounts(14 + 10, 4 + 5, 2 + 2)


def test_names_of_documents_are_text(index: Index, tmp_path, knowing):
    names = ["old [1] ![x](http:evil).txt", "<img src=x>.txt"]
    for years, name in enumerate(names, 2):
        (tmp_path / name).write_text(f"The pump has a warranty of {years} years.\n\nPart {years} is made of brass.\n")
    index.ingest(tmp_path)
    engine = CompareEngine(index.retriever(), index._snapshot, knowing({}), documents=names)
    response = engine.query("What is different?")
    assert [step.text for step in response.steps] == names
    assert "- old ‹1› [x](http:evil).txt: The pump has" in response.answer
    assert "- ‹img src=x>.txt: The pump has" in response.answer


@pytest.mark.parametrize(
    "question",
    ["How heavy is it?", "Which is heavier, the outdoor unit or the display unit? How heavy?"],
)
def test_what_can_not_be_set_side_by_side_is_asked_of_the_other_engine(engine: CompareEngine, question: str):
    assert engine.query(question).answer == "It weighs 640 grams. [1]"


def test_it_can_be_cancelled_and_must_be_asked(engine: CompareEngine):
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(RequestCancelledError):
        engine.query("Compare the FAQ with the manual", cancel=cancel)
    with pytest.raises(QueryError):
        engine.query("")
