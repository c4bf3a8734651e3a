"""Markdown, with the headings and tables that a CommonMark parser finds in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.utils import EnvType

from docindex.errors import LoadError
from docindex.loaders.decoding import read_text
from docindex.loaders.front_matter import read_front_matter
from docindex.loaders.markdown_hidden import without_hidden
from docindex.loaders.table_text import typed_table
from docindex.schema import Document, DocumentTable, Heading, Source, TableRow

_MARKUP = re.compile(r"[*_`\[\]!<&\\]")


class MarkdownLoader:
    """One document a file: the text as written, without the front matter, which becomes metadata, and what is hidden.

    Headings inside quotes and lists belong to what is quoted and are not part of the outline. The title is the front
    matter's, or the first heading of the first level.
    """

    def __init__(self) -> None:
        self._blocks = MarkdownIt("commonmark").enable("table").disable("inline")
        self._inlines = MarkdownIt("commonmark")

    def load(self, source: Source) -> Iterator[Document]:
        """The file as one document.

        Raises:
            LoadError: The file can't be read or does not hold text.
        """
        whole = text = read_text(source)
        matter = read_front_matter(text)
        if matter.whole:
            text, start = text[matter.end :].lstrip("\n") if matter.end else text, 0
        else:
            start = matter.end  # what looks like a heading before it is none
        first = whole.count("\n", 0, len(whole) - len(text) + start) + 1
        env: EnvType = {}
        try:
            tokens = self._blocks.parse(text[start:], env)
            seen, hidden = without_hidden(text[start:], tokens)
            if seen != text[start:]:
                text, env = text[:start] + seen, {}
                tokens = self._blocks.parse(seen, env)
            lines = _Lines(text, start, first=first)
            headings = self._headings(tokens, lines, env)
            tables = tuple(self._tables(tokens, lines, env))
        except RecursionError as error:
            raise LoadError(source.name, "is nested too deeply to be read as Markdown") from error
        title = matter.metadata.pop("title", None) or next((head.text for head in headings if head.level == 1), "")
        yield Document(
            doc_id=source.name,
            source=source.name,
            text=text,
            media_type=source.media_type,
            title=str(title),
            metadata=matter.metadata,
            headings=headings,
            tables=tables,
            hidden=hidden,
        )

    def _headings(self, tokens: Sequence[Token], lines: _Lines, env: EnvType) -> tuple[Heading, ...]:
        """The outline."""
        headings = []
        for opening, content in pairwise(tokens):
            if opening.type == "heading_open" and opening.level == 0 and opening.map:
                words = self._words(content, env)
                if words:
                    headings.append(Heading(int(opening.tag[1:]), lines.start(opening.map[0]), words))
        return tuple(headings)

    def _tables(self, tokens: Sequence[Token], lines: _Lines, env: EnvType) -> Iterator[DocumentTable]:
        """The tables as typed rows, without the markup in their cells."""
        rows: list[tuple[int, list[str]]] = []
        for opening, content in pairwise(tokens):
            if opening.type == "table_open":
                rows = []
            elif opening.type == "tr_open" and opening.map:
                rows.append((opening.map[0], []))
            elif opening.type in ("th_open", "td_open") and rows:
                plain = content.type == "inline" and not _MARKUP.search(content.content)
                rows[-1][1].append(content.content if plain else self._words(content, env))
            elif opening.type == "table_close" and rows:
                yield lines.table(rows)
        if tokens and tokens[-1].type == "table_close" and rows:
            yield lines.table(rows)

    def _words(self, content: Token, env: EnvType) -> str:
        """The heading without its markup."""
        words = []
        for token in self._inlines.parseInline(content.content, env)[0].children or ():
            if token.type in ("text", "code_inline", "image"):
                words.append(token.content)
            elif token.type in ("softbreak", "hardbreak"):
                words.append(" ")
        return " ".join("".join(words).split())


class _Lines:
    """Where the lines of a text stand that a parser has numbered from 0."""

    def __init__(self, text: str, start: int, *, first: int) -> None:
        """The text from `start` on, whose first line is the file's line `first`."""
        self._starts = list(accumulate((len(line) + 1 for line in text[start:].split("\n")), initial=start))
        self._first = first

    def start(self, line: int) -> int:
        return self._starts[line]

    def end(self, line: int) -> int:
        return self._starts[line + 1] - 1

    def table(self, rows: Sequence[tuple[int, list[str]]]) -> DocumentTable:
        """The table of the rows, of which the first names the columns; each has the number of its line."""
        (first, names), *others = rows
        draft = typed_table("", names, others)
        placed = (TableRow(self._first + line, self.start(line), self.end(line), cells) for line, cells in draft.rows)
        last = others[-1][0] if others else first + 1
        return DocumentTable("", draft.columns, tuple(placed), self.start(first), self.end(last))
