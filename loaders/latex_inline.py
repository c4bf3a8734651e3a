"""The text of LaTeX that stands in a line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from docindex.loaders.latex_macros import CITATIONS, QUANTITIES, SHOWN, SILENT, SYMBOLS
from docindex.loaders.latex_nodes import LatexNode
from docindex.loaders.latex_source import CODE_MACRO, VERB_MACRO, LatexSource, UserMacro

_DEEPEST = 8
"""Macros of the file that may stand in each other's definitions."""
_MOST_EXPANDED = 2_000_000
"""Characters of definitions that are put in the place of macros in one file."""
_PARAMETER = re.compile(r"#(\d)")
_UNIT = re.compile(r"\\([A-Za-z]+)|[^\\{}\s]+")
_DEFINING = ("def", "gdef", "edef", "xdef", "let")
_LONGEST_DEFINITION = 8
"""Nodes from the name of a macro to its body."""
_LARGEST_BODY = 200
"""Nodes in it."""


class LatexInline:
    """Gives the text of nodes, with the macros that the file defines put in their place."""

    def __init__(self, source: LatexSource, parse: Callable[[str], list[LatexNode]]) -> None:
        self._source = source
        self._parse = parse
        self._expanded = 0
        self._open: list[str] = []
        """The macros of which the definitions are being read, from the outside."""
        self.cut = False
        """Macros of the file stand for more text than is put in their place: the rest is left out."""
        self._parsed: dict[str, tuple[LatexNode, ...]] = {}

    def text(self, nodes: Sequence[LatexNode]) -> str:
        """The text, line ends as they are."""
        return "".join(map(self._one, visible(nodes)))

    def words(self, nodes: Sequence[LatexNode]) -> str:
        """The text on one line."""
        return " ".join(self.text(nodes).split())

    def verbatim(self, node: LatexNode) -> str:
        """What a placeholder in the source stands for."""
        number = self.text(node.last.children) if node.last else ""
        code = self._source.code
        return code[int(number)] if number.isdecimal() and len(number) < 9 and int(number) < len(code) else ""

    @contextmanager
    def expanded(self, macro: LatexNode) -> Iterator[tuple[LatexNode, ...] | None]:
        """The nodes that a macro of the file stands for; None if it is none, or if there have been too many."""
        own = self._source.macros.get(macro.name)
        if own is None:
            yield None
            return
        if len(self._open) >= _DEEPEST or self._expanded >= _MOST_EXPANDED:
            # One that stands in its own definition is mostly one of LaTeX's, made anew: nothing is missing then.
            self.cut = self.cut or macro.name not in self._open or self._expanded >= _MOST_EXPANDED
            yield None
            return
        body = _filled(own, macro)
        self._expanded += len(body)
        self._open.append(macro.name)
        try:
            yield self._nodes(body)
        finally:
            self._open.pop()

    def definition(self, name: str) -> tuple[LatexNode, ...]:
        """The nodes in the definition of a macro; none if it is not the file's own."""
        own = self._source.macros.get(name)
        return self._nodes(own.body) if own else ()

    def _nodes(self, body: str) -> tuple[LatexNode, ...]:
        if body not in self._parsed:
            self._parsed[body] = tuple(self._parse(body))
        return self._parsed[body]

    def _one(self, node: LatexNode) -> str:
        match node.kind:
            case "group" | "environment":
                return self.text(node.children)
            case "special":
                return node.shown or node.name
            case "macro":
                return self._macro(node)
            case _:
                return node.name

    def _macro(self, node: LatexNode) -> str:
        last = self.text(node.last.children) if node.last else ""
        match node.name:
            case "\\" | "newline" | "linebreak" | "tabularnewline" | "par":
                return "\n"
            case "and" | "And" | "AND":
                return ", "
            case "href" if len(node.required) > 1:
                return f"{last} ({self.text(node.required[0].children)})"
            case "footnote" | "footnotetext":
                return f" ({' '.join(last.split())})"
            case name if name in (CODE_MACRO, VERB_MACRO):
                return self.verbatim(node)
            case name if name in CITATIONS:
                return f"[{last}]"
            case name if name in QUANTITIES:
                return " ".join(_quantity(argument.shown) for argument in node.required)
            case name if name in SILENT:
                return ""
            case name if name in SHOWN:
                return last
        with self.expanded(node) as nodes:
            if nodes is not None:
                return self.text(nodes)
        if node.name in SYMBOLS and not node.arguments:
            return SYMBOLS[node.name]
        return node.shown or "".join(self.text(argument.children) for argument in node.required)


def visible(nodes: Sequence[LatexNode]) -> Iterator[LatexNode]:
    r"""The nodes without definitions in plain TeX, which no grammar can tell from text: `\def\name#1{...}`."""
    at = 0
    while at < len(nodes):
        node = nodes[at]
        at += 1
        if node.kind == "macro" and node.name in _DEFINING:
            ends = [
                place for place in range(at, min(at + _LONGEST_DEFINITION, len(nodes))) if _ends(node, nodes[place])
            ]
            count = 2 if node.name == "let" else 1
            if len(ends) >= count:
                at = ends[count - 1] + 1
                continue
        yield node


def _ends(definition: LatexNode, node: LatexNode) -> bool:
    if definition.name == "let":
        return node.kind == "macro"
    return node.kind == "group" and _weight(node) <= _LARGEST_BODY  # an open brace would take all that follows


def _weight(node: LatexNode) -> int:
    return 1 + sum(map(_weight, (*node.children, *node.arguments)))


def _filled(macro: UserMacro, use: LatexNode) -> str:
    """The body of a macro with the arguments in their places."""
    given = [argument.shown for argument in use.required]
    if macro.default is not None:
        optional = [argument.shown for argument in use.arguments if argument.name == "["]
        given.insert(0, optional[0] if optional else macro.default)
    return _PARAMETER.sub(lambda place: given[int(place[1]) - 1] if int(place[1]) <= len(given) else "", macro.body)


def _quantity(source: str) -> str:
    return " ".join(word[1] or word[0] for word in _UNIT.finditer(source))
