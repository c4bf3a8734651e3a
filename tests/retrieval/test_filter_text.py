"""What a condition says is a filter that says the same."""

from __future__ import annotations

import pytest

from docindex.retrieval.filter_text import filter_text
from docindex.retrieval.filters import parse_filter
from docindex.schema import Compare, Field

FIELDS = [
    Field("source", "text", builtin=True),
    Field("page", "number", builtin=True),
    Field("modified_at", "date", builtin=True),
    Field("draft", "boolean", builtin=False),
    Field('the "odd" name', "list", builtin=False),
    Field("and", "text", builtin=False),
]


@pytest.mark.parametrize(
    "text",
    [
        "page >= 10",
        "page = -2.5",
        "source IN ('a', 'O''Brien', 'C:\\\\docs')",
        "draft != true",
        "modified_at > 2024-05-01T13:30:00+00:00",
        '"the ""odd"" name" CONTAINS \'x\'',
        "\"and\" = ''",
        "(source = 'a' AND page < 3) OR NOT (draft = false OR page = 7)",
        "NOT page = 1",
    ],
)
def test_it_can_be_read_back(text: str) -> None:
    condition = parse_filter(text, FIELDS)
    assert filter_text(condition) == text
    assert parse_filter(filter_text(condition), FIELDS) == condition


def test_of_many_values_the_first_ones_are_told() -> None:
    condition = Compare(FIELDS[0], "in", tuple(f"{number}.txt" for number in range(20)))
    assert filter_text(condition) == "source IN ('0.txt', '1.txt', '2.txt', '3.txt', '4.txt', and 15 more)"
