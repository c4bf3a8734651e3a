"""Entities and relations as the local model reads them, held to what the passage says."""

from __future__ import annotations

import json
from collections.abc import Sequence

from docindex.indices.entities import Extraction, Extractor, key_of
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, Message

PROMPTS = ("graph_system", "graph")
"""What the model is asked with."""
_GRAMMAR = r"""
root ::= "[" ( fact ( ", " fact ){0,7} )? "]"
fact ::= "[" text ", " text ", " text "]"
text ::= "\"" [^"\\\x00-\x1f]{1,60} "\""
"""
_MAX_TOKENS = 320


class ModelExtractor:
    """Asks the model for facts, passage by passage, and keeps those whose subject and object stand in the passage.

    What the fallback finds is kept too, so that an entity which the model passes over is in the graph.
    """

    def __init__(self, llm: LLM, fallback: Extractor, prompts: Prompts = SHIPPED) -> None:
        own = prompts.own_version(*PROMPTS)
        self.name = f"{llm.name}-{own}" if own else llm.name
        self._llm = llm
        self._fallback = fallback
        self._prompts = prompts

    def extract(self, passages: Sequence[str]) -> list[Extraction]:
        """What each passage of one document speaks of."""
        by_rule = self._fallback.extract(passages)
        return [self._joined(text, found) for text, found in zip(passages, by_rule, strict=True)]

    def _joined(self, text: str, by_rule: Extraction) -> Extraction:
        facts = self._facts(text)
        labels = dict(by_rule.entities)
        for subject, _, object_ in facts:
            labels.setdefault(key_of(subject), subject)
            labels.setdefault(key_of(object_), object_)
        relations = tuple((key_of(subject), relation, key_of(object_)) for subject, relation, object_ in facts)
        return Extraction(labels, tuple(dict.fromkeys((*relations, *by_rule.relations))))

    def _facts(self, text: str) -> list[tuple[str, str, str]]:
        messages = [
            Message("system", self._prompts.render("graph_system")),
            Message("user", self._prompts.render("graph", {"passage": text})),
        ]
        if self._llm.count_tokens(messages) + _MAX_TOKENS > self._llm.context_tokens:
            return []
        tokens = self._llm.complete(messages, max_tokens=_MAX_TOKENS, grammar=_GRAMMAR)
        return [fact for fact in _parsed("".join(token.text for token in tokens)) if _stands(fact, text)]


def _parsed(written: str) -> list[tuple[str, str, str]]:
    """The facts; of an answer that was cut off, those before the cut."""
    while written:
        try:
            facts = json.loads(written)
        except ValueError:
            head, cut, _ = written.rpartition("], [")
            written = f"{head}]]" if cut else ""
            continue
        whole = [fact for fact in facts if isinstance(fact, list) and len(fact) == 3] if isinstance(facts, list) else []
        return [(str(fact[0]).strip(), str(fact[1]).strip(), str(fact[2]).strip()) for fact in whole]
    return []


def _stands(fact: tuple[str, str, str], text: str) -> bool:
    folded = " ".join(text.casefold().split())
    subject, relation, object_ = (" ".join(part.casefold().split()) for part in fact)
    return bool(subject and relation and object_) and subject != object_ and subject in folded and object_ in folded
