from dataclasses import replace

import pytest

from docindex.errors import ConfigError
from docindex.evaluation import Evaluation, QueryResult, compare, drops


def measured(name: str, values: dict[str, float], metric: str = "ndcg@10", fingerprint: str = "f") -> Evaluation:
    return Evaluation(
        name=name,
        kind="documents",
        dataset="toy",
        split="",
        fingerprint=fingerprint,
        results=tuple(
            QueryResult(query_id=query_id, text=f"text of {query_id}", scores={metric: value})
            for query_id, value in values.items()
        ),
    )


BASE = measured("base", {f"q{number}": number / 20 for number in range(20)})
BETTER = measured("better", {f"q{number}": min(1.0, number / 20 + 0.1) for number in range(20)})


def test_a_gain_on_every_query_is_clear() -> None:
    (row,) = compare(BETTER, BASE).metrics
    assert row.difference.mean == pytest.approx(sum(min(0.1, 1 - n / 20) for n in range(20)) / 20)
    assert (row.better, row.equal, row.worse, row.verdict) == (20, 0, 0, "better")
    (back,) = compare(BASE, BETTER).metrics
    assert (back.better, back.worse, back.verdict) == (0, 20, "worse")
    assert back.difference.low == pytest.approx(-row.difference.high)


def test_gains_and_losses_that_level_out_are_no_difference() -> None:
    mixed = measured("mixed", {f"q{n}": n / 20 + (0.05 if n % 2 else -0.05) for n in range(20)})
    (row,) = compare(mixed, BASE).metrics
    assert (row.better, row.worse, row.verdict) == (10, 10, "no clear difference")


def test_the_queries_that_differ_most_come_first() -> None:
    other = measured("other", {"q0": 0.9, "q1": 0.05, "q2": 0.0} | {f"q{n}": n / 20 for n in range(3, 20)})
    changes = compare(other, BASE).changes("ndcg@10")
    assert [change.query_id for change in changes] == ["q0", "q2"]
    assert (changes[0].ours, changes[0].theirs, changes[0].text) == (0.9, 0.0, "text of q0")


def test_of_what_went_wrong_less_is_better() -> None:
    refuses = measured("refuses", dict.fromkeys("abcdefgh", 1.0), "false_refusal")
    answers = measured("answers", dict.fromkeys("abcdefgh", 0.0), "false_refusal")
    (row,) = compare(answers, refuses).metrics
    assert (row.better, row.worse, row.verdict) == (8, 0, "better")
    assert drops(answers, refuses, 0.0) == []
    (drop,) = drops(refuses, answers, 0.5)
    assert (drop.metric, drop.now, drop.before) == ("false_refusal", 1.0, 0.0)


def test_the_gate_lets_what_is_allowed_pass() -> None:
    fall = BETTER.mean("ndcg@10") - BASE.mean("ndcg@10")
    assert drops(BASE, BETTER, fall) == []
    (drop,) = drops(BASE, BETTER, fall - 0.001)
    assert str(drop).startswith("ndcg@10 is 0.4750, and was 0.")
    assert drops(BETTER, BASE, 0.0) == []
    with pytest.raises(ConfigError, match="mrr@10 is not in both"):
        drops(BASE, BETTER, 0.1, ["mrr@10"])


def failing(evaluation: Evaluation, *query_ids: str) -> Evaluation:
    """The evaluation, had it failed on these queries."""
    results = [
        replace(result, scores={}, error="too long") if result.query_id in query_ids else result
        for result in evaluation.results
    ]
    return replace(evaluation, results=tuple(results))


def test_no_gate_is_passed_by_failing() -> None:
    everything = failing(BASE, *(f"q{n}" for n in range(20)))
    (drop,) = drops(everything, BASE, 0.0)
    assert (drop.metric, drop.now, drop.before) == ("ndcg@10", 0.0, BASE.mean("ndcg@10"))
    some = failing(BASE, "q19", "q0")
    (drop,) = drops(some, BASE, 0.04)
    assert drop.now == pytest.approx(BASE.mean("ndcg@10") - 0.95 / 20)
    (row,) = compare(some, BASE).metrics
    assert (row.ours, row.better, row.equal, row.worse) == (drop.now, 0, 19, 1)
    assert [change.query_id for change in compare(some, BASE).changes("ndcg@10")] == ["q19"]
    assert drops(BASE, some, 0.0) == []  # what failed before and does not now is no loss
    assert drops(some, some, 0.0) == []
    for one, other in ((everything, everything), (measured("m", {"q0": 1.0}, metric="map@10"), BASE)):
        with pytest.raises(ConfigError, match="share no metric"):
            drops(one, other, 0.1)


def test_a_failure_is_the_worst_where_less_is_better() -> None:
    before = measured("before", dict.fromkeys("abcd", 0.0), "false_answer")
    (drop,) = drops(failing(before, "a"), before, 0.1)
    assert (drop.now, drop.before) == (0.25, 0.0)


def test_what_was_measured_on_other_questions_can_not_be_compared() -> None:
    other = measured("other", {"q0": 1.0}, fingerprint="g")
    for refused in (compare, lambda a, b: drops(a, b, 0.1)):
        with pytest.raises(ConfigError, match="20 queries of toy and other on 1 queries of toy"):
            refused(BASE, other)
    with pytest.raises(ConfigError, match="share no metric"):
        compare(BASE, measured("m", {"q0": 1.0}, metric="map@10"))
