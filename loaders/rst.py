"""reStructuredText, Sphinx's included: its text, headings, tables and what it says about itself."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from docutils import nodes

from docindex.loaders.decoding import read_text
from docindex.loaders.limits import check_file_size
from docindex.loaders.rst_parsing import LONGEST_LINE, parse
from docindex.loaders.rst_text import RstWriter
from docindex.loaders.values import metadata_value
from docindex.loaders.writing import DocumentWriter
from docindex.schema import Document, MetadataValue, Source

logger = logging.getLogger("docindex.loaders")

_HEADERS = re.compile(r"PEP:[ \t]*\d")
_MOST_FIELDS = 40
"""Of a longer list the fields are what the document is about."""
_KEYWORD = re.compile(r"\$\w+:\s*(.*?)\s*\$")
"""What version control puts into a file: `$Date: 2024-05-01 $`."""
_BEFORE_FIELDS = (nodes.comment, nodes.target, nodes.substitution_definition, nodes.system_message, nodes.meta)


class RstLoader:
    """One document a file: the text without its markup. What directives and roles hold is kept, known or not.

    The fields that open a file become metadata. Nothing is included from other files or the network.
    """

    def load(self, source: Source) -> Iterator[Document]:
        """The file as one document.

        Raises:
            LoadError: The file can't be read or does not hold text.
        """
        check_file_size(source)
        text = read_text(source)
        yield _plain(source, text) if _has_long_line(text) else _document(source, text)


def _has_long_line(text: str) -> bool:
    return len(text) > LONGEST_LINE and any(len(line) > LONGEST_LINE for line in text.split("\n"))


def _plain(source: Source, text: str) -> Document:
    writer = DocumentWriter()
    writer.code(text)
    return writer.document(source, title=PurePosixPath(source.name).stem)


def _document(source: Source, text: str) -> Document:
    try:
        tree = parse(text, headers=_HEADERS.match(text) is not None)
        written = RstWriter(tree)
        metadata = _take_fields(tree, written)
        metadata |= _meta(tree)
        written.write(tree.children)
    except Exception as error:  # noqa: BLE001 - docutils stumbles in many ways, and the text is there all the same
        logger.debug("%s is read as plain text, since docutils can't parse it: %r", source.name, error)
        return _plain(source, text)
    title = metadata.pop("title", None)
    document = written.writer.document(source, metadata=metadata)
    heading = next((heading.text for heading in document.headings if heading.level == 1), "")
    return replace(document, title=str(title or heading or PurePosixPath(source.name).stem))


def _take_fields(tree: nodes.document, written: RstWriter) -> dict[str, MetadataValue]:
    """What the fields say that open the document; those that can't be metadata are left in it."""
    first = _first(tree.children)
    if isinstance(first, nodes.section):
        first = _first(child for child in first.children if not isinstance(child, nodes.title))
    found: dict[str, MetadataValue] = {}
    if isinstance(first, nodes.field_list) and len(first.children) <= _MOST_FIELDS:
        for field in list(first.children):
            name, body = (" ".join(written.words(part).split()) for part in field.children[:2])
            value = metadata_value(_KEYWORD.sub(r"\1", body))
            if value is not None and name:
                found.setdefault(name.lower(), value)
            if value is not None or not body:
                first.remove(field)
    return found


def _first(children: Iterable[nodes.Node]) -> nodes.Node | None:
    return next((child for child in children if not isinstance(child, _BEFORE_FIELDS)), None)


def _meta(tree: nodes.document) -> dict[str, MetadataValue]:
    found: dict[str, MetadataValue] = {}
    for node in tree.findall(nodes.meta):
        name, value = str(node.get("name", "")).strip(), metadata_value(str(node.get("content", "")))
        if name == "keywords" and isinstance(value, str):
            value = tuple(word.strip() for word in value.split(",") if word.strip()) or None
        if name and value is not None:
            found.setdefault(name.lower(), value)
    return found
