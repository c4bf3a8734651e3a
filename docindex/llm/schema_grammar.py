"""JSON schemas as grammars: a model that is held to one can write nothing that the schema does not take."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from docindex.errors import QueryError
from docindex.llm.gbnf_numbers import FRACTION, integers, naturals, repeated

_COMMA, _COLON = '"," " "?', '":" " "?'
"""Space stands after these alone, and one at most: a model that may write more of it at times goes on with that."""
_CHAR = r"""[^"\\\x00-\x1F\x7F] | "\\" ( ["\\/bfnrt] | "u" ( unit | high "\\u" low ) )"""
"""No raw line breaks, and no half of a surrogate pair."""
_SHARED = {
    "char": _CHAR,
    "unit": "[0-9a-ce-fA-CE-F] hex{3} | [dD] [0-7] hex{2}",
    "high": "[dD] [89abAB] hex{2}",
    "low": "[dD] [c-fC-F] hex{2}",
    "hex": "[0-9a-fA-F]",
    "string": r'"\"" char* "\""',
    "number": f'"-"? {naturals(0, None)} {FRACTION}',
    "literal": '"true" | "false" | "null"',
    "any": "string | number | literal | list | map",
    "list": f'"[" ( any ( {_COMMA} any )* )? "]"',
    "map": f'"{{" ( string {_COLON} any ( {_COMMA} string {_COLON} any )* )? "}}"',
    "day": '[0-9]{4} "-" ( "0" [1-9] | "1" [0-2] ) "-" ( "0" [1-9] | [12] [0-9] | "3" [01] )',
    "clock": '( [01] [0-9] | "2" [0-3] ) ":" [0-5] [0-9] ":" [0-5] [0-9] ( "." [0-9]{1,6} )?',
    "zone": '"Z" | [-+] ( [01] [0-9] | "2" [0-3] ) ":" [0-5] [0-9]',
}
_FORMATS = {
    "date": "day",
    "time": "clock zone?",
    "date-time": "( day [T ] clock zone? )",
    "uuid": 'hex{8} "-" hex{4} "-" hex{4} "-" hex{4} "-" hex{12}',
}


def schema_grammar(
    schema: Mapping[str, Any],
    *,
    longest: int | None = None,
    most_items: int | None = None,
    every_field: bool = False,
) -> str:
    """GBNF whose rule `root` takes the JSON of the schema's values, in one line, properties in the schema's order.

    Bounds of whole numbers and of lengths, dates and the like are held to. What a grammar can't tell is left to whoever
    validates the value: patterns, bounds of fractions, items that differ, other formats.

    Args:
        schema: A JSON schema, as Pydantic makes it or as people write it.
        longest: Of strings whose length the schema does not bound, in code points; None bounds them not.
        most_items: Of lists whose length the schema does not bound.
        every_field: Properties that may be left out have to be there, too.

    Raises:
        QueryError: The schema has what no grammar can be made of.
    """
    rules = _Rules(schema, longest, most_items, every_field)
    return rules.text(rules.value(schema))


class _Rules:
    """The rules of one grammar, each body once."""

    def __init__(
        self, schema: Mapping[str, Any], longest: int | None, most_items: int | None, every_field: bool
    ) -> None:
        self._schema = schema
        self._longest = longest
        self._most_items = most_items
        self._every_field = every_field
        self._names: dict[str, str] = {}
        self._bodies: dict[str, str] = {}
        self._references: dict[str, str] = {}

    def text(self, root: str) -> str:
        """All of the grammar."""
        needed = {"root": root} | self._bodies
        while missing := self._mentioned(needed) - needed.keys():
            needed |= {name: _SHARED[name] for name in sorted(missing)}
        return "".join(f"{name} ::= {body}\n" for name, body in needed.items())

    def value(self, schema: Any) -> str:  # noqa: ANN401 - JSON
        """What takes the values of a schema: a name, or something that can stand among others like one."""
        if schema is True or schema == {}:
            return "any"
        if not isinstance(schema, Mapping):
            raise QueryError(f"A schema takes {schema!r}: give an object that says what it takes.")
        if "$ref" in schema:
            return self._reference(str(schema["$ref"]))
        if "const" in schema:
            return _literal(schema["const"])
        if "enum" in schema:
            return _either([_literal(value) for value in schema["enum"]])
        for union in ("anyOf", "oneOf"):
            if union in schema:
                return self._rule(_either([self.value(choice) for choice in schema[union]]))
        if "allOf" in schema:
            return self.value(self._merged(schema))
        kind = schema.get("type") or _implied(schema)
        if isinstance(kind, list):
            return self._rule(_either([self.value({**schema, "type": each}) for each in kind]))
        return self._of_type(kind, schema)

    def _of_type(self, kind: object, schema: Mapping[str, Any]) -> str:
        match kind:
            case "string":
                return self._string(schema)
            case "integer":
                low, high = _bounds(schema)
                if low is not None and high is not None and low > high:
                    raise QueryError(f"A schema takes whole numbers from {low} to {high}: there are none.")
                return self._rule(integers(low, high))
            case "number":
                low = min((schema[name] for name in ("minimum", "exclusiveMinimum") if name in schema), default=-1)
                return "number" if low < 0 else self._rule(f"{naturals(0, None)} {FRACTION}")
            case "boolean":
                return '( "true" | "false" )'
            case "null":
                return '"null"'
            case "array":
                return self._array(schema)
            case "object":
                return self._object(schema)
            case None:
                return "any"
        raise QueryError(
            f"A schema has the type {kind!r}: JSON knows string, number, integer, boolean, array, object, null."
        )

    def _string(self, schema: Mapping[str, Any]) -> str:
        if schema.get("format") in _FORMATS:
            return self._rule(rf'"\"" {_FORMATS[schema["format"]]} "\""')
        low, high = _limits(schema, "minLength", "maxLength", self._longest)
        if not low and high is None:
            return "string"
        return self._rule(rf'"\"" {repeated("char", low, high)} "\""')

    def _array(self, schema: Mapping[str, Any]) -> str:
        first = [self.value(each) for each in schema.get("prefixItems", ())]
        low, high = _limits(schema, "minItems", "maxItems", self._most_items)
        low, high = max(0, low - len(first)), None if high is None else max(0, high - len(first))
        items = schema.get("items", not first)
        more = None if items is False or high == 0 else self.value(items)
        if first:
            rest = "" if more is None else repeated(f"( {_COMMA} {more} )", low, high)
            return self._rule(f'"[" {f" {_COMMA} ".join(first)} {rest} "]"')
        if more is None:
            return '"[]"'
        inner = f"{more} {repeated(f'( {_COMMA} {more} )', max(0, low - 1), None if high is None else high - 1)}"
        return self._rule(f'"[" {inner} "]"' if low else f'"[" ( {inner} )? "]"')

    def _object(self, schema: Mapping[str, Any]) -> str:
        properties = schema.get("properties")
        if properties is None:
            more = schema.get("additionalProperties", True)
            if more is False:
                return '"{}"'
            pair = f"string {_COLON} {self.value(more)}"
            low, high = _limits(schema, "minProperties", "maxProperties", self._most_items)
            if high == 0:
                return '"{}"'
            high = None if high is None else high - 1
            inner = f"{pair} {repeated(f'( {_COMMA} {pair} )', max(0, low - 1), high)}"
            return self._rule(f'"{{" {inner} "}}"' if low else f'"{{" ( {inner} )? "}}"')
        required = properties if self._every_field else schema.get("required", ())
        pairs = [
            (f"{_literal(name)} {_COLON} {self.value(each)}", name in required) for name, each in properties.items()
        ]
        return self._rule(f'"{{" {self._members(pairs)} "}}"')

    def _members(self, pairs: Sequence[tuple[str, bool]]) -> str:
        """The pairs in their order; those that need not be there may be left out, and no comma stands alone."""
        rest = [""]  # what may follow the last, the last but one, ... of the pairs
        for pair, needed in reversed(pairs[1:]):
            one = f"{_COMMA} {pair}" if needed else f"( {_COMMA} {pair} )?"
            rest.append(self._rule(f"{one} {rest[-1]}".strip()))
        beginnings = []
        for (pair, needed), tail in zip(pairs, reversed(rest), strict=bool(pairs)):
            beginnings.append(f"{pair} {tail}".strip())
            if needed:
                return _either(beginnings)
        return f"( {' | '.join(beginnings)} )?" if beginnings else ""

    def _reference(self, reference: str) -> str:
        if reference not in self._references:
            self._references[reference] = name = f"ref-{len(self._references)}"
            body = self.value(self._target(reference))
            if body == name:
                raise QueryError(f"The schema's {reference} refers to itself: say what it takes.")
            self._bodies[name] = body
        return self._references[reference]

    def _target(self, reference: str) -> Any:  # noqa: ANN401
        found: Any = self._schema
        root, *steps = reference.split("/")
        for step in steps:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        if root != "#" or found is None:
            raise QueryError(f"The schema refers to {reference}, which is not in it: put it under `$defs`.")
        return found

    def _merged(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a schema and all that it is made of say together."""
        merged: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            while isinstance(part, Mapping) and "$ref" in part:
                part = self._target(str(part["$ref"]))
            for key, value in part.items():
                if key == "properties":
                    merged[key] = {**merged.get(key, {}), **value}
                elif key == "required":
                    merged[key] = [*merged.get(key, ()), *value]
                else:
                    merged.setdefault(key, value)
        return merged

    def _rule(self, body: str) -> str:
        if body not in self._names:
            self._names[body] = f"r{len(self._names)}"
            self._bodies[self._names[body]] = body
        return self._names[body]

    @staticmethod
    def _mentioned(rules: Mapping[str, str]) -> set[str]:
        """Of the shared rules, those that others ask for."""
        words = {word for body in rules.values() for word in body.replace("*", " ").replace("?", " ").split()}
        return {word.partition("{")[0].rstrip("+") for word in words} & _SHARED.keys()


def _implied(schema: Mapping[str, Any]) -> str | None:
    """The type that a schema's words are about, where it does not say it."""
    for kind, words in (
        ("object", ("properties", "additionalProperties", "required")),
        ("array", ("items", "prefixItems", "minItems", "maxItems")),
        ("string", ("minLength", "maxLength", "pattern", "format")),
        ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
    ):
        if any(word in schema for word in words):
            return kind
    return None


def _bounds(schema: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """The least and the largest whole number that a schema takes."""
    lows = [math.ceil(schema["minimum"])] if "minimum" in schema else []
    lows += [math.floor(schema["exclusiveMinimum"]) + 1] if "exclusiveMinimum" in schema else []
    highs = [math.floor(schema["maximum"])] if "maximum" in schema else []
    highs += [math.ceil(schema["exclusiveMaximum"]) - 1] if "exclusiveMaximum" in schema else []
    return max(lows, default=None), min(highs, default=None)


def _limits(schema: Mapping[str, Any], least: str, most: str, usual: int | None) -> tuple[int, int | None]:
    """How long what a schema takes is at the least and at most; a usual length gives way to the least."""
    low = schema.get(least, 0)
    if most not in schema:
        return low, None if usual is None else max(usual, low)
    high = schema[most]
    if low > high:
        raise QueryError(f"A schema has {least} {low} and {most} {high}: nothing keeps to both.")
    return low, high


def _literal(value: object) -> str:
    """The JSON of a value, as itself."""
    text = json.dumps(value, ensure_ascii=False).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _either(choices: Sequence[str]) -> str:
    if not choices:
        raise QueryError("A schema has a choice of nothing: say what it takes.")
    return choices[0] if len(choices) == 1 else f"( {' | '.join(choices)} )"
