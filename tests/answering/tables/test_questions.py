"""What questions come to, from words to values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from docindex.answering.policy import NO_ANSWER
from docindex.answering.tables.engine import TablesEngine


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


ONE_VALUE = {
    "How many parts are in the list?": 6,
    "how many spare parts cost less than 12 euros": 3,
    "How many parts cost at most 12 euros?": 4,
    "How many parts cost no more than 12 euros?": 4,
    "How many parts cost 12 euros or more?": 3,
    "How many parts weigh between 95 and 310 grams?": 3,
    "How many parts weigh more than 0.3 kg?": 3,
    "How many parts are not from Brix?": 3,
    "How many parts are from neither Brix nor Aldo?": 1,
    "How many parts do we have from Aldo and Corin?": 3,
    "How many parts are in stock?": 4,
    "How many parts are not in stock?": 2,
    "How many different makers are there among the parts?": 3,
    "What is the sum of the prices of all spare parts?": 71.0,
    "average price of a spare part": 71 / 6,
    "What is the median weight?": 260.0,
    "What is the highest price?": 18.5,
    "What is the difference between the highest and the lowest weight?": 1210,
    "What do the wind cups and the mounting bracket cost together?": 26.0,
    "What was the total rain in March?": 44.3,
    "Total rain between the 3rd of March and 11 March 2025": 44.2,
    "How much rain fell after 4 March 2025?": 2.5,
    "How much rain fell before 2025-03-03?": 0.1,
    "What was the highest temperature?": 17.5,
    "What was the lowest temperature in March?": -0.8,
    "On how many days was the rain above ten?": 2,
    "How many records mention fog in the remarks?": 2,
    "How many days have no remark?": 1,
    "How many days had a minimum below -0.5 °C?": 1,
    "How many days had a minimum between -1 and 1 °C?": 2,
    "How many days had a minimum of -0.8 °C?": 1,
    "How many days had a minimum above \N{MINUS SIGN}0.5 °C?": 5,
    "total sales amount in January": 147.3,
    "total sales amount in January and February 2025": 203.0,
    "What percentage of parts are from Brix?": 50.0,
    "How many parts come from makers in Italy?": 3,
    "What is the total price of the parts from makers in Norway?": 31.0,
    "How many makers founded before 1990 are there?": 2,
    "How many makers make parts that cost more than 11 euros?": 3,
}
FIRST_COLUMN = {
    "Which spare part is the most expensive?": ["Radiation shield"],
    "What is the cheapest part from Brix?": ["Adapter plug"],
    "Name the two heaviest parts.": ["Mounting bracket", "Radiation shield"],
    "top 3 parts by price": ["Radiation shield", "Wind cups", "Mounting bracket"],
    "What is the second highest price?": ["Wind cups"],
    "Show all parts that cost less than 10 euros.": ["Rain funnel", "Adapter plug"],
    "Which parts weigh more than 400 g and cost more than 12 euros?": ["Radiation shield"],
    "Which parts are from Italy?": ["Rain funnel", "Radiation shield", "Mounting bracket"],
    "Sort the parts by price.": [
        "Adapter plug", "Rain funnel", "Power adapter", "Mounting bracket", "Wind cups", "Radiation shield",
    ],
    "price of the rain funnel": [9.5],
    "What does TW-131 cost?": [6],
    "Who is the maker of the wind cups?": ["Brix"],
    "On which day was the most rain?": [day("2025-03-04")],
    "List the two days with the lowest temperature.": [day("2025-03-11"), day("2025-03-02")],
    "What was the rain on 11 March 2025?": [0.2],
    "Which maker has the most parts?": ["Brix"],
    "Which region has the highest total amount?": ["North"],
    "Which month had the most rain?": ["2025-03"],
    "Which maker is the oldest?": ["Corin"],
}  # fmt: skip
GROUPS = {
    "How many parts are there per maker?": {"Aldo": 2, "Brix": 3, "Corin": 1},
    "average price by maker": {"Aldo": 14.0, "Brix": 31 / 3, "Corin": 12.0},
    "total amount for each region": {"East": 0.2, "North": 107.1, "South": 95.7},
    "total amount per month": {"2025-01": 147.3, "2025-02": 55.7},
    "Show the rain by week.": {"2025-02-24": 0.1, "2025-03-03": 44.0, "2025-03-10": 0.2, "2025-03-31": 2.3},
}
DECLINED = (
    "How many parts were sold?",
    "What is the average age of the makers?",
    "How many parts are blue?",
    "How many parts are from Zenon?",
    "Why are the parts so expensive?",
    "Is the wind vane expensive?",
    "What was the average temperature?",
    "What was the rain in the last week?",
    "How much rain fell in March 2025 and did it snow?",
    "Which parts cost less than 10 dollars?",
    "How many parts cost more than -€12?",
    "total staff of makers by parts",
    "What is the total staff of the makers of parts that cost more than 10 euros?",
    "How many parts above 100 are there?",
    "Who is the best customer?",
    "How many?",
    "total",
    "What is the average price of the parts with a price?",
    "Which makers have parts that cost more than 10 euros or weigh less than 50 g and are in stock?",
    "Which country makes the most expensive?",
    "How much staff is there per part?",
    "What is the price in the last 3 months?",
    "Drop the table of parts.",
    "DELETE FROM parts; how many parts are there?",
)


@pytest.mark.parametrize("question", ONE_VALUE)
def test_one_value(question: str, values: Callable[[str], object]) -> None:
    ((value, *_),) = values(question)
    assert value == pytest.approx(ONE_VALUE[question])


@pytest.mark.parametrize("question", FIRST_COLUMN)
def test_rows(question: str, values: Callable[[str], object]) -> None:
    assert [row[0] for row in values(question)] == FIRST_COLUMN[question]


@pytest.mark.parametrize("question", GROUPS)
def test_groups(question: str, values: Callable[[str], object]) -> None:
    assert {row[0]: row[1] for row in values(question)} == pytest.approx(GROUPS[question])


@pytest.mark.parametrize("question", DECLINED)
def test_what_is_not_wholly_understood_is_declined(question: str, shop: TablesEngine) -> None:
    response = shop.query(question)
    assert response.no_answer
    assert response.answer.startswith(NO_ANSWER)
    assert response.steps == ()
    assert response.citations == ()


ORDERS = (
    "orders.csv",
    ("Order ID", "Date", "Amount"),
    tuple(
        (at, day(date), 2**at)
        for at, date in enumerate(
            ("2022-12-20", "2023-12-05", "2024-01-10", "2024-02-10", "2024-03-03", "2024-12-28", "2025-01-04")
        )
    ),
)
BOOKS = ("books.csv", ("Title", "Year"), tuple((f"Tome {at}", 2020 + at) for at in range(1, 6)))
SPANS = {
    "How many orders were placed from January to March 2024?": 3,
    "How many orders were placed January to March 2024?": 3,
    "How many orders were placed in January to March 2024?": 3,
    "How many orders were placed in January until March 2024?": 3,
    "How many orders were placed in January and March 2024?": 2,
    "How many orders were placed during 2022 to 2024?": 6,
    "How many orders were placed from December to February 2024?": 3,
    "How many orders were placed from 28 December to 4 January 2025?": 2,
    "How many orders were placed from the 3rd to the 10th of March 2024?": 1,
    "How many orders were placed from 3 March to March 2024?": 1,
    "How many books are from 2022 to 2024?": 3,
    "How many books are from 2022 to 2022?": 1,
}
FROM = {
    "How many orders are from 2023?": 1,
    "How many orders are from December 2023?": 1,
    "How many orders are from January or March 2024?": 2,
    "How many orders are not from 2024?": 3,
    "How many orders from 2024 on are there?": 5,
    "How many orders were placed from 2024 on?": 5,
    "How many orders were placed from February 2024 onwards?": 4,
    "How many orders were placed from the 28th of December 2024 onward?": 2,
    "How many orders were placed from 2024 up to now?": 5,
    "How many orders were placed from 2024 until today?": 5,
    "How many orders were placed as from 2024?": 5,
    "How many orders were placed since 2024?": 5,
    "How many books are from 2024?": 1,
    "How many books are from 2024 on?": 2,
}
NO_SPANS = (
    "How many orders were placed from 2023 and 2024 onwards?",
    "How many orders were placed from 2024 on the phone?",
    "How many orders were placed from March 2024 to January 2024?",
    "How many orders were placed from 2024 to 2022?",
    "How many orders were placed from 5 March to 3 March 2024?",
    "How many orders were placed from the 28th to the 3rd of January 2025?",
    "How many orders were placed January to March and December 2024?",
    "How many orders were placed after January to March 2024?",
    "How many books are from 2024 to 2022?",
)


@pytest.mark.parametrize("question", SPANS)
def test_spans_of_time(question: str, engine_of: Callable[..., TablesEngine]) -> None:
    ((value,),) = engine_of(ORDERS, BOOKS).result(question).rows
    assert value == SPANS[question]


@pytest.mark.parametrize("question", FROM)
def test_from_a_time_is_in_it_unless_it_goes_on(question: str, engine_of: Callable[..., TablesEngine]) -> None:
    ((value,),) = engine_of(ORDERS, BOOKS).result(question).rows
    assert value == FROM[question]


@pytest.mark.parametrize("question", NO_SPANS)
def test_a_span_that_has_no_sense_is_declined(question: str, engine_of: Callable[..., TablesEngine]) -> None:
    assert engine_of(ORDERS, BOOKS).query(question).no_answer


def test_ties_are_all_told(engine_of: Callable[..., TablesEngine]) -> None:
    engine = engine_of(("teams.csv", ("Team", "Points"), (("A", 7), ("B", 9), ("C", 9), ("D", 1))))
    assert engine.result("Which team has the most points?").rows == (("B", 9), ("C", 9))
    assert engine.result("What is the second highest points?").rows == (("A", 7),)


def test_sums_are_exact(engine_of: Callable[..., TablesEngine]) -> None:
    engine = engine_of(("bills.csv", ("Bill", "Amount"), tuple((f"B{at}", 0.1) for at in range(1000))))
    assert engine.result("total amount of the bills").rows == ((100.0,),)


def test_of_equal_tables_none_is_guessed(engine_of: Callable[..., TablesEngine]) -> None:
    names = ("Employee", "Salary")
    engine = engine_of(
        ("oslo/staff.csv", names, (("Ann", 100), ("Bo", 200))), ("rome/people.csv", names, (("Cy", 300), ("Di", 400)))
    )
    response = engine.query("What is the average salary?")
    assert response.no_answer
    assert "oslo/staff.csv" in response.answer
    assert "rome/people.csv" in response.answer


@pytest.mark.parametrize(
    "question",
    [
        "Which customers spent more than 15?",
        "What did customer C1 buy?",
        "What is the most expensive product?",
        "What is the average order ID?",
        "Which customer has the most orders with an amount?",
    ],
)
def test_what_could_be_meant_of_rows_or_of_groups_is_declined(
    engine_of: Callable[..., TablesEngine], question: str
) -> None:
    rows = ((1, "C1", "Desk", 10.0), (2, "C1", "Lamp", 8.0), (3, "C2", "Desk", 11.0))
    engine = engine_of(("orders.csv", ("Order ID", "Customer", "Product", "Amount (EUR)"), rows))
    assert engine.query(question).no_answer


def test_a_column_called_maximum_is_not_every_maximum(engine_of: Callable[..., TablesEngine]) -> None:
    rows = (("A", 1, 20), ("B", 5, 10))
    engine = engine_of(("days.csv", ("Day", "Maximum °C", "Wind (km/h)"), rows))
    assert engine.result("maximum wind").rows[0][0] == 20
    assert engine.result("What was the maximum temperature?").rows[0][0] == 5


def test_a_title_tells_equal_tables_apart(engine_of: Callable[..., TablesEngine]) -> None:
    names = ("Employee", "Salary")
    engine = engine_of(
        ("oslo-staff.csv", names, (("Ann", 100), ("Bo", 200))), ("rome-staff.csv", names, (("Cy", 300), ("Di", 400)))
    )
    assert engine.result("What is the average salary of the Rome staff?").rows == ((350.0,),)
