"""JSON Lines, read line by line, and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from docindex.errors import LoadError
from docindex.loaders.decoding import clean, decode, open_text, read_bytes
from docindex.loaders.json_text import parse_json
from docindex.loaders.records import RecordReader
from docindex.schema import Document, Source


class JsonLinesLoader:
    """One document a line, as `RecordReader` says. Never more than a line of the file is held in memory."""

    def load(self, source: Source) -> Iterator[Document]:
        """The records in order. Bad lines are left out and named when all others have been yielded.

        Raises:
            LoadError: The file can't be read, lines of it can't, or a field that the options name is missing.
        """
        reader = RecordReader(source, "line")
        with open_text(source) as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    record = _parse(line)
                except (ValueError, RecursionError) as error:
                    reader.unreadable(f"not JSON ({_what(error)})", number)
                    continue
                document = reader.document(record, number)
                if document is not None:
                    yield document
        reader.finish()


class JsonLoader:
    """An array of objects is a file of records; so is a single object when the options name fields.

    Anything else, such as a configuration file, is one document of indented JSON. Lines of JSON under the name of a
    JSON file are read as such.
    """

    def load(self, source: Source) -> Iterator[Document]:
        """The records in order, or the file as one document.

        Raises:
            LoadError: The file can't be read or is not JSON, or a field that the options name is missing.
        """
        text = decode(source, read_bytes(source))
        try:
            value = _parse(text)
        except (ValueError, RecursionError) as error:
            if _is_json_lines(text):
                yield from JsonLinesLoader().load(source)
                return
            raise LoadError(source.name, f"is not JSON ({_what(error)})") from error
        mapped = any((source.options.id_field, source.options.title_field, source.options.text_field))
        if isinstance(value, list) and value and (mapped or all(isinstance(item, dict) for item in value)):
            yield from _records(source, value)
        elif isinstance(value, dict) and mapped:
            yield from _records(source, [value])
        else:
            pretty = clean(json.dumps(value, ensure_ascii=False, indent=2))
            yield Document(doc_id=source.name, source=source.name, text=pretty, media_type=source.media_type)


def _records(source: Source, values: list[object]) -> Iterator[Document]:
    reader = RecordReader(source, "item")
    for number, value in enumerate(values, 1):
        document = reader.document(value, number)
        if document is not None:
            yield document
    reader.finish()


def _parse(text: str) -> object:
    # NaN and Infinity are nothing; line ends in strings, which `decode` makes of separators, are what they seem.
    return parse_json(text.removeprefix("\ufeff"), parse_constant=lambda _: None)


def _is_json_lines(text: str) -> bool:
    lines = text.lstrip().split("\n", 2)
    try:
        return len(lines) > 1 and all(isinstance(parse_json(line), dict) for line in lines[:2] if line.strip())
    except (ValueError, RecursionError):
        return False


def _what(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg}, line {error.lineno} column {error.colno}" if error.lineno > 1 else error.msg
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
