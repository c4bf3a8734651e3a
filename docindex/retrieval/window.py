"""Sentence windows: what stands around a passage is given with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from docindex.chunking.sentences import split_sentences
from docindex.protocols import Retriever, Snapshot
from docindex.schema import Document, Hit, Query

_REACH = 600
"""Code points a sentence that are looked at on either side."""


class WindowRetriever:
    """Widens another retriever's hits by so many sentences on either side, but not over the borders of a page.

    Hits whose windows touch become one, in the place of the better one, which names them in `merged`.
    """

    def __init__(self, snapshot: Callable[[], Snapshot], inner: Retriever, *, sentences: int = 2) -> None:
        self._snapshot = snapshot
        self._inner = inner
        self._sentences = sentences

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits; each keeps the id of the passage that was found."""
        hits = self._inner.retrieve(query)
        documents = self._snapshot().load_all({hit.doc_id for hit in hits})
        spans = [self._window(documents[hit.doc_id], hit) for hit in hits]
        found: list[Hit] = []
        for hit, (start, end) in zip(hits, spans, strict=True):
            wide = _spanning(documents[hit.doc_id], hit, start, end)
            touching = [other for other in found if _touch(other, wide)]
            found = [other for other in found if other not in touching[1:]]
            if touching:
                found[found.index(touching[0])] = _joined(documents[hit.doc_id], [*touching, wide])
            else:
                found.append(wide)
        return [replace(hit, rank=rank) for rank, hit in enumerate(found, 1)]

    def _window(self, document: Document, hit: Hit) -> tuple[int, int]:
        page = document.page_at(hit.node.start)
        low, high = (page.start, page.end) if page else (0, len(document.text))
        reach = self._sentences * _REACH
        low, high = max(low, hit.node.start - reach), min(high, hit.node.end + reach)
        before = _sentences(document.text, low, hit.node.start)[-self._sentences :] if self._sentences else []
        after = _sentences(document.text, hit.node.end, high)[: self._sentences]
        start = before[0][0] if before else hit.node.start
        return start, max(hit.node.end, after[-1][1] if after else 0)


def _sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The sentences between two places that are not blank, without the space around them."""
    found = []
    for first, last in split_sentences(text[start:end]):
        inside = text[start + first : start + last]
        if inside.strip():
            begins = start + first + len(inside) - len(inside.lstrip())
            found.append((begins, begins + len(inside.strip())))
    return found


def _touch(one: Hit, other: Hit) -> bool:
    same = one.doc_id == other.doc_id and one.node.page == other.node.page
    return same and other.node.start <= one.node.end and one.node.start <= other.node.end


def _joined(document: Document, hits: Sequence[Hit]) -> Hit:
    """All that the hits hold as one, in the place of the first."""
    start, end = min(hit.node.start for hit in hits), max(hit.node.end for hit in hits)
    ids = tuple(node_id for hit in hits for node_id in (hit.merged or (hit.node_id,)))
    return replace(_spanning(document, hits[0], start, end), merged=ids)


def _spanning(document: Document, hit: Hit, start: int, end: int) -> Hit:
    return replace(hit, node=replace(hit.node, start=start, end=end, text=document.text[start:end]))
