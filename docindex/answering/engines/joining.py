"""Several responses become one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from docindex.schema import Citation, Hit, Response, Step, TokenCounts

_MARKER = re.compile(r"\[(\d+)\]")


class Joining:
    """What several responses come to: citations under one numbering, each hit once, tokens in all."""

    def __init__(self) -> None:
        self._citations: dict[tuple[object, ...], Citation] = {}
        self._hits: dict[str, Hit] = {}
        self._dropped: dict[str, Hit] = {}
        self._models: dict[str, None] = {}
        self.tokens = TokenCounts()

    def text(self, response: Response) -> str:
        """The response's answer with the markers that its citations have in the whole, of which it is a part now."""
        self.cost(response)
        self._hits |= {hit.node_id: hit for hit in response.hits if hit.node_id not in self._hits}
        self._dropped |= {hit.node_id: hit for hit in response.dropped}
        as_they_are = not self._citations
        markers: dict[int, int] = {}
        for citation in response.citations:
            key = (citation.doc_id, citation.start, citation.end, citation.row, citation.verified)
            if key not in self._citations:
                marker = citation.marker if as_they_are else self._next_marker()
                self._citations[key] = replace(citation, marker=marker)
            else:
                self._citations[key] = self._citations[key].cited_again(
                    citation.support, citation.similarity, citation.entailment
                )
            markers[citation.marker] = self._citations[key].marker

        def renumbered(match: re.Match[str]) -> str:
            marker = int(match[1])
            return f"[{markers[marker]}]" if marker in markers else match[0]

        return _MARKER.sub(renumbered, response.answer)

    def cost(self, response: Response) -> None:
        """Counts the tokens of a response, whether or not its text is used."""
        self.spend(response.tokens)
        if response.model:
            self._models[response.model] = None

    def spend(self, tokens: TokenCounts) -> None:
        """Counts tokens that went into a decision."""
        self.tokens = self.tokens + tokens

    def whole(
        self,
        question: str,
        answer: str,
        *,
        timings_ms: Mapping[str, float],
        no_answer: bool = False,
        steps: tuple[Step, ...] = (),
        route: str | None = None,
    ) -> Response:
        """The response that all of it is."""
        ordered = sorted(self._citations.values(), key=lambda citation: citation.marker)
        return Response(
            question=question,
            answer=answer,
            no_answer=no_answer,
            citations=() if no_answer else tuple(ordered),
            hits=tuple(replace(hit, rank=rank) for rank, hit in enumerate(self._hits.values(), 1)),
            dropped=tuple(hit for hit in self._dropped.values() if hit.node_id not in self._hits),
            tokens=self.tokens,
            timings_ms=timings_ms,
            model=", ".join(self._models),
            route=route,
            steps=steps,
        )

    def _next_marker(self) -> int:
        return 1 + max((citation.marker for citation in self._citations.values()), default=0)
