"""What follow-ups may lean on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from docindex.answering.chat import Chat
from docindex.answering.memory import RecentTurns, RelevantTurns, SummarisedTurns, Turn
from docindex.answering.streams import LazyAnswer
from docindex.schema import Response

WORDS = ("warranty", "battery", "radio", "frost")


def turn(question: str, answer: str = "So it is.") -> Turn:
    return Turn(question, question, Response(question, answer, no_answer=False))


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """A vector whose directions are the words above."""
    counts = np.array([[word in text.lower() for word in WORDS] + [0.2] for text in texts], dtype=np.float32)
    return counts / np.linalg.norm(counts, axis=1, keepdims=True)


QUESTIONS = ["How long is the warranty?", "Which battery?", "How far does the radio reach?", "Frost?"]
SAID = [turn(question) for question in QUESTIONS]


def test_recent_turns_are_the_last_ones():
    known = RecentTurns(2).recall("And why?", SAID)
    assert known.before == "Frost?"
    assert [one.question for one in known.turns] == QUESTIONS[2:]


def test_a_summary_stands_for_what_is_older_and_is_made_once_a_turn():
    made: list[list[str]] = []

    def summarize(texts: Sequence[str]) -> str:
        made.append(list(texts))
        return f"summary {len(made)}"

    memory = SummarisedTurns(summarize, 2)
    assert [one.question for one in memory.recall("Why?", SAID[:2]).turns] == QUESTIONS[:2]
    assert made == []
    known = memory.recall("Why?", SAID[:3])
    assert known.turns[0].answer == "summary 1"
    assert len(made[0]) == 1
    assert "warranty" in made[0][0]
    assert memory.recall("Why?", SAID[:3]).turns[0].answer == "summary 1"
    known = memory.recall("Why?", SAID)
    assert known.turns[0].answer == "summary 2"
    assert made[1][0] == "summary 1"
    assert "battery" in made[1][1]
    assert [one.question for one in known.turns[1:]] == QUESTIONS[2:]


def test_nothing_of_a_forgotten_talk_is_in_the_summary_of_the_next():
    memory = SummarisedTurns(" ".join, 1)
    assert "warranty" in memory.recall("Why?", SAID[:2]).turns[0].answer
    summary = memory.recall("Why?", [turn("Who?"), turn("Where?"), turn("When?")]).turns[0].answer
    assert summary == "Who? So it is. Where? So it is."


def test_relevant_turns_are_found_however_old():
    known = RelevantTurns(embed).recall("Is it longer for the warranty of that?", SAID)
    assert known.before == "How long is the warranty?"
    assert [one.question for one in known.turns] == ["How long is the warranty?", "Frost?"]


def test_without_a_clearly_closer_one_the_last_turn_is_meant():
    known = RelevantTurns(embed).recall("And what about frost?", SAID)
    assert known.before == "Frost?"
    assert known.turns[-1].question == "Frost?"


@pytest.mark.parametrize("memory", [RecentTurns(), RelevantTurns(embed)])
def test_a_conversation_goes_on_from_what_is_kept(memory):
    asked: list[str] = []

    class Engine:
        def stream(self, question: str, *, cancel=None) -> LazyAnswer:
            def pieces():
                asked.append(question)
                yield "Yes."
                return Response(question, "Yes.", no_answer=False)

            return LazyAnswer(pieces())

    kept: list[Turn] = []
    chat = Chat(Engine(), memory=memory, turns=[turn("How long is the warranty of the Nimbus?")], keep=kept.append)
    chat.ask("Does it cover water?")
    assert asked == ["Does it cover water? (warranty Nimbus)"]
    assert [one.question for one in kept] == ["Does it cover water?"]
    assert len(chat.turns) == 2
