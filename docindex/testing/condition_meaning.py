"""What conditions mean, in plain Python, and any number of them to compare a store with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from docindex.protocols import StoredNode
from docindex.schema import And, Compare, CompareOp, Condition, Field, FieldType, MetadataValue, Not, Or

DAY = datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=UTC)


def holds(condition: Condition, stored: StoredNode) -> bool:
    """Whether a node meets a condition."""
    match condition:
        case And(parts):
            return all(holds(part, stored) for part in parts)
        case Or(parts):
            return any(holds(part, stored) for part in parts)
        case Not(part):
            return not holds(part, stored)
        case Compare(field, op, wanted):
            value = _value(field, stored)
            return value is not None and _compare(field.type, op, value, wanted)


def _value(field: Field, stored: StoredNode) -> MetadataValue | None:
    if not field.builtin:
        return stored.metadata.get(field.name)
    built_in: dict[str, MetadataValue | None] = {
        "node_id": stored.node.node_id,
        "doc_id": stored.node.doc_id,
        "source": stored.source,
        "title": stored.title,
        "media_type": stored.media_type,
        "modified_at": stored.modified_at,
        "page": stored.node.page,
        "page_label": stored.node.page_label,
        "headings": stored.node.headings,
        "level": stored.node.level,
    }
    return built_in[field.name]


def _compare(kind: FieldType, op: CompareOp, value: MetadataValue, wanted: object) -> bool:
    elements = [_plain(kind, item) for item in (value if isinstance(value, tuple) else (value,))]
    if op == "in":
        assert isinstance(wanted, tuple)
        return any(_plain(kind, item) in elements for item in wanted)
    target = _plain(kind, wanted)
    if op == "=" or (op == "contains" and kind == "list"):
        return target in elements
    if op == "!=":
        return target not in elements
    whole = _plain(kind, value)
    if op == "contains":
        return str(target) in str(whole)
    assert isinstance(whole, str | float | datetime)
    pair = (whole, target)
    return {"<": _less(*pair), "<=": not _less(*pair[::-1]), ">": _less(*pair[::-1]), ">=": not _less(*pair)}[op]


def _less(left: object, right: object) -> bool:
    return bool(left < right)  # type: ignore[operator]  # of the same type: `_plain` made them


def _plain(kind: FieldType, value: object) -> object:
    if kind == "number":
        assert isinstance(value, int | float)
        return float(value)
    if kind in ("text", "list"):
        return _text(value)
    return value


def _text(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")
        case tuple():
            return ", ".join(value)
    return str(value)


HOSTILE = (
    "it's",
    '"',
    "\\",
    "\\'",
    "''",
    "a' OR 'a'='a",
    "'; DROP TABLE nodes; --",
    "/* */",
    "%_",
    "\0",
    "\n\t",
    "é",
    "e\u0301",
    "日本語",
    "🦆",
    "$.a[0]",
    "a=b",
    "a#b",
    "",
    " ",
    "null",
    "true",
    "5",
    "x" * 300,
)

_TEXTS = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
_NUMBERS = st.sampled_from((0, 1, -1, 2.5, 1e300, -1e300, 2**53, 2**70, -0.0, 0.1)) | st.integers(-3, 12)
_DATES = st.sampled_from((DAY, DAY + timedelta(microseconds=1), DAY.astimezone(UTC), datetime(1, 1, 1, tzinfo=UTC)))
_VALUES: dict[FieldType, st.SearchStrategy[str | int | float | bool | datetime]] = {
    "text": _TEXTS,
    "number": _NUMBERS,
    "boolean": st.booleans(),
    "date": _DATES,
    "list": _TEXTS,
}
_OPS: dict[FieldType, tuple[CompareOp, ...]] = {
    "text": ("=", "!=", "<", "<=", ">", ">=", "in", "contains"),
    "number": ("=", "!=", "<", "<=", ">", ">=", "in"),
    "boolean": ("=", "!=", "in"),
    "date": ("=", "!=", "<", "<=", ">", ">=", "in"),
    "list": ("=", "!=", "in", "contains"),
}


def conditions(fields: Sequence[Field]) -> st.SearchStrategy[Condition]:
    """Any condition over these fields."""

    @st.composite
    def compare(draw: st.DrawFn) -> Compare:
        field = draw(st.sampled_from(fields))
        op = draw(st.sampled_from(_OPS[field.type]))
        values = _VALUES[field.type]
        return Compare(field, op, tuple(draw(st.lists(values, max_size=3))) if op == "in" else draw(values))

    def joined(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        several = st.lists(parts, max_size=3).map(tuple)
        return st.builds(And, several) | st.builds(Or, several) | st.builds(Not, parts)

    leaves: st.SearchStrategy[Condition] = compare()
    return st.recursive(leaves, joined, max_leaves=6)


def hostile_metadata(i: int, text: str) -> dict[str, MetadataValue]:
    """Fields of every type, present in some documents, with names and values that try to break out."""
    found: dict[str, MetadataValue] = {"text": text, "a'b\"c\\": text, "list": (text, "x" * (i % 3))}
    if i % 2:
        found |= {"number": i / 2, "big": 2**60 + i, "when": DAY + timedelta(microseconds=i), "flag": i % 3 == 0}
    if i % 5 == 0:
        found["mixed"] = (i, text, DAY, True, (text, "y"), math.pi)[i // 5 % 6]
    return found
