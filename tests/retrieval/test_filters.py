import contextlib
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.errors import QueryError
from docindex.retrieval.filters import MAX_DEPTH, MAX_LENGTH, parse_filter
from docindex.schema import And, Compare, Condition, Field, Not, Or

SOURCE = Field("source", "text", builtin=True)
TITLE = Field("title", "text", builtin=True)
PAGE = Field("page", "number", builtin=True)
MODIFIED = Field("modified_at", "date", builtin=True)
HEADINGS = Field("headings", "list", builtin=True)
FINAL = Field("final", "boolean", builtin=False)
ODD = Field('an "odd" name', "text", builtin=False)
DOTTED = Field("author.name", "text", builtin=False)
OWN_TITLE = Field("title", "number", builtin=False)
FIELDS = (SOURCE, TITLE, PAGE, MODIFIED, HEADINGS, FINAL, ODD, DOTTED, OWN_TITLE)


def day(year: int, month: int = 1, number: int = 1) -> datetime:
    return datetime(year, month, number, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("source = manual.pdf", Compare(SOURCE, "=", "manual.pdf")),
        ("source=docs/a-b_1.md", Compare(SOURCE, "=", "docs/a-b_1.md")),
        ("source == 'a b'", Compare(SOURCE, "=", "a b")),
        ('source <> "a b"', Compare(SOURCE, "!=", "a b")),
        ("source = 'O''Brien'", Compare(SOURCE, "=", "O'Brien")),
        (r"source = 'O\'Brien'", Compare(SOURCE, "=", "O'Brien")),
        (r"source = 'C:\docs\new'", Compare(SOURCE, "=", r"C:\docs\new")),
        (r"source = 'C:\\'", Compare(SOURCE, "=", "C:\\")),
        ("source = '  '", Compare(SOURCE, "=", "  ")),
        ("source = ''", Compare(SOURCE, "=", "")),
        ("source = 日本語.txt", Compare(SOURCE, "=", "日本語.txt")),
        ("source = 2024", Compare(SOURCE, "=", "2024")),
        ("source = android", Compare(SOURCE, "=", "android")),
        ("source contains manual", Compare(SOURCE, "contains", "manual")),
        ("source NOT CONTAINS manual", Not(Compare(SOURCE, "contains", "manual"))),
        ("headings contains 'Set up'", Compare(HEADINGS, "contains", "Set up")),
        ("page >= 10", Compare(PAGE, ">=", 10)),
        ("page < -2.5e1", Compare(PAGE, "<", -25.0)),
        ("page IN (1, '2', 3.5)", Compare(PAGE, "in", (1, 2, 3.5))),
        ("page not in (1)", Not(Compare(PAGE, "in", (1,)))),
        ("final = TRUE", Compare(FINAL, "=", True)),
        ("final != false", Compare(FINAL, "!=", False)),
        ('"an ""odd"" name" = x', Compare(ODD, "=", "x")),
        ('`an "odd" name` = x', Compare(ODD, "=", "x")),
        ("author.name > m", Compare(DOTTED, ">", "m")),
        ("title = 1", Compare(TITLE, "=", "1")),
        ("metadata.title = 1", Compare(OWN_TITLE, "=", 1)),
        ("metadata.final = true", Compare(FINAL, "=", True)),
        ("NOT page = 1", Not(Compare(PAGE, "=", 1))),
        (
            "page = 1 or page = 2 AND not final = true",
            Or((Compare(PAGE, "=", 1), And((Compare(PAGE, "=", 2), Not(Compare(FINAL, "=", True)))))),
        ),
        (
            "(page = 1 or page = 2)and(final = true)",
            And((Or((Compare(PAGE, "=", 1), Compare(PAGE, "=", 2))), Compare(FINAL, "=", True))),
        ),
        ("((((page = 1))))", Compare(PAGE, "=", 1)),
    ],
)
def test_what_a_filter_means(text: str, condition: Condition) -> None:
    assert parse_filter(text, FIELDS) == condition


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("= 2024-02-29", And((Compare(MODIFIED, ">=", day(2024, 2, 29)), Compare(MODIFIED, "<", day(2024, 3, 1))))),
        ("!= 2024-05-01", Or((Compare(MODIFIED, "<", day(2024, 5, 1)), Compare(MODIFIED, ">=", day(2024, 5, 2))))),
        ("< 2024-05-01", Compare(MODIFIED, "<", day(2024, 5, 1))),
        ("<= 2024-05-01", Compare(MODIFIED, "<", day(2024, 5, 2))),
        ("> 2024-05-01", Compare(MODIFIED, ">=", day(2024, 5, 2))),
        (">= '2024-05-01'", Compare(MODIFIED, ">=", day(2024, 5, 1))),
        ("<= 2024-12", Compare(MODIFIED, "<", day(2025))),
        ("> 2024", Compare(MODIFIED, ">=", day(2025))),
        ("= 2024-05-01T10:30:00Z", Compare(MODIFIED, "=", datetime(2024, 5, 1, 10, 30, tzinfo=UTC))),
        ("<= 2024-05-01T10:30", Compare(MODIFIED, "<=", datetime(2024, 5, 1, 10, 30, tzinfo=UTC))),
        ("> '2024-05-01 01:30:00+02:00'", Compare(MODIFIED, ">", datetime(2024, 4, 30, 23, 30, tzinfo=UTC))),
        (
            "in (2024-05-01T00:00Z, 2023)",
            Or(
                (
                    Compare(MODIFIED, "in", (day(2024, 5, 1),)),
                    And((Compare(MODIFIED, ">=", day(2023)), Compare(MODIFIED, "<", day(2024)))),
                )
            ),
        ),
    ],
)
def test_a_date_without_a_time_means_all_of_it(text: str, condition: Condition) -> None:
    assert parse_filter(f"modified_at {text}", FIELDS) == condition


PRICE = Field("price", "text", builtin=False, also=frozenset({"number", "date"}))
AS_NUMBER, AS_DATE = replace(PRICE, type="number"), replace(PRICE, type="date")


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("< 100", Compare(AS_NUMBER, "<", 100)),
        ("= 2024", Compare(AS_NUMBER, "=", 2024)),
        ("in (1, 2.5)", Compare(AS_NUMBER, "in", (1, 2.5))),
        ("in (1, n/a)", Compare(PRICE, "in", ("1", "n/a"))),
        ("!= n/a", Compare(PRICE, "!=", "n/a")),
        ("contains 100", Compare(PRICE, "contains", "100")),
        ("< 2024-05-01", Compare(AS_DATE, "<", day(2024, 5, 1))),
        (
            "!= 2024-05-01",
            And(
                (
                    Compare(AS_DATE, "!=", day(2024, 5, 1)),
                    Not(And((Compare(AS_DATE, ">=", day(2024, 5, 1)), Compare(AS_DATE, "<", day(2024, 5, 2))))),
                )
            ),
        ),
    ],
)
def test_a_field_on_which_documents_disagree_is_asked_as_the_value_reads(text: str, condition: Condition) -> None:
    assert parse_filter(f"price {text}", [PRICE]) == condition


@pytest.mark.parametrize(
    ("text", "position", "cure"),
    [
        ("sorce = 1", 1, "did you mean source? the fields are source, title, page,"),
        ("page = 1 and Page = 2", 14, "did you mean page?"),
        ("zzz = 1", 1, "the fields are source, title, page, modified_at, headings, final,"),
        ("page = x", 8, "write it as 12"),
        ("page = nan", 8, "write it as 12"),
        ("page = 1e9999", 8, "write it as 12"),
        ("page = 1_000", 8, "write it as 12"),
        ("page = " + "9" * 5000, 8, "write it as 12"),
        ("page contains 3", 1, "use one of =, !=, <, <=, >, >=, IN"),
        ("headings < x", 1, "use one of =, !=, IN, CONTAINS"),
        ("final >= true", 1, "use one of =, !=, IN"),
        ("final = maybe", 9, "true or false"),
        ("modified_at = yesterday", 15, "write 2024-05-01"),
        ("modified_at = 2023-02-29", 15, "write 2024-05-01"),
        ("modified_at = 9999", 15, "write 2024-05-01"),
        ("source = my manual.pdf", 13, "put a value of several words in quotes"),
        ("source =", 9, "go on with a value"),
        ("source = and", 10, "in quotes"),
        ("source", 7, "go on with =, !="),
        ("page not 3", 10, "IN or CONTAINS"),
        ("page in 3", 9, "the list of values in parentheses"),
        ("page in ()", 10, "a value"),
        ("page in (1 2)", 12, "a comma or )"),
        ("(page = 1", 10, "AND, OR or )"),
        ("page = 1)", 9, "AND, OR or the end"),
        ("source = 'abc", 10, "close it"),
        ("source = O'Brien", 11, "close it"),
        ("page ! 3", 6, "write != for unequal"),
        ("'source' = 1", 1, "a field name, in double quotes"),
    ],
)
def test_errors_say_where_and_what_to_write(text: str, position: int, cure: str) -> None:
    with pytest.raises(QueryError, match=re.escape(cure)) as caught:
        parse_filter(text, FIELDS)
    assert f"at character {position}," in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("text", ["(" * 10_000, "not " * 10_000 + "page = 1", "(not " * 5_000, "not(" * 49 + "(("])
def test_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match="nest deeper"):
        parse_filter(text, FIELDS)


def test_nesting_up_to_the_limit_is_read() -> None:
    condition = parse_filter("(" * MAX_DEPTH + "page = 1" + ")" * MAX_DEPTH, FIELDS)
    assert condition == Compare(PAGE, "=", 1)
    condition = parse_filter("not " * MAX_DEPTH + "page = 1", FIELDS)
    for _ in range(MAX_DEPTH):
        assert isinstance(condition, Not)
        condition = condition.part


def test_long_filters_are_read_and_longer_ones_refused() -> None:
    text = " or ".join(f"page = {number}" for number in range(5_000))
    condition = parse_filter(text, FIELDS)
    assert isinstance(condition, Or)
    assert len(condition.parts) == 5_000
    with pytest.raises(QueryError, match="at most"):
        parse_filter(text + " " * MAX_LENGTH, FIELDS)


@pytest.mark.parametrize(
    "text", ["'" * 99_999, "\\'" * 40_000, '"\\' * 40_000, "a" * 99_999, "=" * 99_999, "`''" * 9_999]
)
def test_odd_text_is_refused_in_linear_time(text: str) -> None:
    began = time.process_time()
    with pytest.raises(QueryError):
        parse_filter(text, FIELDS)
    assert time.process_time() - began < 5


def test_an_empty_filter_is_refused() -> None:
    with pytest.raises(QueryError, match="empty"):
        parse_filter("  \n", FIELDS)


# --- every condition can be said -------------------------------------------------------------------------------------


def format_filter(condition: Condition) -> str:
    match condition:
        case And(parts):
            return " AND ".join(f"({format_filter(part)})" for part in parts)
        case Or(parts):
            return " or ".join(f"({format_filter(part)})" for part in parts)
        case Not(part):
            return f"Not ({format_filter(part)})"
        case Compare(field, op, value):
            name = quote(f"metadata.{field.name}" if field == OWN_TITLE else field.name, '"')
            if isinstance(value, tuple):
                return f"{name} in ({', '.join(map(format_value, value))})"
            return f"{name} {op} {format_value(value)}"


def format_value(value: object) -> str:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        return quote(value, "'")
    return repr(value)


def quote(text: str, mark: str) -> str:
    return mark + text.replace("\\", "\\\\").replace(mark, mark * 2) + mark


VALUES = {
    "text": st.text(max_size=12),
    "list": st.text(max_size=12),
    "number": st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "date": st.datetimes(
        min_value=datetime(1000, 1, 1),
        max_value=datetime(9990, 1, 1),
        timezones=st.sampled_from([UTC]),
    ),
}
OPERATORS = {
    "text": ["=", "!=", "<", "<=", ">", ">=", "contains"],
    "list": ["=", "!=", "contains"],
    "number": ["=", "!=", "<", "<=", ">", ">="],
    "boolean": ["=", "!="],
    "date": ["=", "!=", "<", "<=", ">", ">="],
}


@st.composite
def comparisons(draw: st.DrawFn) -> Compare:
    field = draw(st.sampled_from(FIELDS))
    values = VALUES[field.type]
    if draw(st.booleans()):
        return Compare(field, draw(st.sampled_from(OPERATORS[field.type])), draw(values))
    return Compare(field, "in", tuple(draw(st.lists(values, min_size=1, max_size=3))))


def compounds(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return several.map(And) | several.map(Or) | parts.map(Not)


@settings(deadline=None, max_examples=150)
@given(st.recursive(comparisons(), compounds, max_leaves=12))
def test_every_condition_can_be_said_and_is_understood(condition: Condition) -> None:
    assert parse_filter(format_filter(condition), FIELDS) == condition


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="pagesourc =!<>()'\"`\\,andornotin125-:T\n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(QueryError):
        assert isinstance(parse_filter(text, FIELDS), Compare | And | Or | Not)


@settings(deadline=None, max_examples=50)
@given(st.dates(min_value=day(1900).date(), max_value=day(2100).date()), st.integers(-12, 12), st.integers(0, 86_399))
def test_a_day_holds_its_own_moments_in_any_zone(date: object, hours: int, second: int) -> None:
    condition = parse_filter(f"modified_at = {date}", FIELDS)
    assert isinstance(condition, And)
    start, end = (part.value for part in condition.parts if isinstance(part, Compare))
    assert isinstance(start, datetime)
    assert isinstance(end, datetime)
    assert end - start == timedelta(days=1)
    local = (start + timedelta(seconds=second)).astimezone(timezone(timedelta(hours=hours)))
    exact = parse_filter(f"modified_at = {local.isoformat()}", FIELDS)
    assert isinstance(exact, Compare)
    assert isinstance(exact.value, datetime)
    assert start <= exact.value < end
