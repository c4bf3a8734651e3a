"""The metadata block that may open a Markdown file: YAML between `---` lines or TOML between `+++` lines."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from docindex.loaders.values import metadata_value, typed
from docindex.schema import MetadataValue

_BLOCK = re.compile(r"(---|\+\+\+)[ \t]*\n(.*?)^(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_PAIR = re.compile(r"([A-Za-z_][\w.-]*)[ \t]*:(?:[ \t]+(.*))?")
_ITEM = re.compile(r"[ \t]*-[ \t]+(.+)")
_NESTED_ITEM = re.compile(r"[{\[&*!|>]|[\w-]+:[ \t]")
_NOT_SIMPLE = ("{", "|", ">", "&", "*", "!", "@", "`", "%")


@dataclass(slots=True)
class FrontMatter:
    """What the block says."""

    end: int = 0
    """Where the Markdown begins; 0 when there is no block."""
    metadata: dict[str, MetadataValue] = field(default_factory=dict)
    whole: bool = True
    """Everything in the block is in the metadata; otherwise the block has to stay in the text."""


def read_front_matter(text: str) -> FrontMatter:
    """The block that opens the text.

    Of YAML only `name: value`, `name: [a, b]` and lists of plain items are read.
    """
    block = _BLOCK.match(text)
    if block is None:
        return FrontMatter()
    found = FrontMatter(block.end())
    if block[1] == "+++":
        _read_toml(block[2], found)
    else:
        _read_yaml(block[2].split("\n"), found)
    return found if found.metadata else FrontMatter()


def _read_toml(lines: str, found: FrontMatter) -> None:
    try:
        table = tomllib.loads(lines)
    except (ValueError, RecursionError):  # no TOML, or an integer of thousands of digits
        found.whole = False
    else:
        _take_table(table, "", found)


def _take_table(table: Mapping[str, object], prefix: str, found: FrontMatter) -> None:
    for key, value in table.items():
        if isinstance(value, dict):
            _take_table(value, f"{prefix}{key}.", found)
        elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
            found.whole = False
        else:
            _keep(f"{prefix}{key}", _moment(value), found)


def _moment(value: object) -> object:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return datetime(value.year, value.month, value.day, tzinfo=UTC) if isinstance(value, date) else value


def _read_yaml(lines: list[str], found: FrontMatter) -> None:
    lists: dict[str, list[str]] = {}
    key = ""
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        item, pair = _ITEM.fullmatch(line), _PAIR.fullmatch(line)
        if item and key in lists and not _NESTED_ITEM.match(item[1]):
            lists[key].append(_unquoted(item[1].strip()))
        elif pair:
            key, value = pair[1], (pair[2] or "").strip()
            if not value:
                lists[key] = []
            elif value[0] == "[" and value[-1] == "]" and not any(mark in value for mark in "\"'{"):
                found.metadata[key] = tuple(part.strip() for part in value[1:-1].split(",") if part.strip())
            elif value.startswith(("[", *_NOT_SIMPLE)):
                found.whole = False
            else:
                _keep(key, _scalar(value), found)
        else:
            found.whole = False
    found.metadata |= {key: tuple(items) for key, items in lists.items() if items}


def _keep(key: str, value: object, found: FrontMatter) -> None:
    kept = metadata_value(value)
    if kept is not None:
        found.metadata[key] = kept
    elif value not in (None, "", []):
        found.whole = False


def _scalar(value: str) -> object:
    unquoted = _unquoted(value)
    if unquoted != value:
        return unquoted
    plain = re.sub(r"[ \t]+#.*", "", value)
    return None if plain.lower() in ("null", "~") else typed(plain)


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] in "'\"" and value[-1] == value[0] else value
