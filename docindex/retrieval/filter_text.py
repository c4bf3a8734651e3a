"""A condition as a filter would state it, for people to read."""

from __future__ import annotations

import re
from datetime import datetime

from docindex.schema import And, Compare, Condition, Field, Not, Or

_VALUES = 5
"""So many of the values of an IN are shown: a stage may look into hundreds of passages by their ids."""
_PLAIN = re.compile(r"(?!(?:and|or|not|in|contains)$)[\w.-]+", re.IGNORECASE)
"""Names that need no quotes."""


def filter_text(condition: Condition) -> str:
    """What the condition says, in the language of `--filter`; of a long list of values, the first ones."""
    match condition:
        case And(parts):
            return " AND ".join(map(_enclosed, parts))
        case Or(parts):
            return " OR ".join(map(_enclosed, parts))
        case Not(part):
            return f"NOT {_enclosed(part)}"
        case Compare(field, "in", tuple(values)):
            shown = [_value(value) for value in values[:_VALUES]]
            shown += [f"and {len(values) - _VALUES} more"] if len(values) > _VALUES else []
            return f"{_name(field)} IN ({', '.join(shown)})"
        case Compare(field, op, value):
            return f"{_name(field)} {op.upper()} {_value(value)}"


def _enclosed(condition: Condition) -> str:
    text = filter_text(condition)
    return text if isinstance(condition, Compare | Not) else f"({text})"


def _name(field: Field) -> str:
    return field.name if _PLAIN.fullmatch(field.name) else _quoted(field.name, '"')


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        return _quoted(value, "'")
    return str(value)


def _quoted(text: str, quote: str) -> str:
    return quote + text.replace("\\", "\\\\").replace(quote, 2 * quote) + quote
