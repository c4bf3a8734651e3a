from __future__ import annotations

import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from docindex.errors import ModelError, QueryError
from docindex.llm.ahead import EitherSet, read_ahead
from docindex.llm.llamacpp import LlamaCppLLM
from docindex.protocols import Message, Token


def go_on() -> None:
    return


class Writer:
    """Writes numbers, and remembers how it ended."""

    def __init__(self, given_up: threading.Event, count: int = 5, error: Exception | None = None) -> None:
        self.given_up = given_up
        self.count = count
        self.error = error
        self.ended = threading.Event()

    def write(self) -> Generator[Token, None, None]:
        try:
            for number in range(self.count):
                if self.given_up.is_set():
                    return
                yield Token(str(number))
            if self.error:
                raise self.error
        finally:
            self.ended.set()


def test_all_tokens_come_in_order():
    given_up = threading.Event()
    assert [token.text for token in read_ahead(Writer(given_up).write(), given_up, go_on)] == list("01234")


def test_the_writer_ends_while_nobody_reads():
    given_up = threading.Event()
    writer = Writer(given_up, count=1000)
    tokens = read_ahead(writer.write(), given_up, go_on)
    assert next(tokens).text == "0"
    assert writer.ended.wait(20)
    assert len(list(tokens)) == 999


def test_nothing_is_written_before_the_first_token_is_asked_for():
    given_up = threading.Event()
    writer = Writer(given_up)
    tokens = read_ahead(writer.write(), given_up, go_on)
    assert not writer.ended.wait(0.05)
    tokens.close()
    assert not writer.ended.is_set()


def test_an_error_of_the_writer_comes_after_its_tokens():
    given_up = threading.Event()
    tokens = read_ahead(Writer(given_up, 2, QueryError("no")).write(), given_up, go_on)
    assert [next(tokens).text, next(tokens).text] == ["0", "1"]
    with pytest.raises(QueryError, match="no"):
        next(tokens)


def test_a_reader_that_goes_tells_the_writer():
    given_up = threading.Event()
    writer = Writer(given_up, count=10**9)
    tokens = read_ahead(writer.write(), given_up, go_on)
    next(tokens)
    tokens.close()
    assert writer.ended.wait(20)


def test_the_check_ends_the_reading():
    given_up = threading.Event()

    def closed() -> None:
        raise ModelError("closed")

    tokens = read_ahead(Writer(given_up).write(), given_up, closed)
    next(tokens)
    with pytest.raises(ModelError):
        next(tokens)
    assert given_up.is_set()


def test_either_event_counts():
    one, other = threading.Event(), threading.Event()
    assert not EitherSet(one, other).is_set()
    assert not EitherSet(None, other).is_set()
    one.set()
    assert EitherSet(one, other).is_set()
    assert not EitherSet(None, other).is_set()
    other.set()
    assert EitherSet(None, other).is_set()


def test_a_reader_that_stalls_holds_up_nobody(local_llm: LlamaCppLLM):
    stalled = local_llm.complete([Message("user", "Count to ten.")], max_tokens=12)
    first = next(stalled)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(lambda: list(local_llm.complete([Message("user", "Hi")], max_tokens=2)))
        assert other.result(60)
    rest = list(stalled)
    again = list(local_llm.complete([Message("user", "Count to ten.")], max_tokens=12))
    assert [first, *rest] == [Token(token.text, first.prompt_tokens, first.cached_tokens) for token in again]


def test_one_that_waits_is_let_in_though_the_one_before_gave_up(local_llm: LlamaCppLLM):
    tokens = [local_llm.complete([Message("user", f"Count to {number}.")], max_tokens=40) for number in range(4)]
    for answer in tokens[:3]:
        next(answer)
        answer.close()
    started = time.monotonic()
    assert next(tokens[3]).text is not None
    assert time.monotonic() - started < 60
    tokens[3].close()


def test_who_closes_the_answer_leaves_no_writer_behind():
    given_up, beyond = threading.Event(), threading.Event()

    def write() -> Generator[Token, None, None]:
        yield Token("one")
        given_up.wait(20)
        time.sleep(0.2)  # such as the token that is being decoded
        beyond.set()

    tokens = read_ahead(write(), given_up, go_on)
    next(tokens)
    tokens.close()
    assert beyond.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name == "docindex-answer"]
