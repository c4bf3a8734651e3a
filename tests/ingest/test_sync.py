"""Whatever names the files, what is gone of them goes from the index too, and nothing else does."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from docindex import Index, IngestOptions, LoadError
from docindex.schema import IngestReport

TEXT = IngestOptions(wait="text")
SYNC = IngestOptions(wait="text", sync=True)
TO_THE_LAST = IngestOptions(wait="text", sync=True, allow_empty_sync=True)
NAMES = ("a.md", "b.md", "c.txt", "sub/d.md", "sub/e[1].md")


@pytest.fixture
def notes(index: Index, tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"The note {name} is about lamps.")
    assert index.ingest(folder, options=TEXT).added == len(NAMES)
    return folder


def sources(index: Index) -> set[str]:
    return {record.source for record in index.documents()}


@pytest.mark.parametrize(
    ("source", "gone"),
    [
        ("", {"a.md", "c.txt", "sub/d.md"}),
        ("*.md", {"a.md"}),
        ("**/*.md", {"a.md", "sub/d.md"}),
        ("*/[d-f]*.md", {"sub/d.md"}),
        ("c.txt", {"c.txt"}),
        ("sub/../a.md", {"a.md"}),
    ],
)
def test_a_source_takes_along_what_is_gone_of_it(index: Index, notes: Path, source: str, gone: set[str]) -> None:
    for name in ("a.md", "c.txt", "sub/d.md"):
        (notes / name).unlink()
    assert index.ingest(f"{notes}/{source}", options=TEXT).deleted == 0
    tried = index.ingest(f"{notes}/{source}", options=IngestOptions(sync=True, dry_run=True))
    assert {each.source for each in tried.planned if each.action == "delete"} == gone
    assert index.ingest(f"{notes}/{source}", options=SYNC).deleted == len(gone)
    assert sources(index) == set(NAMES) - gone


def test_a_file_with_brackets_in_its_name_is_no_glob(index: Index, notes: Path) -> None:
    (notes / "sub" / "e[1].md").unlink()
    assert index.ingest(notes / "sub" / "e[1].md", options=SYNC).deleted == 1


def test_what_two_sources_cover_is_gone_once(index: Index, notes: Path) -> None:
    (notes / "a.md").unlink()
    options = IngestOptions(sync=True, dry_run=True)
    tried = index.ingest(notes, notes / "*.md", notes / "a.md", options=options)
    assert (tried.deleted, [each.source for each in tried.planned]) == (1, ["a.md"])


@pytest.mark.parametrize("is_there", [True, False], ids=["empty", "missing"])
@pytest.mark.parametrize("source", ["", "*.md", "**/*", "a.md", "sub/d.md"])
def test_a_disk_that_may_not_be_mounted_takes_nothing_along(
    index: Index, notes: Path, source: str, is_there: bool
) -> None:
    shutil.rmtree(notes)
    if is_there:
        notes.mkdir()
    with pytest.raises(LoadError, match="--yes"):
        index.ingest(f"{notes}/{source}", options=SYNC)
    assert sources(index) == set(NAMES)
    assert index.ingest(f"{notes}/{source}", options=TO_THE_LAST).deleted > 0


def test_a_glob_that_matches_nothing_any_more_is_refused(index: Index, notes: Path) -> None:
    for name in ("a.md", "b.md"):
        (notes / name).unlink()
    with pytest.raises(LoadError, match=r"\*\.md: holds nothing, but the index has 2 files"):
        index.ingest(notes / "*.md", options=SYNC)
    assert index.ingest(notes / "*.md", options=TO_THE_LAST).deleted == 2
    assert sources(index) == {"c.txt", "sub/d.md", "sub/e[1].md"}


@pytest.mark.parametrize("source", ["*.md", "a.md"])
def test_a_watch_takes_along_what_goes(index: Index, notes: Path, source: str) -> None:
    stop = threading.Event()
    seen: list[IngestReport] = []

    def react(report: IngestReport) -> None:
        seen.append(report)
        if len(seen) == 1:
            (notes / "a.md").unlink()
        if report.deleted:
            stop.set()

    timer = threading.Timer(60, stop.set)
    timer.start()
    index.watch(notes / source, on_report=react, stop=stop, options=TEXT)
    timer.cancel()
    assert seen[-1].deleted == 1
    assert sources(index) == set(NAMES) - {"a.md"}
