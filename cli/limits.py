"""What a file may cost, as `--limit` says it."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from typing import Any

from docindex.errors import ConfigError
from docindex.schema import Limits

NAMES = tuple(field.name for field in dataclasses.fields(Limits))
LIMIT_HELP = (
    "What a file may cost, such as pages=100000 or file_bytes=4GB: "
    f"{', '.join(NAMES[:-1])} or {NAMES[-1]}. May be repeated."
)

_LEAST = {"seconds": 1, "depth": 0}
"""Of the others it is 1."""
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_BYTES = re.compile(r"(\d{1,18}(?:\.\d{1,9})?)[ ]?([kmgt]i?|)b?", re.IGNORECASE | re.ASCII)


def limits_of(given: Sequence[str], seconds: float | None = None) -> Limits:
    """The limits that are given as NAME=VALUE, and the default of the others.

    Args:
        given: Bytes may have a unit, such as "500MB" or "4GiB"; of a name that comes twice the last value holds.
        seconds: What `--max-seconds` says.

    Raises:
        ConfigError: A limit is unknown, or its value is out of range.
    """
    values: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if name not in NAMES:
            raise ConfigError(f"There is no limit {name!r}: the limits are {', '.join(NAMES)}.")
        if not equals:
            raise ConfigError(f"--limit {text} has no value: give --limit {name}=N.")
        values[name] = _value(name, value.strip())
    if seconds is not None and values.setdefault("seconds", seconds) != seconds:
        raise ConfigError("There are two limits on the seconds: give --max-seconds or --limit seconds=N.")
    return Limits(**values)


def _value(name: str, text: str) -> float:
    found: float | None
    if name.endswith("_bytes"):
        found, kind = bytes_of(text), "a size such as 500MB or 4GiB"
    elif name == "seconds":
        found, kind = _seconds(text), "a number of seconds"
    else:
        found, kind = _whole(text), "a whole number"
    least = _LEAST.get(name, 1)
    if found is None or found < least:
        raise ConfigError(f"--limit {name}={text} is out of range: give {kind}, {least} or more.")
    return found


def bytes_of(text: str) -> int | None:
    """The size that a text such as "4096", "500MB" or "4GiB" states; None where it states none."""
    size = _BYTES.fullmatch(text)
    return round(float(size[1]) * _UNITS[size[2].lower()]) if size else None


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return None if math.isnan(seconds) else seconds


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
