"""Indexes on top of the passages follow an ingest, or are named where the model that makes them is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from docindex import Index, IngestOptions
from docindex.config import DEFAULT_LLM, Environment, LLMConfig
from docindex.errors import NoModelError
from docindex.indices.definitions import KINDS, definition_of
from docindex.protocols import Message, Token
from docindex.schema import Behind
from docindex.testing.scripted_llm import ScriptedLLM

GONE = "There is no such model: bring it back."


class Closable(ScriptedLLM):
    """Is interrupted when it has been asked `most` times."""

    most = sys.maxsize

    def close(self) -> None:
        """Nothing is held."""

    def _speak(self, messages: tuple[Message, ...], *how: Any) -> Generator[Token, None, None]:
        if len(self.requests) == self.most:
            raise KeyboardInterrupt
        yield from super()._speak(messages, *how)


class Machine:
    """The models that there are, by name; those that were opened are noted."""

    def __init__(self) -> None:
        self.models = {DEFAULT_LLM: Closable("It is about pumps.", name=DEFAULT_LLM)}
        self.opened: list[str] = []

    def open(self, config: LLMConfig, environment: Environment) -> Closable:
        if config.model not in self.models:
            raise NoModelError(GONE)
        self.opened.append(config.model)
        return self.models[config.model]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr("docindex.wiring.parts.open_llm", made.open)
    return made


@pytest.fixture
def path(tmp_path: Path, docs: Path) -> Path:
    """An index of three documents with nothing on top."""
    with Index.create(tmp_path / "made") as index:
        index.ingest(docs)
    return tmp_path / "made"


# --- each kind, from its making to a search in another process -------------------------------------------------------

WAYS = {
    "graph": {"via": "graph"},
    "sentences": {"grains": True},
    "summaries": {"via": "summaries"},
    "tree": {"via": "tree"},
    "tree from the top": {"via": "tree-walk"},
}
ASK = """
import json, sys
from docindex import Index
from docindex.retrieval.options import RetrievalOptions

with Index.open(sys.argv[1]) as index:
    for way, options in json.loads(sys.argv[2]).items():
        hits = index.search("How often is the oil of the engine changed?", k=3, options=RetrievalOptions(**options))
        print(json.dumps([way, [[hit.doc_id, hit.text] for hit in hits]]))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[list[str]]]:
    """What a new process finds in each way, after an edit that all kinds have followed."""
    folder = tmp_path_factory.mktemp("followed")
    docs = folder / "docs"
    docs.mkdir()
    (docs / "engine.txt").write_text("The engine has oil. The oil of the engine is changed every 9,000 km.")
    (docs / "sea.txt").write_text("The sea is salt. The moon moves the tides of the sea.")
    (docs / "gone.txt").write_text("The oil of the engine is changed now and then.")
    with Index.create(folder / "index") as index:
        index.ingest(docs)
        for kind in KINDS:
            assert index.add_index(definition_of(kind)) > 0
        (docs / "engine.txt").write_text("The engine has oil. The oil of the engine is changed every 12,000 km.")
        (docs / "orchard.txt").write_text("Apples grow in the orchard. The engine stands beside it.")
        (docs / "gone.txt").unlink()
        assert index.ingest(docs, options=IngestOptions(sync=True)).behind == ()
        assert [(state.kind, state.documents, state.waiting) for state in index.indexes()] == [
            (kind, 3, 0) for kind in KINDS
        ]
        assert index.check() == []
    command = [sys.executable, "-c", ASK, str(folder / "index"), json.dumps(WAYS)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(map(json.loads, ran.stdout.splitlines()))


@pytest.mark.parametrize("way", WAYS)
def test_after_an_edit_a_new_process_finds_passages_through_each(found: dict[str, list[list[str]]], way: str):
    (doc_id, text), *others = found[way]
    assert doc_id == "engine.txt"
    assert "every 12,000 km" in text
    assert {other for other, _ in others} <= {"sea.txt", "orchard.txt"}


# --- a model that is missing, another one, or interrupted ------------------------------------------------------------


@pytest.mark.parametrize("kind", ["summaries", "tree", "graph"])
def test_what_there_is_stays_when_the_model_of_another_is_missing(path: Path, machine: Machine, kind: str):
    machine.models.clear()
    with Index.open(path) as index:
        index.add_index(definition_of(kind))
        before = index.indexes()
        with pytest.raises(NoModelError):
            index.add_index(definition_of(kind, by="model"))
        assert index.indexes() == before
        assert before[0].waiting == 0 < before[0].records


def test_an_ingest_names_what_could_not_follow_and_the_next_one_makes_up_for_it(
    path: Path, docs: Path, machine: Machine
):
    with Index.open(path) as index:
        index.add_index(definition_of("summaries", by="model"))
        index.add_index(definition_of("graph"))
    models, machine.models = machine.models, {}
    (docs / "late.txt").write_text("A late text on pumps.")
    with Index.open(path) as index:
        report = index.ingest(docs)
        assert (report.added, report.nodes.pending) == (1, 0)
        assert report.behind == (Behind("summaries", 1, GONE),)
        assert index.embed().behind == report.behind
        assert [state.waiting for state in index.indexes()] == [0, 1]
        with pytest.raises(NoModelError):
            index.refresh_indexes()
        machine.models = models
        assert index.ingest(docs).behind == ()
        assert [state.waiting for state in index.indexes()] == [0, 0]


def test_a_merge_names_what_could_not_follow(path: Path, tmp_path: Path, machine: Machine):
    with Index.open(path) as index:
        index.add_index(definition_of("summaries", by="model"))
    with Index.create(tmp_path / "other") as other:
        (tmp_path / "late.txt").write_text("A late text on pumps.")
        other.ingest(tmp_path / "late.txt")
        other.export(tmp_path / "other.bundle")
    machine.models.clear()
    with Index.open(path) as index:
        report = index.merge(tmp_path / "other.bundle")
        assert (report.added, report.behind) == (1, (Behind("summaries", 1, GONE),))


def test_no_model_is_wanted_where_nothing_is_to_be_made(path: Path, docs: Path, machine: Machine):
    with Index.open(path) as index:
        index.add_index(definition_of("tree", by="model"))
    machine.models.clear()
    with Index.open(path) as index:
        assert index.ingest(docs).behind == ()
        (docs / "apple.txt").unlink()
        report = index.ingest(docs, options=IngestOptions(sync=True))
        assert report.deleted == 1
        assert report.behind == (Behind("tree", 0, GONE),), "what stands above the documents is gone with one of them"
    assert machine.opened == [DEFAULT_LLM]


@pytest.mark.parametrize("kind", ["summaries", "tree", "graph"])
def test_the_model_that_an_index_is_made_with_goes_on_with_it(
    path: Path, docs: Path, tmp_path: Path, machine: Machine, kind: str
):
    first, second = (str(tmp_path / name) for name in ("first.gguf", "second.gguf"))
    for name in (first, second):
        Path(name).touch()
        machine.models[name] = Closable("It is about pumps.", name=name)
    with Index.open(path, llm=LLMConfig(model=first)) as index:
        index.add_index(definition_of(kind, by="model"))
        assert index.indexes()[0].options["llm"] == first
    (docs / "late.txt").write_text("A late text on pumps, and on whoever looks after pumps. " * 20)
    with Index.open(path, llm=LLMConfig(model=second)) as index:
        assert index.ingest(docs).behind == ()
        makers = {str(record.data["by"]).removesuffix("-120") for record in index._snapshot().derived(kind)}
    assert makers == set(machine.opened) == {first}
    assert machine.models[first].requests


@pytest.mark.parametrize("kind", ["summaries", "tree", "graph"])
def test_inside_a_document_an_interrupted_model_goes_on_without_being_asked_again(
    path: Path, docs: Path, machine: Machine, kind: str
):
    llm = machine.models[DEFAULT_LLM] = Closable("Pumps want oil.", context_tokens=700)
    (docs / "long.txt").write_text(
        " ".join(f"The pump of hall {hall} wants oil in week {hall + 9}." for hall in range(160))
    )
    with Index.open(path) as index:
        index.ingest(docs)
        llm.most = 3
        with pytest.raises(KeyboardInterrupt):
            index.add_index(definition_of(kind, by="model", words=20, fanout=2))
        assert "long.txt" not in index._snapshot().derived_documents(kind)
    of_long = [messages for messages in llm.requests if "wants oil in week" in messages[-1].content]
    assert of_long
    llm.most = sys.maxsize
    (docs / "late.txt").write_text("A late text, which makes another version.")
    with Index.open(path) as index:
        assert index.ingest(docs).behind == ()
        assert index.indexes()[0].waiting == 0
    assert len(llm.requests) == len(set(llm.requests)) > 3


def test_a_model_in_a_file_is_found_from_other_folders(
    path: Path, tmp_path: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "own.gguf").touch()
    machine.models[str(tmp_path / "own.gguf")] = Closable("It is about pumps.")
    monkeypatch.chdir(tmp_path)
    with Index.open(path) as index:
        index.add_index(definition_of("summaries", by="model", llm="own.gguf"))
        assert index.indexes()[0].options["llm"] == str(tmp_path / "own.gguf")


def test_a_server_is_asked_only_where_the_process_names_it(path: Path, docs: Path, machine: Machine):
    server = "http://models.example/v1"
    machine.models[server] = Closable("It is about pumps.")
    with Index.open(path, llm=LLMConfig(model=server)) as index:
        index.add_index(definition_of("summaries", by="model"))
    machine.opened.clear()
    (docs / "late.txt").write_text("A late text on pumps.")
    with Index.open(path) as index:
        (behind,) = index.ingest(docs).behind
        assert (behind.kind, behind.waiting) == ("summaries", 1)
        assert server in behind.reason
        assert machine.opened == []
    with Index.open(path, llm=LLMConfig(model=server)) as index:
        assert index.ingest(docs).behind == ()


def test_an_ingest_whose_indexes_can_not_follow_is_calibrated(path: Path, machine: Machine, example_documents: Path):
    with Index.open(path) as index:
        index.add_index(definition_of("summaries", by="model"))
        assert index.status()["refusal"] is None
    machine.models.clear()
    with Index.open(path) as index:
        assert index.ingest(example_documents / "faq.md").behind == (Behind("summaries", 1, GONE),)
        assert index.status()["refusal"] is not None
