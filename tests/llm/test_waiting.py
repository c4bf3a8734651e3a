from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from docindex.errors import ModelError, RequestCancelledError
from docindex.llm.waiting import WaitingLine


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def waiting(line: WaitingLine) -> int:
    return len(line._tickets)


def test_requests_are_served_in_the_order_in_which_they_came():
    line = WaitingLine()
    served: list[int] = []
    inside: list[int] = []

    def request(number: int) -> None:
        ticket = line.enter()
        inside.append(number)
        assert len(inside) == 1
        served.append(number)
        time.sleep(0.002)
        inside.remove(number)
        line.leave(ticket)

    first = line.enter()
    threads = []
    for number in range(8):
        threads.append(threading.Thread(target=request, args=(number,)))
        threads[-1].start()
        until(lambda: waiting(line) == len(threads) + 1)
    line.leave(first)
    for thread in threads:
        thread.join(20)
    assert served == list(range(8))


def test_a_waiting_request_can_be_cancelled_and_holds_up_nobody():
    line = WaitingLine()
    holder = line.enter()
    cancel = threading.Event()
    failures: list[Exception] = []

    def impatient() -> None:
        try:
            line.enter(cancel)
        except RequestCancelledError as error:
            failures.append(error)

    thread = threading.Thread(target=impatient)
    thread.start()
    until(lambda: waiting(line) == 2)
    cancel.set()
    thread.join(20)
    assert len(failures) == 1
    line.leave(holder)
    line.leave(line.enter())


def test_closing_waits_for_the_holder_and_turns_the_others_away():
    line = WaitingLine()
    holder = line.enter()
    failures: list[Exception] = []
    closed: list[bool] = []

    def late() -> None:
        try:
            line.enter()
        except ModelError as error:
            failures.append(error)

    thread = threading.Thread(target=late)
    thread.start()
    until(lambda: waiting(line) == 2)
    line.close(lambda: closed.append(True))
    thread.join(20)
    assert len(failures) == 1
    assert closed == []
    line.leave(holder)
    assert closed == [True]
    line.close(lambda: closed.append(True))
    assert closed == [True]
    with pytest.raises(ModelError, match="closed"):
        line.enter()


def test_an_idle_line_closes_at_once():
    closed: list[bool] = []
    WaitingLine().close(lambda: closed.append(True))
    assert closed == [True]


def test_a_line_that_is_long_enough_turns_further_requests_away():
    line = WaitingLine(most_waiting=1)
    holder = line.enter()
    thread = threading.Thread(target=lambda: line.leave(line.enter()))
    thread.start()
    until(lambda: waiting(line) == 2)
    with pytest.raises(ModelError, match="1 requests wait"):
        line.enter()
    line.leave(holder)
    thread.join(20)
    line.leave(line.enter())
