"""Markdown, with the headings that a CommonMark parser finds in it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.utils import EnvType

from docindex.errors import LoadError
from docindex.loaders.decoding import read_text
from docindex.loaders.front_matter import read_front_matter
from docindex.schema import Document, Heading, Source


class MarkdownLoader:
    """One document a file: the text as written, without the front matter, which becomes metadata.

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
        text = read_text(source)
        matter = read_front_matter(text)
        if matter.whole:
            text, start = text[matter.end :].lstrip("\n") if matter.end else text, 0
        else:
            start = matter.end  # what looks like a heading before it is none
        try:
            headings = self._headings(text, start)
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
        )

    def _headings(self, text: str, start: int) -> tuple[Heading, ...]:
        """The outline of the text from `start` on."""
        env: EnvType = {}
        body = text[start:]
        tokens = self._blocks.parse(body, env)
        line_starts = list(accumulate((len(line) + 1 for line in body.split("\n")), initial=start))
        headings = []
        for opening, content in pairwise(tokens):
            if opening.type == "heading_open" and opening.level == 0 and opening.map:
                words = self._words(content, env)
                if words:
                    headings.append(Heading(int(opening.tag[1:]), line_starts[opening.map[0]], words))
        return tuple(headings)

    def _words(self, content: Token, env: EnvType) -> str:
        """The heading without its markup."""
        words = []
        for token in self._inlines.parseInline(content.content, env)[0].children or ():
            if token.type in ("text", "code_inline", "image"):
                words.append(token.content)
            elif token.type in ("softbreak", "hardbreak"):
                words.append(" ")
        return " ".join("".join(words).split())
