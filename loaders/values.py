"""Metadata values: what a string says, and what of a parsed value can be kept."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from docindex.loaders.decoding import clean
from docindex.schema import MetadataValue

LONGEST_STRING = 1000
"""Characters; a longer string is text, not metadata."""

_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?")
_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,15})\.\d{1,15}")


def iso_datetime(text: str) -> datetime | None:
    """The moment that an ISO 8601 date or time names, in UTC; a time without a zone is taken as UTC."""
    if not _ISO_DATE.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def typed(text: str) -> str | int | float | bool | datetime:
    """What an untyped cell says. A number that would not print as it stands, such as 007, stays a string."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _INTEGER.fullmatch(text) and text != "-0":
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return iso_datetime(text) or text


def metadata_value(value: object) -> MetadataValue | None:
    """The value as metadata holds it, or None for what it can't hold: nothing, objects, very long strings."""
    match value:
        case bool():
            return value
        case int():
            return value if -(2**63) <= value < 2**63 else str(value)
        case float():
            return value if math.isfinite(value) else None
        case datetime():
            return value
        case str():
            text = clean(value)
            return None if not text or len(text) > LONGEST_STRING else iso_datetime(text) or text
        case list() | tuple():
            return tuple(clean(str(item)) for item in value if item is not None) or None
        case _:
            return None
