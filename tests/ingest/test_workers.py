"""The parser processes: what they give, and that nothing a parser does costs more than its own file."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from docindex.ingest.workers import EndOf, LoadedFrom, ParserPool
from docindex.schema import Document, Limits, LoadOptions, Problem, Source, Unread

ZOO = "parser_zoo:registry"


@pytest.fixture(autouse=True)
def importable_zoo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)


@pytest.fixture
def pool() -> Iterator[ParserPool]:
    with ParserPool(ZOO, processes=1) as new:
        yield new


@pytest.fixture
def script(tmp_path: Path):
    def write(name: str, *lines: str, limits: Limits | None = None, password: str | None = None) -> Source:
        path = tmp_path / name
        path.write_text("\n".join(lines))
        return Source(name, path, "text/plain", LoadOptions(limits=limits or Limits(), password=password))

    return write


def texts(events: list[LoadedFrom | EndOf], index: int) -> list[str]:
    items = [event.item for event in events if isinstance(event, LoadedFrom) and event.source_index == index]
    return [item.text for item in items if isinstance(item, Document)]


def problems(events: list[LoadedFrom | EndOf], index: int) -> list[Problem]:
    items = [event.item for event in events if isinstance(event, LoadedFrom) and event.source_index == index]
    return [item for item in items if isinstance(item, Problem)]


def reason(pool: ParserPool, source: Source) -> str:
    """Why the source fails; it must be the last that is said of it."""
    *_, last, end = pool.load([source])
    assert isinstance(end, EndOf)
    assert not end.whole
    assert isinstance(last, LoadedFrom)
    assert isinstance(last.item, Problem)
    assert last.item.source == source.name
    return last.item.reason


def item_of(event: LoadedFrom | EndOf) -> Document:
    assert isinstance(event, LoadedFrom)
    assert isinstance(event.item, Document)
    return event.item


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def dies(pid: int, seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while is_alive(pid):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


# --- what comes out --------------------------------------------------------------------------------------------------


def test_items_come_in_the_order_of_the_sources_and_each_ends(script) -> None:
    sources = [script(f"{n:03}", f"give {n % 4}") for n in range(150)]
    with ParserPool(ZOO, processes=3) as pool:
        events = list(pool.load(iter(sources)))
    assert [event.source_index for event in events] == sorted(event.source_index for event in events)
    assert [event for event in events if isinstance(event, EndOf)] == [EndOf(n, whole=True) for n in range(150)]
    for n, source in enumerate(sources):
        assert texts(events, n) == [f"text {k + 1}" for k in range(n % 4)], source.name


def test_what_a_loader_tells_of_parts_passes_through_and_leaves_the_file_whole(pool: ParserPool, script) -> None:
    events = list(pool.load([script("a", "problem", "unread", "give 1")]))
    assert [event.item for event in events[:2] if isinstance(event, LoadedFrom)] == [
        Problem("a!/member", "is broken"),
        Unread("a!/member", "no loader"),
    ]
    assert events[-1] == EndOf(0, whole=True)


def test_no_source_starts_no_process(pool: ParserPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert list(pool.load([])) == []


def test_a_handful_of_small_files_shares_a_process_and_many_do_not(script) -> None:
    sources = [script(f"{n:03}", "pid") for n in range(80)]
    with ParserPool(ZOO, processes=2) as pool:
        few = list(pool.load(sources[:8]))
        assert len({text for n in range(8) for text in texts(few, n)}) == 1
        many = list(pool.load(sources))
        assert len({text for n in range(80) for text in texts(many, n)}) == 2


def test_sources_are_taken_a_few_at_a_time(pool: ParserPool, script) -> None:
    taken = []

    def sources() -> Iterator[Source]:
        for n in range(500):
            taken.append(n)
            yield script(f"{n:03}", "give 1")

    events = pool.load(sources())
    next(events)
    assert len(taken) < 50
    assert sum(isinstance(event, EndOf) for event in events) == 500


def test_a_process_waits_for_its_consumer_and_waiting_costs_no_time(pool: ParserPool, script, tmp_path: Path) -> None:
    made = tmp_path / "made"
    source = script("large", *["give-large 1", f"count {made}"] * 60, limits=Limits(seconds=0.8))
    events = pool.load([source])
    next(events)
    time.sleep(1.2)
    assert int(made.read_text()) < 30  # about 8 MB ahead, and as much on its way
    assert sum(isinstance(event, LoadedFrom) for event in events) == 59
    assert made.read_text() == "60"


def test_files_are_parsed_while_the_consumer_is_busy_with_others(pool: ParserPool, script, tmp_path: Path) -> None:
    made = tmp_path / "made"
    events = pool.load([script("a", "give 2"), script("b", "give 3", f"count {made}")])
    next(events)
    until = time.monotonic() + 10
    while not made.exists():
        assert time.monotonic() < until
        time.sleep(0.01)


# --- what parsers do -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("raise LoadError", "has no animals"),
        ("raise KeyError", "can't be read: KeyError: 'lion'"),
        ("raise OSError", "can't be read: Input/output error"),
        ("raise Panic", "can't be read: Panic: in Rust"),
        ("raise nothing", "can't be read: ValueError"),
        ("sys-exit 3", "can't be read: SystemExit: 3"),
        ("recurse", "is nested too deeply to be read"),
        (
            "nonsense",
            "can't be read: TypeError: a loader gives documents, problems and unread parts, and not str",
        ),
    ],
)
def test_an_exception_is_a_reason_and_what_came_before_is_kept(
    pool: ParserPool, script, line: str, expected: str
) -> None:
    events = list(pool.load([script("bad", "give 2", line), script("good", "give 1")]))
    assert texts(events, 0) == ["text 1", "text 2"]
    assert problems(events, 0) == [Problem("bad", expected)]
    assert [event for event in events if isinstance(event, EndOf)] == [EndOf(0, whole=False), EndOf(1, whole=True)]


@pytest.mark.parametrize(
    ("line", "how"), [("crash", "signal 11"), ("segfault", "signal 11"), ("exit 3", "exit code 3")]
)
def test_a_crash_is_tried_again_and_then_given_up(pool: ParserPool, script, line: str, how: str) -> None:
    before = [script(f"before {n}", "give 3") for n in range(5)]
    after = [script(f"after {n}", "give 2") for n in range(5)]
    events = list(pool.load([*before, script("bad", "give 2", line), *after]))
    for n in range(5):
        assert len(texts(events, n)) == 3
        assert len(texts(events, 6 + n)) == 2
    assert texts(events, 5) in (["text 1", "text 2"], ["text 1"], [])  # as far as it got
    assert problems(events, 5) == [Problem("bad", f"the parser crashed ({how}) 2 times")]
    ends = [event for event in events if isinstance(event, EndOf)]
    assert ends == [EndOf(n, whole=n != 5, quarantined=n == 5) for n in range(11)]


def test_the_number_of_attempts_is_an_option(pool: ParserPool, script) -> None:
    assert reason(pool, script("bad", "crash", limits=Limits(attempts=1))) == "the parser crashed (signal 11)"
    assert reason(pool, script("bad", "crash", limits=Limits(attempts=3))) == "the parser crashed (signal 11) 3 times"


def test_a_second_attempt_gives_nothing_twice(pool: ParserPool, script, tmp_path: Path) -> None:
    sources = [
        script(f"{n}", "give 3", "sleep 0.1", f"crash-once {tmp_path / f'flag {n}'}", "give 2") for n in range(3)
    ]
    events = list(pool.load(sources))
    for n in range(3):
        assert texts(events, n) == [f"text {k}" for k in range(1, 6)]
        assert problems(events, n) == []
        assert events.count(EndOf(n, whole=True)) == 1


@pytest.mark.parametrize("line", ["hang", "hang-in-c"])
def test_a_parser_that_hangs_is_ended(pool: ParserPool, script, line: str) -> None:
    bad = script("bad", "give 1", line, limits=Limits(seconds=0.4, attempts=1))
    started = time.monotonic()
    events = list(pool.load([script("a", "give 1"), bad, script("b", "give 1")]))
    assert time.monotonic() - started < 10
    assert problems(events, 1) == [
        Problem("bad", "took longer than 0.4 s: raise the limit seconds (--limit seconds=N)")
    ]
    assert [event for event in events if isinstance(event, EndOf)] == [
        EndOf(0, whole=True),
        EndOf(1, whole=False, quarantined=True),
        EndOf(2, whole=True),
    ]


def test_the_time_is_for_one_item_and_not_for_the_file(pool: ParserPool, script) -> None:
    lines = ["sleep 0.3", "give 1"] * 4
    events = list(pool.load([script("slow", *lines, limits=Limits(seconds=0.9))]))
    assert len(texts(events, 0)) == 4


def test_too_much_memory_is_a_reason_and_the_next_file_has_a_new_process(pool: ParserPool, script) -> None:
    limits = Limits(memory_bytes=200_000_000)
    events = list(pool.load([script("a", "fill 10", limits=limits), script("bad", "fill 400", limits=limits)]))
    assert texts(events, 0) == ["10"]
    reason = "needs more than 0.2 GB of memory: raise the limit memory_bytes (--limit memory_bytes=N)"
    assert problems(events, 1) == [Problem("bad", reason)]
    events = list(pool.load([script("c", "fill 400")]))
    assert texts(events, 0) == ["400"]


def test_a_process_that_keeps_much_memory_is_replaced(pool: ParserPool, script) -> None:
    events = list(pool.load([script("a", "pid"), script("leak", "leak 520"), script("b", "pid")]))
    assert texts(events, 0) != texts(events, 2)
    assert [event.whole for event in events if isinstance(event, EndOf)] == [True, True, True]


def test_what_a_parser_prints_goes_to_the_log_and_blocks_nothing(
    pool: ParserPool, script, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "docindex.ingest"):
        events = list(pool.load([script("loud", "print 20000", "give 1")]))
    assert texts(events, 0) == ["text 1"]
    assert capfd.readouterr() == ("", "")
    assert "written by a C library" in caplog.text
    assert {record.levelno for record in caplog.records} == {logging.DEBUG}


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_file_that_changes_while_it_is_read(pool: ParserPool, script) -> None:
    assert reason(pool, script("a", "give 1", "touch")) == "changed while it was read: ingest it again"


def test_a_file_that_changed_between_two_attempts(pool: ParserPool, script) -> None:
    source = script("a", "give-large 9", "sleep 0.1", "touch", "crash")
    events = list(pool.load([source]))
    assert len(texts(events, 0)) <= 9
    assert problems(events, 0) == [Problem("a", "changed while it was read: ingest it again")]
    assert events[-1] == EndOf(0, whole=False)


def test_a_file_that_is_too_large_missing_or_none(pool: ParserPool, script, tmp_path: Path) -> None:
    large = script("large", *["give 1"] * 1000, limits=Limits(file_bytes=5000))
    assert reason(pool, large) == "is larger than 5 kB (6.999 kB): raise the limit file_bytes (--limit file_bytes=N)"
    assert reason(pool, Source("gone", tmp_path / "gone", "text/plain")) == "can't be read: No such file or directory"
    assert reason(pool, Source("folder", tmp_path, "text/plain")) == "can't be read: it is not a regular file"


# --- processes -------------------------------------------------------------------------------------------------------


def test_a_password_travels_unseen(pool: ParserPool, script) -> None:
    events = list(pool.load([script("a", "password", "argv", password="s3cret\ud800")]))
    password, visible = texts(events, 0)
    assert password == "s3cret\ud800"
    assert "s3cret" not in visible


def test_files_of_the_parent_are_not_inherited(pool: ParserPool, script, tmp_path: Path) -> None:
    with (tmp_path / "open in the parent").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        events = list(pool.load([script("a", "files")]))
    assert "open in the parent" not in texts(events, 0)[0]


def test_the_interrupt_key_is_not_for_parsers(pool: ParserPool, script) -> None:
    events = pool.load([script("a", "pid", "sleep 0.5", "give 1")])
    first = next(events)
    assert isinstance(first, LoadedFrom)
    assert isinstance(first.item, Document)
    os.kill(int(first.item.text), signal.SIGINT)
    assert len(list(events)) == 2


def test_temporary_files_and_children_of_a_dead_parser_go_with_it(pool: ParserPool, script) -> None:
    lines = ("temporary", "grandchild", "hang")
    events = list(pool.load([script("bad", *lines, limits=Limits(seconds=0.5, attempts=1))]))
    path, child = texts(events, 0)
    assert not Path(path).parent.exists()
    assert dies(int(child))


def test_leaving_ends_the_processes_in_the_midst_of_work(script) -> None:
    with ParserPool(ZOO, processes=1) as pool:
        events = pool.load([script("a", "pid", "temporary", "hang-in-c")])
        found = [event.item.text for event in (next(events), next(events)) if isinstance(event, LoadedFrom)]
    assert dies(int(found[0]), 1.0)
    assert not Path(found[1]).parent.exists()


def test_a_load_that_is_given_up_does_not_disturb_the_next(pool: ParserPool, script) -> None:
    events = pool.load([script(f"{n}", "give 5") for n in range(10)])
    next(events)
    events.close()
    again = list(pool.load([script("a", "give 2")]))
    assert texts(again, 0) == ["text 1", "text 2"]


def test_busy_seconds_count_living_and_dead_processes(pool: ParserPool, script) -> None:
    list(pool.load([script("a", "burn 0.3")]))
    living = pool.busy_seconds
    assert living >= 0.3
    reason(pool, script("b", "burn 0.4", "crash", limits=Limits(attempts=1)))
    assert pool.busy_seconds >= living + 0.4
    list(pool.load([script("c", "give 1")]))
    before = pool.busy_seconds
    pool.close()
    assert pool.busy_seconds >= before


@pytest.mark.parametrize(
    ("loaders", "expected"),
    [
        ("parser_zoo:broken", "can't be read: RuntimeError: this registry can't be made"),
        ("no_such_module:registry", "can't be read: ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
def test_a_registry_that_cannot_be_made_is_a_reason(script, loaders: str, expected: str) -> None:
    with ParserPool(loaders) as pool:
        assert reason(pool, script("a", "give 1")) == expected


def test_processes_that_cannot_be_started_are_a_reason(script, monkeypatch: pytest.MonkeyPatch) -> None:
    with ParserPool(ZOO, processes=1) as pool:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "executable", "/no/such/python")
            assert reason(pool, script("a")) == "the parser process can't be started: No such file or directory"
        with monkeypatch.context() as patch:
            patch.setattr(sys, "executable", "/bin/false")
            assert reason(pool, script("a")) == "the parser process can't be started (exit code 1)"
        assert list(pool.load([script("a")])) == [EndOf(0, whole=True)]


def run(code: str, folder: Path) -> subprocess.Popen[str]:
    path = folder / "main.py"
    path.write_text(textwrap.dedent(code))
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent), "TMPDIR": str(folder)}
    return subprocess.Popen([sys.executable, str(path)], stdout=subprocess.PIPE, text=True, env=environment, cwd=folder)


def test_a_script_needs_no_main_guard_and_files_beside_the_documents_are_not_imported(tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    for name in ("json.py", "charset_normalizer.py", "sitecustomize.py"):
        (documents / name).write_text("raise SystemExit('imported from the working directory')\n")
    (tmp_path / "a").write_text("give 2")
    (tmp_path / "code").mkdir()
    code = f"""
        import os
        from pathlib import Path
        from docindex.ingest.workers import ParserPool
        from docindex.schema import Source
        os.chdir({str(documents)!r})
        with ParserPool({ZOO!r}) as pool:
            print(len(list(pool.load([Source("a", Path({str(tmp_path / "a")!r}), "text/plain")]))))
    """
    output, _ = run(code, tmp_path / "code").communicate(timeout=30)
    assert output == "3\n"


ONE_FILE = f"""
    from pathlib import Path
    from docindex.ingest.workers import ParserPool
    from docindex.schema import Source
    with ParserPool({ZOO!r}) as pool:
        for event in pool.load([Source("a", Path("a"), "text/plain")]):
            print(event.item.text, flush=True)
"""


def test_parsers_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("pid\nhang-in-c")
    parent = run(ONE_FILE, tmp_path)
    assert parent.stdout
    pid = int(parent.stdout.readline())
    assert is_alive(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert dies(pid, 5.0)


def test_temporary_files_of_a_killed_parent_are_deleted_later(
    tmp_path: Path, script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "a").write_text("temporary\nhang")
    with ParserPool(ZOO) as pool:
        events = pool.load([script("b", "temporary", "sleep 5")])
        living = item_of(next(events)).text
        parent = run(ONE_FILE, tmp_path)
        assert parent.stdout
        deserted = Path(parent.stdout.readline().strip())
        parent.kill()
        parent.wait()
        parent.stdout.close()
        for folder in (deserted.parent, Path(living).parent):
            os.utime(folder, (0, 0))
        with ParserPool(ZOO) as other:
            assert list(other.load([])) == []
        assert not deserted.parent.exists()
        assert Path(living).exists()
