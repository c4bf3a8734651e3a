"""LaTeX: the text of an article, book or set of slides, with its sections, lists, tables, formulas and code."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from docindex.loaders.decoding import decode, read_bytes
from docindex.loaders.latex_inline import LatexInline, visible
from docindex.loaders.latex_macros import ENVIRONMENTS, SECTIONS, SHOWN, SILENT
from docindex.loaders.latex_nodes import LatexNode, LatexParser
from docindex.loaders.latex_source import LatexSource, prepare
from docindex.loaders.latex_text import LatexText
from docindex.loaders.limits import check_file_size
from docindex.loaders.values import metadata_value
from docindex.loaders.writing import DocumentWriter
from docindex.schema import Document, MetadataValue, Problem, Source

logger = logging.getLogger("docindex.loaders")

_SECTION = re.compile(rf"\\({'|'.join(SECTIONS)})\*?[ \t]*[\[{{]")
_ENCODING = re.compile(
    rb"^[^%\n]*?\\(?:(?:usepackage|RequirePackage)\s*\[([^\]%]{0,200})\]\s*\{inputenc\}|inputencoding\s*\{([^}%]{0,200})\})",
    re.MULTILINE,
)
_PREAMBLE = 1 << 16
"""Bytes among which the encoding is declared."""
_ENCODINGS = {
    "ansinew": "cp1252",
    "applemac": "mac_roman",
    "cp437de": "cp437",
    "iso88595": "iso8859-5",
    "macce": "mac_latin2",
    "maccyr": "mac_cyrillic",
    "utf8x": "utf-8",
}
"""By LaTeX's names; the others are the usual ones."""
_AUTHOR_MARKS = re.compile(r"(?:\$[^$]{0,40}\$|[\s\d,;*^{}\u2020\u2021])+\Z")
"""What refers from a name to an address or note."""
_WORD = re.compile(r"\w+")
_LEAST = 0.05
"""The share of its words that a file shows; one that shows less is a file of definitions, or badly broken."""
_AND = frozenset(("and", "And", "AND"))


class LatexLoader:
    r"""One document a file: what LaTeX would print, as far as that can be told without running it.

    Formulas stand as in the source, references and citations as the keys that they name. Macros that the file defines
    are put in their place, comments and drawings are left out, and `\input` is not followed. A file that is no whole
    document, such as a chapter, is read alike. One that shows next to nothing, such as a file of definitions, or that
    can't be parsed is read as plain text.
    """

    def load(self, source: Source) -> Iterator[Document | Problem]:
        """The file as one document; then, where its macros stand for more than is put in their place, that they do.

        Raises:
            LoadError: The file can't be read or does not hold text.
        """
        check_file_size(source)
        data = read_bytes(source)
        text = decode(source, data, _declared_encoding(data))
        prepared = prepare(text)
        parser = _parser(prepared)
        inline = LatexInline(prepared, parser.parse)
        try:
            document = _document(source, prepared, parser, inline)
        except RecursionError:
            logger.debug("%s is read as plain text, since it is nested too deeply", source.name)
            yield _plain(source, text)
            return
        shows = _words(document.text) >= _LEAST * _words(text)
        yield document if shows else _plain(source, text)
        if inline.cut:
            instead = "the rest is left out" if shows else "it is read as plain text, definitions and all"
            yield Problem(source.name, f"its macros stand for more text than is put in their place: {instead}")


def _declared_encoding(data: bytes) -> str | None:
    """The encoding that the file says it is in."""
    found = _ENCODING.search(data[:_PREAMBLE])
    if found is None:
        return None
    name = (found[1] or found[2] or b"").decode("ascii", "replace").split(",")[-1].strip()
    return _ENCODINGS.get(name, name) or None


def _plain(source: Source, text: str) -> Document:
    writer = DocumentWriter()
    writer.code(text)
    return writer.document(source, title=PurePosixPath(source.name).stem)


def _words(text: str) -> int:
    return sum(1 for _ in _WORD.finditer(text))


def _parser(prepared: LatexSource) -> LatexParser:
    macros = {name: own.takes for name, own in prepared.macros.items()}
    return LatexParser({**macros, **SILENT, **SHOWN}, ENVIRONMENTS)


def _document(source: Source, prepared: LatexSource, parser: LatexParser, inline: LatexInline) -> Document:
    nodes = parser.parse(prepared.text)
    about = _About(inline)
    about.read(nodes)
    used = {SECTIONS.index(macro[1]) for macro in _SECTION.finditer(prepared.text)}
    writer = DocumentWriter()
    writer.heading(1, about.title)
    writer.paragraph("\n".join(about.authors))
    writer.paragraph(about.date)
    whole = next(_documents(nodes), None)
    written = LatexText(writer, inline, 2 if about.title else 1, SECTIONS[min(used, default=0)])
    written.write(whole.children if whole else nodes)
    metadata: dict[str, MetadataValue] = {}
    if about.authors:
        metadata["author"] = about.authors[0] if len(about.authors) == 1 else tuple(about.authors)
    date = metadata_value(about.date)
    if date is not None:
        metadata["date"] = date
    return writer.document(source, title=about.title or PurePosixPath(source.name).stem, metadata=metadata)


def _documents(nodes: Sequence[LatexNode]) -> Iterator[LatexNode]:
    for node in nodes:
        if node.kind == "environment" and node.name == "document":
            yield node
        elif node.kind == "group":
            yield from _documents(node.children)


class _About:
    """What a document says of itself."""

    def __init__(self, inline: LatexInline) -> None:
        self.title = ""
        self.date = ""
        self.authors: list[str] = []
        self._inline = inline

    def read(self, nodes: Sequence[LatexNode]) -> None:
        """Takes note of title, authors and date, wherever they stand."""
        for node in visible(nodes):
            if node.kind in ("environment", "group"):
                self.read(node.children)
            elif node.kind == "macro" and node.last:
                match node.name:
                    case "title":
                        self.title = self.title or self._inline.words(node.last.children)
                    case "date":
                        self.date = self.date or self._inline.words(node.last.children)
                    case "author":
                        self.authors += filter(None, map(self._name, _parted(node.last.children)))

    def _name(self, nodes: Sequence[LatexNode]) -> str:
        lines = self._inline.text(nodes).strip().split("\n")
        return _AUTHOR_MARKS.sub("", " ".join(lines[0].split()))


def _parted(nodes: Sequence[LatexNode]) -> Iterator[list[LatexNode]]:
    r"""The stretches between `\and`."""
    part: list[LatexNode] = []
    for node in nodes:
        if node.kind == "macro" and node.name in _AND:
            yield part
            part = []
        else:
            part.append(node)
    yield part
