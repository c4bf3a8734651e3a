"""Whether the model finds "yes" likelier than "no", without a token being generated."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from docindex.protocols import ChoosingLLM, Message


def likelihood_of_yes(llm: ChoosingLLM, messages: Sequence[Message], *, cancel: threading.Event | None = None) -> float:
    """From 0 to 1: the share of "yes" in the probability of "yes" and "no"; 0.5 where it would say neither.

    Raises:
        ModelError: The prompt does not fit, or a server tells no probabilities.
        RequestCancelledError: `cancel` was set.
    """
    yes, no = llm.choose(messages, ("yes", "no"), cancel=cancel)
    return yes / (yes + no) if yes + no > 0 else 0.5
