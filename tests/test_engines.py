"""Every engine and every synthesis by its name, from Python, on the example documents."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import get_args

import pytest

from docindex import ConfigError, Index, StoreError
from docindex.config import AnswerOptions
from docindex.indices.definitions import definition_of
from docindex.schema import EngineName, Response, SynthesisMode
from docindex.testing.scripted_llm import ScriptedLLM
from docindex.wiring import Parts

QUESTION = "How do I reset the station to its factory settings?"
ENTAILED = "How long does the warranty last?"
"""The default model answers it in words of its own that the documents bear out."""
FOREIGN = "Who won the football World Cup in 1998?"
ASKED: dict[EngineName, str] = {
    "retriever": QUESTION,
    "auto": QUESTION,
    "subquestions": "How long is the warranty and which port does the local API listen on?",
    "multi-step": QUESTION,
    "hyde": QUESTION,
    "tables": "How much does the rain funnel cost?",
    "summary": "Summarise the safety notice.",
    "compare": "What is the difference between the safety notice and the privacy policy?",
    "agent": QUESTION,
}


def check(index: Index, response: Response) -> None:
    """Every citation that says so is verbatim in the stored document, and every marker has one."""
    assert not response.no_answer
    assert any(citation.verified for citation in response.citations)
    for citation in response.citations:
        document = index.document(citation.doc_id)
        if citation.verified:
            assert document is not None
            assert document.text[citation.start : citation.end] == citation.quote
        assert f"[{citation.marker}]" in response.answer
    assert response.timings_ms["total"] > 0


@pytest.mark.parametrize("name", ASKED)
def test_an_engine_answers_with_what_is_there(example_index: Index, name: EngineName):
    response = example_index.engine(name).query(ASKED[name])
    check(example_index, response)


@pytest.mark.parametrize("name", sorted(set(ASKED) - {"summary"}))
def test_an_engine_refuses_what_is_foreign(example_index: Index, name: EngineName):
    assert example_index.engine(name).query(FOREIGN).no_answer


def test_the_graph_engine_wants_the_graph(index: Index, docs: Path):
    index.ingest(docs)
    with pytest.raises(StoreError, match="docindex indexes add graph"):
        index.engine("graph")
    index.add_index(definition_of("graph"))
    check(index, index.engine("graph").query("How many litres of oil does the engine need?"))


def test_the_graph_is_chosen_where_there_is_one(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Parts, "llm", lambda parts: ScriptedLLM("none"))  # the form of the question is enough
    (tmp_path / "people.txt").write_text(
        "Ada Holm founded Borel Works in 1902. Carl Dahl is the brother of Ada Holm.\n"
    )
    index.ingest(tmp_path / "people.txt")
    question = "How is Carl Dahl related to Ada Holm?"
    answers = AnswerOptions(synthesis="extract")
    assert index.engine("auto", answers=answers).query(question).route == "retriever"
    index.add_index(definition_of("graph"))
    response = index.engine("auto", answers=answers).query(question)
    assert (response.route, "brother" in response.answer) == ("graph", True)
    assert [step.kind for step in index.engine("agent", answers=answers).query(question).steps] == ["graph"]


@pytest.mark.parametrize("mode", get_args(SynthesisMode))
def test_a_synthesis_answers_with_what_is_there(example_index: Index, mode: SynthesisMode):
    engine = example_index.engine(answers=AnswerOptions(synthesis=mode))
    check(example_index, engine.query(QUESTION))
    assert engine.query(FOREIGN).no_answer


@pytest.mark.parametrize("mode", ["extract", "context-only"])
def test_without_a_model_verbatim_answers_are_had(
    example_index: Index, mode: SynthesisMode, monkeypatch: pytest.MonkeyPatch
):
    def no_model(parts: Parts) -> None:
        raise AssertionError("the language model was loaded")

    monkeypatch.setattr(Parts, "llm", no_model)
    check(example_index, example_index.engine(answers=AnswerOptions(synthesis=mode)).query(QUESTION))


def test_answers_grow_and_can_be_awaited(example_index: Index):
    engine = example_index.engine("summary")
    stream = engine.stream(ASKED["summary"])
    assert "".join(stream) == stream.response.answer
    assert asyncio.run(engine.aquery(ASKED["summary"])).answer == stream.response.answer


def test_what_was_answered_is_kept_and_can_be_asked_anew(example_index: Index):
    first = example_index.engine().query(QUESTION)
    again = example_index.engine().query(QUESTION)
    assert again.answer == first.answer
    assert again.tokens.prompt_cached == again.tokens.prompt > 0
    kept = example_index._parts.completions.count()
    anew = example_index.engine(answers=AnswerOptions(cache=False)).query(QUESTION)
    assert anew.answer == first.answer
    assert anew.tokens.prompt_cached < anew.tokens.prompt
    assert example_index._parts.completions.count() == kept


def test_there_is_no_other_engine_or_synthesis(example_index: Index):
    with pytest.raises(ConfigError, match="subquestions"):
        example_index.engine("magic")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="compact"):
        example_index.engine(answers=AnswerOptions(synthesis="magic"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "question"), [("compare", "What differs?"), ("summary", "What do they say?"), ("auto", "Summarise them.")]
)
def test_documents_are_given_by_their_ids(example_index: Index, name: EngineName, question: str):
    given = ("faq.md", "privacy-policy.html")
    response = example_index.engine(name, answers=AnswerOptions(documents=given)).query(question)
    check(example_index, response)
    assert {citation.doc_id for citation in response.citations} == set(given)
    assert all(doc_id in response.answer for doc_id in given)


def test_one_document_is_compared_with_what_the_question_names(example_index: Index):
    engine = example_index.engine("compare", answers=AnswerOptions(documents=("faq.md",)))
    response = engine.query("How does it compare with the privacy policy?")
    assert [step.text for step in response.steps] == ["faq.md", "privacy policy"]


def test_a_summary_has_as_many_sentences_as_are_wanted(example_index: Index):
    for sentences in (1, 3):
        how = AnswerOptions(documents=("faq.md",), sentences=sentences)
        assert len(example_index.engine("summary", answers=how).query("What does it say?").citations) == sentences


def test_an_engine_asks_no_more_than_it_may(example_index: Index, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Parts, "llm", lambda parts: ScriptedLLM("none"))
    question = "On how many days did the president of Peru visit the moon?"  # tables are asked, then the passages
    for steps in (1, 2):
        engine = example_index.engine("agent", answers=AnswerOptions(synthesis="extract", cache=False, steps=steps))
        assert len(engine.query(question).steps) == steps


def test_a_strict_answer_withholds_what_is_not_in_the_documents(example_index: Index, monkeypatch: pytest.MonkeyPatch):
    written = "To reset the device to its factory settings, hold the MODE and DOWN buttons gently for 10 seconds."
    monkeypatch.setattr(Parts, "llm", lambda parts: ScriptedLLM(written))
    answers = [
        example_index.engine(answers=AnswerOptions(strict=strict, cache=False)).query(QUESTION).answer
        for strict in (False, True)
    ]
    assert ["gently" in answer for answer in answers] == [True, False], answers


def test_a_citation_has_the_scores_of_the_sentence_that_rests_on_it(
    example_index: Index, monkeypatch: pytest.MonkeyPatch
):
    written = "To reset the device to its factory settings, hold the MODE and DOWN buttons gently for 10 seconds."
    monkeypatch.setattr(Parts, "llm", lambda parts: ScriptedLLM(written))
    doubtful, quoted = example_index.engine(answers=AnswerOptions(cache=False)).query(QUESTION).citations
    assert 0.7 < doubtful.support < 1
    assert 0.7 < doubtful.similarity < 1
    assert (quoted.support, quoted.similarity) == (1, None)
    assert "similarity" not in quoted.as_dict()
    by_words = example_index.engine(mode="lexical", answers=AnswerOptions(cache=False)).query(QUESTION).citations
    assert {citation.similarity for citation in by_words} == {None}


def test_the_model_judges_what_it_wrote(example_index: Index):
    judged = example_index.engine(answers=AnswerOptions(entailment=True)).query(ENTAILED)
    check(example_index, judged)
    likely = [citation.entailment for citation in judged.citations if citation.entailment is not None]
    assert likely
    assert all(0 < one < 1 for one in likely)
    assert judged.timings_ms["entailment"] > 0
    plain = example_index.engine().query(ENTAILED)
    assert plain.answer == judged.answer
    assert judged.tokens.prompt > plain.tokens.prompt
    assert all("entailment" not in citation for citation in plain.as_dict()["citations"])
    told = [citation.get("entailment") for citation in judged.as_dict()["citations"]]
    assert told == [citation.entailment and round(citation.entailment, 6) for citation in judged.citations]

    marked = example_index.engine(answers=AnswerOptions(entailment=True, least_entailment=1)).query(ENTAILED)
    assert marked.answer.startswith(plain.answer), "what was given out stays"
    for citation in marked.citations:
        assert citation.verified is (citation.entailment is None)


def test_with_strict_a_bound_for_the_models_judgement_withholds(example_index: Index):
    strict, loose, tight = (
        example_index.engine(answers=AnswerOptions(strict=True, entailment=entailment, least_entailment=least))
        for entailment, least in ((False, 0), (True, 0), (True, 1))
    )
    assert loose.query(ENTAILED).answer == strict.query(ENTAILED).answer
    quoted = tight.query(ENTAILED)
    check(example_index, quoted)
    assert [citation.entailment for citation in quoted.citations] == [None]
    assert quoted.answer.startswith("“")
    assert [step.kind for step in quoted.steps] == ["entailment"] * len(quoted.steps)
    assert quoted.steps


def test_documents_that_an_engine_can_not_take_are_refused(example_index: Index):
    with pytest.raises(ConfigError, match="choose summary, compare"):
        example_index.engine(answers=AnswerOptions(documents=("faq.md",)))
    for name in ("summary", "compare"):
        with pytest.raises(StoreError, match=r"no document 'gone\.md'"):
            example_index.engine(name, answers=AnswerOptions(documents=("faq.md", "gone.md")))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, amount REAL)")
    connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", [(1, "Ada", 10.5), (2, "Bo", 4.0), (3, "Ada", 1.5)])
    connection.commit()
    connection.close()
    return path


@pytest.mark.parametrize("name", ["tables", "auto", "agent", "subquestions", "multi-step", "compare"])
def test_a_database_is_asked_and_stays_as_it_is(index: Index, database: Path, name: EngineName):
    """Also by engines that ask tables along their way, and where the documents have none."""
    before = database.read_bytes()
    engine = index.engine(name, answers=AnswerOptions(database=f"sqlite:///{database}"))
    response = engine.query("What is the total amount of the orders of Ada?")
    assert "is 12," in response.answer
    assert database.read_bytes() == before


@pytest.mark.parametrize("name", ["retriever", "hyde", "graph", "summary"])
def test_a_database_is_refused_where_no_tables_are_asked(example_index: Index, name: EngineName):
    with pytest.raises(ConfigError, match="choose tables, auto"):
        example_index.engine(name, answers=AnswerOptions(database="sqlite:///shop.db"))
