"""How likely the model finds that a passage supports a sentence."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from docindex.answering.packing import fits, is_short
from docindex.answering.prompting import entailment_prompt
from docindex.answering.quotes import SourceSentence
from docindex.llm.yes_no import likelihood_of_yes
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import ChoosingLLM, Message
from docindex.schema import TokenCounts


@dataclass(frozen=True, slots=True)
class Entailed:
    """What the model made of a sentence."""

    likelihood: float
    """From 0 to 1: the share of "yes" in the probability of "yes" and "no"."""
    tokens: TokenCounts
    """What it read. How much of that was cached is not told."""


class Entailment:
    """Asks a model whether the passage that a sentence cites supports it.

    A sentence costs the reading of its passage, of which sentences that rest on the same one share the beginning.
    """

    def __init__(self, llm: ChoosingLLM, prompts: Prompts = SHIPPED) -> None:
        """Takes the model, and what it is asked with."""
        self._llm = llm
        self._prompts = prompts

    def judge(self, claim: str, cited: SourceSentence, *, cancel: threading.Event | None = None) -> Entailed | None:
        """How likely the cited passage supports the claim; None where not even the cited sentence has room.

        Of a passage that is too long for the model, only the cited sentence is read.

        Raises:
            ModelError: A server tells no probabilities, or can't be asked.
            RequestCancelledError: `cancel` was set.
        """
        messages = self._prompt(claim, cited)
        if messages is None:
            return None
        likelihood = likelihood_of_yes(self._llm, messages, cancel=cancel)
        return Entailed(likelihood, TokenCounts(self._llm.count_tokens(messages)))

    def _prompt(self, claim: str, cited: SourceSentence) -> list[Message] | None:
        node = replace(cited.hit.node, text=cited.text)
        for hit in (cited.hit, replace(cited.hit, node=node)):
            messages = entailment_prompt(claim, hit, self._prompts)
            if is_short(self._llm, [hit]) and fits(self._llm, messages, 1):
                return messages
        return None
