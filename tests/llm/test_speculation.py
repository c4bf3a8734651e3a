"""Speculative decoding: fewer batches, the same texts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from docindex.config import LLMConfig
from docindex.errors import ConfigError
from docindex.llm.llamacpp import LlamaCppLLM
from docindex.llm.speculation import PromptLookup
from docindex.protocols import Message

TEXT = (
    "The AX-200 pump needs 4.2 litres of oil, changed every 9,000 hours. Use grade 46 only. If the red lamp blinks "
    "twice, the filter is blocked: stop the motor, wait ten minutes, and replace the filter. The warranty lasts "
    "thirty months and is void when the seal on the housing is broken."
)
ASKED = (
    "Repeat the text word for word.",
    "What is to be done if the red lamp blinks twice?",
    "Write a short poem about the sea.",
)
CHATS = [[Message("user", f"{text}\n\n{question}")] for text in (TEXT, 7 * f"{TEXT} ") for question in ASKED]
"""Those of the longer text are over 512 tokens, where llama.cpp treats single ones differently in an f16 cache."""
QUOTED = 'root ::= "\\"" [^"\\\\\\x00-\\x1f]+ "\\""'


def test_what_followed_the_last_three_tokens_is_guessed():
    lookup = PromptLookup([1, 2, 3, 4, 5, 1, 2, 3, 6, 7, 8, 9, 10, 1, 2])
    assert lookup.guess(9) == []
    lookup.add(3)
    assert lookup.guess(9) == [6, 7, 8, 9]
    assert lookup.guess(2) == [6, 7]
    assert lookup.guess(0) == []
    lookup.add(4)
    lookup.add(5)
    assert lookup.guess(9) == [1, 2, 3, 6]
    assert PromptLookup([]).guess(9) == []
    assert PromptLookup([7, 7, 7, 7]).guess(9) == [7]


class Batches:
    """Counts what a model decodes while it writes."""

    def __init__(self, llm: LlamaCppLLM, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self._decode = llm._context.decode
        monkeypatch.setattr(llm._context, "decode", self.decode)

    def decode(self, rows: object) -> None:
        self.count += 1
        self._decode(rows)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def models(llm_path: Path) -> Iterator[tuple[LlamaCppLLM, LlamaCppLLM]]:
    """The default model without guesses, and with them."""
    with (
        LlamaCppLLM(llm_path, LLMConfig(context_tokens=2048), name="plain") as plain,
        LlamaCppLLM(llm_path, LLMConfig(context_tokens=2048, speculation="prompt-lookup"), name="guessing") as guessing,
    ):
        yield plain, guessing


@pytest.mark.parametrize(
    ("chats", "settings"), [(CHATS, {}), (CHATS[:3], {"grammar": QUOTED}), (CHATS[:3], {"stop": ("ten", "sea")})]
)
def test_the_texts_are_those_of_plain_decoding(
    models: tuple[LlamaCppLLM, LlamaCppLLM], monkeypatch: pytest.MonkeyPatch, chats: list, settings: dict
):
    plain, guessing = models
    assert plain.device.cache_type == guessing.device.cache_type == "q8_0/f16"
    batches = [Batches(llm, monkeypatch) for llm in models]
    for chat in chats:
        expected, found = ([token.text for token in llm.complete(chat, max_tokens=24, **settings)] for llm in models)
        assert found == expected
        assert guessing._live.tokens == plain._live.tokens
    assert batches[1].count < 0.8 * batches[0].count


def test_an_answer_that_is_given_up_leaves_no_guesses(models: tuple[LlamaCppLLM, LlamaCppLLM]):
    guessing = models[1]
    assert list(guessing.complete(CHATS[0], max_tokens=24))
    whole = guessing._live.tokens
    unread = guessing.complete(CHATS[0], max_tokens=24)
    next(unread)
    unread.close()
    assert guessing._live.tokens == whole[: len(guessing._live.tokens)]


def test_chance_is_left_alone(models: tuple[LlamaCppLLM, LlamaCppLLM], monkeypatch: pytest.MonkeyPatch):
    batches = Batches(models[1], monkeypatch)
    tokens = list(models[1].complete(CHATS[0], max_tokens=12, temperature=0.7))
    assert batches.count == len(tokens) - 1


def test_another_way_of_guessing_is_refused():
    with pytest.raises(ConfigError, match="prompt-lookup or None"):
        LLMConfig(speculation="draft")  # type: ignore[arg-type]
