"""Which nodes of an earlier state of a document still stand in its text, so that an edit costs what it changed."""

from __future__ import annotations

from collections.abc import Sequence

from docindex.schema import Node

Span = tuple[int, int]

_REACH = 1 << 16
"""How far behind the last node that was found, in code points, the next one is looked for."""


def standing_spans(text: str, before: Sequence[Node]) -> list[Span]:
    """The places in the text of the nodes that it still holds, in order; starts and ends both ascend.

    Nodes before the first edit and after the last one are found at once, by their place. Those between several edits
    are looked for in order, so that of text that occurs more than once a wrong copy is never taken for two.

    Args:
        text: The document's text as it is now.
        before: The document's nodes as they were, in order.
    """
    if not before:
        return []
    head: list[Span] = []
    for node in before:
        if not text.startswith(node.text, node.start):
            break
        head.append((node.start, node.end))
    moved = len(text.rstrip()) - before[-1].end
    tail: list[Span] = []
    for node in reversed(before[len(head) :]):
        start = node.start + moved
        if start < 0 or not text.startswith(node.text, start) or (head and start <= head[-1][0]):
            break
        tail.append((start, start + len(node.text)))
    middle = before[len(head) : len(before) - len(tail)]
    return [
        *head,
        *_between(text, middle, head[-1] if head else (-1, 0), tail[-1][0] if tail else len(text)),
        *tail[::-1],
    ]


def _between(text: str, nodes: Sequence[Node], last: Span, stop: int) -> list[Span]:
    found: list[Span] = []
    for node in nodes:
        at = text.find(node.text, last[0] + 1, min(stop, last[1] + _REACH) + len(node.text))
        end = at + len(node.text)
        if at >= 0 and at < stop and end > last[1]:
            last = at, end
            found.append(last)
    return found
