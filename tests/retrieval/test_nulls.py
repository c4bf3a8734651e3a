"""An index is calibrated by its own sentences: what it answers passes, what it does not is refused at a stated rate."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex import Index
from docindex.config import DEFAULT_EMBEDDER, Environment
from docindex.errors import ConfigError
from docindex.protocols import Embedder
from docindex.retrieval.calibration import Logistic
from docindex.retrieval.nulls import NullFeatures, NullModel, NullSide
from docindex.retrieval.nulls_file import read_nulls, write_nulls
from docindex.retrieval.nulls_fit import fit_nulls
from docindex.retrieval.nulls_queries import calibration_of, sentences_of
from docindex.schema import Node
from docindex.wiring import open_embedder

ROOT = Path(__file__).parents[2]
SCORES = st.lists(st.floats(-1, 60, allow_nan=False), min_size=1, max_size=40)


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return open_embedder(DEFAULT_EMBEDDER, Environment.read())


@pytest.fixture(scope="module")
def model(example_index: Index, embedder: Embedder) -> NullModel:
    fitted = fit_nulls(example_index._snapshot(), embedder, fingerprint=embedder.fingerprint)
    assert fitted is not None
    return fitted


def side(known: list[float], foreign: list[float]) -> NullSide:
    return NullSide(
        known=tuple(sorted(known)), foreign=tuple(sorted(foreign)), random=(), answerable=Logistic.fit(known, foreign)
    )


def test_foreign_questions_are_refused_and_others_are_not(example_index: Index, model: NullModel):
    lines = (ROOT / "tests" / "benchmarks" / "data" / "foreign_held_out.txt").read_text().splitlines()
    foreign = lines[:40]
    rows = [json.loads(line) for line in (ROOT / "examples" / "questions.jsonl").read_text().splitlines()]
    good = [row["question"] for row in rows if row["answer"]]
    refused = [
        model.judge(question, hits).refused
        for question, hits in zip(good, example_index.search_many(good, k=4), strict=True)
    ]
    assert np.mean(refused) <= 0.1
    verdicts = [
        model.judge(question, hits)
        for question, hits in zip(foreign, example_index.search_many(foreign, k=4), strict=True)
    ]
    assert np.mean([verdict.refused for verdict in verdicts]) >= 0.9
    assert {verdict.side for verdict in verdicts} == {"dense"}
    assert np.mean([verdict.probability for verdict in verdicts]) < 0.2


def test_words_alone_are_calibrated_too(example_index: Index, model: NullModel):
    def judged(question: str):
        return model.judge(question, example_index.search(question, k=4, mode="lexical"))

    assert judged("Who won the football World Cup in 1998?").refused
    answered = judged("How much water do I pour into the funnel to calibrate the rain gauge?")
    assert not answered.refused
    assert answered.side == "lexical"


def test_without_an_embedder_there_are_words_only(example_index: Index):
    model = fit_nulls(example_index._snapshot(), None, fingerprint="none", known=30)
    assert model is not None
    assert model.dense is None
    assert model.lexical is not None
    assert not model.refuses(NullFeatures(None, 100.0))
    assert model.probability(NullFeatures(0.5, None)) is None
    assert not model.refuses(NullFeatures(0.01, None))


def test_no_hits_are_no_answer(model: NullModel):
    verdict = model.judge("anything", [])
    assert (verdict.refused, verdict.probability, verdict.side, verdict.score) == (True, 0.0, None, None)


def test_the_same_index_gives_the_same_model(example_index: Index, embedder: Embedder):
    snapshot = example_index._snapshot()
    first, second = (fit_nulls(snapshot, embedder, fingerprint="x", known=20, foreign=42) for _ in range(2))
    assert first == second


def test_an_index_with_too_little_prose_has_no_model(index: Index, docs: Path, embedder: Embedder):
    index.ingest(docs)
    assert fit_nulls(index._snapshot(), embedder, fingerprint="x") is None


def test_a_field_that_the_index_answers_is_none_of_the_foreign_ones(index: Index, tmp_path: Path, embedder: Embedder):
    folder = tmp_path / "kitchen"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number}.txt").write_text(
            f"Boil the egg for {number + 2} minutes so that the yolk stays soft and warm. "
            "Instead of buttermilk in pancakes you can use milk with some lemon juice. "
            "The meringue collapsed in the oven because the sugar was not dissolved. "
            "Roast chicken is done at a temperature of seventy four degrees inside. "
            "Arborio and carnaroli are the right kinds of rice for a creamy risotto.\n"
        )
    (folder / "more.txt").write_text(
        "\n\n".join(
            f"The {dish} of this kitchen is cooked slowly with onions, garlic and {herb} until tender."
            for dish in ("lamb", "beef", "pork", "soup", "stew")
            for herb in ("thyme", "sage", "mint", "basil", "rosemary")
        )
    )
    index.ingest(folder)
    model = fit_nulls(index._snapshot(), embedder, fingerprint="x", known=40, foreign=168)
    assert model is not None
    assert model.dense is not None
    all_fields = calibration_of(index._snapshot(), known=40, foreign=168, random_queries=1)
    assert all_fields is not None
    assert len(model.dense.foreign) < sum(map(len, all_fields.foreign))


def test_only_prose_is_asked_for():
    text = (
        "The bracket fits masts with a diameter of a hand. Short one.\n\n"
        "| Part | Number | Price | Note | More | Words |\n\n12 13 14 15 16 17 18 19 kg"
    )
    assert sentences_of(Node("n", "d", 0, 0, len(text), text)) == ["The bracket fits masts with a diameter of a hand."]


# --- the model itself ------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(SCORES, SCORES, st.floats(0.01, 0.5))
def test_no_more_than_the_stated_share_of_known_questions_is_refused(
    known: list[float], foreign: list[float], rate: float
):
    model = NullModel(fingerprint="x", nodes=1, dense=side(known, foreign), false_refusals=rate)
    refused = [model.refuses(NullFeatures(score, None)) for score in known]
    assert sum(refused) <= rate * (len(known) - 1) + 1


@settings(deadline=None, max_examples=60)
@given(SCORES, SCORES, st.lists(st.floats(-1, 60, allow_nan=False), min_size=2, max_size=10))
def test_probabilities_rise_with_the_score(known: list[float], foreign: list[float], asked: list[float]):
    fit = Logistic.fit(known, foreign)
    chances = [fit.probability(score) for score in sorted(asked)]
    assert chances == sorted(chances)
    assert all(0 <= chance <= 1 for chance in chances)


def test_the_probability_is_half_between_two_like_kinds():
    low, high = np.random.default_rng(0).normal([0.2, 0.6], 0.1, (4000, 2)).T
    fit = Logistic.fit(list(high), list(low))
    assert fit.middle == pytest.approx(0.4, abs=0.01)
    assert fit.slope == pytest.approx(0.4 / 0.01, rel=0.15)  # equal variances: difference of means over variance


def test_it_comes_back_from_its_file(model: NullModel, tmp_path: Path):
    file = tmp_path / "nulls.json"
    assert read_nulls(file, model.fingerprint) is None
    write_nulls(file, model)
    assert read_nulls(file, model.fingerprint) == model
    assert read_nulls(file, "another") is None
    assert [path.name for path in tmp_path.iterdir()] == ["nulls.json"]
    for damaged in ("", "[]", "{}", '{"version": 1}', file.read_text().replace('"known"', '"knwon"')):
        file.write_text(damaged)
        assert read_nulls(file, model.fingerprint) is None


def test_other_versions_and_rates_are_refused(model: NullModel):
    with pytest.raises(ConfigError, match="version 2, not 1: fit them again"):
        NullModel.from_dict(model.as_dict() | {"version": 2})
    with pytest.raises(ConfigError, match="false_refusals is 0"):
        dataclasses.replace(model, false_refusals=0)


def test_a_model_of_another_size_is_stale(model: NullModel):
    assert not model.is_stale(model.nodes)
    assert model.is_stale(2 * model.nodes)
    assert model.is_stale(0)
