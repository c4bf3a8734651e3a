"""Documents are cut where they are parsed: with the same nodes, and within the same bounds."""

from __future__ import annotations

import importlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from docindex import EmbedderMismatchError, Index, IngestOptions, ModelError, wiring
from docindex.chunking.passages import PassageChunker
from docindex.config import Environment, IndexConfig, LLMConfig
from docindex.indices.cut import CutDocument
from docindex.ingest.wire import Recipe
from docindex.ingest.workers import EndOf, LoadedFrom, ParserPool
from docindex.schema import Document, Limits, LoadOptions, Node, Problem, Source

ZOO = "parser_zoo:registry"
WORDS = Recipe("chunker_zoo:chunker", ("words",))
FILLER = "x" * 140_000
"""A file of that size is worth a chunker; the zoo's parser takes no notice of such a line."""


@pytest.fixture(autouse=True)
def importable_zoo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)


@pytest.fixture
def pool() -> Iterator[ParserPool]:
    with ParserPool(ZOO, processes=1, chunker=lambda: WORDS) as new:
        yield new


@pytest.fixture
def script(tmp_path: Path):
    def write(name: str, *lines: str, limits: Limits | None = None, filler: str = FILLER) -> Source:
        path = tmp_path / name
        path.write_text("\n".join([filler, *lines]))
        return Source(name, path, "text/plain", LoadOptions(limits=limits or Limits()))

    return write


def documents(events: Sequence[LoadedFrom | EndOf], index: int = 0) -> list[Document]:
    items = [event.item for event in events if isinstance(event, LoadedFrom) and event.source_index == index]
    return [item for item in items if isinstance(item, Document)]


def problems(events: Sequence[LoadedFrom | EndOf], index: int = 0) -> list[Problem]:
    items = [event.item for event in events if isinstance(event, LoadedFrom) and event.source_index == index]
    return [item for item in items if isinstance(item, Problem)]


def prose(seed: int, size: int) -> str:
    """Paragraphs without repetition, about so many characters in all."""
    rng = random.Random(seed)
    nouns = ["pump", "valve", "gauge", "motor", "lamp", "relay", "Größe", "switch", "sensor", "bolt", "數據", "crane"]
    paragraphs: list[str] = []
    while sum(map(len, paragraphs)) < size:
        paragraphs.append(
            " ".join(
                f"The {rng.choice(nouns)} {rng.randint(100, 99_999)} stops the {rng.choice(nouns)} at {rng.random()}."
                for _ in range(rng.randint(2, 9))
            )
        )
    return "\n\n".join(paragraphs)


# --- which documents come cut ----------------------------------------------------------------------------------------


def test_nodes_arrive_as_the_chunker_of_the_process_made_them(pool: ParserPool, script) -> None:
    [document] = documents(list(pool.load([script("a", "say five words are cut here")])))
    assert isinstance(document, CutDocument)
    name, pid = document.nodes[0].context.split()
    assert name == "words"
    assert int(pid) != os.getpid()
    made = importlib.import_module("chunker_zoo").chunker("words").chunk(Document("a", "a", document.text))
    assert document.nodes == tuple(replace(node, context=document.nodes[0].context) for node in made)
    assert len(made) == 5


def test_each_document_comes_as_soon_as_it_is_cut(pool: ParserPool, script) -> None:
    events = pool.load([script("a", "say one", "say two", "hang", limits=Limits(seconds=2, attempts=1))])
    first, second = next(events), next(events)
    assert [document.text for document in documents([first, second])] == ["one", "two"]
    assert all(isinstance(document, CutDocument) for document in documents([first, second]))


def test_a_handful_of_small_files_comes_uncut(pool: ParserPool, script) -> None:
    sources = [script(f"{n}", f"say {n}", filler="x" * 20_000) for n in range(20)]
    events = list(pool.load(sources))
    cut = [isinstance(document, CutDocument) for n in range(20) for document in documents(events, n)]
    assert cut == [False] * 6 + [True] * 14


def test_files_that_shall_come_uncut_do(script) -> None:
    sources = [script(f"{n}", f"say {n}") for n in range(40)]
    asked: list[Path] = []

    def odd(paths: Collection[Path]) -> Collection[Path]:
        asked.extend(paths)
        return [path for path in paths if int(path.name) % 2]

    with ParserPool(ZOO, processes=1, chunker=lambda: WORDS, uncut=odd) as pool:
        events = list(pool.load(sources))
    assert asked == [source.path for source in sources]
    cut = [isinstance(document, CutDocument) for n in range(40) for document in documents(events, n)]
    assert cut == [True, False] * 20


@pytest.mark.parametrize(
    "limits", [Limits(memory_bytes=120_000_000), Limits(seconds=8)], ids=["much memory", "much time"]
)
def test_what_could_come_near_to_a_limit_is_left_to_the_parent(pool: ParserPool, script, limits: Limits) -> None:
    events = list(pool.load([script("a", "say little", "give-large 1", "say little", limits=limits)]))
    assert [isinstance(document, CutDocument) for document in documents(events)] == [True, False, True]
    assert events[-1] == EndOf(0, whole=True)


@pytest.mark.parametrize(
    "recipe",
    [Recipe("chunker_zoo:broken", ("words",)), Recipe("no_such_module:chunker"), None],
    ids=["broken", "missing", "none"],
)
def test_without_a_chunker_documents_come_uncut(script, recipe: Recipe | None) -> None:
    with ParserPool(ZOO, processes=1, chunker=lambda: recipe) as pool:
        events = list(pool.load([script("a", "say one", "say two")]))
    assert [type(document) for document in documents(events)] == [Document, Document]
    assert events[-1] == EndOf(0, whole=True)


def test_the_chunker_is_not_asked_for_when_there_is_nothing_to_parse() -> None:
    def chunker() -> Recipe:
        raise AssertionError

    with ParserPool(ZOO, chunker=chunker) as pool:
        assert list(pool.load([])) == []


# --- what chunkers do ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["crash-cutting", "segfault-cutting"])
def test_a_crash_is_tried_again_and_then_given_up(pool: ParserPool, script, word: str) -> None:
    events = list(pool.load([script("a", "say a"), script("bad", "say one", f"say {word}"), script("b", "say b")]))
    assert [document.text for n in (0, 2) for document in documents(events, n)] == ["a", "b"]
    assert problems(events, 1) == [Problem("bad", "the parser crashed (signal 11) 2 times")]
    assert [event for event in events if isinstance(event, EndOf)] == [
        EndOf(0, whole=True),
        EndOf(1, whole=False, quarantined=True),
        EndOf(2, whole=True),
    ]


@pytest.mark.parametrize("word", ["hang-cutting", "hang-in-c-cutting"])
def test_a_chunker_that_hangs_is_ended(pool: ParserPool, script, word: str) -> None:
    limits = Limits(seconds=0.8, attempts=1)
    started = time.monotonic()
    events = list(pool.load([script("bad", f"say {word}", limits=limits), script("b", "say b")]))
    assert time.monotonic() - started < 10
    [problem] = problems(events, 0)
    assert problem.reason.startswith("took longer than 0.8 s: raise the limit seconds")
    assert [document.text for document in documents(events, 1)] == ["b"]
    assert EndOf(0, whole=False, quarantined=True) in events


def test_parsing_and_cutting_have_their_time_each(pool: ParserPool, script) -> None:
    lines = ["sleep 0.7", "say sleep-cutting 0.7"] * 2
    events = list(pool.load([script("slow", *lines, limits=Limits(seconds=1.2))]))
    assert len(documents(events)) == 2
    assert events[-1] == EndOf(0, whole=True)


@pytest.mark.parametrize(
    ("word", "why"), [("raise-cutting", "ValueError: no words for it"), ("panic-cutting", "Panic: in Rust")]
)
def test_an_exception_costs_the_document_alone(pool: ParserPool, script, word: str, why: str) -> None:
    events = list(pool.load([script("bad", "say one", f"say {word}", "say two")]))
    assert [document.text for document in documents(events)] == ["one", "two"]
    assert problems(events) == [Problem("bad", f"can't be cut: {why}")]
    assert events[-1] == EndOf(0, whole=True)


def test_too_much_memory_is_a_reason(pool: ParserPool, script) -> None:
    limits = Limits(memory_bytes=200_000_000)
    events = list(pool.load([script("bad", "say fill-cutting 400", limits=limits)]))
    [problem] = problems(events)
    assert problem.reason.startswith("needs more than 0.2 GB of memory: raise the limit memory_bytes")


def test_what_the_chunker_holds_is_not_taken_from_the_parser(script) -> None:
    limits = Limits(memory_bytes=150_000_000)
    with ParserPool(ZOO, processes=1, chunker=lambda: Recipe("chunker_zoo:large", (160,))) as pool:
        lines = ("say one", "fill 60")
        events = list(pool.load([script("a", *lines, limits=limits), script("b", *lines, limits=limits)]))
        assert [isinstance(document, CutDocument) for n in (0, 1) for document in documents(events, n)] == [True] * 4
        events = list(pool.load([script("c", "say one", "fill 400", limits=limits)]))
        [problem] = problems(events)
        assert problem.reason.startswith("needs more than 0.15 GB of memory: raise the limit memory_bytes")


# --- an index's own chunker ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[wiring.Parts]:
    made = wiring.create(tmp_path_factory.mktemp("parts") / "index", IndexConfig(), LLMConfig(), Environment.read())
    yield made
    made.close()


def sections(seed: int) -> str:
    return "\n\n".join(f"# Part {n}\n\n## Use of part {n}\n\n{prose(seed + n, 900 * (n % 5))}" for n in range(60))


def test_its_nodes_are_those_that_it_cuts_in_this_process(
    parts: wiring.Parts, tmp_path: Path, example_documents: Path
) -> None:
    (tmp_path / "long.txt").write_text(prose(1, 200_000))
    (tmp_path / "parts.md").write_text(sections(2))
    records = [{"_id": f"r{n}", "title": f"Record {n}", "text": prose(n, 50 * n)} for n in range(60)]
    (tmp_path / "records.jsonl").write_text("\n".join(map(json.dumps, records)))
    loaders = parts.loaders()
    paths = [*sorted(tmp_path.iterdir()), *sorted(path for path in example_documents.rglob("*") if path.is_file())]
    named = [(path, loaders.media_type_of(path)) for path in paths]
    sources = [
        Source(path.name, path, media_type) for path, media_type in named if media_type and loaders.supports(media_type)
    ]
    passages = parts.passages()
    with parts.parsers(2) as pool:
        events = list(pool.load(sources))
    found = [document for n in range(len(sources)) for document in documents(events, n)]
    assert sum(isinstance(document, CutDocument) for document in found) >= len(found) - 1
    assert len({document.media_type for document in found}) > 4
    assert any(node.page is not None for document in found for node in passages.nodes(document))
    for document in found:
        plain = Document(**{name: getattr(document, name) for name in Document.__dataclass_fields__})
        assert type(plain) is Document
        assert passages.nodes(document) == passages.nodes(plain), document.doc_id


def test_cutting_loads_neither_the_model_nor_a_database(parts: wiring.Parts, tmp_path: Path) -> None:
    code = """
        import json, sys
        import docindex.ingest.worker_main
        from docindex.ingest.worker_main import Cutter
        from docindex.ingest.wire import decode_recipe
        from docindex.schema import Document, Limits
        document = Cutter(decode_recipe(sys.argv[1])).cut(Document("a", "a", "Two words. " * 900), Limits())
        heavy = {"onnx", "onnxruntime", "lancedb", "pyarrow", "sqlalchemy"}
        print(len(document.nodes) > 2, *sorted(heavy & set(sys.modules)))
    """
    with parts.parsers(1) as pool:
        recipe = pool._chunker
    assert recipe is not None
    argument = json.dumps([recipe.factory, *recipe.arguments])
    program = "\n".join(line.strip() for line in code.splitlines())
    ran = subprocess.run([sys.executable, "-c", program, argument], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["True"]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The documents that are cut in this process, with the number of nodes that they had before."""
    calls: list[tuple[str, int]] = []
    chunk = PassageChunker.chunk

    def counting(self: PassageChunker, document: Document, before: Sequence[Node] = ()) -> list[Node]:
        calls.append((document.doc_id, len(before)))
        return chunk(self, document, before)

    monkeypatch.setattr(PassageChunker, "chunk", counting)
    return calls


def test_an_ingest_cuts_new_files_in_the_processes_and_edits_here(
    index: Index, tmp_path: Path, counted: list[tuple[str, int]]
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    odd = docs / os.fsdecode(b"\xff.txt")
    for n, path in enumerate([docs / "0.txt", docs / "1.txt", odd, docs / "3.txt"]):
        path.write_text(prose(n, 150_000))
    options = IngestOptions(wait="text")
    report = index.ingest(docs, options=options)
    assert report.added == 4
    assert counted == []
    held = {name: [stored.node for stored in index.nodes(name)] for name in ("1.txt", "3.txt", r"\xff.txt")}
    assert all(len(nodes) > 100 for nodes in held.values())
    assert index.check() == []

    for path in (docs / "1.txt", odd):
        text = path.read_text().split("\n\n")
        text.insert(len(text) // 2, "A stork stands in the middle.")
        path.write_text("\n\n".join(text))
    (docs / "new.txt").write_text(prose(9, 150_000))
    report = index.ingest(docs, options=options)
    assert (report.added, report.updated) == (1, 2)
    assert sorted(counted) == [(name, len(held[name])) for name in ("1.txt", r"\xff.txt")]
    assert [stored.node for stored in index.nodes("3.txt")] == held["3.txt"]
    assert index.check() == []


def test_records_of_a_file_that_has_changed_are_not_cut_again(
    index: Index, tmp_path: Path, counted: list[tuple[str, int]]
) -> None:
    path = tmp_path / "records.jsonl"
    records = [{"_id": f"r{n}", "text": prose(n, 2000)} for n in range(100)]
    path.write_text("\n".join(map(json.dumps, records)))
    options = IngestOptions(wait="text", load=LoadOptions(id_field="_id", text_field="text"))
    assert index.ingest(path, options=options).added == 100
    records[50]["text"] = "A stork stands here."
    path.write_text("\n".join(map(json.dumps, records)))
    report = index.ingest(path, options=options)
    assert (report.updated, report.unchanged) == (1, 99)
    assert [doc_id for doc_id, _ in counted] == ["r50"]


def test_what_another_models_tokenizer_has_cut_is_refused(index: Index, tmp_path: Path) -> None:
    index.close()
    manifest = index.path / "docindex.json"
    saved = manifest.read_text()
    fingerprint = saved.split('"fingerprint": "')[1].split('"')[0]
    manifest.write_text(saved.replace(fingerprint, "0" * len(fingerprint)))
    (tmp_path / "long.txt").write_text(prose(1, 200_000))
    with Index.open(index.path) as other:
        with pytest.raises(EmbedderMismatchError):
            other.ingest(tmp_path / "long.txt", options=IngestOptions(wait="text"))
        assert list(other.documents()) == []


def test_a_model_that_is_missing_is_told_of_as_ever(index: Index, tmp_path: Path) -> None:
    index.close()
    nothing = replace(Environment.read({}), models=tmp_path / "no_models", offline=True)
    (tmp_path / "long.txt").write_text(prose(1, 200_000))
    with Index.open(index.path, environment=nothing) as bare, pytest.raises(ModelError, match="models pull"):
        bare.ingest(tmp_path / "long.txt", options=IngestOptions(wait="text"))
