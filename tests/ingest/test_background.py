"""Commits in a thread: their order and number, what becomes of their errors, and what is left after an interruption."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from docindex.ingest.background import BackgroundCommits

SOON = 10.0
"""Seconds within which a thread gets its turn, also on a busy machine."""


def is_left() -> bool:
    return any(thread.name.startswith("docindex-commit") for thread in threading.enumerate())


class Disk:
    """Commits numbers, each once it may; `fail` makes a commit raise."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.done: list[int] = []
        self.threads: set[str] = set()
        self.fail: dict[int, BaseException] = {}
        self.may = threading.Event()
        self.is_at_it = threading.Event()

    def commit(self, number: int) -> None:
        self.threads.add(threading.current_thread().name)
        self.begun.append(number)
        self.is_at_it.set()
        assert self.may.wait(SOON)
        if number in self.fail:
            raise self.fail[number]
        self.done.append(number)


@pytest.fixture
def slow() -> Disk:
    """A disk that waits."""
    return Disk()


@pytest.fixture
def fast(slow: Disk) -> Disk:
    slow.may.set()
    return slow


def later(work: Callable[[], None], seconds: float = 0.1) -> threading.Timer:
    timer = threading.Timer(seconds, work)
    timer.start()
    return timer


def one_commit(disk: Disk, error: BaseException | None = None) -> None:
    """Commits one thing, and raises the error while that is under way."""
    with BackgroundCommits(disk.commit) as commits:
        commits.begin(0)
        assert disk.is_at_it.wait(SOON)
        later(disk.may.set)
        if error is not None:
            raise error


# --- order and bound -------------------------------------------------------------------------------------------------


def test_commits_keep_their_order_in_one_other_thread(fast: Disk):
    with BackgroundCommits(fast.commit) as commits:
        for number in range(50):
            commits.begin(number)
        commits.settle()
        assert fast.done == list(range(50))
    assert len(fast.threads) == 1
    assert fast.threads != {threading.current_thread().name}
    assert not is_left()


def test_the_next_is_made_while_one_is_committed(slow: Disk):
    with BackgroundCommits(slow.commit) as commits:
        commits.begin(0)
        assert slow.is_at_it.wait(SOON)
        assert slow.done == []  # and here we are, making the next one
        slow.may.set()
    assert slow.done == [0], "the end of the context waits"


def test_a_second_waits_for_the_first(slow: Disk):
    with BackgroundCommits(slow.commit) as commits:
        commits.begin(0)
        release = later(slow.may.set)
        commits.begin(1)
        assert slow.done[:1] == [0]
        assert slow.begun in ([0], [0, 1])
        release.join()
    assert slow.done == [0, 1]


def test_settling_waits_and_does_nothing_where_nothing_is_under_way(slow: Disk):
    with BackgroundCommits(slow.commit) as commits:
        commits.settle()
        commits.begin(0)
        release = later(slow.may.set)
        commits.settle()
        assert slow.done == [0]
        commits.settle()
        release.join()


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), SystemExit(3)])
def test_an_error_comes_out_of_every_further_call_and_nothing_is_committed_after_it(fast: Disk, error: BaseException):
    fast.fail = {1: error}

    def goes_on() -> None:
        with BackgroundCommits(fast.commit) as commits:
            commits.begin(0)
            commits.begin(1)
            for _ in range(2):
                with pytest.raises(type(error)):
                    commits.settle()
                with pytest.raises(type(error)):
                    commits.begin(2)

    with pytest.raises(type(error)) as raised:
        goes_on()
    assert raised.value is error
    assert fast.begun == [0, 1]
    assert not is_left()


def test_an_error_that_nobody_waited_for_comes_out_of_the_end(slow: Disk):
    slow.fail = {0: OSError("full")}
    with pytest.raises(OSError, match="full"):
        one_commit(slow)
    assert not is_left()


def test_an_error_beside_goes_before_that_of_the_commit(slow: Disk):
    slow.fail = {0: OSError("full")}
    with pytest.raises(ValueError, match="a bad page"):
        one_commit(slow, ValueError("a bad page"))
    assert not is_left()


# --- interruption ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError(), KeyboardInterrupt()])
def test_whatever_ends_the_context_waits_for_the_commit_under_way(slow: Disk, error: BaseException):
    with pytest.raises(type(error)) as raised:
        one_commit(slow, error)
    assert raised.value is error
    assert slow.done == [0]
    assert not is_left()


INTERRUPTED = """
import threading, time
from docindex.ingest.background import BackgroundCommits

def commit(number):
    print("begun", number, flush=True)
    time.sleep(0.5)
    print("done", number, flush=True)

try:
    with BackgroundCommits(commit) as commits:
        for number in range(100):
            commits.begin(number)
except KeyboardInterrupt:
    print("interrupted", len(threading.enumerate()), flush=True)
"""


def test_ctrl_c_while_waiting_for_a_commit_ends_after_it():
    with subprocess.Popen([sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert [process.stdout.readline().split()[0] for _ in range(3)] == ["begun", "done", "begun"]
        time.sleep(0.1)  # it waits for that one, to begin a third
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read().splitlines()
    assert rest == ["done 1", "interrupted 1"]
    assert process.returncode == 0
