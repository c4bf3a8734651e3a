"""What every LLM keeps to. Subclass it, override `llm`, and pytest runs all of it on your model."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Protocol, cast

import pytest

from docindex.errors import ModelError, RequestCancelledError
from docindex.protocols import LLM, Message, Token

QUESTION = (Message("system", "Answer briefly."), Message("user", "Count from one to twenty."))
OTHER = (Message("system", "Answer briefly."), Message("user", "Name three colours of the rainbow."))
MAX_TOKENS = 12


class _Closable(Protocol):
    def close(self) -> None: ...


class LLMContract:
    """The promises of `docindex.protocols.LLM`."""

    @pytest.fixture
    def llm(self) -> LLM:
        """The model under test; one that several tests share is fine."""
        pytest.fail("override the fixture `llm` with the model to test")

    def test_it_says_what_it_is(self, llm: LLM) -> None:
        assert llm.name
        assert llm.context_tokens >= 256

    def test_counts_grow_with_the_messages(self, llm: LLM) -> None:
        short = llm.count_tokens(QUESTION)
        longer = llm.count_tokens((QUESTION[0], Message("user", QUESTION[1].content + " And then back again.")))
        assert 0 < short < longer
        assert llm.count_tokens(QUESTION) == short

    def test_tokens_tell_the_length_of_the_prompt_as_it_was_counted(self, llm: LLM) -> None:
        tokens = list(llm.complete(QUESTION, max_tokens=MAX_TOKENS))
        assert "".join(token.text for token in tokens).strip()
        assert {token.prompt_tokens for token in tokens} == {llm.count_tokens(QUESTION)}
        assert all(0 <= token.cached_tokens <= token.prompt_tokens for token in tokens)

    def test_answers_end_at_max_tokens(self, llm: LLM) -> None:
        assert len(list(llm.complete(QUESTION, max_tokens=3))) <= 3

    def test_temperature_zero_is_deterministic(self, llm: LLM) -> None:
        first = _answer(llm, QUESTION)
        _answer(llm, OTHER)
        assert _answer(llm, QUESTION) == first

    def test_a_prompt_that_does_not_fit_is_refused_before_any_work(self, llm: LLM) -> None:
        endless = (Message("user", "word " * (llm.context_tokens + 1)),)
        with pytest.raises(ModelError, match=str(llm.context_tokens)):
            next(iter(llm.complete(endless, max_tokens=1)))
        with pytest.raises(ModelError):
            next(iter(llm.complete(QUESTION, max_tokens=llm.context_tokens)))

    def test_stop_strings_end_the_answer_and_are_not_in_it(self, llm: LLM) -> None:
        whole = _answer(llm, QUESTION)
        stop = whole[len(whole) // 2 :][:3]
        stopped = "".join(token.text for token in llm.complete(QUESTION, max_tokens=MAX_TOKENS, stop=[stop]))
        assert stopped == whole[: whole.index(stop)]

    def test_a_request_that_is_cancelled_beforehand_does_not_run(self, llm: LLM) -> None:
        cancel = threading.Event()
        cancel.set()
        with pytest.raises(RequestCancelledError):
            list(llm.complete(QUESTION, max_tokens=MAX_TOKENS, cancel=cancel))

    def test_a_request_can_be_cancelled_between_tokens(self, llm: LLM) -> None:
        cancel = threading.Event()
        tokens = llm.complete(QUESTION, max_tokens=MAX_TOKENS, cancel=cancel)
        next(iter(tokens))
        cancel.set()
        with pytest.raises(RequestCancelledError):
            list(tokens)
        assert _answer(llm, OTHER)

    def test_closing_the_iterator_frees_the_model(self, llm: LLM) -> None:
        tokens = llm.complete(QUESTION, max_tokens=MAX_TOKENS)
        next(tokens)
        closing_tokens = cast("_Closable", tokens)
        closing_tokens.close()
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(_answer, llm, OTHER).result(timeout=120)

    def test_requests_from_several_threads_do_not_mix(self, llm: LLM) -> None:
        alone = {messages: _answer(llm, messages) for messages in (QUESTION, OTHER)}
        asked = [QUESTION, OTHER] * 2
        with ThreadPoolExecutor(len(asked)) as pool:
            answers = list(pool.map(lambda messages: _answer(llm, messages), asked))
        assert answers == [alone[messages] for messages in asked]


def _answer(llm: LLM, messages: tuple[Message, ...]) -> str:
    tokens: Iterator[Token] = llm.complete(messages, max_tokens=MAX_TOKENS)
    with closing(cast("_Closable", tokens)):
        return "".join(token.text for token in tokens)
