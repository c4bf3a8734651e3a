"""What the model writes on the way to the hits."""

from __future__ import annotations

from collections.abc import Sequence

from docindex.llm.batches import completion
from docindex.protocols import LLM, Message
from docindex.schema import Query, TokenCounts


def written_for(query: Query, llm: LLM, messages: Sequence[Message], *, max_tokens: int, grammar: str) -> str:
    """The model's answer at temperature 0; its tokens are counted for whoever made the query, who can cancel it.

    Raises:
        RequestCancelledError: The query's `cancel` was set.
    """
    written = completion(llm, messages, max_tokens=max_tokens, grammar=grammar, cancel=query.cancel)
    if query.count is not None:
        query.count(TokenCounts(written.prompt_tokens, written.cached_tokens, written.completion_tokens))
    return written.text
