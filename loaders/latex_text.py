"""Lays out a LaTeX tree: sections, paragraphs, lists, tables, formulas and code."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

from docindex.loaders.latex_inline import LatexInline, visible
from docindex.loaders.latex_macros import LISTS, SECTIONS, SHOWN, STATEMENTS, TABLES
from docindex.loaders.latex_nodes import LatexNode
from docindex.loaders.latex_source import CODE_MACRO
from docindex.loaders.writing import DocumentWriter

_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")
_ROW_ENDS = frozenset(("\\", "tabularnewline", "cr"))
_ROW_END = LatexNode("macro", "\\")
_WIDEST = 100
"""Columns that a cell may span."""
_CAPTIONS = frozenset(("caption", "subcaption", "captionof", "subfloat"))
_BLOCK_MACROS = frozenset(
    (*SECTIONS, *_CAPTIONS, CODE_MACRO, "item", "bibitem", "frametitle", "framesubtitle", "par", "keywords")
)
_ABOUT = frozenset(("title", "subtitle", "author", "date", "affiliation", "institute"))
"""What is read before the text."""
_FLOATS = frozenset(("table", "figure", "wrapfigure", "wraptable", "longtable", "subtable", "sidewaystable"))


class LatexText:
    """Writes nodes in their order."""

    def __init__(self, writer: DocumentWriter, inline: LatexInline, level: int, outermost: str) -> None:
        """Takes where to write.

        Args:
            writer: The document.
            inline: Gives the text of what stands in a line.
            level: The level of the outermost sections.
            outermost: The macro that makes them.
        """
        self._writer = writer
        self._inline = inline
        self._level = level
        self._outermost = SECTIONS.index(outermost)
        self._current = level
        """The level of the section that is open."""
        self._pending: list[LatexNode] = []
        self._marker: str | None = None
        """Of the list item whose text is awaited."""
        self._depth = 0
        self._numbers: int | None = None
        """Of the list that is open: the number of its next item, if its items have numbers."""
        self._label = ""
        """What the next paragraph begins with."""
        self._caption = ""
        self._block_macros: dict[str, bool] = {}

    def write(self, nodes: Sequence[LatexNode]) -> None:
        """Writes the nodes."""
        self._walk(nodes)
        self._flush()
        self._end_item()

    def _walk(self, nodes: Sequence[LatexNode]) -> None:
        for node in visible(nodes):
            if not self._holds_block(node):
                self._pending.append(node)
            elif node.kind == "group":
                self._walk(node.children)
            elif node.kind == "display":
                self._flush()
                self._writer.code(_dedented(node.name))
            elif node.kind == "environment":
                self._environment(node)
            else:
                self._macro(node)

    def _holds_block(self, node: LatexNode) -> bool:
        match node.kind:
            case "display" | "environment":
                return True
            case "group":
                return any(map(self._holds_block, node.children))
            case "macro":
                if node.name in _BLOCK_MACROS or node.name in _ABOUT:
                    return True
                return self._stands_for_block(node.name) or any(map(self._holds_block, node.arguments))
            case _:
                return False

    def _stands_for_block(self, macro: str) -> bool:
        if macro not in self._block_macros:
            self._block_macros[macro] = False  # until it is known, for it may stand in its own definition
            self._block_macros[macro] = any(map(self._holds_block, self._inline.definition(macro)))
        return self._block_macros[macro]

    def _environment(self, node: LatexNode) -> None:
        self._flush()
        match node.name.removesuffix("*"):
            case name if name in TABLES or node.name in TABLES:
                self._table(node)
            case name if name in LISTS:
                self._list(node, numbered="enum" in name)
            case "abstract" | "thebibliography" as name:
                self._current = self._level
                self._writer.heading(self._level, {"abstract": "Abstract"}.get(name, "References"))
                self._walk(node.children)
            case "frame":
                self._frame(node)
            case name if name in STATEMENTS:
                about = " ".join(self._inline.words(argument.children) for argument in node.arguments)
                self._label = f"{name.capitalize()} ({about}). " if about else f"{name.capitalize()}. "
                self._walk(node.children)
            case name:
                if name in _FLOATS:
                    self._caption = next(self._captions(node.children), "")
                self._walk(node.children)
        self._flush()
        self._label = ""

    def _macro(self, node: LatexNode) -> None:
        match node.name:
            case name if name in _ABOUT:
                return
            case name if name in SECTIONS:
                self._flush()
                self._current = max(1, self._level + SECTIONS.index(name) - self._outermost)
                self._writer.heading(self._current, self._last(node))
            case "frametitle" | "framesubtitle":
                self._flush()
                self._writer.heading(self._current + 1, self._last(node))
            case name if name == CODE_MACRO:
                self._flush()
                self._writer.code(_dedented(self._inline.verbatim(node)))
            case "caption" | "subcaption" | "captionof":
                self._flush()
                self._writer.paragraph(self._last(node))
            case "keywords":
                self._flush()
                self._writer.paragraph(f"Keywords: {self._last(node)}")
            case "par":
                self._flush()
            case "item":
                self._flush()
                self._item(node)
            case "bibitem":
                self._flush()
                self._label = f"[{self._last(node)}] "
            case _:
                with self._inline.expanded(node) as nodes:
                    if nodes is not None:
                        self._walk(nodes)
                        return
                shown = node.arguments[-1:] if node.name in SHOWN else node.arguments
                for argument in shown:
                    self._walk(argument.children)

    def _last(self, node: LatexNode) -> str:
        return self._inline.words(node.last.children) if node.last else ""

    def _flush(self) -> None:
        """Writes the paragraphs that are pending."""
        text, self._pending = self._inline.text(self._pending), []
        for paragraph in _PARAGRAPHS.split(text):
            line = " ".join(paragraph.split())
            if not line:
                continue
            if self._marker is not None:
                self._writer.item(self._label + line, self._depth - 1, self._marker)
            else:
                self._writer.paragraph(self._label + line)
            self._marker, self._label = None, ""

    def _list(self, node: LatexNode, *, numbered: bool) -> None:
        outer, self._numbers = self._numbers, 1 if numbered else None
        self._depth += 1
        self._walk(node.children)
        self._flush()
        self._end_item()
        self._depth -= 1
        self._numbers = outer

    def _end_item(self) -> None:
        """Writes the label of an item that has no text."""
        if self._marker is not None and self._label:
            self._writer.item(self._label.removesuffix(": "), self._depth - 1, self._marker)
        self._marker, self._label = None, ""

    def _item(self, node: LatexNode) -> None:
        self._end_item()
        label = " ".join(self._inline.words(argument.children) for argument in node.arguments)
        self._marker, self._label = "-", f"{label}: " if label else ""
        if self._numbers is not None and not label:
            self._marker = f"{self._numbers}."
            self._numbers += 1

    def _frame(self, node: LatexNode) -> None:
        """A slide; its title may be the group that it begins with."""
        children = list(node.children)
        first = next((at for at, child in enumerate(children) if child.kind != "text" or child.name.strip()), None)
        if first is not None and children[first].kind == "group":
            title = children.pop(first)
            self._writer.heading(self._current + 1, self._inline.words(title.children))
        self._walk(children)

    def _captions(self, nodes: Sequence[LatexNode]) -> Iterator[str]:
        for node in nodes:
            if node.kind == "macro" and node.name in ("caption", "captionof"):
                yield self._last(node)
            yield from self._captions(node.children)

    def _table(self, node: LatexNode) -> None:
        own = next(self._captions(node.children), "")
        caption, self._caption = own or self._caption, ""
        self._writer.paragraph(own)
        rows = [cells for cells in self._rows(node.children) if any(cells)]
        if len(rows) > 1 and max(map(len, rows)) > 1:
            self._writer.table(caption, None, list(enumerate(rows, 1)))
        else:
            for cells in rows:  # it only puts things beside each other
                self._writer.paragraph(" ".join(cells))

    def _rows(self, nodes: Sequence[LatexNode]) -> Iterator[list[str]]:
        cells: list[str] = []
        cell: list[LatexNode] = []
        span = 1
        for node in (*visible(nodes), _ROW_END):
            row_ends = node.kind == "macro" and node.name in _ROW_ENDS
            if row_ends or (node.kind == "special" and node.name == "&"):
                cells += [self._inline.words(cell)] * span
                cell, span = [], 1
                if row_ends:
                    yield cells
                    cells = []
            elif node.kind == "macro" and node.name == "multicolumn" and node.last:
                count = self._inline.words(node.required[0].children)
                span = min(int(count), _WIDEST) if count.isdecimal() else 1
                cell += node.last.children
            elif not (node.kind == "macro" and node.name in _CAPTIONS):
                cell.append(node)


def _dedented(code: str) -> str:
    return textwrap.dedent(code.strip("\n"))
