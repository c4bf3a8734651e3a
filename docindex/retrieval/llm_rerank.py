"""Reranking by the local model: how likely it finds "yes" to whether a passage answers the question."""

from __future__ import annotations

from dataclasses import replace

from docindex.llm.yes_no import likelihood_of_yes
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import ChoosingLLM, Message, Retriever
from docindex.schema import Hit, Query

_LONGEST = 1500


class LLMReranker:
    """Orders another retriever's best hits by a mixture of their score and the model's judgement.

    The judgement is how likely the model says yes. It costs the reading of `depth` passages: seconds on a CPU.
    """

    def __init__(
        self,
        inner: Retriever,
        llm: ChoosingLLM,
        *,
        depth: int = 10,
        weight: float = 0.5,
        prompts: Prompts = SHIPPED,
    ) -> None:
        self._inner = inner
        self._llm = llm
        self._depth = depth
        self._weight = weight
        self._prompts = prompts

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits. What is not judged is scored as far below the last judged hit as it was found."""
        found = self._inner.retrieve(replace(query, k=max(query.k, self._depth)))
        judged, rest = found[: self._depth], found[self._depth :]
        if not judged:
            return []
        best = max(hit.score for hit in judged) or 1.0
        hits = [
            replace(hit, score=(1 - self._weight) * hit.score / best + self._weight * self._yes(query, hit))
            for hit in judged
        ]
        hits.sort(key=lambda hit: (-hit.score, hit.node_id))
        shift = hits[-1].score - judged[-1].score
        hits += [replace(hit, score=hit.score + shift) for hit in rest]
        return [replace(hit, rank=rank) for rank, hit in enumerate(hits[: query.k], 1)]

    def _yes(self, query: Query, hit: Hit) -> float:
        passage = f"{hit.node.context}\n{hit.text}"[:_LONGEST]
        messages = [
            Message("system", self._prompts.render("rerank_system")),
            Message("user", self._prompts.render("rerank", {"passage": passage, "question": query.text})),
        ]
        return likelihood_of_yes(self._llm, messages, cancel=query.cancel)
