"""The definitions in a program: found in its syntax tree, with the comments and decorators directly above them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from tree_sitter import Language, Node, Parser

from docindex.loaders.code_grammars import Grammar, Named

_BLOCK = 1 << 16
_MOST_STEPS = 60_000
"""Reports of progress by the parser: eight megabytes of ordinary code take fewer, and each is under a millisecond.
Counted rather than timed, so that a file always reads the same."""
_BODIES = frozenset(("body_statement", "block"))
"""Nodes for the inside of a definition, before which the comment above its first statement stands."""
_DEEPEST = 150
"""Levels of the syntax tree: no definition that a reader looks for lies deeper."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A class, function or the like."""

    start: int
    end: int
    """In code points of the text; the start is that of what belongs to it above."""
    level: int
    """1 for one that lies in no other."""
    heading: str
    symbol: str
    """Its qualified name: "Reader.load"."""


@dataclass(slots=True)
class _Siblings:
    """What came before a node among the children of its parent."""

    carried: int | None = None
    """Where the first of them counts as begun, if that is where the parent does."""
    lead: int | None = None
    """Where the comments directly before the next node begin."""
    lead_row: int = -1
    last_row: int = -1


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    name: Named


def find_definitions(text: str, grammar: Grammar) -> list[Definition]:
    """The definitions in the order in which they begin; none if the program can't be parsed within reason."""
    data = text.encode("utf-8", "replace")
    try:
        found = list(_walk(_parse(data, grammar), grammar))
    except ValueError:  # the parser was told to stop
        return []
    places = _code_points(data, sorted({at for item in found for at in (item.start, item.end)}))
    definitions: list[Definition] = []
    around: list[Definition] = []
    for item in found:
        start, end = places[item.start], places[item.end]
        while around and around[-1].end <= start:
            around.pop()
        symbol = f"{around[-1].symbol}.{item.name.symbol}" if around else item.name.symbol
        definition = Definition(start, end, len(around) + 1, item.name.heading, symbol)
        definitions.append(definition)
        around.append(definition)
    return definitions


def _parse(data: bytes, grammar: Grammar) -> Node:
    package = importlib.import_module(grammar.module)
    steps = 0

    def read(at: int, _point: object) -> bytes:
        return data[at : at + _BLOCK]

    def enough(_at: int, _has_error: bool) -> bool:
        nonlocal steps
        steps += 1
        return steps > _MOST_STEPS

    parser = Parser(Language(getattr(package, grammar.function)()))
    return parser.parse(read, progress_callback=enough).root_node


def _walk(root: Node, grammar: Grammar) -> Iterator[_Found]:
    """One pass with a cursor: queries take time that grows with the square of the depth."""
    cursor = root.walk()
    levels = [_Siblings()]
    while True:
        node = cursor.node
        inherited = _Siblings(lead=levels[-1].lead, lead_row=levels[-1].lead_row)
        start = None if node is None else _start(node, levels[-1], grammar)
        if node is not None and start is not None and (naming := grammar.definitions.get(node.type)):
            name = naming(node)
            if name is not None:
                yield _Found(start, node.end_byte, name)
                start = None
        if len(levels) <= _DEEPEST and cursor.goto_first_child():
            if node is not None and node.type in _BODIES:
                levels.append(inherited)
            else:
                levels.append(_Siblings(carried=start if node is not None and node.type in grammar.wrappers else None))
            continue
        while not cursor.goto_next_sibling():
            if len(levels) == 1 or not cursor.goto_parent():
                return
            levels.pop()


def _start(node: Node, siblings: _Siblings, grammar: Grammar) -> int | None:
    """Where the node begins with what stands directly above it; None for a comment or the like."""
    first, last = node.start_point[0], node.end_point[0] - (node.end_point[1] == 0)
    if node.type in grammar.leads:
        if siblings.lead is None or first > siblings.lead_row + 1:
            siblings.lead = None if first == siblings.last_row else node.start_byte
        siblings.lead_row = siblings.last_row = last
        return None
    above = siblings.lead if siblings.lead is not None and first <= siblings.lead_row + 1 else None
    start = node.start_byte if above is None else above
    if siblings.carried is not None and above is None and (node.is_named or node.type in ("export", "type")):
        start = siblings.carried
        if node.type in grammar.definitions:
            siblings.carried = None
    siblings.lead, siblings.last_row = None, last
    return start


def _code_points(data: bytes, offsets: list[int]) -> dict[int, int]:
    """Each byte offset, and how many code points stand before it."""
    found = {0: 0}
    total = 0
    for before, at in pairwise((0, *offsets)):
        total += len(data[before:at].decode("utf-8", "replace"))
        found[at] = total
    return found
