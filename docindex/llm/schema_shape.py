"""Whether a JSON schema can be followed: its words hold what they have to, and it comes to an end."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping
from typing import Any

from docindex.errors import QueryError
from docindex.llm.schema_check import joined, referred

_DEEPEST = 64
_NAMED = ("properties", "$defs", "definitions")
"""Words that hold a schema for each name."""
_LISTED = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties")
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_LENGTHS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_TEXTS = ("description", "format", "pattern", "$ref")


def refuse_unusable(schema: Mapping[str, Any]) -> None:
    """Makes sure that a schema can be followed.

    Raises:
        QueryError: A word in it holds what it can't, it is nested too deep, or a part of it is nothing but itself.
    """
    for path, part in _parts(schema, "", 0):
        for word, value in part.items():
            if not _holds(word, value):
                at = joined(path, word)
                raise QueryError(
                    f"The schema's {at} is {reprlib.repr(value)}: {word} takes something else in a JSON schema."
                )
    for reference in {str(part["$ref"]) for _, part in _parts(schema, "", 0) if "$ref" in part}:
        if reference in _reached(reference, schema):
            raise QueryError(f"The schema's {reference} refers to itself: say what it takes.")


def _parts(schema: Any, path: str, depth: int) -> Iterator[tuple[str, Mapping[str, Any]]]:  # noqa: ANN401 - JSON
    """A schema and all in it, each after what it is in, and where they are."""
    if not isinstance(schema, Mapping):
        return
    if depth > _DEEPEST:
        raise QueryError(f"The schema is nested more than {_DEEPEST} deep: name its inner parts under `$defs`.")
    yield path, schema
    for word in _NAMED:
        for name, each in schema.get(word, {}).items():
            yield from _parts(each, joined(joined(path, word), name), depth + 1)
    for word in _LISTED:
        for at, each in enumerate(schema.get(word, ())):
            yield from _parts(each, f"{joined(path, word)}[{at}]", depth + 1)
    for word in _SINGLE:
        yield from _parts(schema.get(word), joined(path, word), depth + 1)


def _holds(word: str, value: object) -> bool:
    """Whether a word of a schema may have the value."""
    if word in _NAMED:
        return isinstance(value, Mapping) and all(map(_is_schema, value.values()))
    if word in _LISTED:
        return isinstance(value, list) and all(map(_is_schema, value))
    if word in _SINGLE:
        return _is_schema(value)
    if word in _NUMBERS:
        return isinstance(value, int | float) and not isinstance(value, bool) and (word != "multipleOf" or value > 0)
    if word in _LENGTHS:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if word in _TEXTS:
        return isinstance(value, str)
    if word == "type":
        return isinstance(value, str) or (isinstance(value, list) and all(isinstance(each, str) for each in value))
    if word in ("enum", "required"):
        return isinstance(value, list) and (word == "enum" or all(isinstance(each, str) for each in value))
    return True


def _is_schema(value: object) -> bool:
    return isinstance(value, Mapping | bool)


def _reached(reference: str, root: Mapping[str, Any]) -> set[str]:
    """The references that a value has to keep to, or may, by keeping to one: without a list or an object in between."""
    reached: set[str] = set()
    waiting = [reference]
    while waiting:
        for other in _beside(referred(root, waiting.pop())):
            if other not in reached:
                reached.add(other)
                waiting.append(other)
    return reached


def _beside(schema: Any) -> Iterator[str]:  # noqa: ANN401
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            yield str(schema["$ref"])
        for word in ("anyOf", "oneOf", "allOf"):
            for choice in schema.get(word, ()):
                yield from _beside(choice)
