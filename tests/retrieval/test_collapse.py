"""Results without repetition."""

from __future__ import annotations

import random
import time
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.retrieval.collapse import CollapsingRetriever, collapse
from docindex.schema import Hit, Node, Query, Scores

WORDS = [f"{first}{second}" for first in "bdfgklmnprst" for second in ("a", "eno", "iru", "om", "ut", "ilda")]


class Listed:
    """A retriever that knows its hits beforehand, and remembers what it was asked for."""

    def __init__(self, texts: list[str]) -> None:
        self.hits = [_hit(number, text) for number, text in enumerate(texts, 1)]
        self.asked: list[Query] = []

    def retrieve(self, query: Query) -> list[Hit]:
        self.asked.append(query)
        return self.hits[: query.k]


def _hit(rank: int, text: str, context: str = "") -> Hit:
    return Hit(rank, 1 / rank, Scores(), Node(f"n{rank}", f"d{rank}", 0, 0, len(text), text, context), "s")


def _texts(count: int, words: int = 150, seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choice(WORDS) for _ in range(words)) for _ in range(count)]


def _changed(text: str, at: int, word: str = "changed") -> str:
    words = text.split()
    words[at] = word
    return " ".join(words)


def test_the_best_of_near_duplicates_is_given_and_names_the_others():
    one, two, three = _texts(3)
    inner = Listed([one, two, _changed(one, 50), one.upper(), three, _changed(two, 9)])
    hits = CollapsingRetriever(inner).retrieve(Query("q", k=10))
    assert [(hit.rank, hit.node_id, hit.duplicates) for hit in hits] == [
        (1, "n1", ("n3", "n4")),
        (2, "n2", ("n6",)),
        (3, "n5", ()),
    ]
    assert [hit.score for hit in hits] == [1, 1 / 2, 1 / 5]


def test_the_places_of_duplicates_are_filled():
    one, *others = _texts(30)
    inner = Listed([one] * 20 + others)
    hits = CollapsingRetriever(inner).retrieve(Query("q", k=5, mode="lexical"))
    assert [hit.node_id for hit in hits] == ["n1", "n21", "n22", "n23", "n24"]
    assert [query.k for query in inner.asked] == [15, 45]
    assert {query.mode for query in inner.asked} == {"lexical"}


def test_asking_again_has_an_end():
    inner = Listed(_texts(1) * 2000)
    assert len(CollapsingRetriever(inner).retrieve(Query("q", k=10))) == 1
    assert len(inner.asked) == 3


def test_no_more_is_asked_for_when_there_is_no_more():
    inner = Listed(_texts(1) * 4)
    CollapsingRetriever(inner).retrieve(Query("q", k=10))
    assert [query.k for query in inner.asked] == [30]
    CollapsingRetriever(inner).retrieve(Query("q", k=100))
    assert inner.asked[-1].k == 150


def test_a_part_of_a_passage_is_no_duplicate_of_it():
    (whole,) = _texts(1)
    half = " ".join(whole.split()[:75])
    overlap = " ".join([*whole.split()[100:], *_texts(1, 100, seed=1)[0].split()])
    assert len(collapse([_hit(1, whole), _hit(2, half), _hit(3, overlap)])) == 3


def test_passages_that_differ_in_a_number_are_no_duplicates():
    (text,) = _texts(1)
    hits = [_hit(1, f"{text} costs 10"), _hit(2, f"{text} costs 12"), _hit(3, f"{text} COSTS: 10.")]
    assert [hit.duplicates for hit in collapse(hits)] == [("n3",), ()]


def test_short_passages_are_the_same_only_under_the_same_headings():
    text = "It is on by default."
    hits = [_hit(1, text, "Fan"), _hit(2, text, "Lamp"), _hit(3, "it is ON by default", "Fan")]
    assert [hit.duplicates for hit in collapse(hits)] == [("n3",), ()]
    assert len(collapse([_hit(1, "red lamp", "a"), _hit(2, "red lamps", "a")])) == 2


def test_earlier_duplicates_stay_named():
    one, _ = _texts(2)
    hits = [replace(_hit(1, one), duplicates=("x",)), replace(_hit(2, one), duplicates=("y",))]
    assert collapse(hits)[0].duplicates == ("x", "n2", "y")


def test_thirty_hits_take_no_time():
    hits = [_hit(number, text) for number, text in enumerate(_texts(10) * 3, 1)]
    collapse(hits)
    best = min(_timed(hits) for _ in range(20))
    assert best < 0.01, best


def _timed(hits: list[Hit]) -> float:
    started = time.process_time()
    collapse(hits)
    return time.process_time() - started


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text(st.sampled_from("ab1 .\n"), max_size=12), max_size=12))
def test_every_hit_is_given_or_named_once(texts):
    hits = [_hit(number, text) for number, text in enumerate(texts, 1)]
    kept = collapse(hits)
    named = [node_id for hit in kept for node_id in (hit.node_id, *hit.duplicates)]
    assert sorted(named) == sorted(hit.node_id for hit in hits)
    assert [hit.rank for hit in kept] == list(range(1, len(kept) + 1))
    assert [hit.node_id for hit in kept] == [hit.node_id for hit in hits if hit.node_id in {h.node_id for h in kept}]
