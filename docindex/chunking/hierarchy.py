"""Passages with parents: larger slices of the same text, level above level."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from docindex.chunking.context import context_line
from docindex.errors import ConfigError
from docindex.protocols import Chunker
from docindex.schema import Document, Node, digest

TokenOffsets = Callable[[str], NDArray[np.int32]]

_EARLY = 0.5
"""A parent that is so full ends where a section of the document begins."""


class HierarchicalChunker:
    """Puts parents above the nodes that another chunker makes.

    A parent is a slice of the text from the start of its first child to the end of its last one. Where it would have a
    single child there is none at that level, and the child has its parent further up. Nodes come level by level, and
    each level in the order of the text; `parent_id` names the parent.
    """

    def __init__(self, inner: Chunker, token_offsets: TokenOffsets, levels: Sequence[int]) -> None:
        """Takes the most tokens of the parents of each level, lowest first.

        Raises:
            ConfigError: A level is not larger than the one below it.
        """
        if list(levels) != sorted(set(levels)):
            raise ConfigError(f"levels are {tuple(levels)}: give ascending numbers of tokens, such as (512, 2048).")
        self._inner = inner
        self._token_offsets = token_offsets
        self._levels = tuple(levels)

    def chunk(self, document: Document, before: Sequence[Node] = ()) -> list[Node]:
        """The document's nodes, passages first."""
        passages = self._inner.chunk(document, [node for node in before if node.level == 0])
        if len(passages) < 2:
            return passages
        starts: list[int] = self._token_offsets(document.text)[:, 0].tolist()

        def weight(start: int, end: int) -> int:
            return bisect_left(starts, end) - bisect_left(starts, start)

        made: list[Node] = []
        lowest = passages
        for level, most in enumerate(self._levels, 1):
            lowest, parents = _joined(document, lowest, level, most, weight)
            made += lowest
            lowest = parents
        return sorted([*made, *lowest], key=lambda node: (node.level, node.order))


def _joined(
    document: Document, nodes: Sequence[Node], level: int, most: int, weight: Callable[[int, int], int]
) -> tuple[list[Node], list[Node]]:
    """The nodes that have got a parent, and what the level above is made from: parents, and those without one."""
    settled: list[Node] = []
    above: list[Node] = []
    seen: Counter[str] = Counter()
    for group in _groups(nodes, most, weight):
        if len(group) == 1:
            above.append(group[0])
            continue
        parent = _parent(document, group, level, len([node for node in above if node.level == level]), seen)
        settled += [replace(node, parent_id=parent.node_id) for node in group]
        above.append(parent)
    return settled, above


def _groups(nodes: Sequence[Node], most: int, weight: Callable[[int, int], int]) -> Iterator[list[Node]]:
    """Neighbours that come to at most so many tokens, parted where sections begin if that does not make them small."""
    group: list[Node] = []
    for node in nodes:
        if group:
            size = weight(group[0].start, node.end)
            opens = node.headings != group[-1].headings and len(node.headings) <= len(group[0].headings)
            if size > most or (opens and weight(group[0].start, group[-1].end) >= _EARLY * most):
                yield group
                group = []
        group.append(node)
    if group:
        yield group


def _parent(document: Document, group: Sequence[Node], level: int, order: int, seen: Counter[str]) -> Node:
    first = group[0]
    start, end = first.start, max(node.end for node in group)
    text = document.text[start:end]
    paths = [node.headings for node in group]
    shared = tuple(names[0] for names in takewhile(lambda names: len(set(names)) == 1, zip(*paths, strict=False)))
    parts = [part for part in (document.title, *shared) if part]
    node = Node(
        node_id="",
        doc_id=document.doc_id,
        order=order,
        start=start,
        end=end,
        text=text,
        context=context_line(parts, text) if parts else "",
        headings=shared,
        page=first.page,
        page_label=first.page_label,
        level=level,
    )
    content = node.content_hash
    seen[content] += 1
    return replace(node, node_id=digest(node.doc_id, str(level), content, str(seen[content])))
