"""Prompts of one's own wherever an index has the model asked: searching, answering, and making indexes."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from docindex import ConfigError, Index
from docindex.config import AnswerOptions
from docindex.indices.definitions import definition_of
from docindex.joined import JoinedIndex
from docindex.prompts.files import shipped
from docindex.protocols import Message
from docindex.retrieval.options import RetrievalOptions
from docindex.schema import EngineName, TransformName
from docindex.testing.scripted_llm import ScriptedLLM
from docindex.wiring import Parts

QUESTION = "How many litres of oil does the engine need?"


class Judging(ScriptedLLM):
    """Finds everything as likely as not."""

    def choose(self, messages: Sequence[Message], choices: Sequence[str], *, cancel: object = None) -> list[float]:
        self.requests.append(tuple(messages))
        return [0.5] * len(choices)

    @property
    def marks(self) -> set[str]:
        """The prompts that it was asked with."""
        contents = [message.content for messages in self.requests for message in messages]
        return {mark for content in contents for mark in re.findall(r"MARK-(\w+)", content)}


@pytest.fixture
def marked(tmp_path: Path) -> Path:
    """Each prompt with its own name before it."""
    folder = tmp_path / "marked"
    folder.mkdir()
    for name, prompt in shipped().items():
        (folder / prompt.file_name).write_text(f"MARK-{name}\n{prompt.text}")
    return folder


@pytest.fixture
def filled(index: Index, docs: Path) -> Index:
    index.ingest(docs)
    return index


@pytest.fixture
def llm(monkeypatch: pytest.MonkeyPatch) -> Judging:
    """What is asked in place of the model."""
    scripted = Judging('["The engine needs 4.2 litres of oil."]')
    monkeypatch.setattr(Parts, "llm_named", lambda parts, name: scripted)
    return scripted


# --- searching --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["multi-query", "hyde", "step-back", "decompose", "rewrite"])
def test_a_transform_asks_with_them(filled: Index, llm: Judging, marked: Path, name: TransformName):
    assert filled.search(QUESTION, options=RetrievalOptions(transform=name, prompts=marked))
    assert llm.marks == {f"transform_{name.replace('-', '_')}"}
    assert llm.requests[0][1] == Message("user", QUESTION)


def test_filters_and_judgements_are_asked_for_with_them(filled: Index, llm: Judging, marked: Path):
    options = RetrievalOptions(auto_filter=True, llm_rerank=2, prompts=marked)
    assert filled.search(QUESTION, options=options)
    assert llm.marks == {"filter_system", "rerank_system", "rerank"}


def test_without_any_the_shipped_ones_are_asked_with(filled: Index, llm: Judging):
    filled.search(QUESTION, options=RetrievalOptions(transform="hyde", llm_rerank=1))
    transform, rerank = llm.requests
    assert transform[0].content == (
        "Write a short passage of a document that answers the user's question. Answer with a JSON array of strings."
    )
    passage = "The engine needs 4.2 litres of oil. Change it every 9,000 km."
    assert rerank[1].content.startswith("<<< ")
    assert rerank[1].content.endswith(f"{passage} >>>\n\nQuestion: {QUESTION}")


def test_what_can_not_be_used_is_told_before_anything_is_asked(filled: Index, llm: Judging, tmp_path: Path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "rerank.txt").write_text("{{ passages }}")
    with pytest.raises(ConfigError, match=r"rerank\.txt, line 1: .*did you mean passage\?"):
        filled.search(QUESTION, options=RetrievalOptions(transform="hyde", prompts=tmp_path / "own"))
    assert llm.requests == []


def test_a_trace_tells_where_they_are(filled: Index, llm: Judging, marked: Path):
    filled.traces.switch_on()
    filled.search(QUESTION, options=RetrievalOptions(transform="hyde", prompts=marked))
    assert filled.traces.get().options == {"transform": "hyde", "prompts": str(marked)}


# --- answering --------------------------------------------------------------------------------------------------------


def test_those_of_the_answers_serve_the_search_too(filled: Index, llm: Judging, marked: Path):
    answers = AnswerOptions(prompts=marked, cache=False)
    filled.engine(options=RetrievalOptions(transform="step-back"), answers=answers).query(QUESTION)
    assert llm.marks == {"transform_step_back", "system", "question"}


def test_answers_are_judged_with_them(filled: Index, llm: Judging, marked: Path):
    llm._replies = ("The engine needs 4.2 litres of oil.",)
    answers = AnswerOptions(prompts=marked, cache=False, entailment=True)
    (citation,) = filled.engine(answers=answers).query(QUESTION).citations
    assert citation.entailment == 0.5
    assert llm.marks == {"system", "question", "entailment_system", "entailment"}


@pytest.mark.parametrize("name", ["hyde", "compare", "summary"])
def test_engines_search_with_them(filled: Index, llm: Judging, marked: Path, name: EngineName):
    options = None if name == "hyde" else RetrievalOptions(transform="hyde")
    answers = AnswerOptions(prompts=marked, cache=False)
    asked = {
        "hyde": QUESTION,
        "compare": "How do the sea and the engine differ?",
        "summary": "Summarise what is said of oil.",
    }
    filled.engine(name, options=options, answers=answers).query(asked[name])
    assert "transform_hyde" in llm.marks


def test_those_of_the_search_come_first(filled: Index, llm: Judging, marked: Path, tmp_path: Path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "transform_hyde.txt").write_text("Make it up.")
    options = RetrievalOptions(transform="hyde", prompts=tmp_path / "own")
    filled.engine(options=options, answers=AnswerOptions(prompts=marked, cache=False)).query(QUESTION)
    assert llm.requests[0][0].content == "Make it up."
    assert llm.marks == {"system", "question"}


def test_several_indexes_are_searched_with_them(filled: Index, llm: Judging, marked: Path, tmp_path: Path):
    shutil.copytree(filled.path, tmp_path / "other")
    with JoinedIndex.open([filled.path, tmp_path / "other"]) as both:
        answers = AnswerOptions(prompts=marked, cache=False)
        both.engine(options=RetrievalOptions(transform="hyde"), answers=answers).query(QUESTION)
    assert llm.marks == {"transform_hyde", "system", "question"}


def test_tables_are_read_with_them(index: Index, tmp_path: Path, marked: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "staff.csv").write_text("Employee,Team,Monthly pay\nAnn,Red,3000\nBo,Blue,4000\nCy,Blue,5000\n")
    index.ingest(tmp_path / "staff.csv")
    right, wrong = (
        json.dumps({"table": "staff", "function": function, "column": column, "group": None})
        for function, column in (("average", "Monthly pay"), ("none", "Employee"))
    )
    llm = Judging(right, right, wrong)
    monkeypatch.setattr(Parts, "llm", lambda parts: llm)
    engine = index.engine("tables", answers=AnswerOptions(prompts=marked, cache=False))
    assert "4,000" in engine.query("What is the average remuneration of the staff?").answer
    assert llm.marks == {"tables_system", "tables"}


# --- making indexes ---------------------------------------------------------------------------------------------------


@pytest.fixture
def long(index: Index, tmp_path: Path) -> Path:
    """A folder with a document that is longer than its summary."""
    folder = tmp_path / "long"
    folder.mkdir()
    (folder / "pump.txt").write_text("The pump of the old hall needs new oil each spring. " * 20)
    index.ingest(folder)
    return folder


def made_by(index: Index, kind: str) -> set[str]:
    return {str(record.data["by"]) for record in index._snapshot().derived(kind)}


@pytest.mark.parametrize("kind", ["summaries", "tree", "graph"])
def test_indexes_are_made_with_them(index: Index, long: Path, llm: Judging, marked: Path, kind: str):
    asked = {"graph_system", "graph"} if kind == "graph" else {"summary_system", "summary"}
    index.add_index(definition_of(kind, by="model", words=40, prompts=marked))
    assert llm.marks == asked
    (name,) = made_by(index, kind)
    assert re.fullmatch(r"scripted(-40)?-[0-9a-f]{12}", name)

    llm.requests.clear()
    (long / "fan.txt").write_text("The fan of the new hall was cleaned in May. " * 20)
    index.ingest(long)
    assert llm.marks == asked, "an ingest goes on with them"
    assert made_by(index, kind) == {name}


def test_an_index_is_made_anew_with_other_prompts_and_not_with_the_same(
    index: Index, long: Path, llm: Judging, tmp_path: Path
):
    own = tmp_path / "own"
    own.mkdir()
    plain = definition_of("summaries", by="model", words=40)
    assert index.add_index(plain) == 1
    assert made_by(index, "summaries") == {"scripted-40"}
    (own / "graph.txt").write_text("{{ passage }}")
    assert definition_of("summaries", by="model", words=40, prompts=own) == plain
    for text, made in (("Say it short.", 1), ("Say it short.", 0), ("Say it in rhymes.", 1)):
        (own / "summary_system.txt").write_text(text)
        assert index.add_index(definition_of("summaries", by="model", words=40, prompts=own)) == made
    assert {messages[0].content for messages in llm.requests[1:]} == {"Say it short.", "Say it in rhymes."}
    shutil.rmtree(own)
    with pytest.raises(ConfigError, match="is no folder that can be read"):
        index.refresh_indexes()


@pytest.mark.parametrize(("kind", "by"), [("summaries", "rules"), ("graph", "rules"), ("sentences", "model")])
def test_what_no_model_makes_takes_none(marked: Path, kind: str, by: str):
    with pytest.raises(ConfigError, match="Prompts go with"):
        definition_of(kind, by=by, prompts=marked)  # type: ignore[arg-type]
