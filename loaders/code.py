"""Source code: the text as written, with a heading at each class and function."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from docindex.loaders.code_grammars import GRAMMARS, Grammar
from docindex.loaders.code_symbols import Definition, find_definitions
from docindex.loaders.decoding import decode, read_bytes
from docindex.schema import Document, Heading, MetadataValue, Source

MOST_SYMBOLS = 500
"""Of one file, in its metadata."""

_DECLARING = ("text/x-python", "text/x-ruby")
"""Languages with a comment for the encoding, in the first line or, below another comment, in the second."""
_ENCODING = re.compile(
    rb"\A(?:\xef\xbb\xbf)?(?:[ \t\f]*(?:#[^\r\n]*)?(?:\r\n?|\n))?[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-\w.]+)"
)
_LONGEST_LINE = 5_000
_LARGEST = 8 << 20
_CPLUSPLUS = re.compile(r"^[ \t]*(?:class \w|namespace\b|template ?<|public:|private:)", re.MULTILINE)
_CLOSING = re.compile(r"(?:[\s})\];,]|\bend\b)*")
_CODE = re.compile(r"\w")


class CodeLoader:
    """One document a file. Its outline is that of the program, and its metadata has the language and the symbols.

    A heading stands where the comments, decorators and attributes directly above the definition begin. Code that
    follows a definition has a heading, too: that of the definition around it, or the file's name.

    Code with errors is read as far as the parser understands it. Generated code, that is files of more than eight
    megabytes or with lines of more than 5,000 characters, has no outline.
    """

    def load(self, source: Source) -> Iterator[Document]:
        """The file as one document.

        Raises:
            LoadError: The file can't be read or does not hold text.
        """
        data = read_bytes(source)
        text = decode(source, data, _declared_encoding(source.media_type, data))
        title = PurePosixPath(source.name).name
        grammar = _grammar(source.media_type, text)
        metadata: dict[str, MetadataValue] = {}
        headings: tuple[Heading, ...] = ()
        if grammar is not None:
            metadata["language"] = grammar.language
            definitions = [] if _is_generated(text) else find_definitions(text, grammar)
            headings = tuple(_outline(text, definitions, title))
            symbols = tuple(dict.fromkeys(definition.symbol for definition in definitions))[:MOST_SYMBOLS]
            if symbols:
                metadata["symbols"] = symbols
        yield Document(
            doc_id=source.name,
            source=source.name,
            text=text,
            media_type=source.media_type,
            title=title,
            metadata=metadata,
            headings=headings,
        )


def _declared_encoding(media_type: str, data: bytes) -> str | None:
    """The encoding that the file says it is in."""
    found = _ENCODING.match(data) if media_type in _DECLARING else None
    return found[1].decode("ascii", "replace") if found else None


def _grammar(media_type: str, text: str) -> Grammar | None:
    if media_type == "text/x-c" and _CPLUSPLUS.search(text):
        return GRAMMARS["text/x-c++"]  # headers have the same suffix in both languages
    return GRAMMARS.get(media_type)


def _is_generated(text: str) -> bool:
    return len(text) > _LARGEST or max(map(len, text.split("\n"))) > _LONGEST_LINE


def _outline(text: str, definitions: Sequence[Definition], title: str) -> Iterator[Heading]:
    around: list[Definition] = []
    for definition in definitions:
        yield from _after(text, around, definition.start, title)
        yield Heading(definition.level, definition.start, definition.heading)
        around.append(definition)
    yield from _after(text, around, len(text), title)


def _after(text: str, around: list[Definition], stop: int, title: str) -> Iterator[Heading]:
    """Ends the definitions that end before `stop`; a heading for code that follows them there."""
    while around and around[-1].end <= stop:
        ended = around.pop()
        closing = _CLOSING.match(text, ended.end, stop)
        start = closing.end() if closing else ended.end
        outer = around[-1] if around else None
        if _CODE.search(text, start, min(stop, outer.end) if outer else stop):
            yield Heading(outer.level, start, outer.heading) if outer else Heading(1, start, title)
