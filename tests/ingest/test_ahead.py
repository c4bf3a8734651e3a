"""Reading that begins while the stores of a new index are made: sooner, and with the same outcome."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from docindex import Index, IngestOptions
from docindex.config import FirstIngest
from docindex.errors import StoreError
from docindex.ingest import ahead
from docindex.ingest.ahead import first_files
from docindex.ingest.stamps import SETTLED_NS
from docindex.ingest.workers import EndOf, LoadedFrom, ParserPool
from docindex.loaders.registry import default_registry
from docindex.schema import Document, LoadOptions, Source

ZOO = "parser_zoo:registry"


@pytest.fixture(autouse=True)
def importable_zoo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)


@pytest.fixture
def pool() -> Iterator[ParserPool]:
    with ParserPool(ZOO, processes=2) as new:
        yield new


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., Source]:
    def write(name: str, *lines: str) -> Source:
        path = tmp_path / name
        path.write_text("\n".join(lines))
        return Source(name, path, "text/plain", LoadOptions())

    return write


def texts(events: list[LoadedFrom | EndOf]) -> list[str]:
    return [event.item.text for event in events if isinstance(event, LoadedFrom) and isinstance(event.item, Document)]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def parsers() -> list[int]:
    """The parser processes of this one."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes()
        except (OSError, IndexError):
            continue
        if parent == os.getpid() and b"docindex.ingest.worker_main" in command:
            found.append(int(folder.name))
    return found


# --- the pool --------------------------------------------------------------------------------------------------------


def test_what_was_begun_is_not_parsed_again(pool: ParserPool, script: Callable[..., Source], tmp_path: Path) -> None:
    parsed = tmp_path / "parsed"
    source = script("a", "give 2", f"count {parsed}")
    pool.begin([source])
    until(parsed.exists)
    parsed.unlink()
    events = list(pool.load([source, script("b", "say after")]))
    assert texts(events) == ["text 1", "text 2", "after"]
    assert [event for event in events if isinstance(event, EndOf)] == [EndOf(0, whole=True), EndOf(1, whole=True)]
    assert not parsed.exists()


def test_a_file_that_has_changed_since_is_parsed_as_it_is(pool: ParserPool, script: Callable[..., Source]) -> None:
    pool.begin([script("a", "say old"), script("b", "say b")])
    assert texts(list(pool.load([script("a", "say newer"), script("b", "say b")]))) == ["newer", "b"]


@pytest.mark.parametrize("names", ["", "b", "ba", "abc", "acb"])
def test_other_files_may_be_loaded_than_were_begun(pool: ParserPool, script: Callable[..., Source], names: str) -> None:
    sources = {name: script(name, f"say {name}") for name in "abc"}
    pool.begin([sources["a"], sources["b"]])
    events = list(pool.load([sources[name] for name in names]))
    assert texts(events) == list(names)
    assert [event.source_index for event in events if isinstance(event, EndOf)] == list(range(len(names)))
    assert texts(list(pool.load([sources["c"]]))) == ["c"]


def test_more_files_than_are_begun_come_in_their_order(pool: ParserPool, script: Callable[..., Source]) -> None:
    sources = [script(f"{number:03}", f"say {number}") for number in range(100)]
    pool.begin(sources)
    events = list(pool.load(iter(sources)))
    assert texts(events) == [str(number) for number in range(100)]
    assert [event for event in events if isinstance(event, EndOf)] == [EndOf(n, whole=True) for n in range(100)]


def test_a_crash_in_what_was_begun_is_tried_again(
    pool: ParserPool, script: Callable[..., Source], tmp_path: Path
) -> None:
    crashed = tmp_path / "crashed"
    source = script("a", "give 1", f"crash-once {crashed}", "give 1")
    pool.begin([source])
    until(crashed.exists)
    events = list(pool.load([source]))
    assert texts(events) == ["text 1", "text 2"]
    assert events[-1] == EndOf(0, whole=True)


def test_what_was_done_before_counts_for_no_stage(
    pool: ParserPool, script: Callable[..., Source], tmp_path: Path
) -> None:
    done = tmp_path / "done"
    source = script("a", "burn 1", f"count {done}", "give 1")
    pool.begin([source])
    until(done.exists)
    before = pool.busy_seconds
    assert texts(list(pool.load([source]))) == ["text 1"]
    assert pool.busy_seconds - before < 0.5
    list(pool.load([script("b", "burn 1")]))
    assert pool.busy_seconds - before > 0.9


def test_where_no_process_can_be_started_loading_says_so(
    pool: ParserPool, script: Callable[..., Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = script("a", "say a")
    with monkeypatch.context() as patch:
        patch.setattr("sys.executable", "/no/such/python")
        pool.begin([source])
    assert texts(list(pool.load([source]))) == ["a"]


# --- which files -----------------------------------------------------------------------------------------------------


@pytest.fixture
def settled(docs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of documents, an hour later."""
    now = time.time_ns() + 3600 * 10**9
    monkeypatch.setattr("docindex.ingest.ahead.time.time_ns", lambda: now)
    return docs


def names(first: FirstIngest) -> list[str]:
    return [source.name for source in first_files(first, default_registry)]


def test_the_first_files_are_those_that_an_ingest_reads_first(settled: Path) -> None:
    (settled / "picture.bin").write_bytes(b"\x00\x01\x02\xff" * 100)
    (settled / "twin.txt").write_bytes((settled / "apple.txt").read_bytes())
    assert names(FirstIngest((settled,))) == ["apple.txt", "sea.md", "sub/engine.txt"]
    assert names(FirstIngest((settled,), IngestOptions(exclude=("sea*",)))) == ["apple.txt", "sub/engine.txt"]


def test_no_more_is_begun_than_the_meantime_is_good_for(settled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = (settled / "apple.txt").stat().st_size + (settled / "sea.md").stat().st_size
    with monkeypatch.context() as patch:
        patch.setattr(ahead, "MOST_BYTES", size)
        assert names(FirstIngest((settled,))) == ["apple.txt", "sea.md"]
    with monkeypatch.context() as patch:
        patch.setattr(ahead, "MOST_FILES", 1)
        assert names(FirstIngest((settled,))) == ["apple.txt"]


def test_what_has_just_been_written_is_left_to_the_ingest(settled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = (settled / "sea.md").stat().st_mtime_ns
    os.utime(settled / "sea.md", ns=(later, later + SETTLED_NS))
    monkeypatch.setattr("docindex.ingest.ahead.time.time_ns", lambda: later + SETTLED_NS + 10**9)
    assert names(FirstIngest((settled,))) == ["apple.txt"]


@pytest.mark.parametrize("source", ["-", "https://example.org/", "sqlite:///none.db"])
def test_where_a_source_takes_more_than_a_look_nothing_is_begun(settled: Path, source: str) -> None:
    assert names(FirstIngest((settled, source))) == []


def test_what_is_wrong_with_a_source_is_for_the_ingest_to_tell(settled: Path) -> None:
    options = IngestOptions(sync=True)
    assert names(FirstIngest((settled / "none",), options)) == []
    assert names(FirstIngest((settled / "none", settled / "sub"), options)) == ["engine.txt"]


# --- the index -------------------------------------------------------------------------------------------------------


def test_an_index_that_began_while_it_was_made_holds_the_same(tmp_path: Path, example_documents: Path) -> None:
    first = FirstIngest((example_documents,), IngestOptions(wait="text"))
    with Index.create(tmp_path / "begun", first=first) as begun, Index.create(tmp_path / "plain") as plain:
        assert parsers()
        reports = [each.ingest(example_documents, options=first.options) for each in (begun, plain)]
        assert reports[0].added == reports[1].added > 0
        assert reports[0].nodes == reports[1].nodes
        for one, other in zip(begun.documents(), plain.documents(), strict=True):
            assert one.content_hash == other.content_hash
            assert begun.nodes(one.doc_id) == plain.nodes(other.doc_id)
        assert begun.check() == []
        assert parsers() == []
        again = begun.ingest(example_documents, options=first.options)
        assert (again.added, again.unchanged) == (0, reports[0].added)


def test_something_else_may_be_ingested_than_was_begun(tmp_path: Path, example_documents: Path, docs: Path) -> None:
    with Index.create(tmp_path / "index", first=FirstIngest((example_documents,))) as index:
        index.ingest(docs)
        assert [record.doc_id for record in index.documents()] == ["apple.txt", "sea.md", "sub/engine.txt"]
    assert parsers() == []


def test_no_process_is_left_where_nothing_was_ingested_or_no_index_made(index: Index, example_documents: Path) -> None:
    first = FirstIngest((example_documents,))
    with pytest.raises(StoreError):
        Index.create(index.path, first=first)
    assert parsers() == []
    other = Index.create(index.path.with_name("other"), first=first)
    assert parsers()
    other.close()
    assert parsers() == []
