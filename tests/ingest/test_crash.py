"""kill -9 at every named step of an ingest that adds, updates and deletes: each document is old or new, never lost."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from docindex import Index, IngestOptions
from docindex.schema import LoadOptions

WORKER = """
import os, signal, sys
from docindex import Index, IngestOptions

step, path, docs = sys.argv[1:]

def kill_at_step(progress):
    if progress.step == step:
        os.kill(os.getpid(), signal.SIGKILL)

with Index.open(path) as index:
    index.ingest(docs, options=IngestOptions(sync=True), on_progress=kill_at_step)
"""
FORKS = """
import json, os, sys, warnings
import docindex.chunking.passages, docindex.embedding.onnx, docindex.ingest.pipeline, docindex.stores.commit

warnings.simplefilter("ignore", RuntimeWarning)  # lancedb says that forking is experimental
for line in sys.stdin:
    script, *sys.argv[1:] = json.loads(line)
    child = os.fork()
    if child == 0:
        exec(script)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Runs a script for each line of standard input. Forking from a process that has imported everything and opened nothing
saves a second of imports a run."""

OLD = {"kept.txt": "This text stays.", "edited.txt": "The gate opens at eight.", "gone.txt": "A page on herons."}
NEW = {"kept.txt": "This text stays.", "edited.txt": "The gate opens at nine.", "new.txt": "A page on storks."}
BEFORE = ["plan", "load", "journal", "nodes-deleted", "nodes-written", "vectors-written", "registry-written"]
AFTER = ["committed", "embed"]


def write(docs: Path, files: dict[str, str]) -> None:
    docs.mkdir(exist_ok=True)
    for file in docs.iterdir():
        file.unlink()
    for name, text in files.items():
        (docs / name).write_text(text)


@pytest.fixture(scope="module")
def run() -> Iterator[Callable[..., int]]:
    """The exit code of a script with arguments."""
    command = [sys.executable, "-c", FORKS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def run(script: str, *arguments: str | Path) -> int:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps([script, *map(str, arguments)]) + "\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield run


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with documents and an index of the old ones."""
    folder = tmp_path_factory.mktemp("before")
    write(folder / "docs", OLD)
    with Index.create(folder / "index") as index:
        index.ingest(folder / "docs")
    return folder


def texts(index: Index) -> dict[str, str]:
    found = {}
    for record in index.documents():
        document = index.document(record.doc_id)
        assert document is not None
        found[record.doc_id] = document.text.strip()
    return found


@pytest.mark.parametrize("step", [*BEFORE, *AFTER])
def test_a_kill_leaves_the_old_or_the_new_and_a_second_run_finishes(step: str, run, before: Path, tmp_path: Path):
    docs = before / "docs"  # the index knows it by its place
    write(docs, NEW)
    with Index.open(shutil.copytree(before / "index", tmp_path / "index")) as index:
        assert run(WORKER, step, index.path, docs) == -9, "the step never came"

        held = texts(index)
        if step == "embed":
            assert held == NEW
        elif step == "committed":  # a group, which on a slow machine is a part
            assert held != OLD
            assert all(held.get(name) in (OLD.get(name), NEW.get(name)) for name in {*OLD, *NEW})
        else:
            assert held == OLD
        assert index.check() == []
        assert {hit.source for hit in index.search("storks", mode="lexical")} == {"new.txt"} & held.keys()

        index.ingest(docs, options=IngestOptions(sync=True))
        assert texts(index) == NEW
        assert index.check() == []
        assert {record.state for record in index.documents()} == {"ready"}


def test_what_a_killed_run_had_embedded_is_not_embedded_again(index: Index, run, tmp_path: Path):
    rows = [f'{{"id": "r{n}", "text": "Row {n} is about subject {n} and says so in a sentence."}}' for n in range(400)]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(rows))
    script = "import docindex.ingest.vectors\ndocindex.ingest.vectors.COMMIT_SECONDS = 0\n" + WORKER.replace(
        "progress.step == step", "progress.step == 'embed' and progress.nodes > 300"
    )
    assert run(script, "-", index.path, file) == -9
    assert len(texts(index)) == 400
    done = index.status()["embedded"]
    assert 0 < done < 400
    report = index.ingest(file)
    assert report.unchanged == 400
    assert report.nodes.embedded == 400 - done
    assert index.ingest(file).nodes.embedded == 0


PIECEMEAL = (
    "import docindex.ingest.texts\n"
    "docindex.ingest.texts.FIRST_GROUP_SECONDS = docindex.ingest.texts.GROUP_SECONDS = -1\n"  # a commit a document
    + WORKER
)


def rows(file: Path, subject: str, count: int = 30) -> None:
    file.write_text("\n".join(f'{{"id": "r{n}", "text": "Row {n} is about {subject}."}}' for n in range(count)))


def test_what_a_killed_run_has_read_of_a_file_goes_with_the_file(index: Index, run, tmp_path: Path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "kept.txt").write_text("This text stays.")
    rows(docs / "rows.jsonl", "herons")
    assert run(PIECEMEAL, "committed", index.path, docs) == -9
    held = texts(index)
    assert 0 < len(held) < 31, "the kill came too late to show anything"
    for file in ("rows.jsonl", "kept.txt"):
        (docs / file).unlink()
    index.ingest(docs, options=IngestOptions(sync=True, allow_empty_sync=True))
    assert texts(index) == {}
    assert index.check() == []


def test_a_file_that_is_as_it_was_again_is_read_after_a_killed_run(index: Index, run, tmp_path: Path):
    docs = tmp_path / "docs"
    docs.mkdir()
    rows(docs / "rows.jsonl", "herons")
    index.ingest(docs)
    before = texts(index)
    rows(docs / "rows.jsonl", "storks")
    assert run(PIECEMEAL, "committed", index.path, docs) == -9
    assert texts(index) != before, "the kill came too soon to show anything"
    rows(docs / "rows.jsonl", "herons")
    index.ingest(docs)
    assert texts(index) == before
    assert index.ingest(docs).unchanged == 30


def test_what_could_be_read_of_a_file_goes_with_it(index: Index, tmp_path: Path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "first.jsonl").write_text('{"id": "a", "text": "The first file has this id."}')
    (docs / "second.jsonl").write_text('{"id": "a", "text": "So has the second."}\n{"id": "b", "text": "Its own."}')
    options = IngestOptions(sync=True, load=LoadOptions(id_field="id"))
    for _ in range(2):
        report = index.ingest(docs, options=options)
        assert [problem.source for problem in report.failed] == ["a"]
        assert texts(index).keys() == {"a", "b"}
    version = index.status()["version"]
    index.ingest(docs, options=options)
    assert index.status()["version"] == version, "nothing changed, and yet there is a new version"
    (docs / "second.jsonl").unlink()
    index.ingest(docs, options=options)
    assert texts(index).keys() == {"a"}


def test_a_file_that_was_being_read_in_the_place_of_a_gone_one(index: Index, run, tmp_path: Path):
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, subject in ((old, "herons"), (new, "storks")):
        folder.mkdir()
        rows(folder / "rows.jsonl", subject)
    index.ingest(old)
    shutil.rmtree(old)
    assert run(PIECEMEAL, "committed", index.path, new) == -9
    assert {record.location for record in index.documents()} >= {str(new / "rows.jsonl")}, "the kill came too soon"
    killed = shutil.copytree(index.path, tmp_path / "killed")

    index.ingest(new)
    assert {text.rpartition(" ")[2] for text in texts(index).values()} == {"storks."}
    assert {record.location for record in index.documents()} == {str(new / "rows.jsonl")}
    assert index.ingest(new).unchanged == 30

    (new / "rows.jsonl").unlink()
    with Index.open(killed) as other:
        other.ingest(new, options=IngestOptions(sync=True, allow_empty_sync=True))
        assert str(new / "rows.jsonl") not in {record.location for record in other.documents()}
        assert other.check() == []
