import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.evaluation.bootstrap import interval, paired_difference

VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@settings(deadline=None, max_examples=50)
@given(VALUES)
def test_the_mean_lies_in_its_interval_and_a_seed_repeats_it(values: list[float]) -> None:
    found = interval(values, samples=300)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9
    assert found.count == len(values)
    assert found == interval(values, samples=300)
    if len(set(values)) == 1:
        assert found.low == pytest.approx(found.high)


def test_the_interval_holds_the_true_mean_as_often_as_it_says() -> None:
    draw = random.Random(5)
    held = 0
    for trial in range(200):
        values = [draw.random() ** 2 for _ in range(60)]  # whose mean is a third
        found = interval(values, samples=400, seed=trial)
        held += found.low <= 1 / 3 <= found.high
    assert 178 <= held <= 200  # 190 are expected


def test_a_long_list_is_drawn_in_parts_of_memory() -> None:
    values = [float(number % 2) for number in range(50_000)]
    found = interval(values, samples=200)
    assert (found.low, found.high) == (pytest.approx(0.5, abs=0.01), pytest.approx(0.5, abs=0.01))


def test_pairs_are_drawn_together() -> None:
    draw = random.Random(1)
    hard = {f"q{number}": draw.random() for number in range(50)}
    easier = {query_id: value + 0.01 for query_id, value in hard.items()}
    found = paired_difference(easier | {"only ours": 1.0}, hard | {"only theirs": 1.0})
    assert found.excludes_zero
    assert (found.low, found.high, found.count) == (pytest.approx(0.01), pytest.approx(0.01), 50)


def test_without_values_there_is_no_difference() -> None:
    found = paired_difference({"a": 1.0}, {"b": 1.0})
    assert (found.mean, found.low, found.high, found.count) == (0.0, 0.0, 0.0, 0)
    assert not found.excludes_zero
