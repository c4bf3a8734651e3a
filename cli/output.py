"""JSON, and sizes and times as people read them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """The text without what would steer a terminal: a document's text must not move cursors or hide lines."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """The harmless text without line ends: file names and messages may hold any character."""
    return harmless(text).replace("\n", " ").replace("\t", " ")


def print_json(document: Mapping[str, Any]) -> None:
    """Prints one document: indented for people, on one line for programs."""
    _write(document, indent=2 if sys.stdout.isatty() else None)


def print_json_line(document: Mapping[str, Any]) -> None:
    """Prints one line of JSON Lines, at once."""
    _write(document, indent=None)
    sys.stdout.flush()


def readable_bytes(count: int) -> str:
    """Such as "1.4 MB"."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def readable_ms(milliseconds: float) -> str:
    """Such as "40 ms" or "1.2 s"."""
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else readable_seconds(milliseconds / 1000)


def readable_seconds(seconds: float) -> str:
    """Such as "3.2 s" or "4 min 10 s"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def counted(count: int, noun: str) -> str:
    """Such as "1 document" or "2,000 documents"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _write(document: Mapping[str, Any], *, indent: int | None) -> None:
    # JSON is UTF-8. Where the stream is not, escapes say the same.
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    text = json.dumps(document, ensure_ascii=ascii_only, allow_nan=False, indent=indent, default=_plain)
    sys.stdout.write(f"{text}\n")


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
