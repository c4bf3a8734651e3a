"""A filled-in form, of which only what the sources bear out is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from docindex.answering.evidence import Evidence
from docindex.answering.forms import as_form, takes_null
from docindex.answering.quotes import SourceSentence
from docindex.llm.schema_check import joined, problems, referred
from docindex.schema import JsonValue


class Nothing(Enum):
    """What is left of a value that no source bears out."""

    NOTHING = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """A value, or what is left of it."""

    value: JsonValue | Nothing
    proofs: Mapping[str, SourceSentence] = field(default_factory=dict)
    """For the paths of its fields, what bears them out."""
    missing: tuple[str, ...] = ()
    """The fields for want of which there is no value."""
    left_out: tuple[str, ...] = ()
    """The fields and items that it can do without, and that were given and are not borne out."""


@dataclass(frozen=True, slots=True)
class _Label:
    """What a field is called, with the fields that it is in, and what is said about it."""

    names: str = ""
    said: str = ""

    def of(self, name: str, schema: Any) -> _Label:  # noqa: ANN401
        """Of a field in the field."""
        said = schema.get("description", "") if isinstance(schema, Mapping) else ""
        return _Label(f"{self.names} {name}".strip(), said)


class FieldCheck:
    """Holds the fields of a form against the sources."""

    def __init__(self, evidence: Evidence, schema: Mapping[str, Any]) -> None:
        self._evidence = evidence
        self._schema = schema
        self._form = as_form(schema)

    def kept(self, value: JsonValue) -> Kept:
        """What of a value of the schema is borne out, each field by itself.

        A field that is not is null where it may be, takes its default where it has one, and is missing otherwise. Items
        of a list that are not are taken out of it.
        """
        return self._part(value, self._schema, "", _Label())

    def unwritten(self, value: JsonValue, depth: int) -> tuple[str, ...]:
        """The paths of what a form that was cut off lacks: its fields, and the next items of its lists.

        The cut is in the last `depth` parts, each the last one in the one before.
        """
        found: list[str] = []
        schema: Any = self._schema
        path = ""
        for _ in range(depth):
            schema = self._chosen(value, schema)
            match value:
                case dict():
                    fields = schema.get("properties", {})
                    found += [joined(path, name) for name in fields if name not in value]
                    if not value:
                        break
                    name, value = next(reversed(value.items()))
                    path, schema = joined(path, name), fields.get(name, schema.get("additionalProperties", {}))
                case list():
                    found.append(f"{path}[{len(value)}]")
                    if not value:
                        break
                    at, first = len(value) - 1, schema.get("prefixItems", ())
                    path, schema = f"{path}[{at}]", first[at] if at < len(first) else schema.get("items", {})
                    value = value[at]
        return tuple(found)

    def _part(self, value: JsonValue, schema: Any, path: str, label: _Label) -> Kept:  # noqa: ANN401 - JSON
        schema = self._chosen(value, schema)
        match value:
            case None:
                return Kept(None)
            case dict():
                if "properties" in schema:
                    return self._object(value, schema, path, label)
                return self._map(value, schema, path, label)
            case list():
                return self._list(value, schema, path, label)
            case str() | int() | float():
                if "const" in schema:
                    return Kept(value)  # nobody chose it
                proof = self._evidence.of(value, f"{label.names} {label.said}")
                return Kept(Nothing.NOTHING, missing=(path,)) if proof is None else Kept(value, {path: proof})
        raise AssertionError(f"{type(value).__name__} is no JSON")

    def _object(self, value: Mapping[str, JsonValue], schema: Mapping[str, Any], path: str, label: _Label) -> Kept:
        kept: dict[str, JsonValue] = {}
        found = _Gathered()
        required = schema.get("required", ())
        for name, each in schema["properties"].items():
            at, given = joined(path, name), value.get(name)
            part = Kept(None) if given is None else self._part(given, each, at, label.of(name, each))
            if part.value is not None and not isinstance(part.value, Nothing):
                kept[name] = part.value
                found.add(part)
                continue
            if name not in required:
                found.leave(at, given)
            elif takes_null(each, self._schema):
                kept[name] = None
                found.leave(at, given)
            else:
                found.missing += part.missing or (at,)
        return found.over(kept)

    def _map(self, value: Mapping[str, JsonValue], schema: Mapping[str, Any], path: str, label: _Label) -> Kept:
        kept: dict[str, JsonValue] = {}
        found = _Gathered()
        for name, each in value.items():
            at = joined(path, name)
            of_each = schema.get("additionalProperties", {})
            part = self._part(each, of_each, at, label.of(name, of_each))
            if isinstance(part.value, Nothing):
                found.leave(at, each)
            else:
                kept[name] = part.value
                found.add(part)
        return found.over(kept)

    def _list(self, value: Sequence[JsonValue], schema: Mapping[str, Any], path: str, label: _Label) -> Kept:
        kept: list[JsonValue] = []
        found = _Gathered()
        first = schema.get("prefixItems", ())
        for at, item in enumerate(value):
            of_item = first[at] if at < len(first) else schema.get("items", {})
            part = self._part(item, of_item, f"{path}[{len(kept)}]", label)
            if not isinstance(part.value, Nothing):
                kept.append(part.value)
                found.add(part)
            elif at < len(first):
                found.missing += part.missing
            else:
                found.leave(f"{path}[{at}]", item)
        if len(kept) < schema.get("minItems", 0) or (value and not kept):
            found.missing += (path,)
        return found.over(kept)

    def _chosen(self, value: JsonValue, schema: Any) -> Mapping[str, Any]:  # noqa: ANN401
        """The schema that the value is one of, where there are several."""
        while isinstance(schema, Mapping):
            if "$ref" in schema:
                schema = referred(self._schema, str(schema["$ref"]))
            elif choices := schema.get("anyOf") or schema.get("oneOf"):
                fitting = (each for each in choices if not any(problems(value, as_form(each), self._form)))
                schema = next(fitting, {})
            elif len(schema.get("allOf", ())) == 1:
                schema = schema["allOf"][0]
            else:
                return schema
        return {}


class _Gathered:
    """What becomes of the parts of a value."""

    def __init__(self) -> None:
        self.missing: tuple[str, ...] = ()
        self._proofs: dict[str, SourceSentence] = {}
        self._left_out: tuple[str, ...] = ()

    def add(self, part: Kept) -> None:
        """A part that is kept."""
        self._proofs |= part.proofs
        self._left_out += part.left_out

    def leave(self, path: str, given: JsonValue) -> None:
        """A part that the value can do without."""
        if given is not None:
            self._left_out += (path,)

    def over(self, kept: JsonValue) -> Kept:
        """The value, if nothing that it needs is missing."""
        if self.missing:
            return Kept(Nothing.NOTHING, missing=self.missing)
        return Kept(kept, self._proofs, left_out=self._left_out)
