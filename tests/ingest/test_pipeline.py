"""What an ingest does with new, changed, moved, doubled and gone files."""

import random
import shutil
import threading
from pathlib import Path
from typing import Literal

import pytest

from docindex import ConfigError, Index, IngestOptions
from docindex.schema import Duplicate, IngestReport, Progress


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def ids(index: Index) -> set[str]:
    return {record.doc_id for record in index.documents()}


def long_text(rng: random.Random, size: int) -> list[str]:
    """Paragraphs of prose without repetition, about so many characters in all."""
    nouns = ["pump", "valve", "gauge", "motor", "lamp", "relay", "switch", "sensor", "bolt", "panel", "cable", "crane"]
    paragraphs: list[str] = []
    length = 0
    while length < size:
        sentences = [
            f"The {rng.choice(nouns)} {rng.randint(100, 99_999)} stops the {rng.choice(nouns)} at {rng.random():.3f}."
            for _ in range(rng.randint(2, 7))
        ]
        paragraphs.append(" ".join(sentences))
        length += len(paragraphs[-1]) + 2
    return paragraphs


# --- text first, vectors after --------------------------------------------------------------------------------------


def test_text_is_found_by_words_before_anything_is_embedded(index: Index, docs: Path):
    report = index.ingest(docs, options=IngestOptions(wait="text"))
    assert report.nodes.embedded == 0
    assert report.nodes.pending == report.nodes.added > 0
    assert {record.state for record in index.documents()} == {"text"}
    assert index.search("orchard", mode="lexical")[0].source == "apple.txt"
    assert index.search("orchard")[0].source == "apple.txt", "hybrid search goes by words where there is no vector"
    assert index.search("orchard", mode="dense") == []
    assert index.check() == []

    done = index.embed()
    assert (done.nodes.embedded, done.nodes.pending) == (report.nodes.pending, 0)
    assert {record.state for record in index.documents()} == {"ready"}
    assert index.search("fruit", mode="dense")[0].source == "apple.txt"
    assert index.check() == []


def test_a_search_beside_an_ingest_sees_what_is_committed(index: Index, tmp_path: Path):
    docs = write(tmp_path / "many", {f"{n:03}.txt": f"Document {n} is about heron{n}." for n in range(400)})
    seen: list[tuple[str, int, int]] = []

    def look(progress: Progress) -> None:
        if progress.step == "committed":
            with Index.open(index.path) as reader:
                status = reader.status()
                found = reader.search("heron7", mode="lexical")
                seen.append((found[0].doc_id if found else "", status["nodes"], status["embedded"]))

    index.ingest(docs, on_progress=look)
    assert ("007.txt", 400, 0) in seen, "all texts are there before the first vector"
    assert seen[-1] == ("007.txt", 400, 400)


def test_what_an_interrupted_ingest_left_is_embedded_by_the_next_and_nothing_twice(index: Index, tmp_path: Path):
    docs = write(tmp_path / "docs", {"long.txt": "\n\n".join(long_text(random.Random(1), 8_000))})

    class StoppedError(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.step == "embed" and progress.nodes > 0:
            raise StoppedError

    with pytest.raises(StoppedError):
        index.ingest(docs, on_progress=stop)
    total = index.status()["nodes"]
    assert index.status()["embedded"] == 0, "nothing of the group was committed yet"

    report = index.ingest(docs)
    assert report.unchanged == 1
    assert report.nodes.embedded == total
    assert index.status()["embedded"] == total
    assert index.ingest(docs).nodes.embedded == 0


@pytest.mark.parametrize("wait", ["text", "vectors"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_ends_a_commit_ends_the_ingest_and_the_next_one_goes_on(
    index: Index, docs: Path, wait: Literal["text", "vectors"], error: BaseException
):
    """Texts and vectors are committed in a thread, whose errors must not stay there."""
    main = threading.get_ident()

    def full(progress: Progress) -> None:
        if progress.step == ("journal" if wait == "text" else "vectors-written"):
            assert threading.get_ident() != main
            raise error

    if wait == "vectors":
        index.ingest(docs, options=IngestOptions(wait="text"))
    with pytest.raises(type(error)) as raised:
        index.ingest(docs, on_progress=full)
    assert raised.value is error
    assert not any(thread.name.startswith("docindex-commit") for thread in threading.enumerate())
    index.ingest(docs)
    assert {record.state for record in index.documents()} == {"ready"}
    assert len(ids(index)) == 3
    assert index.check() == []


# --- edits and moves ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A folder with an index of a text of a megabyte, and the paragraphs of that."""
    paragraphs = long_text(random.Random(7), 1_000_000)
    folder = tmp_path_factory.mktemp("book")
    docs = write(folder / "docs", {"book.txt": "\n\n".join(paragraphs)})
    with Index.create(folder / "index") as index:
        index.ingest(docs, options=IngestOptions(wait="text"))
    return folder, paragraphs


@pytest.mark.parametrize("kind", ["replaced", "added", "removed", "word"])
def test_an_edit_in_the_middle_of_a_megabyte_embeds_at_most_three_passages(
    book: tuple[Path, list[str]], tmp_path: Path, kind: str
):
    folder, paragraphs = book[0], list(book[1])
    rng = random.Random(kind)
    middle = len(paragraphs) // 2
    match kind:
        case "replaced":
            paragraphs[middle] = long_text(rng, 400)[0]
        case "added":
            paragraphs.insert(middle, long_text(rng, 400)[0])
        case "removed":
            del paragraphs[middle]
        case "word":
            paragraphs[middle] = paragraphs[middle].replace("stops", "starts", 1)
    docs = write(folder / "docs", {"book.txt": "\n\n".join(paragraphs)})
    with Index.open(shutil.copytree(folder / "index", tmp_path / "index")) as index:
        before = index.status()["nodes"]
        report = index.ingest(docs, options=IngestOptions(wait="text"))
        assert report.updated == 1
        assert report.nodes.added <= 3
        assert index.status()["nodes"] == before + report.nodes.added - report.nodes.deleted
        assert index.check() == []


def test_a_renamed_folder_embeds_nothing(index: Index, tmp_path: Path):
    paragraphs = long_text(random.Random(3), 12_000)
    docs = write(tmp_path / "docs", {"old/a.txt": "\n\n".join(paragraphs), "old/b.md": "# B\n\nThe bee sleeps."})
    index.ingest(docs)
    paragraphs[8] = "This paragraph is shorter."
    write(docs, {"old/a.txt": "\n\n".join(paragraphs)})
    index.ingest(docs)

    (docs / "old").rename(docs / "new")
    report = index.ingest(docs, options=IngestOptions(sync=True))
    assert report.nodes.embedded == 0
    assert report.nodes.pending == 0
    assert (report.added, report.deleted) == (2, 2)
    assert ids(index) == {"new/a.txt", "new/b.md"}
    assert index.check() == []


# --- the same bytes twice -------------------------------------------------------------------------------------------


def test_the_same_file_twice_is_stored_once_and_found_under_both_paths(index: Index, tmp_path: Path):
    docs = write(tmp_path / "docs", {"a/guide.txt": "The heron stands still.", "b/copy.txt": "The heron stands still."})
    report = index.ingest(docs)
    assert report.added == 1
    assert report.duplicates == (Duplicate("b/copy.txt", "a/guide.txt"),)
    assert ids(index) == {"a/guide.txt"}
    [hit] = index.search("heron", mode="lexical")
    assert (hit.source, hit.also) == ("a/guide.txt", ("b/copy.txt",))

    again = index.ingest(docs)
    assert (again.added, again.updated, again.unchanged) == (0, 0, 1)
    assert again.duplicates == report.duplicates


def test_a_copy_stands_alone_when_the_first_one_changes_or_goes(index: Index, tmp_path: Path):
    docs = write(tmp_path / "docs", {"a.txt": "The heron stands still.", "b.txt": "The heron stands still."})
    index.ingest(docs)
    write(docs, {"a.txt": "The stork walks."})
    index.ingest(docs)
    assert ids(index) == {"a.txt", "b.txt"}
    assert {hit.source for hit in index.search("heron", mode="lexical")} == {"b.txt"}

    write(docs, {"a.txt": "The heron stands still."})
    report = index.ingest(docs)
    assert ids(index) == {"b.txt"}, "what another file stands for now goes"
    assert report.duplicates == (Duplicate("a.txt", "b.txt"),)

    (docs / "b.txt").unlink()
    index.ingest(docs, options=IngestOptions(sync=True))
    assert ids(index) == {"a.txt"}
    assert index.search("heron", mode="lexical")[0].also == ()
    assert index.check() == []


def test_a_copy_outside_of_the_ingested_folder_is_taken_up_when_the_first_one_changes(index: Index, tmp_path: Path):
    first = write(tmp_path / "first", {"a.txt": "The heron stands still."})
    second = write(tmp_path / "second", {"b.txt": "The heron stands still."})
    index.ingest(first, second)
    write(first, {"a.txt": "The stork walks."})
    index.ingest(first)
    assert ids(index) == {"a.txt", "b.txt"}


def test_deleting_the_document_of_two_files_brings_back_the_other_with_the_next_ingest(index: Index, tmp_path: Path):
    docs = write(tmp_path / "docs", {"a.txt": "The heron stands still.", "b.txt": "The heron stands still."})
    index.ingest(docs)
    index.delete("a.txt")
    (docs / "a.txt").unlink()
    index.ingest(docs)
    assert ids(index) == {"b.txt"}


# --- before and while -----------------------------------------------------------------------------------------------


def test_a_dry_run_says_what_why_and_how_long(index: Index, tmp_path: Path):
    docs = write(tmp_path / "docs", {"a.txt": "One.", "b.txt": "\n\n".join(long_text(random.Random(5), 12_000))})
    index.ingest(docs / "a.txt")
    write(docs, {"a.txt": "One and two.", "c.txt": "One and two."})
    report = index.ingest(docs, options=IngestOptions(dry_run=True))
    assert [(planned.source, planned.action, planned.reason) for planned in report.planned] == [
        ("a.txt", "update", "has changed"),
        ("b.txt", "add", "is new"),
        ("c.txt", "link", "holds the same bytes as a.txt"),
    ]
    assert report.estimate is not None
    assert report.estimate.seconds > 0
    real = index.ingest(docs)
    assert report.estimate.nodes == pytest.approx(real.nodes.added, rel=0.3)
    assert index.ingest(docs, options=IngestOptions(dry_run=True)).planned == ()


def test_progress_counts_bytes_then_passages(index: Index, docs: Path):
    seen: list[Progress] = []
    report = index.ingest(docs, on_progress=seen.append)
    reading = [progress for progress in seen if progress.step in ("plan", "load")]
    total = sum(path.stat().st_size for path in docs.rglob("*.*"))
    assert (reading[0].bytes_done, reading[0].bytes_total) == (0, total)
    assert reading[-1].bytes_done == total
    embedding = [progress for progress in seen if progress.step == "embed"]
    assert (embedding[0].nodes, embedding[0].nodes_total) == (0, report.nodes.added)
    assert embedding[-1].nodes == report.nodes.added
    assert [stage.name for stage in report.stages] == ["plan", "text", "vectors"]
    assert all(stage.seconds > 0 for stage in report.stages)


def test_watching_takes_up_changes_until_it_is_stopped(index: Index, docs: Path):
    reports: list[IngestReport] = []
    stop = threading.Event()
    written = threading.Event()

    def react(report: IngestReport) -> None:
        reports.append(report)
        if len(reports) == 1:
            write(docs, {"new.txt": "A new page on storks."})
            (docs / "apple.txt").unlink()
            written.set()
        if "new.txt" in ids(index) and "apple.txt" not in ids(index):
            stop.set()

    timer = threading.Timer(60, stop.set)
    timer.start()
    index.watch(docs, on_report=react, stop=stop)
    timer.cancel()
    assert written.is_set()
    assert ids(index) == {"new.txt", "sea.md", "sub/engine.txt"}


@pytest.mark.parametrize("source", ["~/docs", "~/docs/**/*.txt", "later/*", "later"])
def test_what_is_watched_is_what_is_ingested(
    index: Index, docs: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, source: str
):
    """Home folders, globs, and folders that are still to come."""
    monkeypatch.setenv("HOME", str(docs.parent))
    monkeypatch.chdir(docs.parent)
    stop = threading.Event()
    rounds = 0

    def react(report: IngestReport) -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            write(docs.parent / source.strip("~/").partition("/")[0], {"new.txt": "A new page on storks."})
        if "new.txt" in ids(index):
            stop.set()

    timer = threading.Timer(60, stop.set)
    timer.start()
    index.watch(source, on_report=react, stop=stop, options=IngestOptions(wait="text"))
    timer.cancel()
    assert "new.txt" in ids(index)
    assert caplog.messages == []


def test_what_can_not_be_watched_is_told_of(index: Index, docs: Path, caplog: pytest.LogCaptureFixture):
    stop = threading.Event()
    index.watch("sqlite:///things.db", docs, on_report=lambda report: stop.set(), stop=stop)
    assert "not watched" in caplog.text


def test_ignored_files_are_named_with_their_rule(index: Index, docs: Path):
    write(docs, {".docindexignore": "*.md\n", "sub/.docindexignore": "!sea.md\n"})
    report = index.ingest(docs)
    assert [(problem.source, problem.reason) for problem in report.skipped] == [
        ("sea.md", "ignored by .docindexignore line 1: *.md")
    ]
    assert ids(index) == {"apple.txt", "sub/engine.txt"}


def test_near_duplicates_are_collapsed_and_named(index: Index, tmp_path: Path):
    sentences = [f"Valve {number} of the plant opens when the pressure in tank {number} falls." for number in range(9)]
    text = " ".join(sentences)
    docs = write(tmp_path / "docs", {"one.txt": text, "two.txt": f"{text} Really.", "other.txt": "A tank is a vessel."})
    index.ingest(docs)
    hits = index.search("pressure in the tank of the plant", k=3, mode="lexical")
    first, other = hits
    [left_out] = first.duplicates
    named = {found.node.node_id: found.source for name in ("one.txt", "two.txt") for found in index.nodes(name)}
    assert {first.source, named[left_out]} == {"one.txt", "two.txt"}
    assert other.source == "other.txt"


@pytest.mark.parametrize(
    ("options", "cure"),
    [
        ({"wait": "none"}, "wait is 'none': give text or vectors"),
        ({"wait": "vector"}, "wait is 'vector'"),
        ({"processes": 0}, "processes is 0: give a value from 1"),
        ({"lease_seconds": -1.0}, "lease_seconds is -1.0"),
        ({"lease_seconds": float("nan")}, "lease_seconds is nan"),
    ],
)
def test_options_are_checked(options: dict[str, object], cure: str):
    with pytest.raises(ConfigError, match=cure):
        IngestOptions(**options)
