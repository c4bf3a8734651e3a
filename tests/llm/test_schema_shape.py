from __future__ import annotations

from typing import Any

import pytest

from docindex.errors import QueryError
from docindex.llm.schema_shape import refuse_unusable


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


JSON = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#/$defs/J"}}]}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"properties": {"x": True}, "additionalProperties": False},
        {"properties": {"x": {"$ref": "#/$defs/J"}}, "$defs": {"J": JSON}},
        {"properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}},
        {"properties": {"enum": {"type": "string"}, "$ref": {"type": ["integer", "null"], "minimum": 0.5}}},
        nested(60),
    ],
)
def test_what_can_be_followed_is_let_pass(schema: dict[str, Any]):
    refuse_unusable(schema)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"properties": ["x"]}, "properties is"),
        ({"properties": {"x": {"properties": {"y": {"enum": 3}}}}}, "properties.x.properties.y.enum is 3"),
        ({"anyOf": {}}, "anyOf"),
        ({"oneOf": [{"items": 3}]}, r"oneOf\[0\].items is 3"),
        ({"type": 5}, "type is 5"),
        ({"maxLength": "long"}, "maxLength is 'long'"),
        ({"multipleOf": 0}, "multipleOf is 0"),
        ({"required": "x"}, "required is 'x'"),
        ({"$ref": 7}, "ref is 7"),
        ({"$ref": "#"}, "refers to itself"),
        ({"$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"allOf": [{"$ref": "#/$defs/A"}]}}}, "refers to itself"),
        ({"$defs": {"A": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/A"}]}}}, "refers to itself"),
        (nested(1000), "nested more than"),
    ],
)
def test_what_cant_be_followed_is_refused_with_its_place(schema: dict[str, Any], message: str):
    with pytest.raises(QueryError, match=message):
        refuse_unusable(schema)
