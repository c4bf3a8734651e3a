"""Whether a value is what a JSON schema takes: for models that know no grammar, and for what no grammar tells."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
    "array": list,
    "object": dict,
}
_READ = {"date": date.fromisoformat, "date-time": datetime.fromisoformat, "time": time.fromisoformat}


def problems(value: Any, schema: Any, root: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """What is wrong with a value: the path of a part, and why it is none that the schema takes.

    Args:
        value: JSON.
        schema: What it is to be.
        root: The schema in which references are looked up.
        path: Of the value.
    """
    if not isinstance(schema, Mapping):
        return
    if "$ref" in schema:
        yield from problems(value, referred(root, str(schema["$ref"])), root, path)
    for part in schema.get("allOf", ()):
        yield from problems(value, part, root, path)
    for union in ("anyOf", "oneOf"):
        if union in schema and all(any(problems(value, choice, root, path)) for choice in schema[union]):
            yield path, "it is none of what may stand here"
    if "const" in schema and value != schema["const"]:
        yield path, f"it has to be {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield path, f"it has to be one of {', '.join(map(str, schema['enum']))}"
    kinds = schema.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is(value, kind) for kind in kinds):
        yield path, f"it has to be of the type {' or '.join(kinds)}"
        return
    if isinstance(value, str):
        yield from ((path, why) for why in _of_text(value, schema))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from ((path, why) for why in _of_number(value, schema))
    elif isinstance(value, list):
        yield from _of_list(value, schema, root, path)
    elif isinstance(value, dict):
        yield from _of_object(value, schema, root, path)


def referred(root: Mapping[str, Any], reference: str) -> Any:  # noqa: ANN401
    """What a reference such as `#/$defs/Part` leads to; None where it leads nowhere."""
    found: Any = root
    start, *steps = reference.split("/")
    for step in steps:
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found if start == "#" else None


def _is(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES.get(kind, object))


def _of_text(value: str, schema: Mapping[str, Any]) -> Iterator[str]:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        yield f"its length is {len(value)}"
    if not _looks_like(value, schema.get("pattern", "")):
        yield f"it has to look like {schema['pattern']}"
    if schema.get("format") in _READ:
        try:
            _READ[schema["format"]](value)
        except ValueError:
            yield f"it is no {schema['format']}"


def _looks_like(value: str, pattern: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:  # other languages know other patterns
        return True


def _of_number(value: float, schema: Mapping[str, Any]) -> Iterator[str]:
    for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"):
        if name in schema and not _keeps_to(value, name, schema[name]):
            yield f"{value} does not keep to {name} {schema[name]}"


def _keeps_to(value: float, name: str, bound: float) -> bool:
    match name:
        case "minimum":
            return value >= bound
        case "maximum":
            return value <= bound
        case "exclusiveMinimum":
            return value > bound
        case "exclusiveMaximum":
            return value < bound
    return math.isclose(value / bound, round(value / bound), abs_tol=1e-9)


def _of_list(
    value: Sequence[Any], schema: Mapping[str, Any], root: Mapping[str, Any], path: str
) -> Iterator[tuple[str, str]]:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        yield path, f"it has {len(value)} items"
    if schema.get("uniqueItems") and any(item in value[:at] for at, item in enumerate(value)):
        yield path, "an item is in it twice"
    first = schema.get("prefixItems", ())
    for at, item in enumerate(value):
        yield from problems(item, first[at] if at < len(first) else schema.get("items"), root, f"{path}[{at}]")


def _of_object(
    value: Mapping[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], path: str
) -> Iterator[tuple[str, str]]:
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield joined(path, name), "it is missing"
    for name, each in value.items():
        more = schema.get("additionalProperties")
        if name not in properties and more is False:
            yield joined(path, name), "there is no such field"
        yield from problems(each, properties.get(name, more), root, joined(path, name))


def joined(path: str, name: str) -> str:
    """The path of a field of what is at a path."""
    return f"{path}.{name}" if path else name
