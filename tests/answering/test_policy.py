"""When a question is refused: by what was found and by what it says."""

from __future__ import annotations

import pytest

from docindex.answering.policy import AnswerPolicy
from docindex.retrieval.calibration import Logistic
from docindex.retrieval.nulls import NullModel, NullSide
from docindex.schema import Document, Hit

MANUAL = Document("m", "m.txt", "The tide comes twice a day.")
SIDE = NullSide(
    known=tuple(0.30 + at / 100 for at in range(40)),
    foreign=tuple(at / 100 for at in range(30)),
    random=(0.1, 0.2),
    answerable=Logistic(slope=40.0, middle=0.30),
)
NULLS = NullModel(fingerprint="f", nodes=100, dense=SIDE)
BELOW, AT, ABOVE = 0.24, SIDE.threshold(0.05), 0.42


@pytest.fixture
def is_foreign(make_hit):
    def decide(cosine: float, relevance: float, policy: AnswerPolicy, *, lacks: bool = False, sharpened: bool = True):
        hits: list[Hit] = [make_hit(MANUAL, 0, len(MANUAL.text), dense=cosine)]
        return policy.is_foreign("What?", hits, relevance, lacks_subject=lacks, sharpened=sharpened)

    return decide


def test_a_good_sentence_makes_up_for_a_low_score_and_a_poor_one_outweighs_a_high_one(is_foreign):
    policy = AnswerPolicy(nulls=NULLS)
    assert not is_foreign(BELOW, 0.8, policy)
    assert is_foreign(BELOW, 0.4, policy)
    assert is_foreign(ABOVE, 0.1, policy)
    assert not is_foreign(ABOVE, 0.4, policy)
    assert is_foreign(AT, 0.42, policy)
    assert not is_foreign(AT, 0.5, policy)
    assert is_foreign(AT, 0.5, policy, lacks=True)


def test_scores_alone_decide_where_a_rate_is_stated_or_sentences_are_measured_by_words_only(is_foreign):
    for policy, sharpened in (
        (AnswerPolicy(nulls=NULLS, false_refusals=0.05), True),
        (AnswerPolicy(nulls=NULLS), False),
    ):
        assert is_foreign(BELOW, 0.9, policy, sharpened=sharpened)
        assert not is_foreign(ABOVE, 0.0, policy, sharpened=sharpened)


def test_nothing_found_is_foreign():
    assert AnswerPolicy(nulls=NULLS).is_foreign("What?", [], 1.0, lacks_subject=False, sharpened=True)


@pytest.mark.parametrize("score", [-5.0, 0.0, 0.31, 9.0])
def test_the_margin_is_bounded_and_nothing_at_the_threshold(score: float):
    assert -6 <= SIDE.margin(score, 0.05) <= 6
    assert SIDE.margin(AT, 0.05) == 0
    assert (SIDE.margin(score, 0.05) > 0) == (score > AT)
