"""How metadata is written: exactly in the registry, and for filters in the nodes table.

A node carries its document's metadata twice. `labels` is a list of strings for what an index answers: "key" says that
the field is there, "key=value" what it equals. `filter_json` is an object for the other comparisons. Each value stands
there under a prefix that tells its type ("n:" numbers, "d:" dates, "s:" the text of any value), so that reading a key
as a number can't fail, whatever other documents hold under the same name.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from docindex.schema import Field, digest

if TYPE_CHECKING:
    from docindex.schema import FieldType, MetadataValue

Scalar = str | int | float | bool | datetime

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - EPOCH) // MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MICROSECOND
LABEL_LIMIT = 256
"""Longer values are labelled by their digest: an index entry need not repeat a whole text."""


def storable(text: str) -> str:
    """The text as it can be written: one from a terminal may hold what is no character."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def field_type(value: MetadataValue) -> FieldType:
    """The type of the field that holds the value."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, datetime):
        return "date"
    return "list" if isinstance(value, tuple) else "text"


def common_field(name: str, types: Iterable[FieldType]) -> Field:
    """The metadata field that documents use with these types: a text when they disagree."""
    found = frozenset(types)
    agreed = next(iter(found)) if len(found) == 1 else None
    return Field(name, agreed or "text", builtin=False, also=frozenset() if agreed else found - {"text"})


# --- times ----------------------------------------------------------------------------------------------------------


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 in UTC; a time without a zone counts as UTC."""
    micros = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // MICROSECOND
    return max(_FIRST, min(_LAST, micros))  # a zone can put the ends of the calendar outside of it


def from_micros(micros: int) -> datetime:
    """The time back, in UTC."""
    return EPOCH + micros * MICROSECOND


def date_text(moment: datetime) -> str:
    """The time in UTC, always of the same length: texts compare as the times do."""
    return from_micros(to_micros(moment)).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


# --- filters --------------------------------------------------------------------------------------------------------


def value_text(value: MetadataValue) -> str:
    """The value as text: what a field of mixed types compares."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number_text(value)
    if isinstance(value, datetime):
        return date_text(value)
    return ", ".join(value) if isinstance(value, tuple) else value


def as_float(value: float) -> float:
    """The number as filters compare it: a 64-bit float, infinite where an integer is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def label(name: str, value: Scalar) -> str:
    """What a node's labels hold when the field equals the value, or has it in its list."""
    text = value_text(value)
    return f"{presence(name)}={text}" if len(text) <= LABEL_LIMIT else f"{presence(name)}#{digest(text)}"


def presence(name: str) -> str:
    """What a node's labels hold when it has the field."""
    return name.replace("%", "%25").replace("=", "%3D").replace("#", "%23")


def labels(metadata: Mapping[str, MetadataValue]) -> list[str]:
    """All labels of a node."""
    found: list[str] = []
    for name, value in metadata.items():
        found.append(presence(name))
        found.extend(label(name, item) for item in (value if isinstance(value, tuple) else (value,)))
    return list(dict.fromkeys(found))


def filter_json(metadata: Mapping[str, MetadataValue]) -> str:
    """The JSON object that ordering and substring comparisons read."""
    found: dict[str, str | float] = {}
    for name, value in metadata.items():
        found[f"s:{name}"] = value_text(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = as_float(value)
            if not math.isnan(number):
                found[f"n:{name}"] = max(-sys.float_info.max, min(sys.float_info.max, number))
        elif isinstance(value, datetime):
            found[f"d:{name}"] = date_text(value)
    return json.dumps(found)


def _number_text(value: float) -> str:
    number = as_float(value)
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)


# --- the registry ---------------------------------------------------------------------------------------------------


def metadata_to_json(metadata: Mapping[str, MetadataValue]) -> dict[str, object]:
    """The metadata as JSON values that keep their types."""
    return {name: _tagged(value) for name, value in metadata.items()}


def metadata_from_json(saved: Mapping[str, object]) -> dict[str, MetadataValue]:
    """The metadata back from its saved form."""
    return {name: _untagged(value) for name, value in saved.items()}


def _tagged(value: MetadataValue) -> object:
    if isinstance(value, datetime):
        return {"date": to_micros(value)}
    return list(value) if isinstance(value, tuple) else value


def _untagged(value: object) -> MetadataValue:
    if isinstance(value, dict):
        return from_micros(value["date"])
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, str | int | float):
        return value
    raise TypeError(f"{value!r} is no metadata value")
