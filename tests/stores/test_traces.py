"""The file of the traces: what is kept comes back, what goes is gone, and a failure costs no more than a trace."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.errors import ConfigError, FormatError, StoreError
from docindex.schema import Trace, TracedAnswer, TracedCitation, TracedHit, TracedPassage, TracedStage
from docindex.stores import side_file
from docindex.stores.traces import TRACES_FILE, TraceLog

NOW = datetime(2026, 3, 1, 12, 30, 0, 123456, tzinfo=UTC)


def a_trace(query: str = "oil", *, at: datetime = NOW, version: int = 3, answer: str | None = None) -> Trace:
    hits = (
        TracedHit(1, 0.9, 0.71, 5.5, "n1", "manual.pdf", ("n7", "n8"), ()),
        TracedHit(2, 0.4, None, 0.0, "n2", "a b.txt", (), ("n3",)),
    )
    made = TracedAnswer(
        answer or "",
        no_answer=False,
        model="small",
        passages=(TracedPassage(1, "n1", "manual.pdf", "cut"), TracedPassage(2, "n2", "a b.txt", "dropped")),
        citations=(TracedCitation(1, "n1", "manual.pdf", verified=True),),
    )
    return Trace(
        kind="search" if answer is None else "query",
        at=at,
        query=query,
        k=2,
        mode="hybrid",
        filter="page < 3",
        options={"mmr": 0.5, "feedback": {"terms": 3}},
        version=version,
        milliseconds=12.25,
        stages=(
            TracedStage("hybrid", 11.0, query, "level = 0", hits),
            TracedStage("collapse", 12.0, query, None, hits[:1]),
        ),
        answer=None if answer is None else made,
    )


@pytest.fixture
def log(tmp_path: Path) -> Iterator[TraceLog]:
    made = TraceLog(tmp_path)
    yield made
    made.close()


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def holds(folder: Path, text: str) -> bool:
    return any(text.encode() in data for data in files(folder).values())


# --- what is kept -------------------------------------------------------------------------------------------------


def test_nothing_is_written_unless_traces_are_on(tmp_path: Path, log: TraceLog):
    assert not log.is_on
    assert log.add(a_trace()) is None
    assert log.newest() == []
    assert (log.state().on, log.state().kept) == (False, 0)
    assert log.prune(keep=0) == 0
    log.switch_off()
    log.erase(5)
    assert files(tmp_path) == {}
    with pytest.raises(StoreError, match="docindex traces on"):
        log.get()


def test_what_is_kept_comes_back_in_another_process(tmp_path: Path, log: TraceLog):
    log.switch_on()
    first = log.add(a_trace("first"))
    second = log.add(a_trace("second", answer="Every nine months. [1]"))
    assert first is not None
    assert second is not None
    assert second > first
    code = (
        "import sys, pathlib; from docindex.stores.traces import TraceLog; log = TraceLog(pathlib.Path(sys.argv[1]));"
        "print(log.is_on, [t.query for t in log.newest()], log.get().answer.text)"
    )
    ran = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert ran.stdout == "True ['second', 'first'] Every nine months. [1]\n"
    assert log.get(first) == replace(a_trace("first"), trace_id=first)
    assert log.get() == replace(a_trace("second", answer="Every nine months. [1]"), trace_id=second)
    assert [one.no_answer for one in log.newest()] == [False, None]
    with pytest.raises(StoreError, match="docindex traces list"):
        log.get(second + 1)
    with pytest.raises(StoreError):
        log.get(10**30)


texts = st.text(max_size=30)
ids = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=20)
node_ids = st.text("0123456789abcdef", min_size=1, max_size=32)
scores = st.floats(allow_nan=False, allow_infinity=False)
traced_hits = st.builds(
    TracedHit,
    st.integers(1, 500),
    scores,
    st.none() | scores,
    st.none() | scores,
    node_ids,
    ids,
    st.lists(node_ids, max_size=3).map(tuple),
    st.lists(node_ids, max_size=3).map(tuple),
)
stages = st.builds(TracedStage, ids, scores, texts, st.none() | texts, st.lists(traced_hits, max_size=4).map(tuple))
answers = st.builds(
    TracedAnswer,
    texts,
    st.booleans(),
    texts,
    st.lists(
        st.builds(TracedPassage, st.integers(1, 9), node_ids, ids, st.sampled_from(["whole", "cut", "dropped"])),
        max_size=4,
    ).map(tuple),
    st.lists(
        st.builds(TracedCitation, st.integers(1, 99), node_ids, ids, st.booleans()),
        max_size=3,
        unique_by=lambda one: one.marker,
    )
    .map(lambda found: sorted(found, key=lambda one: one.marker))
    .map(tuple),
)
all_traces = st.builds(
    Trace,
    kind=st.sampled_from(["search", "query"]),
    at=st.datetimes(timezones=st.just(UTC)),
    query=texts,
    k=st.integers(1, 1000),
    mode=st.sampled_from(["hybrid", "dense", "lexical"]),
    filter=st.none() | texts,
    options=st.dictionaries(ids, st.none() | st.booleans() | st.integers() | texts, max_size=3),
    version=st.integers(0, 10**9),
    milliseconds=scores,
    stages=st.lists(stages, max_size=3).map(tuple),
    answer=st.none() | answers,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TraceLog]:
    made = TraceLog(tmp_path_factory.mktemp("shared"))
    made.switch_on()
    yield made
    made.close()


@settings(deadline=None, max_examples=60)
@given(all_traces)
def test_every_trace_comes_back_as_it_was(shared: TraceLog, trace: Trace):
    trace_id = shared.add(trace)
    assert trace_id is not None
    assert shared.get(trace_id) == replace(trace, trace_id=trace_id)


def test_a_query_may_hold_what_is_no_character(log: TraceLog):
    log.switch_on()
    log.add(a_trace("a\udcff b"))
    assert log.get().query == "a\\udcff b"


# --- the switch, and what goes --------------------------------------------------------------------------------------


def test_the_newest_stay(log: TraceLog):
    log.switch_on(keep=3)
    for number in range(8):
        log.add(a_trace(str(number)))
    assert [one.query for one in log.newest()] == ["7", "6", "5"]
    assert [one.query for one in log.newest(limit=2)] == ["7", "6"]
    log.switch_on(keep=1)
    assert [one.query for one in log.newest()] == ["7"]
    assert (log.state().keep, log.state().kept) == (1, 1)
    with pytest.raises(ConfigError, match="keep is 0"):
        log.switch_on(keep=0)


def test_off_keeps_what_there_is_and_adds_nothing(tmp_path: Path, log: TraceLog):
    log.switch_on()
    log.add(a_trace("before"))
    elsewhere = TraceLog(tmp_path)
    assert elsewhere.is_on
    log.switch_off()
    assert not elsewhere.is_on
    assert elsewhere.add(a_trace("after")) is None
    assert [one.query for one in elsewhere.newest()] == ["before"]
    elsewhere.close()


def test_pruning_goes_by_number_and_by_age(log: TraceLog):
    log.switch_on()
    now = datetime.now(UTC)
    for days in (40, 31, 29, 1, 0):
        log.add(a_trace(f"{days} days", at=now - timedelta(days=days)))
    assert log.prune(older_than=timedelta(days=30)) == 2
    assert [one.query for one in log.newest()] == ["0 days", "1 days", "29 days"]
    assert log.prune(keep=2) == 1
    assert log.prune(keep=2, older_than=timedelta(hours=1)) == 1
    assert [one.query for one in log.newest()] == ["0 days"]
    last = log.get().trace_id
    assert log.prune(keep=0) == 1
    assert log.add(a_trace()) == last + 1  # an id that somebody wrote down never means another trace


def test_what_is_pruned_is_overwritten(tmp_path: Path, log: TraceLog):
    log.switch_on()
    for number in range(50):
        log.add(a_trace(f"quetzalcoatlus {number}", answer="Wolframcarbid. " * 200))
    log.add(a_trace("stays"))
    assert holds(tmp_path, "quetzalcoatlus")
    log.prune(keep=1)
    assert not holds(tmp_path, "quetzalcoatlus")
    assert not holds(tmp_path, "Wolframcarbid")
    assert holds(tmp_path, "stays")
    assert (tmp_path / TRACES_FILE).stat().st_size < 100_000


def test_erasing_refuses_what_began_before(tmp_path: Path, log: TraceLog):
    log.switch_on(keep=7)
    log.add(a_trace("quetzalcoatlus", version=4))
    elsewhere = TraceLog(tmp_path)
    assert len(elsewhere.newest()) == 1  # another process has the file open
    log.erase(5)
    assert not holds(tmp_path, "quetzalcoatlus")
    assert elsewhere.add(a_trace("quetzalcoatlus", version=4)) is None
    assert elsewhere.add(a_trace("new", version=5)) is not None
    assert [one.query for one in log.newest()] == ["new"]
    assert not holds(tmp_path, "quetzalcoatlus")
    assert (log.state().on, log.state().keep) == (True, 7)
    elsewhere.close()


def test_erasing_waits_for_readers(tmp_path: Path, log: TraceLog, monkeypatch: pytest.MonkeyPatch):
    log.switch_on()
    log.add(a_trace("quetzalcoatlus"))
    reader = sqlite3.connect(tmp_path / TRACES_FILE, isolation_level=None, check_same_thread=False)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM traces").fetchall()
    monkeypatch.setattr(side_file, "_PATIENCE", 0.0)
    log.close()
    monkeypatch.setattr(side_file, "BUSY_SECONDS", 0.05)
    with pytest.raises(StoreError, match="purge again"):
        log.erase(4)
    monkeypatch.setattr(side_file, "_PATIENCE", 30.0)
    timer = threading.Timer(0.3, reader.close)
    timer.start()
    log.erase(4)
    timer.join()
    assert not holds(tmp_path, "quetzalcoatlus")


# --- several at once ------------------------------------------------------------------------------------------------


def test_threads_and_processes_write_at_once(tmp_path: Path, log: TraceLog):
    log.switch_on()
    code = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[2]); import test_traces as t\n"
        "log = t.TraceLog(pathlib.Path(sys.argv[1]))\n"
        "print(sum(log.add(t.a_trace(sys.argv[3])) is not None for _ in range(40)))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, tmp_path, Path(__file__).parent, name], stdout=subprocess.PIPE, text=True
        )
        for name in ("p1", "p2")
    ]
    written: list[int | None] = []

    def write(name: str) -> None:
        for _ in range(40):
            written.append(log.add(a_trace(name)))
            log.get()

    threads = [threading.Thread(target=write, args=(name,)) for name in ("t1", "t2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.communicate(timeout=60)[0] for process in processes] == ["40\n", "40\n"]
    assert None not in written
    assert len(set(written)) == 80
    kept = log.newest()
    assert {name: sum(one.query == name for one in kept) for name in ("p1", "p2", "t1", "t2")} == {
        "p1": 40,
        "p2": 40,
        "t1": 40,
        "t2": 40,
    }
    assert len(log.get(kept[0].trace_id).stages[0].hits) == 2


# --- when something is wrong -----------------------------------------------------------------------------------------


def test_a_locked_file_costs_the_trace_and_one_warning(
    tmp_path: Path, log: TraceLog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(side_file, "BUSY_SECONDS", 0.05)
    log.switch_on()
    other = sqlite3.connect(tmp_path / TRACES_FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with caplog.at_level(logging.WARNING, "docindex"):
        assert log.is_on
        assert log.add(a_trace()) is None
        assert log.add(a_trace()) is None
    assert [record.getMessage()[:24] for record in caplog.records] == ["Searches are not traced:"]
    other.execute("ROLLBACK")
    other.close()
    assert log.add(a_trace()) is not None


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_costs_the_trace(disk: Path, caplog: pytest.LogCaptureFixture):
    log = TraceLog(disk)
    log.switch_on()
    assert log.add(a_trace("first")) is not None
    with caplog.at_level(logging.WARNING, "docindex"):
        assert log.add(a_trace("x" * 2_000_000)) is None
        assert log.add(a_trace("x" * 2_000_000)) is None
    assert len(caplog.records) == 1
    assert [one.query for one in log.newest()] == ["first"]
    log.close()


def test_a_folder_that_can_only_be_read_costs_the_trace_and_tells_those_that_there_are(
    disk: Path, caplog: pytest.LogCaptureFixture
):
    log = TraceLog(disk)
    log.switch_on()
    log.add(a_trace("first"))
    log.close()
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    reader = TraceLog(disk)
    with caplog.at_level(logging.WARNING, "docindex"):
        assert not reader.is_on
        assert reader.add(a_trace("second")) is None
    assert len(caplog.records) == 1
    assert reader.get().query == "first"
    assert reader.state().kept == 1
    with pytest.raises(StoreError, match="can be written to"):
        reader.switch_on()
    reader.close()


def test_a_file_of_the_first_format_is_brought_up_to_date(tmp_path: Path, log: TraceLog):
    log.switch_on()
    log.add(a_trace("before"))
    log.close()
    with sqlite3.connect(tmp_path / TRACES_FILE) as connection:
        connection.execute("ALTER TABLE stages DROP COLUMN filter")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    assert log.is_on
    assert [stage.filter for stage in log.get().stages] == [None, None]
    log.add(a_trace("after"))
    assert [stage.filter for stage in log.get().stages] == ["level = 0", None]
    log.close()
    assert [one.query for one in log.newest()] == ["after", "before"]


def test_a_file_of_a_newer_docindex_is_left_alone(tmp_path: Path, log: TraceLog):
    log.switch_on()
    log.close()
    with sqlite3.connect(tmp_path / TRACES_FILE) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert not log.is_on
    assert log.add(a_trace()) is None
    with pytest.raises(FormatError, match="upgrade docindex"):
        log.newest()


def test_a_file_that_is_none_costs_the_trace_and_says_so(
    tmp_path: Path, log: TraceLog, caplog: pytest.LogCaptureFixture
):
    (tmp_path / TRACES_FILE).write_text("no database " * 1000)
    with caplog.at_level(logging.WARNING, "docindex"):
        assert not log.is_on
        assert log.add(a_trace()) is None
    assert len(caplog.records) == 1
    with pytest.raises(StoreError, match="delete the file"):
        log.newest()
    (tmp_path / TRACES_FILE).unlink()
    log.switch_on()
    assert log.add(a_trace()) is not None


def test_a_file_whose_making_was_interrupted_is_made(tmp_path: Path, log: TraceLog):
    (tmp_path / TRACES_FILE).touch()
    assert not log.is_on
    assert log.newest() == []
    log.switch_on()
    assert log.is_on
