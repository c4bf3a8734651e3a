"""The ways to make an answer of hits, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from docindex.answering.accumulate import AccumulateSynthesizer
from docindex.answering.compact import CompactSynthesizer
from docindex.answering.context_only import ContextSynthesizer
from docindex.answering.entailment import Entailment
from docindex.answering.extract import ExtractSynthesizer
from docindex.answering.packing import pack, pack_evenly
from docindex.answering.policy import AnswerPolicy
from docindex.answering.refine import RefineSynthesizer
from docindex.answering.tree import TreeSynthesizer
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, BatchingLLM, Synthesizer, Vectors
from docindex.schema import Document, SynthesisMode


def synthesizer(
    mode: SynthesisMode,
    llm: Callable[[], LLM],
    load_document: Callable[[str], Document | None],
    *,
    batching: Callable[[], BatchingLLM | None] = lambda: None,
    embed: Callable[[Sequence[str]], Vectors] | None = None,
    max_tokens: int = 160,
    max_hits: int = 4,
    policy: AnswerPolicy | None = None,
    prompts: Prompts = SHIPPED,
    entailment: Callable[[], Entailment | None] = lambda: None,
) -> Synthesizer:
    """The synthesizer of a mode. The model is loaded by those that use one; `extract` and `context-only` use none.

    Args:
        mode: The way.
        llm: Gives the model that writes.
        load_document: A stored document by its id, to verify quotes against.
        batching: Gives the same model, if it answers several chats at once.
        embed: Vectors of questions and sentences; sharpens what a sentence has to do with the question.
        max_tokens: The longest answer of the model.
        max_hits: How many hits `compact` and `simple` read; all others read all, a few a prompt.
        policy: The thresholds.
        prompts: What the model is asked with.
        entailment: Gives what has a model judge each sentence that it wrote, if that is wanted.
    """
    match mode:
        case "compact" | "simple":
            return CompactSynthesizer(
                llm(),
                load_document,
                packing=pack if mode == "compact" else pack_evenly,
                embed=embed,
                max_tokens=max_tokens,
                max_hits=max_hits,
                policy=policy,
                prompts=prompts,
                entailment=entailment(),
            )
        case "refine":
            return RefineSynthesizer(
                llm(),
                load_document,
                embed=embed,
                max_tokens=max_tokens,
                policy=policy,
                prompts=prompts,
                entailment=entailment(),
            )
        case "tree-summarise":
            return TreeSynthesizer(
                llm(),
                load_document,
                batching=batching(),
                embed=embed,
                max_tokens=max_tokens,
                policy=policy,
                prompts=prompts,
                entailment=entailment(),
            )
        case "accumulate":
            return AccumulateSynthesizer(
                llm(),
                load_document,
                batching=batching(),
                embed=embed,
                max_tokens=max_tokens,
                policy=policy,
                prompts=prompts,
                entailment=entailment(),
            )
        case "extract":
            return ExtractSynthesizer(load_document, embed=embed, policy=policy)
        case "context-only":
            return ContextSynthesizer(load_document, embed=embed, policy=policy)
