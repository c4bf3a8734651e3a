from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest

from docindex.answering.chat import Chat
from docindex.answering.compact import CompactSynthesizer
from docindex.answering.engine import RetrieverQueryEngine
from docindex.answering.memory import RecentTurns, Recollection, Turn
from docindex.answering.streams import LazyAnswer
from docindex.errors import QueryError, RequestCancelledError
from docindex.llm.llamacpp import LlamaCppLLM
from docindex.schema import Document, Hit, Query, Response, TokenCounts
from docindex.testing.scripted_llm import ScriptedLLM


class FixedRetriever:
    """Always finds the same."""

    def __init__(self, hits: list[Hit]) -> None:
        self.hits = hits

    def retrieve(self, query: Query) -> list[Hit]:
        return self.hits[: query.k]


class EchoEngine:
    """Answers with the question that it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def stream(self, question: str, *, cancel: threading.Event | None = None) -> LazyAnswer:
        def pieces():
            if cancel is not None and cancel.is_set():
                raise RequestCancelledError("cancelled")
            self.asked.append(question)
            yield question
            times = {"retrieve": 5.0, "first_token": 10.0, "total": 20.0}
            return Response(question, question, no_answer=False, timings_ms=times)

        return LazyAnswer(pieces())


@pytest.fixture
def engine() -> EchoEngine:
    return EchoEngine()


def test_a_question_that_stands_alone_is_asked_as_it_is(engine: EchoEngine):
    chat = Chat(engine)
    chat.ask("How long is the warranty?")
    response = chat.ask("Which Wi-Fi band does the display unit use?")
    assert engine.asked[1] == "Which Wi-Fi band does the display unit use?"
    assert response.question == "Which Wi-Fi band does the display unit use?"


@pytest.mark.parametrize(
    "follow_up",
    ["What does it not cover?", "And water damage?", "What about batteries?", "Why?", "Are those free of charge?"],
)
def test_a_follow_up_is_looked_up_with_the_words_of_the_question_before(engine: EchoEngine, follow_up: str):
    chat = Chat(engine)
    chat.ask("How long is the warranty of the Nimbus R7?")
    response = chat.ask(follow_up)
    assert engine.asked[1] == f"{follow_up} (warranty Nimbus R7)"
    assert response.question == follow_up
    assert [turn.question for turn in chat.turns] == ["How long is the warranty of the Nimbus R7?", follow_up]
    assert chat.turns[1].standalone == engine.asked[1]


@pytest.mark.parametrize("question", ["Why is the sky blue?", "So what is gold made of?", "Is there life on Mars?"])
def test_words_of_the_question_before_are_not_added_to_one_about_something_else(engine: EchoEngine, question: str):
    chat = Chat(engine)
    chat.ask("Where was the Alpha pump built?")
    chat.ask(question)
    assert engine.asked[1] == question


@pytest.mark.parametrize(
    ("follow_up", "added"), [("How much does it weigh?", "Alpha pump"), ("And when?", "Alpha pump built")]
)
def test_what_was_asked_before_is_added_only_where_it_is_asked_again(engine: EchoEngine, follow_up: str, added: str):
    chat = Chat(engine)
    chat.ask("Where was the Alpha pump built?")
    chat.ask(follow_up)
    assert engine.asked[1] == f"{follow_up} ({added})"


def test_words_that_are_there_are_not_added_again(engine: EchoEngine):
    chat = Chat(engine)
    chat.ask("How long is the warranty of the Nimbus R7?")
    chat.ask("Does that warranty cover water?")
    assert engine.asked[1] == "Does that warranty cover water? (Nimbus R7)"


def test_the_thread_is_kept_over_several_follow_ups(engine: EchoEngine):
    chat = Chat(engine)
    for question in ("How long is the warranty?", "What does it cover?", "And why?"):
        chat.ask(question)
    assert "warranty" in engine.asked[2]


def test_a_first_question_has_nothing_to_lean_on(engine: EchoEngine):
    Chat(engine).ask("What does it cover?")
    assert engine.asked == ["What does it cover?"]


def test_the_model_may_rewrite_a_follow_up(engine: EchoEngine):
    llm = ScriptedLLM("What does the warranty not cover?\nAnd more.")
    chat = Chat(engine, llm)
    chat.ask("How long is the warranty?")
    chat.ask("What does it not cover?")
    assert engine.asked[1] == "What does the warranty not cover?"
    assert "How long is the warranty?" in llm.requests[0][1].content


@pytest.mark.parametrize("reply", ["What does the warranty not cover?", "What does the insurance not cover?"])
def test_tokens_and_time_of_the_rewriting_are_part_of_the_response(engine: EchoEngine, reply: str):
    chat = Chat(engine, ScriptedLLM(reply))
    first = chat.ask("How long is the warranty?")
    assert (first.tokens, "rewrite" in first.timings_ms) == (TokenCounts(), False)
    second = chat.ask("What does it not cover?")
    assert second.tokens.prompt > 20
    assert second.tokens.completion == 6
    assert 0 < second.timings_ms["rewrite"] < second.timings_ms["first_token"] < second.timings_ms["total"]
    assert second.timings_ms["retrieve"] == 5.0
    assert chat.turns[-1].response == second


def test_a_talk_that_is_cancelled_while_its_question_is_completed_is_as_it_was(engine: EchoEngine):
    cancel = threading.Event()

    class Slow(RecentTurns):
        def recall(self, text: str, turns: Sequence[Turn]) -> Recollection:
            cancel.set()
            return super().recall(text, turns)

    chat = Chat(engine, memory=Slow())
    chat.ask("How long is the warranty?")
    with pytest.raises(RequestCancelledError):
        chat.ask("What does it not cover?", cancel=cancel)
    assert len(chat.turns) == len(engine.asked) == 1


@pytest.mark.parametrize(
    "reply",
    [
        "What does the insurance not cover?",
        "How long is the warranty?",
        "The warranty does not cover water.",
        "What does it not cover?",
        "What does the warranty not cover in 12 countries?",
        "",
    ],
)
def test_a_rewriting_that_says_less_or_more_is_not_trusted(engine: EchoEngine, reply: str):
    chat = Chat(engine, ScriptedLLM(reply))
    chat.ask("How long is the warranty?")
    chat.ask("What does it not cover?")
    assert engine.asked[1] == "What does it not cover? (warranty)"


def test_the_model_is_not_asked_where_the_conversation_does_not_fit_it(engine: EchoEngine):
    llm = ScriptedLLM("What does the warranty not cover?", context_tokens=80)
    chat = Chat(engine, llm)
    chat.ask("How long is the warranty?")
    chat.ask("What does it not cover?")
    assert llm.requests == []


def test_a_cancelled_turn_is_not_remembered(engine: EchoEngine):
    chat = Chat(engine)
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(RequestCancelledError):
        chat.ask("How long is the warranty?", cancel=cancel)
    assert chat.turns == ()


def test_a_turn_streams_and_is_remembered_when_it_is_whole(engine: EchoEngine):
    chat = Chat(engine)
    stream = chat.stream("How long is the warranty?")
    assert chat.turns == ()
    assert list(stream) == ["How long is the warranty?"]
    assert len(chat.turns) == 1
    chat.forget()
    assert chat.turns == ()


def test_an_empty_question_is_an_error(engine: EchoEngine):
    with pytest.raises(QueryError):
        Chat(engine).ask(" ")


@pytest.mark.parametrize("rewrites", [False, True])
def test_a_turn_about_the_same_passages_reads_them_no_second_time(
    local_llm: LlamaCppLLM, make_hit: Callable[..., Hit], rewrites: bool
):
    maker = "Lyon" if rewrites else "Oslo"  # what the other case has read is no help
    document = Document(
        "pump",
        "pump.txt",
        f"The Alpha pump was built in {maker} in 1987. It weighs 12 kg without its stand. A warranty of two years "
        "covers the Alpha pump, but no damage by salt water. Its motor is oiled twice a year, in spring and in autumn.",
    )
    hits = [make_hit(document, 0, len(document.text))]
    engine = RetrieverQueryEngine(FixedRetriever(hits), CompactSynthesizer(local_llm, {"pump": document}.get))
    chat = Chat(engine, local_llm if rewrites else None)
    first = chat.ask("Where was the Alpha pump built?")
    assert maker in first.answer
    assert first.tokens.prompt_cached < first.tokens.prompt / 2
    second = chat.ask("And how much does it weigh?")
    assert "12 kg" in second.answer
    assert second.tokens.prompt_cached > 0.8 * first.tokens.prompt
