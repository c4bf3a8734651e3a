from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docindex.answering.engines.decisions import By, Decider, Decision
from docindex.answering.engines.shapes import Fields, OneOf, Several, Text
from docindex.errors import RequestCancelledError
from docindex.llm.llamacpp import LlamaCppLLM
from docindex.protocols import Message
from docindex.testing.scripted_llm import ScriptedLLM

COLOURS = Decision(OneOf(("red", "blue")), lambda written: written if written in ("red", "blue") else None)
ASKED = [Message("user", "Which colour?")]


def test_the_model_decides():
    decided = Decider(ScriptedLLM('"blue"')).decide(COLOURS, ASKED, lambda: "red")
    assert (decided.value, decided.by) == ("blue", By.MODEL)
    assert decided.tokens.completion == 1


@pytest.mark.parametrize(
    ("llm", "by"),
    [
        (None, By.RULE),
        (ScriptedLLM('"blue"', context_tokens=4), By.NO_ROOM),
        (ScriptedLLM("blue, I think"), By.UNREADABLE),
        (ScriptedLLM('"green"'), By.UNFIT),
    ],
)
def test_the_rule_decides_where_the_model_is_of_no_help(llm: ScriptedLLM | None, by: By):
    decided = Decider(llm).decide(COLOURS, ASKED, lambda: "red")
    assert (decided.value, decided.by) == ("red", by)


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_whatever_is_written_something_is_decided(text: str):
    assert Decider(ScriptedLLM(text)).decide(COLOURS, ASKED, lambda: "red").value in ("red", "blue")


def test_a_decision_can_be_cancelled():
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(RequestCancelledError):
        Decider(ScriptedLLM('"blue"')).decide(COLOURS, ASKED, lambda: "red", cancel=cancel)


def test_the_grammar_holds_the_model(local_llm: LlamaCppLLM):
    shapes = [
        OneOf(("search", "tables")),
        Text(0, 30),
        Several(Text(3, 20), most=2),
        Fields({"tool": OneOf(("search", "tables")), "input": Text(0, 30)}),
    ]
    for shape in shapes:
        for question in ("How long is the warranty?", "Wie lange dauert die Garantie?", "保証期間は？", '"}{"'):
            decided = Decider(local_llm).decide(Decision(shape, str), [Message("user", question)], lambda: "")
            assert decided.by is By.MODEL
