"""What the local model does for retrieval: other texts for a question, implied filters, judgements of passages."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docindex import Environment, Index, LLMConfig
from docindex.errors import ConfigError, RequestCancelledError
from docindex.llm.llamacpp import LlamaCppLLM
from docindex.protocols import Message
from docindex.retrieval.auto_filter import AutoFilterRetriever, implied_condition
from docindex.retrieval.joined import JoinedRetriever
from docindex.retrieval.llm_rerank import LLMReranker
from docindex.retrieval.multi_query import MultiQueryRetriever
from docindex.retrieval.transforms import QueryTransform
from docindex.schema import Compare, Condition, Field, Hit, Node, Query, Scores, TokenCounts, TransformName
from docindex.testing.scripted_llm import ScriptedLLM
from docindex.wiring import open_llm

FIELDS = (
    Field("source", "text", builtin=True),
    Field("year", "number", builtin=False),
    Field('odd "name', "text", builtin=False),
)
NAMES: tuple[TransformName, ...] = ("multi-query", "hyde", "step-back", "decompose", "rewrite")


def hit(name: str, rank: int, score: float) -> Hit:
    node = Node(name, "doc", rank, 0, len(name), name)
    return Hit(rank, score, Scores(), node, "doc")


class Words:
    """Finds the passages that share a word with the query; the score is how many they share."""

    def __init__(self, *passages: str) -> None:
        self._passages = passages
        self.queries: list[Query] = []

    def retrieve(self, query: Query) -> list[Hit]:
        self.queries.append(query)
        if query.where is not None and len(self.queries) == 1:
            return []
        words = set(query.text.lower().split())
        scored = [(float(len(words & set(text.split()))), text) for text in self._passages]
        found = sorted((pair for pair in scored if pair[0]), key=lambda pair: (-pair[0], pair[1]))
        return [hit(text, rank, score) for rank, (score, text) in enumerate(found[: query.k], 1)]


@pytest.fixture(scope="module")
def llm() -> LlamaCppLLM:
    return open_llm(LLMConfig(context_tokens=1024), Environment.read())


def test_the_question_comes_first_and_repetitions_go() -> None:
    llm = ScriptedLLM('["How is it reset?", "how do i RESET it", "How is it reset?"]')
    question = "How do I reset it"
    assert QueryTransform(llm, "multi-query").texts(Query(question)) == [question, "How is it reset?"]
    assert QueryTransform(ScriptedLLM('["reset device"]'), "rewrite").texts(Query("and resetting?")) == ["reset device"]


@pytest.mark.parametrize("written", ["", "nonsense", "{}", "[1, 2]", '["', "[]", '[" "]'])
def test_without_help_the_question_stands(written: str) -> None:
    for name in NAMES:
        assert QueryTransform(ScriptedLLM(written), name).texts(Query("question")) == ["question"]


def test_an_answer_that_was_cut_off_keeps_what_is_whole() -> None:
    llm = ScriptedLLM('["one way", "another w')
    assert QueryTransform(llm, "multi-query").texts(Query("q")) == ["q", "one way", "another w"]


def test_a_transform_that_there_is_not_is_named() -> None:
    with pytest.raises(ConfigError, match="step-back"):
        QueryTransform(ScriptedLLM(""), "stepback")  # type: ignore[arg-type]


def test_the_real_model_keeps_to_the_grammar(llm: LlamaCppLLM) -> None:
    for name in NAMES:
        texts = QueryTransform(llm, name).texts(Query("How do I reset the device to its factory settings?"))
        assert texts
        assert all(text.strip() == text != "" for text in texts)
        assert name == "rewrite" or texts[0] == "How do I reset the device to its factory settings?"


def test_texts_are_added_up_and_the_first_counts_most() -> None:
    inner = Words("pump oil", "engine oil change", "heron")
    alone = MultiQueryRetriever(inner, lambda query: [query.text])
    assert alone.retrieve(Query("oil", k=5)) == inner.retrieve(Query("oil", k=5))
    hits = MultiQueryRetriever(inner, lambda query: [query.text, "engine", "heron"]).retrieve(Query("oil", k=5))
    assert [(one.text, one.score) for one in hits] == [
        ("engine oil change", 1.25),
        ("pump oil", 1.0),
        ("heron", 0.25),
    ]
    assert [one.rank for one in hits] == [1, 2, 3]


@pytest.mark.parametrize(
    ("written", "condition"),
    [
        ('[["year", ">=", "2023"]]', Compare(FIELDS[1], ">=", 2023)),
        ("[]", None),
        ("junk", None),
        ('[["year", ">=", "1999"]]', None),  # not in the question
        ('[["year", "contains", "2023"]]', None),  # not for numbers
        ('[["source", "=", "2023"], 5]', Compare(FIELDS[0], "=", "2023")),
    ],
)
def test_only_sound_conditions_that_stand_in_the_question_count(written: str, condition: Condition | None) -> None:
    assert implied_condition(ScriptedLLM(written), Query("What was sold since 2023?"), FIELDS) == condition


@given(st.text(min_size=1, max_size=20))
def test_a_value_can_hold_anything(value: str) -> None:
    written = json.dumps([['odd "name', "=", value]])
    condition = implied_condition(ScriptedLLM(written), Query(f"about {value} there"), FIELDS)
    if condition is not None:  # the scripted model speaks in words, so that runs of space are kept only in part
        assert isinstance(condition, Compare)
        assert condition.value == value


def test_a_condition_that_nothing_meets_is_dropped(tmp_path: Path) -> None:
    with Index.create(tmp_path / "index") as index:
        snapshot = index._snapshot
        inner = Words("sold in 2023")
        retriever = AutoFilterRetriever(snapshot, ScriptedLLM('[["source", "=", "2023"]]'), inner)
        assert [one.text for one in retriever.retrieve(Query("sold 2023"))] == ["sold in 2023"]
    assert [query.where is None for query in inner.queries] == [False, True]


def test_the_real_model_states_conditions_that_can_be_read(llm: LlamaCppLLM) -> None:
    for question in ("What does manual.pdf say about oil?", "Who won in 2023?", "hello"):
        condition = implied_condition(llm, Query(question), FIELDS)
        assert condition is None or isinstance(condition, Condition.__args__)  # type: ignore[attr-defined]


def test_what_the_model_writes_for_a_search_is_counted_and_can_be_cancelled(tmp_path: Path) -> None:
    llm = ScriptedLLM('["source", "=", "manual"]')
    with Index.create(tmp_path / "index") as index:
        inner = MultiQueryRetriever(Words("manual"), QueryTransform(llm, "hyde").texts)
        retriever = AutoFilterRetriever(index._snapshot, llm, inner)
        counted: list[TokenCounts] = []
        retriever.retrieve(Query("the manual", count=counted.append))
        prompts = [llm.count_tokens(messages) for messages in llm.requests]
        assert counted == [TokenCounts(prompt, 0, 3) for prompt in prompts]
        assert len(counted) == 2
        given_up = threading.Event()
        given_up.set()
        for stage in (inner, retriever):
            with pytest.raises(RequestCancelledError):
                stage.retrieve(Query("the manual", cancel=given_up))


class Judge(ScriptedLLM):
    """Says yes to passages with a word."""

    def __init__(self, word: str) -> None:
        super().__init__("")
        self._word = word

    def choose(self, messages: Sequence[Message], choices: Sequence[str], *, cancel: object = None) -> list[float]:
        assert list(choices) == ["yes", "no"]
        return [0.6, 0.2] if self._word in messages[-1].content.split("Question:")[0] else [0.0, 0.5]


def test_what_the_model_finds_fitting_comes_first() -> None:
    inner = Words("oil one", "oil two", "oil three", "oil four")
    hits = LLMReranker(inner, Judge("three"), depth=3).retrieve(Query("oil", k=4))
    assert [one.text for one in hits] == ["oil three", "oil four", "oil one", "oil two"]
    assert [one.rank for one in hits] == [1, 2, 3, 4]
    assert [one.score for one in hits] == pytest.approx([0.5 + 0.5 * 0.75, 0.5, 0.5, 0.5])
    joined = JoinedRetriever({"a": LLMReranker(inner, Judge("three")), "b": LLMReranker(inner, Judge("four"))})
    assert {one.text for one in joined.retrieve(Query("oil", k=2))} == {"oil three", "oil four"}
    assert LLMReranker(Words(), Judge("three")).retrieve(Query("oil", k=4)) == []
    assert [one.text for one in LLMReranker(inner, Judge("three"), weight=0.0).retrieve(Query("oil", k=2))] == [
        "oil four",
        "oil one",
    ]


def test_the_model_gives_probabilities(llm: LlamaCppLLM) -> None:
    messages = [Message("user", "Answer with one word: is snow white? yes or no")]
    yes, no = llm.choose(messages, ("yes", "no"))
    assert 0 < yes <= 1
    assert 0 < no <= 1
    assert yes + no <= 1.0001
    assert llm.choose(messages, ("yes", "no")) == [yes, no]
    everything = llm.choose(messages, ("Yes", "xyzzy"))
    assert everything[0] == pytest.approx(yes)
