"""Tables as relations: series, versions, totals, keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from docindex.answering.tables.catalogue import Catalogue, catalogue_of
from docindex.answering.tables.engine import TablesEngine
from docindex.answering.tables.relations import ValueSummary, field_of
from docindex.loaders.table_text import typed_table
from docindex.protocols import StoredTable

Catalogues = Callable[..., Catalogue]
Engines = Callable[..., TablesEngine]
NAMES = ("Shop", "Amount")


def rows(start: int, count: int = 4) -> tuple[tuple[str, int], ...]:
    return tuple((f"S{at}", at) for at in range(start, start + count))


def test_monthly_files_are_one_relation(catalogue_for: Catalogues, sheets: dict) -> None:
    (sales,) = catalogue_for(sheets["sales-january.xlsx"], sheets["sales-february.xlsx"]).relations
    assert [part.source for part in sales.parts] == ["sales-january.xlsx", "sales-february.xlsx"]
    assert sales.rows == 5
    assert sales.part_field == "file"


def test_a_part_of_a_series_is_asked_by_its_name(engine_of: Engines) -> None:
    engine = engine_of(("sales-q1.csv", NAMES, rows(1)), ("sales-q2.csv", NAMES, rows(10)))
    assert engine.result("total amount of the sales").rows == ((56,),)
    assert engine.result("total amount of the sales in Q2").rows == ((46,),)


def test_versions_of_a_table_are_not_added_up(catalogue_for: Catalogues, engine_of: Engines) -> None:
    old, new = ("prices-1.csv", NAMES, rows(1, 10)), ("prices-2.csv", NAMES, (*rows(1, 9), ("S10", 99)))
    assert len(catalogue_for(old, new).relations) == 2
    assert engine_of(old, new).query("total amount of the prices").no_answer


@pytest.mark.parametrize(("one", "other"), [("prices-1", "prices-2"), ("prices-old", "prices-new"), ("p", "p copy")])
def test_other_prices_of_the_same_things_are_not_added_up(engine_of: Engines, one: str, other: str) -> None:
    old = (f"{one}.csv", NAMES, tuple((f"S{at}", at) for at in range(8)))
    new = (f"{other}.csv", NAMES, tuple((f"S{at}", at + 100) for at in range(8)))
    assert engine_of(old, new).query("What is the total amount?").no_answer


def test_the_same_things_month_by_month_are_a_series(engine_of: Engines) -> None:
    months = [
        (f"sales-{name}.csv", NAMES, tuple((f"S{at}", at + n) for at in range(8)))
        for n, name in ((0, "may"), (9, "june"))
    ]
    assert engine_of(*months).result("total amount of the sales").rows == ((2 * 28 + 72,),)


ODD_MONTHS = (
    ("sales-january.csv", NAMES, (("A", 100), ("B", 200))),
    ("sales-february.csv", NAMES, (("C", 300), ("D", "n/a"))),
)


def test_a_month_with_an_odd_cell_is_still_of_the_series(engine_of: Engines) -> None:
    engine = engine_of(*ODD_MONTHS)
    assert engine.result("How many sales are there?").rows == ((4,),)
    assert engine.result("What is the amount of shop A?").rows == (("100",),)
    assert engine.query("total amount of the sales").no_answer


def test_a_column_that_is_empty_in_one_month_keeps_its_type(engine_of: Engines) -> None:
    march = ("sales-march.csv", NAMES, (("E", None), ("F", None)))
    assert engine_of(ODD_MONTHS[0], march).result("total amount of the sales").rows == ((300,),)


def test_tables_that_no_time_tells_apart_are_not_made_text(catalogue_for: Catalogues) -> None:
    one, other = (("a/notes.csv", NAMES, (("A", 100),)), ("b/notes.csv", NAMES, (("B", "many"),)))
    assert [relation.fields[1].type for relation in catalogue_for(one, other).relations] == ["integer", "text"]


def cut(*parts: tuple[tuple[object, ...], ...]) -> list[StoredTable]:
    """The documents that one long file becomes."""
    return [
        StoredTable(f"sales.csv#{number}", "sales.csv", 1, typed_table("sales", NAMES, list(enumerate(rows))).placed(0))
        for number, rows in enumerate(parts, 1)
    ]


def test_a_file_that_was_cut_is_one_table_though_its_rows_repeat() -> None:
    (sales,) = catalogue_of(cut(rows(1), rows(1))).relations
    assert (sales.title, sales.rows, sales.part_field) == ("sales", 8, None)


def test_a_file_that_was_cut_is_one_table_though_a_cell_is_odd() -> None:
    (sales,) = catalogue_of(cut(rows(1), (("A", "unknown"),))).relations
    assert [field.type for field in sales.fields] == ["text", "text"]
    assert sales.fields[1].values.texts[("3",)] == ("3",)


def test_files_of_other_names_are_not_one_relation(catalogue_for: Catalogues) -> None:
    assert len(catalogue_for(("north.csv", NAMES, rows(1)), ("south.csv", NAMES, rows(10))).relations) == 2


@pytest.mark.parametrize(
    ("name", "words", "unit", "quantity"),
    [
        ("Price in euros", ("price",), "EUR", "money"),
        ("Amount (EUR)", ("amount",), "EUR", "money"),
        ("Salary", ("salari",), None, "income"),
        ("rain mm", ("rain",), "mm", "length"),
        ("maximum °C", ("maximum",), "°C", "temperature"),
        ("strongest gust m/s", ("strongest", "gust"), "m/s", "speed"),
        ("Area [km²]", ("area",), "km²", "area"),
        ("Delay (min)", ("delai",), "min", "time"),
        ("Weight (kg)", ("weight",), "kg", "weight"),
        ("Delay min", ("delai", "min"), None, "time"),
        ("Date of birth", ("dat", "birth"), None, None),
        ("Notes (internal)", ("note", "internal"), None, None),
    ],
)
def test_headers_are_taken_apart(name: str, words: tuple[str, ...], unit: str | None, quantity: str | None) -> None:
    field = field_of(name, "number", ValueSummary(), 0)
    assert field.unit is None if unit is None else field.unit is not None and field.unit.name == unit
    assert field.quantity == quantity
    assert len(field.words) == len(words)


def test_keys_link_the_many_to_the_one(catalogue_for: Catalogues, sheets: dict) -> None:
    catalogue = catalogue_for(sheets["spare-parts.csv"], sheets["makers.xlsx"])
    parts, makers = catalogue.relations
    link = catalogue.link(parts, makers)
    assert link is not None
    assert (link.many_key.name, link.one_key.name) == ("Maker", "Maker")
    assert catalogue.link(makers, parts) is None


def test_equal_names_with_other_values_link_nothing(catalogue_for: Catalogues) -> None:
    catalogue = catalogue_for(
        ("cities.csv", ("Name", "Size"), (("Oslo", 1), ("Rome", 2))),
        ("people.csv", ("Name", "Age"), (("Ann", 30), ("Bo", 40))),
    )
    assert catalogue.link(*catalogue.relations) is None


def test_whole_numbers_of_any_length_are_held(engine_of: Engines) -> None:
    engine = engine_of(("codes.csv", ("Code", "Amount"), ((2**70, 1), (2**71, 2))))
    assert engine.result("total amount").rows == ((3,),)


def test_hostile_names_are_names(engine_of: Engines) -> None:
    names = ('a"b; DROP TABLE x --', "#row", "100 % [sure] :x ?", "Price'; --")
    engine = engine_of(("odd; name'.csv", names, (("v'; DROP TABLE t; --", 1, 2, 3.5), ("w", 4, 5, 6.5))))
    assert engine.result("What is the total price?").rows == ((10.0,),)
    response = engine.query('What is the price of "v\'; DROP TABLE t; --"?')
    assert "3.5" in response.answer
    assert engine.result("What is the total price?").rows == ((10.0,),)


def test_dates_keep_their_time(engine_of: Engines) -> None:
    times = tuple((f"E{hour}", datetime(2025, 3, 1, hour, 30, tzinfo=UTC)) for hour in (1, 23))
    engine = engine_of(("events.csv", ("Event", "Moment"), times))
    assert engine.result("Which event is the latest?").rows == (("E23", times[1][1]),)
    assert engine.result("How many events were on 1 March 2025?").rows == ((2,),)
