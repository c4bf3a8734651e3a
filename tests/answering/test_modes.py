"""What each way to answer makes of hits and of what a model writes; scripted ones write it."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.answering.modes import synthesizer
from docindex.answering.policy import NO_ANSWER, AnswerPolicy
from docindex.errors import QueryError, RequestCancelledError
from docindex.llm.llamacpp import LlamaCppLLM
from docindex.schema import Document, Hit, Node, Scores, SynthesisMode
from docindex.testing.scripted_llm import ScriptedLLM

MODES: tuple[SynthesisMode, ...] = get_args(SynthesisMode)
WITHOUT_MODEL = ("extract", "context-only")
WITH_MODEL = tuple(mode for mode in MODES if mode not in WITHOUT_MODEL)

LENGTH = "How long is the warranty of the Nimbus R7?"
WARRANTY = "The Nimbus R7 is covered by a warranty of three years from the day of purchase."
THREE = "The warranty of the Nimbus R7 is three years."


# --- all modes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", WITH_MODEL)
def test_inventions_never_come_out_and_the_best_sentence_is_quoted_instead(
    answered, mode: SynthesisMode, manual: Document, manual_hits: list[Hit]
):
    llm = ScriptedLLM("The warranty of the Nimbus R7 is nine years. The R7 was made by monks.", context_tokens=200)
    response, _ = answered(mode, llm, LENGTH, manual_hits, manual)
    assert response.answer == f"“{WARRANTY}” [1]"
    assert response.citations[0].verified


@pytest.mark.parametrize("mode", WITH_MODEL)
def test_what_a_source_bears_out_is_cited(answered, mode: SynthesisMode, manual: Document, manual_hits: list[Hit]):
    response, pieces = answered(mode, ScriptedLLM(f"{THREE} Truly so."), LENGTH, manual_hits, manual)
    assert response.answer.removeprefix("- ").startswith(f"{THREE} [1]")
    assert response.citations[0].quote == WARRANTY
    assert response.citations[0].verified
    assert response.model == "scripted"
    assert len(pieces) >= 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "question", ["Who won the football World Cup in 1998?", "Does the Nimbus R7 support Bluetooth?"]
)
def test_foreign_questions_are_refused_without_a_model(
    answered, mode: SynthesisMode, manual: Document, manual_hits: list[Hit], question: str
):
    llm = ScriptedLLM("Brazil won it.")
    hits = [replace(hit, scores=Scores(0.1, 1.0)) for hit in manual_hits]
    response, pieces = answered(mode, llm, question, hits, manual)
    assert response.no_answer
    assert pieces == [NO_ANSWER]
    assert response.citations == ()
    assert llm.requests == []
    assert len(response.hits) + len(response.dropped) == len(hits)


@pytest.mark.parametrize("mode", MODES)
def test_no_hits_no_answer(answered, mode: SynthesisMode, manual: Document):
    response, _ = answered(mode, ScriptedLLM("Anything."), LENGTH, [], manual)
    assert response.no_answer
    assert response.hits == response.dropped == ()


@pytest.mark.parametrize("mode", MODES)
def test_an_empty_question_is_an_error(answered, mode: SynthesisMode, manual: Document, manual_hits: list[Hit]):
    with pytest.raises(QueryError, match="empty"):
        answered(mode, ScriptedLLM("x"), "  ", manual_hits, manual)


@pytest.mark.parametrize("mode", WITH_MODEL)
def test_a_question_that_does_not_fit_alone_is_an_error(
    answered, mode: SynthesisMode, manual: Document, manual_hits: list[Hit]
):
    with pytest.raises(QueryError, match="no room"):
        answered(mode, ScriptedLLM("x", context_tokens=64), "why " * 80, manual_hits, manual)


@pytest.mark.parametrize("mode", MODES)
def test_a_cancelled_answer_raises(mode: SynthesisMode, manual: Document, manual_hits: list[Hit]):
    cancel = threading.Event()
    cancel.set()
    llm = ScriptedLLM("x y")
    stream = synthesizer(mode, lambda: llm, {"manual": manual}.get).synthesize(LENGTH, manual_hits, cancel=cancel)
    with pytest.raises(RequestCancelledError):
        list(stream)


TEXTS = st.lists(
    st.sampled_from(["Pump A delivers ten litres.", "The tide.", "12 V", "word " * 30, "# Head\n\n", "x" * 300, "\n"]),
    max_size=8,
).map(" ".join)


@settings(deadline=None, max_examples=150)
@given(
    mode=st.sampled_from(MODES),
    texts=st.lists(TEXTS, max_size=9),
    replies=st.lists(
        st.sampled_from(["Pump A delivers ten litres.", "No.", "", "The sources do not say."]), min_size=1
    ),
    context_tokens=st.integers(64, 400),
)
def test_every_hit_is_read_or_reported_whatever_the_context_holds(
    answered, make_hit, mode: SynthesisMode, texts: list[str], replies: list[str], context_tokens: int
):
    documents = [Document(f"d{at}", f"d{at}.txt", text) for at, text in enumerate(texts)]
    hits = [make_hit(document, 0, len(document.text), rank=at) for at, document in enumerate(documents, 1)]
    llm = ScriptedLLM(*replies, context_tokens=context_tokens)
    response, _ = answered(mode, llm, "How many litres does pump A deliver?", hits, *documents)
    assert {hit.node_id for hit in response.hits} | {hit.node_id for hit in response.dropped} == {
        hit.node_id for hit in hits
    }
    assert len(response.hits) + len(response.dropped) == len(hits)
    assert response.answer
    markers = {int(number) for number in re.findall(r"\[(\d+)\]", response.answer)}
    assert markers == {citation.marker for citation in response.citations}
    by_id = {document.doc_id: document for document in documents}
    for citation in response.citations:
        assert by_id[citation.doc_id].text[citation.start : citation.end] == citation.quote


# --- strict ------------------------------------------------------------------------------------------------------


GENEROUS = "The Nimbus R7 is covered by a generous warranty of three years from purchase."


@pytest.mark.parametrize("mode", WITH_MODEL)
def test_what_cant_be_verified_is_marked_or_with_strict_withheld(
    answered, mode: SynthesisMode, manual: Document, manual_hits: list[Hit]
):
    flagged, _ = answered(mode, ScriptedLLM(GENEROUS), LENGTH, manual_hits, manual)
    assert GENEROUS in flagged.answer
    assert [citation.verified for citation in flagged.citations] == [False, True]
    strict, _ = answered(mode, ScriptedLLM(GENEROUS), LENGTH, manual_hits, manual, policy=AnswerPolicy(strict=True))
    assert strict.answer == f"“{WARRANTY}” [1]"
    assert [citation.verified for citation in strict.citations] == [True]


@pytest.mark.parametrize("mode", MODES)
def test_strict_answers_rest_on_nothing_that_the_stored_documents_no_longer_say(
    answered, mode: SynthesisMode, manual: Document, manual_hits: list[Hit]
):
    changed = replace(manual, text=manual.text.replace("three years", "five years!"))
    response, _ = answered(mode, ScriptedLLM(THREE), LENGTH, manual_hits, changed, policy=AnswerPolicy(strict=True))
    assert "three" not in response.answer
    assert all(citation.verified for citation in response.citations)


def test_a_long_hit_is_read_to_its_end(answered, make_hit):
    filler = "The engineer walked along the river and thought about steel and water. " * 60
    text = f"{filler}The pump delivers 40 litres in a minute. {filler}"
    document = Document("long", "long.txt", text)
    llm = ScriptedLLM("Hm.", context_tokens=200)
    hits = [make_hit(document, 0, len(text))]
    question = "How many litres does the pump deliver in a minute?"
    for mode in ("refine", "tree-summarise", "accumulate"):
        llm.requests.clear()
        response, _ = answered(mode, llm, question, hits, document)
        assert len(llm.requests) > 10
        assert any("The pump delivers 40 litres in a minute." in request[1].content for request in llm.requests)
        assert response.hits == tuple(hits)
        assert response.answer == "“The pump delivers 40 litres in a minute.” [1]"


@pytest.mark.parametrize("mode", MODES)
def test_numbers_in_brackets_of_a_document_are_no_markers(answered, make_hit, mode: SynthesisMode):
    text = "The motor of the pump turns 40 times a second, see Smith [2]."
    document = Document("d", "d.txt", text)
    llm = None if mode in WITHOUT_MODEL else ScriptedLLM(*[text] * 4)
    question = "How often does the motor of the pump turn?"
    response, _ = answered(mode, llm, question, [make_hit(document, 0, len(text))], document)
    assert set(re.findall(r"\[(\d+)\]", response.answer)) == {"1"}
    assert [citation.quote for citation in response.citations] == [text]


# --- the local model ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["refine", "tree-summarise", "accumulate"])
def test_the_local_model_answers_in_several_prompts(
    local_llm: LlamaCppLLM, manual: Document, manual_hits: list[Hit], mode: SynthesisMode
):
    """More hits than a prompt takes; with the batch engine and without it comes out the same."""
    texts = [f"Note {at}: the Nimbus R7 stands on a shelf of the company." for at in range(3)]
    notes = [Document(f"n{at}", f"n{at}.txt", text, title="Nimbus R7") for at, text in enumerate(texts)]
    hits = [*manual_hits, *(replace(manual_hits[0], node=_node(note), source=note.source) for note in notes)]
    load = {"manual": manual, **{note.doc_id: note for note in notes}}.get
    answers = []
    for batching in (lambda: local_llm, lambda: None):
        made = synthesizer(mode, lambda: local_llm, load, batching=batching, max_tokens=32)
        response = made.synthesize(LENGTH, hits).response
        assert "three years" in response.answer
        assert any(citation.verified and "three years" in citation.quote for citation in response.citations)
        assert response.hits == tuple(hits)
        answers.append(response.answer)
    assert answers[0] == answers[1]


def _node(document: Document) -> Node:
    return Node(f"{document.doc_id}-0", document.doc_id, 1, 0, len(document.text), document.text)
