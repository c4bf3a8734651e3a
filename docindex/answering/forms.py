"""Forms: what a schema asks for, as a model is asked for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from docindex.llm.schema_check import referred

_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "object",
}
_DEEPEST = 4
"""Forms in forms in forms are told of so far; the grammar goes on."""
NULL: Mapping[str, Any] = {"type": "null"}


def as_form(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """The schema of what is filled in: any field may be null or not be there, which the check is to make sense of."""
    if isinstance(schema, list):
        return [as_form(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    form = {key: value for key, value in schema.items() if key not in ("default", "required")}
    for key, value in form.items():
        if key in ("$defs", "definitions"):
            form[key] = {name: as_form(each) for name, each in value.items()}
        elif key == "properties":
            form[key] = {name: _or_null(as_form(each)) for name, each in value.items()}
        elif key in ("items", "prefixItems", "anyOf", "oneOf", "allOf", "additionalProperties"):
            form[key] = as_form(value)
    return form


def takes_null(schema: Any, root: Mapping[str, Any]) -> bool:  # noqa: ANN401
    """Whether a field may be null."""
    if not isinstance(schema, Mapping):
        return True
    if "$ref" in schema:
        return takes_null(referred(root, str(schema["$ref"])), root)
    if any(takes_null(choice, root) for union in ("anyOf", "oneOf") for choice in schema.get(union, ())):
        return True
    kind = schema.get("type")
    return kind == "null" or (isinstance(kind, list) and "null" in kind) or None in schema.get("enum", ())


def field_lines(
    schema: Any,  # noqa: ANN401
    root: Mapping[str, Any],
    depth: int = 0,
    within: frozenset[str] = frozenset(),
) -> Iterator[str]:
    """A line for each field: its name, what it takes, and what is said about it; those in it stand below, indented.

    `within` are the references that it is in, up to the next field: a list of itself is told of once.
    """
    while isinstance(schema, Mapping) and "$ref" in schema:
        reference = str(schema["$ref"])
        if reference in within:
            return
        schema, within = referred(root, reference), within | {reference}
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return
    for union in ("anyOf", "oneOf", "allOf"):
        for choice in schema.get(union, ()):
            yield from field_lines(choice, root, depth, within)
    if "items" in schema:
        yield from field_lines(schema["items"], root, depth, within)
    for name, each in schema.get("properties", {}).items():
        said = " ".join(each.get("description", "").split())
        yield f"{'  ' * depth}- {name}: {_kind(each, root)}{f' ({said})' if said else ''}"
        yield from field_lines(each, root, depth + 1)


def _kind(schema: Any, root: Mapping[str, Any]) -> str:  # noqa: ANN401
    """What a field takes, in words."""
    if not isinstance(schema, Mapping):
        return "value"
    if "$ref" in schema:
        return _kind(referred(root, str(schema["$ref"])), root)
    if "enum" in schema or "const" in schema:
        return " or ".join(str(value) for value in schema.get("enum", [schema.get("const")]))
    for union in ("anyOf", "oneOf"):
        if union in schema:
            kinds = [_kind(choice, root) for choice in schema[union] if choice != NULL]
            return " or ".join(dict.fromkeys(kinds))
    kind = schema.get("type")
    kinds = [str(each) for each in (kind if isinstance(kind, list) else [kind]) if each != "null"]
    return str(schema.get("format") or " or ".join(_KINDS.get(each, "value") for each in kinds))


def _or_null(schema: Any) -> Any:  # noqa: ANN401
    if isinstance(schema, Mapping) and ("const" in schema or NULL in schema.get("anyOf", ())):
        return schema
    said = {"description": schema["description"]} if isinstance(schema, Mapping) and "description" in schema else {}
    return {"anyOf": [schema, NULL], **said}
