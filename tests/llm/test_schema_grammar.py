"""Grammars of schemas take every value of the schema, by llama.cpp's own reading of them, and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any

import llama_cpp
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from docindex.errors import QueryError
from docindex.llm.gbnf_numbers import integers, repeated
from docindex.llm.gguf import GgufModel
from docindex.llm.sampling import Sampler
from docindex.llm.schema_check import problems
from docindex.llm.schema_grammar import schema_grammar

Pair = tuple[dict[str, Any], st.SearchStrategy[Any]]


def takes(vocabulary: GgufModel, grammar: str, text: str) -> bool:
    """Whether a model could write the text, and end there, under the grammar."""
    sampler = Sampler(vocabulary, grammar=grammar)
    for token in [*vocabulary.tokenize(text), int(llama_cpp.llama_vocab_eos(vocabulary.vocabulary))]:
        if not sampler._allows(token):
            return False
        if not vocabulary.ends(token):
            llama_cpp.llama_sampler_accept(sampler._rules, token)
    return True


def written(value: object, *, wide: bool = True) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=None if wide else (",", ":"))
    return text.replace("\x7f", r"\u007f")  # the grammar wants it escaped, as other control characters


# --- schemas and their values ----------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = st.sampled_from(["name", "Größe", 'qu"ote', "back\\slash", "a b", "year", "x-1"])


@st.composite
def strings(draw: st.DrawFn) -> Pair:
    low = draw(st.integers(0, 4))
    high = draw(st.one_of(st.none(), st.integers(low, 9)))
    schema: dict[str, Any] = {"type": "string"} | ({"minLength": low} if low else {})
    characters = st.characters(exclude_categories=["Cs"])
    if high is None:
        return schema, st.text(characters, min_size=low, max_size=15)
    return {**schema, "maxLength": high}, st.text(characters, min_size=low, max_size=high)


@st.composite
def whole_numbers(draw: st.DrawFn) -> Pair:
    low = draw(st.one_of(st.none(), st.integers(-3000, 3000)))
    high = draw(st.one_of(st.none(), st.integers(low if low is not None else -3000, 4000)))
    schema = (
        {"type": "integer"} | ({} if low is None else {"minimum": low}) | ({} if high is None else {"maximum": high})
    )
    return schema, st.integers(-(10**17) if low is None else low, 10**17 if high is None else high)


LEAVES: st.SearchStrategy[Pair] = st.one_of(
    strings(),
    whole_numbers(),
    st.just(({"type": "number"}, st.floats(allow_nan=False, allow_infinity=False))),
    st.just(({"type": "number", "minimum": 0}, st.floats(0.001, 1e300))),
    st.just(({"type": "boolean"}, st.booleans())),
    st.just(({"type": "null"}, st.none())),
    st.just(({"type": "string", "format": "date"}, st.dates().map(str))),
    st.just(({"type": "string", "format": "date-time"}, st.datetimes().map(lambda moment: moment.isoformat()))),
    st.just(({"type": "string", "format": "time"}, st.times().map(lambda moment: moment.isoformat()))),
    st.just(({"type": "string", "format": "uuid"}, st.uuids().map(str))),
    st.just(({"type": ["integer", "string"]}, st.one_of(st.integers(-9, 9), TEXT))),
    st.just(({}, st.recursive(st.one_of(st.none(), st.booleans(), TEXT), st.lists, max_leaves=4))),
    st.lists(st.one_of(TEXT, st.integers(-5, 5), st.none()), min_size=1, max_size=4).map(
        lambda values: ({"enum": values}, st.sampled_from(values))
    ),
    TEXT.map(lambda value: ({"const": value}, st.just(value))),
)


@st.composite
def lists_of(draw: st.DrawFn, inner: st.SearchStrategy[Pair]) -> Pair:
    schema, values = draw(inner)
    low = draw(st.integers(0, 2))
    high = draw(st.one_of(st.none(), st.integers(low, 4)))
    bounds = ({"minItems": low} if low else {}) | ({} if high is None else {"maxItems": high})
    return {"type": "array", "items": schema} | bounds, st.lists(
        values, min_size=low, max_size=4 if high is None else high
    )


@st.composite
def tuples_of(draw: st.DrawFn, inner: st.SearchStrategy[Pair]) -> Pair:
    pairs = draw(st.lists(inner, min_size=1, max_size=3))
    size = len(pairs)
    schema = {"type": "array", "prefixItems": [each for each, _ in pairs], "minItems": size, "maxItems": size}
    return schema, st.tuples(*(values for _, values in pairs)).map(list)


@st.composite
def objects_of(draw: st.DrawFn, inner: st.SearchStrategy[Pair]) -> Pair:
    names = draw(st.lists(NAMES, max_size=4, unique=True))
    pairs = {name: draw(inner) for name in names}
    required = [name for name in names if draw(st.booleans())]
    schema: dict[str, Any] = {"type": "object", "properties": {name: pair[0] for name, pair in pairs.items()}}
    if required:
        schema["required"] = required
    optional = {name: pair[1] for name, pair in pairs.items() if name not in required}
    values = st.fixed_dictionaries({name: pairs[name][1] for name in required}, optional=optional)
    return schema, values.map(lambda value: {name: value[name] for name in names if name in value})


@st.composite
def maps_of(draw: st.DrawFn, inner: st.SearchStrategy[Pair]) -> Pair:
    schema, values = draw(inner)
    return {"type": "object", "additionalProperties": schema}, st.dictionaries(TEXT, values, max_size=3)


@st.composite
def unions_of(draw: st.DrawFn, inner: st.SearchStrategy[Pair]) -> Pair:
    pairs = draw(st.lists(inner, min_size=1, max_size=3))
    name = draw(st.sampled_from(["anyOf", "oneOf"]))
    return {name: [schema for schema, _ in pairs]}, st.one_of([values for _, values in pairs])


PAIRS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(lists_of(inner), tuples_of(inner), objects_of(inner), maps_of(inner), unions_of(inner)),
    max_leaves=6,
)


@settings(deadline=None, max_examples=200)
@given(PAIRS, st.data())
def test_every_value_of_a_schema_is_taken(vocabulary: GgufModel, pair: Pair, data: st.DataObject):
    schema, values = pair
    value = data.draw(values)
    referring = {"$ref": "#/$defs/Part", "$defs": {"Part": schema}}
    for each in (schema, referring):
        grammar = schema_grammar(each)
        assume(_can_be_written(vocabulary, written(value)))
        assert takes(vocabulary, grammar, written(value))
        assert takes(vocabulary, grammar, written(value, wide=False))
    if not _has_odd_key(schema):
        assert list(problems(value, referring, referring)) == []


def _can_be_written(vocabulary: GgufModel, text: str) -> bool:
    """This model has no tokens for some bytes."""
    return b"".join(vocabulary.piece(token) for token in vocabulary.tokenize(text)) == text.encode()


def _has_odd_key(schema: dict[str, Any]) -> bool:
    """Two of the alternatives may be told apart by nothing but JSON's idea of 1 and true."""
    return "enum" in json.dumps(schema)


@settings(deadline=None)
@given(st.integers(-2000, 2000), st.integers(0, 3000), st.integers(-4000, 4000))
def test_whole_numbers_keep_to_their_bounds(low: int, size: int, number: int):
    high = low + size
    for bounds in ((low, high), (low, None), (None, high), (None, None)):
        pattern = re.sub(r'[ "]', "", integers(*bounds))
        least, most = bounds
        for each in (number, low, high, low - 1, high + 1):
            inside = (least is None or each >= least) and (most is None or each <= most)
            assert bool(re.fullmatch(pattern, str(each))) == inside


PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0, "maximum": 150}},
    "required": ["name"],
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"age":4}',
        '{"name":"a",}',
        '{,"name":"a"}',
        '{"name":"a"}}',
        '{"name":"a" ,"age":4}',
        '{"name":"a","age":151}',
        '{"name":"a","age":04}',
        '{"name":"a","age":-1}',
        '{"name":"a","other":1}',
        '{"age":4,"name":"a"}',
        '{"name":"a\nb"}',
        '{"name":"a\x01b"}',
        '{"name":"\\ud83d"}',
        '{"name":"\\ud83dx"}',
        '{"name":"\\x"}',
        '{"name":"a"',
        '{"name":  "a"}',
        "null",
    ],
)
def test_nothing_else_is_taken(vocabulary: GgufModel, text: str):
    assert not takes(vocabulary, schema_grammar(PERSON), text)


@pytest.mark.parametrize("text", ['{"name":"\\ud83c\\udf0a\\n\\u00e4"}', '{"name": "", "age": 150}', '{"name":"🌊"}'])
def test_ways_to_write_the_same_are_taken(vocabulary: GgufModel, text: str):
    assert takes(vocabulary, schema_grammar(PERSON), text)


def test_schemas_that_refer_to_themselves(vocabulary: GgufModel):
    node = {
        "type": "object",
        "properties": {"v": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}},
        "required": ["v", "next"],
    }
    grammar = schema_grammar({"$defs": {"Node": node}, "$ref": "#/$defs/Node"})
    assert takes(vocabulary, grammar, '{"v": 1, "next": {"v": 2, "next": null}}')
    assert not takes(vocabulary, grammar, '{"v": 1, "next": {"v": 2}}')
    grammar = schema_grammar({"type": "array", "items": {"$ref": "#"}})
    assert takes(vocabulary, grammar, "[[], [[]]]")


def test_parts_of_a_schema_are_put_together(vocabulary: GgufModel):
    base = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    schema = {"$defs": {"Base": base}, "allOf": [{"$ref": "#/$defs/Base"}, {"properties": {"b": {"const": "x"}}}]}
    assert takes(vocabulary, schema_grammar(schema), '{"a": 1, "b": "x"}')
    assert not takes(vocabulary, schema_grammar(schema), '{"b": "x"}')


def test_what_has_no_bound_may_be_given_one(vocabulary: GgufModel):
    schema = {"type": "array", "items": {"type": "string"}}
    grammar = schema_grammar(schema, longest=3, most_items=2)
    assert takes(vocabulary, grammar, '["abc", "d"]')
    assert not takes(vocabulary, grammar, '["abcd"]')
    assert not takes(vocabulary, grammar, '["a", "b", "c"]')


def test_a_bound_that_is_given_gives_way_to_those_of_the_schema(vocabulary: GgufModel):
    grammar = schema_grammar({"type": "string", "minLength": 5}, longest=3)
    assert takes(vocabulary, grammar, '"abcde"')
    assert not takes(vocabulary, grammar, '"abcd"')
    grammar = schema_grammar({"type": "array", "items": {"type": "integer"}, "minItems": 3}, most_items=2)
    assert takes(vocabulary, grammar, "[1, 2, 3]")
    assert not takes(vocabulary, grammar, "[1, 2]")
    tuples = {"type": "array", "prefixItems": [{"type": "null"}], "items": {"type": "integer"}, "minItems": 3}
    assert takes(vocabulary, schema_grammar(tuples, most_items=2), "[null, 2, 3]")
    words = {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2}
    assert takes(vocabulary, schema_grammar(words, most_items=1), '{"a": 1, "b": 2}')
    assert not takes(vocabulary, schema_grammar(words, most_items=1), '{"a": 1}')


def test_what_may_have_no_properties_has_none(vocabulary: GgufModel):
    grammar = schema_grammar({"type": "object", "maxProperties": 0})
    assert takes(vocabulary, grammar, "{}")
    assert not takes(vocabulary, grammar, '{"a": 1}')


@pytest.mark.parametrize(("low", "high"), [(3, 2), (-1, 2), (0, -1), (-1, None), (5000, 200)])
def test_nothing_is_repeated_between_bounds_that_cross(low: int, high: int | None):
    with pytest.raises(QueryError, match="bounds"):
        repeated("char", low, high)


def test_every_field_may_have_to_be_there(vocabulary: GgufModel):
    grammar = schema_grammar(PERSON, every_field=True)
    assert takes(vocabulary, grammar, '{"name": "a", "age": 4}')
    assert not takes(vocabulary, grammar, '{"name": "a"}')


def test_large_bounds_make_no_large_grammars(vocabulary: GgufModel):
    grammar = schema_grammar({"type": "string", "minLength": 1, "maxLength": 100_000})
    assert takes(vocabulary, grammar, f'"{"a" * 2000}"')
    assert not takes(vocabulary, grammar, '""')
    grammar = schema_grammar({"type": "string", "minLength": 5000}, longest=200)
    assert takes(vocabulary, grammar, f'"{"a" * 5000}"')


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"$ref": "#/$defs/Gone"}, "Gone"),
        ({"$ref": "https://schemas.example/x"}, "schemas.example"),
        ({"$defs": {"A": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"}, "itself"),
        ({"type": "integer", "minimum": 5, "maximum": 4}, "none"),
        ({"type": "string", "minLength": 5, "maxLength": 4}, "maxLength 4"),
        ({"type": "array", "items": {}, "minItems": 2, "maxItems": 1}, "maxItems 1"),
        ({"type": "object", "minProperties": 1, "maxProperties": 0}, "maxProperties 0"),
        ({"type": "text"}, "text"),
        ({"enum": []}, "nothing"),
        ({"type": "array", "items": 3}, "3"),
    ],
)
def test_schemas_that_cant_be_followed_are_errors(schema: dict[str, Any], message: str):
    with pytest.raises(QueryError, match=message):
        schema_grammar(schema)


# --- values against schemas ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "schema", "path"),
    [
        (3, {"type": "string"}, ""),
        (True, {"type": "integer"}, ""),
        ("abc", {"type": "string", "maxLength": 2}, ""),
        ("abc", {"type": "string", "pattern": "^x"}, ""),
        ("2024-13-01", {"type": "string", "format": "date"}, ""),
        (5, {"type": "integer", "exclusiveMaximum": 5}, ""),
        (5, {"type": "integer", "multipleOf": 2}, ""),
        ("b", {"enum": ["a"]}, ""),
        ("b", {"const": "a"}, ""),
        ([1, 1], {"type": "array", "uniqueItems": True}, ""),
        ([1], {"type": "array", "minItems": 2}, ""),
        ([1, "a"], {"type": "array", "items": {"type": "integer"}}, "[1]"),
        ({"a": {"b": 1}}, {"properties": {"a": {"properties": {"b": {"type": "string"}}}}}, "a.b"),
        ({}, {"type": "object", "required": ["a"]}, "a"),
        ({"x": 1}, {"type": "object", "properties": {}, "additionalProperties": False}, "x"),
        (1.5, {"anyOf": [{"type": "string"}, {"type": "null"}]}, ""),
    ],
)
def test_what_is_wrong_with_a_value_is_told_with_its_path(value: object, schema: dict[str, Any], path: str):
    (found,) = problems(value, schema, schema)
    assert found[0] == path
    assert found[1]


def test_patterns_of_other_languages_are_left_alone():
    assert list(problems("abc", {"type": "string", "pattern": r"\p{L}+("}, {})) == []
