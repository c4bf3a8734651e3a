"""The response: words, citations, steps, refusals, and the index as it changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from docindex import Index
from docindex.answering.tables.engine import TablesEngine
from docindex.answering.tables.limits import TableLimits
from docindex.config import IngestOptions
from docindex.errors import ConfigError, QueryError, RequestCancelledError
from docindex.protocols import Snapshot
from docindex.retrieval.filters import parse_filter
from docindex.schema import Document


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory, example_documents: Path) -> Index:
    """The example documents, as text."""
    with Index.create(tmp_path_factory.mktemp("tables") / "index") as index:
        assert index.ingest(example_documents, options=IngestOptions(wait="text")).failed == ()
        yield index


@pytest.fixture(scope="module")
def over_sample(sample: Index) -> TablesEngine:
    return TablesEngine.over(sample._snapshot)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What was the total rain?", "The total of rain mm is 52.4 mm, in 12 rows of readings-march-2025"),
        ("On which day was the highest gust?", "2025-03-04 (19.3 m/s) [1]"),
        ("What is the sum of the prices of all spare parts?", "The total of Price in euros is 71.00 EUR"),
        ("Which spare part is the most expensive?", "Radiation shield (18.50 EUR) [1]"),
        (
            "Show all parts that cost less than 10 euros.",
            "Rain funnel (9.50 EUR) [1]; USB-C adapter plug (6.00 EUR) [2]",
        ),
        ("How many days had no rain?", "There are 7 rows in readings-march-2025, where rain mm is 0 mm"),
        ("Count the days with more than 10 mm of rain.", "There are 2 rows"),
        ("price of the mounting bracket", "12.00 EUR [1]"),
    ],
)
def test_sample_documents_are_answered(over_sample: TablesEngine, question: str, answer: str) -> None:
    response = over_sample.query(question)
    assert answer in response.answer
    assert not response.no_answer
    (step,) = response.steps
    assert step.kind == "sql"
    assert step.text.startswith("SELECT ")
    assert {"first_token", "total"} <= set(response.timings_ms)
    assert response.model == "rules"


@pytest.mark.parametrize("question", ["How many days had frost in March 2025?", "What was the average humidity?"])
def test_what_the_sample_does_not_say_is_declined(over_sample: TablesEngine, question: str) -> None:
    assert over_sample.query(question).no_answer


def test_citations_are_the_stored_rows(sample: Index, over_sample: TablesEngine) -> None:
    response = over_sample.query("Show all parts that cost less than 10 euros.")
    assert [citation.row for citation in response.citations] == [2, 6]
    for marker, citation in enumerate(response.citations, 1):
        document = sample.document(citation.doc_id)
        assert isinstance(document, Document)
        assert citation.marker == marker
        assert citation.verified
        assert document.text[citation.start : citation.end] == citation.quote
        assert citation.quote.startswith("| ")
        assert citation.node_id in {stored.node.node_id for stored in sample.nodes(citation.doc_id)}


def test_many_rows_are_cited_by_the_header_and_the_first(over_sample: TablesEngine) -> None:
    response = over_sample.query("What was the total rain?")
    header, *rows = response.citations
    assert header.quote == "| date | minimum °C | maximum °C | rain mm | strongest gust m/s | remark |"
    assert header.row is None
    assert [citation.row for citation in rows] == list(range(2, 10))
    assert response.answer.endswith("8 of them are cited.")


def test_a_filter_leaves_other_documents_out(sample: Index) -> None:
    where = parse_filter("source contains 'parts'", sample._snapshot().fields())
    engine = TablesEngine.over(sample._snapshot, where=where)
    assert not engine.query("average price of a spare part").no_answer
    assert engine.query("What was the total rain?").no_answer


def test_an_index_that_changes_is_read_anew(snapshot_of: Callable[..., Snapshot]) -> None:
    names = ("Item", "Count")
    current = [snapshot_of(("stock.csv", names, (("Nut", 2), ("Bolt", 3))))]
    engine = TablesEngine.over(lambda: current[0])
    assert engine.result("total count").rows == ((5,),)
    current[0] = snapshot_of(("stock.csv", names, (("Nut", 2), ("Bolt", 7))), version=2)
    assert engine.result("total count").rows == ((9,),)
    engine.close()
    assert engine.result("total count").rows == ((9,),)


def test_streams_one_piece_that_is_the_answer(shop: TablesEngine) -> None:
    stream = shop.stream("How many parts are in the list?")
    assert "".join(stream) == stream.response.answer


def test_an_empty_question_is_refused(shop: TablesEngine) -> None:
    with pytest.raises(QueryError, match="empty"):
        shop.stream("  ")


def test_a_cancelled_question_ends(shop: TablesEngine) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(RequestCancelledError):
        shop.query("How many parts are in the list?", cancel=cancel)


def test_more_rows_than_the_limit_are_said_to_be_more(engine_of: Callable[..., TablesEngine]) -> None:
    rows = tuple((f"P{at}", at % 7) for at in range(60))
    engine = engine_of(("items.csv", ("Item", "Price"), rows), limits=TableLimits(rows=25, shown=5))
    response = engine.query("Which items have a price above 0?")
    assert "; and more." in response.answer
    assert "There are more than the 25 rows" in response.answer
    assert engine.result("How many items have a price above 0?").value == sum(price > 0 for _, price in rows)


def test_tables_that_are_too_large_are_not_loaded(engine_of: Callable[..., TablesEngine]) -> None:
    rows = tuple((f"P{at}", at) for at in range(60))
    engine = engine_of(("items.csv", ("Item", "Price"), rows), limits=TableLimits(loaded_rows=59))
    response = engine.query("How many items are there?")
    assert response.no_answer
    assert "60 rows" in response.answer


def test_threads_ask_at_once(shop: TablesEngine) -> None:
    questions = ["How many parts are in the list?", "total amount for each region", "What was the total rain in March?"]
    expected = [shop.query(question).answer for question in questions]
    answers: dict[tuple[int, int], str] = {}

    def work(worker: int) -> None:
        for turn in range(9):
            answers[worker, turn] = shop.query(questions[(worker + turn) % 3]).answer

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {(worker, turn): expected[(worker + turn) % 3] for worker in range(4) for turn in range(9)}


def test_limits_are_checked() -> None:
    with pytest.raises(ConfigError, match="seconds"):
        TableLimits(seconds=0)


TIED = tuple((f"P{at}", f"K{at}", 3 if at < 120 else 9) for at in range(200))
"""Products and kinds, of which 120 have the lowest quantity and 80 the highest."""


@pytest.mark.parametrize(
    ("question", "more"),
    [
        ("Which products have the lowest quantity?", 120),
        ("Which products have the highest quantity?", 80),
        ("Which products have the second lowest quantity?", 80),
        ("Which kind has the lowest total quantity?", 120),
        ("Which kind has the second lowest total quantity?", 80),
    ],
)
def test_all_that_tie_are_counted(engine_of: Callable[..., TablesEngine], question: str, more: int) -> None:
    stock = ("stock.csv", ("Product", "Kind", "Quantity"), TIED)
    engine = engine_of(stock, limits=TableLimits(shown=5))
    assert len(engine.result(question).rows) == more
    answer = engine.query(question).answer
    assert f"; and {more - 5} more" in answer
    assert "There are more than" not in answer
    few = engine_of(stock, limits=TableLimits(shown=5, rows=60))
    answer = few.query(question).answer
    if "second" in question:
        assert "60 rows or more come before the one that is asked for" in answer
    else:
        assert "; and more" in answer
        assert "There are more than the 60 rows" in answer


def test_numbers_in_brackets_of_a_cell_are_no_markers(engine_of: Callable[..., TablesEngine]) -> None:
    engine = engine_of(("stock.csv", ("Product", "Price"), (("Pump [7]", 12), ("Fan [8]", 30))))
    answer = engine.query("Which product has the highest price?").answer
    assert "Fan ‹8›" in answer
    assert "[8]" not in answer


def test_rows_that_are_not_asked_for_are_no_more_rows(engine_of: Callable[..., TablesEngine]) -> None:
    rows = tuple((f"P{at}", at) for at in range(60))
    engine = engine_of(("stock.csv", ("Product", "Quantity"), rows), limits=TableLimits(rows=25))
    for question in ("Which product has the lowest quantity?", "Which product has the second lowest quantity?"):
        assert "more" not in engine.query(question).answer
    assert "There are more than the 25 rows" in engine.query("the 30 products with the lowest quantity").answer
