"""What the cells of a notebook hold, laid out for readers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from selectolax.lexbor import LexborHTMLParser

from docindex.loaders.decoding import clean
from docindex.loaders.html import seen_of
from docindex.loaders.html_nesting import shallow
from docindex.loaders.markdown_hidden import without_hidden
from docindex.loaders.writing import DocumentWriter

Json = Mapping[str, object]

_FRAMES = 3
"""Lines of a traceback that are kept, the innermost ones."""
_EMBEDDED = re.compile(r"\(\s*<?(?:data|attachment):[^\s)>]*>?\s*\)")
"""The target of an image that is in the notebook itself."""
_FRAME = re.compile(r"^-+>.*$", re.MULTILINE)


class MarkdownCells:
    """Writes Markdown as it stands, its headings as headings and its tables as tables, without what is hidden."""

    def __init__(self) -> None:
        self._blocks = MarkdownIt("commonmark").enable("table")

    def write(self, writer: DocumentWriter, text: str, title: str = "") -> str:
        """Writes the text; what comes back is the title, or the first heading of the first level where there is none.

        Raises:
            RecursionError: It is nested too deeply.
        """
        whole = _EMBEDDED.sub("()", clean(text))
        tokens = self._blocks.parse(whole)
        seen, hidden = without_hidden(whole, tokens)
        if seen != whole:
            writer.hidden(hidden)
            tokens = self._blocks.parse(seen)
        lines = seen.split("\n")
        written = 0
        for at, token in enumerate(tokens):
            if token.level or not token.map or token.type not in ("heading_open", "table_open"):
                continue
            writer.code("\n".join(lines[written : token.map[0]]))
            written = token.map[1]
            if token.type == "table_open":
                _write_table(writer, tokens, at)
            else:
                words = _words(tokens[at + 1])
                writer.heading(int(token.tag[1:]), words)
                title = title or (words if token.tag == "h1" else "")
        writer.code("\n".join(lines[written:]))
        return title


def write_code(writer: DocumentWriter, text: str, number: object) -> None:
    """Writes code under the number of its execution."""
    code = clean(text).strip("\n")
    if code.strip():
        writer.code(f"In [{number if isinstance(number, int) else ' '}]:\n{code}")


def write_outputs(writer: DocumentWriter, markdown: MarkdownCells, outputs: Sequence[Json]) -> None:
    """Writes results as their readers see them, errors without most of their traceback, no pictures."""
    for output in outputs:
        number = output.get("execution_count")
        label = f"Out [{number}]:\n" if isinstance(number, int) else ""
        match output.get("output_type"):
            case "stream":
                lines = joined(output.get("text")).replace("\r\n", "\n").split("\n")
                writer.code("\n".join(line.rpartition("\r")[2] for line in lines))  # progress bars as they ended
            case "error":
                frames = _FRAME.findall(clean(joined(output.get("traceback"), "\n")))[-_FRAMES:]
                error = f"{joined(output.get('ename'))}: {joined(output.get('evalue'))}"
                writer.code("\n".join([error, *frames]))
            case "execute_result" | "display_data":
                data = output.get("data")
                if isinstance(data, Mapping):
                    _write_result(writer, markdown, data, label)
            case _:
                pass


def _write_result(writer: DocumentWriter, markdown: MarkdownCells, data: Json, label: str) -> None:
    plain = clean(joined(data.get("text/plain"))).strip("\n")
    shown, hidden = seen_of(LexborHTMLParser(shallow(clean(joined(data.get("text/html"))))))
    writer.hidden(hidden)
    if data.get("text/markdown") and not shown.tables:
        markdown.write(writer, joined(data["text/markdown"]))
    elif shown.text:
        writer.laid_out(shown.text, shown.headings, shown.tables)
    elif plain.strip() and not any(kind.startswith(("image/", "video/", "audio/")) for kind in data):
        writer.code(label + plain)


def _write_table(writer: DocumentWriter, tokens: Sequence[Token], start: int) -> None:
    rows: list[list[str]] = []
    for at, token in enumerate(tokens[start:], start):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            rows[-1].append(_words(tokens[at + 1]))
        elif token.type == "table_close" and token.level == tokens[start].level:
            break
    writer.table("", rows[0], list(enumerate(rows[1:], 1)))


def _words(inline: Token) -> str:
    """The text of a heading or cell without its markup."""
    words = []
    for token in inline.children or ():
        if token.type in ("text", "code_inline", "image"):
            words.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            words.append(" ")
    return "".join(words)


def joined(value: object, separator: str = "") -> str:
    """A text that a notebook may hold as a list of its lines."""
    if isinstance(value, list):
        return separator.join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def objects(value: object) -> list[Json]:
    """The objects in a list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
