from __future__ import annotations

import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.answering.engines.shapes import Fields, OneOf, Several, Shape, Text, grammar_of

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=6)
TEXTS = st.builds(lambda shortest, more: Text(shortest, shortest + more), st.integers(0, 3), st.integers(0, 5))
ONES = st.lists(NAMES, min_size=1, max_size=4).map(lambda names: OneOf(tuple(names)))
SHAPES = st.one_of(
    ONES,
    TEXTS,
    st.builds(Several, TEXTS, st.integers(1, 3)),
    st.dictionaries(NAMES, st.one_of(ONES, TEXTS), min_size=1, max_size=3).map(Fields),
)


def pattern_of(grammar: str) -> str:
    """The grammar as a regular expression: it has one rule, and the notation is nearly that of `re`."""
    body = grammar.removeprefix("root ::= ").removesuffix("\n")
    tokens = re.findall(r'"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|\{\d+,\d+\}|[()|]|\s+', body)
    assert "".join(tokens) == body
    return "".join(
        "" if token.isspace() else re.escape(json.loads(token)) if token.startswith('"') else token for token in tokens
    )


def has_shape(value: object, shape: Shape) -> bool:
    match shape:
        case OneOf(values):
            return value in values
        case Text(shortest, longest):
            return isinstance(value, str) and shortest <= len(value) <= longest
        case Several(item, most):
            return isinstance(value, list) and 1 <= len(value) <= most and all(has_shape(one, item) for one in value)
        case Fields(fields):
            whole = isinstance(value, dict) and list(value) == list(fields)
            return whole and all(has_shape(value[name], fields[name]) for name in fields)


@settings(max_examples=200, deadline=None)
@given(SHAPES, st.data())
def test_whatever_a_grammar_allows_parses_and_has_the_shape(shape: Shape, data: st.DataObject):
    grammar = grammar_of(shape)
    plain = st.characters(codec="utf-8")
    text = data.draw(st.from_regex(pattern_of(grammar.text), fullmatch=True, alphabet=plain))
    assert has_shape(json.loads(text), shape)
    assert len(text.encode()) <= grammar.longest


def test_a_grammar_reads_well():
    grammar = grammar_of(Fields({"tool": OneOf(("search", "tables")), "input": Text(1, 80)}))
    assert grammar.text == (
        r'root ::= "{\"tool\": " ("\"search\"" | "\"tables\"") ", \"input\": " "\"" [^"\\\x00-\x1f\x7f]{1,80} "\"" "}"'
        "\n"
    )
