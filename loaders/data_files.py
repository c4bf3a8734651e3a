"""YAML and TOML: the file's own text, comments and all, with a heading for each key that opens a block."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import PurePosixPath
from typing import Protocol

import yaml

from docindex.loaders.decoding import read_text
from docindex.loaders.limits import check_file_size
from docindex.schema import Document, Heading, Source

_TOO_DEEP = 1000
_DEEPEST = 2
"""Levels of keys that are headings."""
_LONGEST_HEADING = 120
_NAMING = ("title", "name", "id", "alias")
"""Keys whose value says what an item of a list is about, the best one first."""

_YAML_KEY = re.compile(r"^(?:\"([^\"\n]+)\"|'([^'\n]+)'|([A-Za-z_][\w .$/-]*))[ \t]*:[ \t]*(?:#.*)?$", re.MULTILINE)
_YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the fast one is not in every build

_TOML_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?(?:"""|\Z)'
    r"|'''.*?(?:'''|\Z)"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|(?P<bracket>[\[\]])",
    re.DOTALL,
)
_TOML_PART = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_TOML_HEADER = re.compile(
    rf"^[ \t]*\[(\[)?[ \t]*({_TOML_PART}(?:[ \t]*\.[ \t]*{_TOML_PART})*)[ \t]*\]\]?[ \t]*(?:#.*)?$", re.MULTILINE
)
_TOML_PAIR = re.compile(r"""^[ \t]*(\w+)[ \t]*=[ \t]*(?:"([^"\n]*)"|'([^'\n]*)')""", re.MULTILINE)


class YamlLoader:
    """One document a file: the text as written, since in a configuration it is the comments that explain.

    Keys of the two outermost levels that open a block are headings, and so are the items of lists that have a name.
    Where a file holds several YAML documents, each is a heading and its keys stand below it. What is not valid YAML,
    such as a template, has the headings that its lines suggest.
    """

    def load(self, source: Source) -> Iterator[Document]:
        """The file as one document.

        Raises:
            LoadError: The file can't be read or does not hold text.
        """
        check_file_size(source)
        text = read_text(source)
        try:
            streams = _read_yaml(text)
        except (yaml.YAMLError, ValueError, RecursionError):
            keys = _YAML_KEY.finditer(text)
            found = [Heading(1, _with_comments(text, key.start()), _one_line(key[key.lastindex or 0])) for key in keys]
            yield _document(source, text, "", found)
        else:
            title = next(filter(None, map(_title, streams)), "")
            yield _document(source, text, title, _yaml_headings(text, streams))


class TomlLoader:
    """One document a file: the text as written, with a heading for each table, whether the rest is valid or not."""

    def load(self, source: Source) -> Iterator[Document]:
        """The file as one document.

        Raises:
            LoadError: The file can't be read or does not hold text.
        """
        check_file_size(source)
        text = read_text(source)
        headers = list(_toml_headers(text))
        borders = [*(header.start() for header in headers), len(text)]
        top = _toml_values(text, 0, borders[0])
        title = top.get("title") or top.get("name") or ""
        found = []
        for header, end in zip(headers, borders[1:], strict=True):
            table = ".".join(part.strip(" \t\"'") for part in header[2].split("."))
            values = _toml_values(text, header.end(), end)
            name = _name(values) if header[1] else ""
            place = _with_comments(text, header.start())
            found.append(Heading(1, place, _one_line(f"{table}: {name}" if name else table)))
            if table in ("project", "package", "tool.poetry") and not header[1]:
                title = title or values.get("name", "")
        yield _document(source, text, title, found)


def _document(source: Source, text: str, title: str, headings: Sequence[Heading]) -> Document:
    return Document(
        doc_id=source.name,
        source=source.name,
        text=text,
        media_type=source.media_type,
        title=title or PurePosixPath(source.name).name,
        headings=tuple(heading for heading in headings if heading.text),
    )


def _with_comments(text: str, start: int) -> int:
    """Where the line at `start` begins, with the lines of comment right above it: they are about it."""
    while start:
        above = text.rfind("\n", 0, start - 1) + 1
        if not text[above:start].lstrip().startswith("#"):
            break
        start = above
    return start


def _one_line(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _LONGEST_HEADING else f"{words[: _LONGEST_HEADING - 1].rstrip()}…"


def _name(values: dict[str, str]) -> str:
    return next((values[key] for key in _NAMING if values.get(key, "").strip()), "")


# --- YAML ------------------------------------------------------------------------------------------------------------


class _Mark(Protocol):
    """A place in the text, by either of the two parsers."""

    line: int


@dataclass(slots=True)
class _Entry:
    """A key of a mapping with its value, or an item of a list."""

    key: str
    line: int
    value: str = ""
    """Of a plain value: what it says."""
    block: bool = False
    """The value takes lines of its own."""
    entries: list[_Entry] = field(default_factory=list)

    @property
    def values(self) -> dict[str, str]:
        """The plain values in it."""
        return {entry.key: entry.value for entry in self.entries if entry.key and entry.value}


@dataclass(slots=True)
class _Collection:
    """A mapping or list that is open."""

    entry: _Entry | None
    """What it is the value of; None where that is too deep to matter."""
    is_list: bool
    key: str | None = None
    """Of a mapping: the key that waits for its value."""
    key_line: int = 0


def _read_yaml(text: str) -> list[_Entry]:
    """The outermost entries of each YAML document.

    It goes by the parser's events, in which an alias is just one more event: no file grows by being read.

    Raises:
        yaml.YAMLError: The text is not YAML.
        ValueError: It is nested so deeply that the parser would take minutes.
    """
    streams: list[_Entry] = []
    stack: list[_Collection] = []
    for event in yaml.parse(text, _YAML_LOADER):
        if isinstance(event, yaml.DocumentStartEvent):
            streams.append(_Entry("", _line(event.start_mark), block=True))
        elif isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
        elif isinstance(event, yaml.CollectionStartEvent):
            entry = _add(stack, "", _line(event.start_mark), block=not event.flow_style) if stack else streams[-1]
            stack.append(_Collection(entry, isinstance(event, yaml.SequenceStartEvent)))
            if len(stack) > _TOO_DEEP:
                raise ValueError("the collections are nested too deeply")
        elif isinstance(event, yaml.ScalarEvent | yaml.AliasEvent) and stack:
            value = event.value if isinstance(event, yaml.ScalarEvent) else ""
            lines = _line(event.end_mark) - _line(event.start_mark)
            _add(stack, value, _line(event.start_mark), block=lines > 1)
    return streams


def _line(mark: _Mark | None) -> int:
    return mark.line if mark else 0  # events made by a parser always have one


def _add(stack: Sequence[_Collection], value: str, line: int, *, block: bool) -> _Entry | None:
    """Puts a value into the innermost collection, unless it is the key that comes before one."""
    holder = stack[-1]
    if not holder.is_list and holder.key is None:
        holder.key, holder.key_line = value, line
        return None
    key, holder.key = holder.key or "", None
    if holder.entry is None or len(stack) > _DEEPEST + 1:
        return None
    entry = _Entry(key, line if holder.is_list else holder.key_line, value, block)
    holder.entry.entries.append(entry)
    return entry


def _title(stream: _Entry) -> str:
    about = next((entry for entry in stream.entries if entry.key == "info"), stream)
    return _one_line(about.values.get("title") or stream.values.get("name", ""))


def _yaml_headings(text: str, streams: Sequence[_Entry]) -> list[Heading]:
    starts = list(accumulate((len(line) + 1 for line in text.split("\n")), initial=0))
    found: list[Heading] = []
    for number, stream in enumerate(streams, 1):
        level = 1
        if len(streams) > 1:
            start = starts[stream.line]
            place = start if text.startswith("---", start) else _with_comments(text, start)
            found.append(Heading(1, place, _what(stream) or f"document {number}"))
            level = 2
        found += _outline(text, starts, stream.entries, level, level + _DEEPEST)
    return [heading for heading in found if heading.start < len(text)]


def _outline(text: str, starts: Sequence[int], entries: Sequence[_Entry], level: int, end: int) -> Iterator[Heading]:
    after_block = False
    for entry in entries:
        after_block = after_block or entry.block
        name = entry.key or _name(entry.values)
        if name and after_block:  # a plain value needs a heading only to be told from the block before it
            yield Heading(level, _with_comments(text, starts[entry.line]), _one_line(name))
        if level + 1 < end:
            yield from _outline(text, starts, entry.entries, level + 1, end)


def _what(stream: _Entry) -> str:
    """What a YAML document says it is, as those of a cluster's configuration do."""
    about = next((entry.values for entry in stream.entries if entry.key == "metadata"), {})
    return _one_line(f"{stream.values.get('kind', '')} {about.get('name') or _name(stream.values)}")


# --- TOML ------------------------------------------------------------------------------------------------------------


def _toml_headers(text: str) -> Iterator[re.Match[str]]:
    """The headers of tables: what looks like one inside a string, a comment or an array is none."""
    depth, skip_to = 0, 0
    for token in _TOML_TOKEN.finditer(text):
        if token["bracket"] is None or token.start() < skip_to:
            continue
        if token["bracket"] == "[" and not depth:
            header = _TOML_HEADER.match(text, text.rfind("\n", 0, token.start()) + 1)
            if header:
                yield header
                skip_to = header.end()
                continue
        depth = depth + 1 if token["bracket"] == "[" else max(0, depth - 1)


def _toml_values(text: str, start: int, end: int) -> dict[str, str]:
    """The plain strings of a table, those on lines of their own."""
    return {pair[1]: pair[2] or pair[3] or "" for pair in _TOML_PAIR.finditer(text, start, end)}
