import random
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from docindex.evaluation import Dataset, Evaluation, QueryResult, evaluate
from docindex.evaluation.charts import WIDTH, depth_chart, difference_chart, histogram, interval_chart, weight_chart
from docindex.evaluation.comparison import compare
from docindex.evaluation.report import report, worst

DOCUMENTS = [f"d{number}" for number in range(60)]
QUERIES = {f"q{n}": f"query {n}: <b>&\"'\x00\ud800" for n in range(40)}
DATASET = Dataset(QUERIES, {f"q{n}": {f"d{n}": 1, f"d{n + 1}": 2} for n in range(40)}, "toy", "dev")


def system(share: float) -> Evaluation:
    draw = random.Random(share)

    def search(text: str, k: int) -> list[str]:
        number = int(re.findall(r"\d+", text)[0])
        first = [f"d{number + 1}", f"d{number}"] if draw.random() < share else []
        return [*first, *draw.sample(DOCUMENTS, 30)]

    return evaluate(search, DATASET, name=f"<i>{share}</i>", settings={"k": 30, "filter": "a < b & c"})


GOOD, FAIR = system(0.9), system(0.5)


def page(html: str) -> etree._Element:
    """The page, which has to be well-formed XML for it."""
    return etree.fromstring(html.encode("utf-8"), etree.XMLParser(resolve_entities=False, no_network=True))


def test_the_page_is_whole_and_asks_for_nothing() -> None:
    html = report([FAIR, GOOD], 'A "title" & more')
    root = page(html)
    assert html.startswith("<!DOCTYPE html>")
    assert root.findtext("head/title") == 'A "title" & more'
    assert not re.search(r"<script|<link|<img|<iframe|@import|url\(|https?:|\bon\w+=", html)
    assert not [name for element in root.iter() for name in element.attrib if name in ("src", "href")]
    assert len(root.findall(".//svg")) == 5  # intervals, recall by depth, two histograms, differences
    texts = "".join(root.itertext())
    assert "query 1: <b>&" in texts
    assert "<i>0.9</i> against <i>0.5</i>" in texts
    assert "better" in texts


def test_figures_in_the_page_are_those_of_the_evaluation() -> None:
    texts = "".join(page(report([GOOD])).itertext())
    found = GOOD.interval("ndcg@10")
    assert f"{found.mean:.4f}" in texts
    assert f"{found.low:.4f} to {found.high:.4f}" in texts


@settings(deadline=None, max_examples=15)
@given(st.text(max_size=30), st.text(max_size=30), st.lists(st.floats(0, 1), max_size=4))
def test_any_text_makes_a_sound_page(name: str, text: str, values: list[float]) -> None:
    results = tuple(
        QueryResult(query_id=f"{number}{text}", text=text, answer=text, error=text, scores={"f1": value})
        for number, value in enumerate(values)
    )
    one = Evaluation(name=name, kind="answers", dataset=text, split=text, fingerprint="", results=results)
    page(report([one, replace(one, name=text)], title=text))


def test_marks_stay_inside_their_chart() -> None:
    charts = [interval_chart([GOOD, FAIR]), histogram(GOOD, "ndcg@10"), depth_chart([GOOD, FAIR])]
    charts.append(difference_chart(compare(GOOD, FAIR), "ndcg@10"))
    for chart in charts:
        assert chart is not None
        xs = [x for line in chart.lines for x, _ in line.points] + [dot.x for dot in chart.dots]
        ys = [y for line in chart.lines for _, y in line.points] + [dot.y for dot in chart.dots]
        xs += [edge for bar in chart.bars for edge in (bar.x, bar.x + bar.width)]
        ys += [edge for bar in chart.bars for edge in (bar.y, bar.y + bar.height)]
        assert all(0 <= x <= WIDTH for x in xs)
        assert all(0 <= y <= chart.floor + 0.01 for y in ys)


def test_a_histogram_counts_every_query() -> None:
    bars = histogram(GOOD, "ndcg@10").bars
    heights = [bar.height for bar in bars]
    counts = [int(re.findall(r": (\d+) queries", bar.tip)[0]) for bar in bars]
    assert sum(counts) == 40
    assert max(heights) == heights[counts.index(max(counts))]


def test_recall_grows_with_depth() -> None:
    chart = depth_chart([FAIR])
    assert chart is not None
    heights = [dot.y for dot in chart.dots]
    assert heights == sorted(heights, reverse=True)  # up is less
    assert depth_chart([replace(GOOD, results=tuple(replace(r, ranking=()) for r in GOOD.results))]) is None


def test_results_of_one_name_are_all_drawn_and_told_apart() -> None:
    one, two = replace(GOOD, name="hybrid"), replace(FAIR, name="hybrid")
    chart = depth_chart([one, two])
    assert chart is not None
    assert len(chart.lines) == 2
    assert len(chart.dots) == 2 * len(chart.x_ticks)
    texts = "".join(page(report([one, two, replace(FAIR, name="other")])).itertext())
    assert "hybrid (2) against hybrid (1)" in texts
    assert "other against hybrid (1)" in texts


def test_a_page_says_how_many_of_its_results_are_drawn() -> None:
    said = "Only the first 8 of the 9 results are compared and drawn"
    nine = [replace(GOOD, name=f"system {number}") for number in range(9)]
    assert said in "".join(page(report(nine)).itertext())
    assert "Only the first" not in "".join(page(report(nine[:8])).itertext())


def test_trials_are_plotted_by_weight_and_size() -> None:
    trials = [
        replace(GOOD if weight == 0.7 else FAIR, settings={"chunk_tokens": size, "dense_weight": weight, "k": k})
        for size in (128, 256)
        for weight in (0.5, 0.7)
        for k in (10, 100)
    ]
    chart = weight_chart(trials, "ndcg@10")
    assert chart is not None
    assert chart.names == ("128 tokens", "256 tokens")
    assert [len(line.points) for line in chart.lines] == [2, 2]
    assert chart.lines[0].points[0][1] > chart.lines[0].points[1][1]  # the better weight is higher up
    assert weight_chart([GOOD, FAIR], "ndcg@10") is None
    page(report(trials))


def test_results_of_other_questions_are_shown_and_not_compared() -> None:
    other = replace(FAIR, name="other", fingerprint="another")
    texts = "".join(page(report([GOOD, other])).itertext())
    assert "other" in texts
    assert "against" not in texts


def test_the_worst_queries_come_first() -> None:
    ordered = worst(FAIR, "ndcg@10")
    values = [result.scores["ndcg@10"] for result in ordered]
    assert values == sorted(values)
    failed = replace(FAIR.results[-1], error="too long")
    assert worst(replace(FAIR, results=(*FAIR.results[:-1], failed)), "ndcg@10")[0] == failed
    refused = Evaluation(
        name="",
        kind="answers",
        dataset="",
        split="",
        fingerprint="",
        results=tuple(
            QueryResult(query_id=q, text="", scores={"false_answer": v}) for q, v in (("a", 0.0), ("b", 1.0))
        ),
    )
    assert worst(refused, "false_answer")[0].query_id == "b"


def test_nothing_measured_makes_a_page_too() -> None:
    empty = Evaluation(name="none", kind="documents", dataset="", split="", fingerprint="", results=())
    page(report([empty]))
    assert empty.mean("ndcg@10") == pytest.approx(0.0)
