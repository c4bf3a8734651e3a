"""Questions turned into others by the local model: what it writes is held to a grammar, and never needed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import get_args

from docindex.errors import ConfigError
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, Message
from docindex.retrieval.written import written_for
from docindex.schema import Query, TransformName

_LONGEST = 400
"""Code points of one text that the model writes."""
_MAX_TOKENS = 256


@dataclass(frozen=True, slots=True)
class _Task:
    most: int
    """So many texts."""
    keeps: bool = True
    """The question as it was asked is looked up too."""


_TASKS: dict[TransformName, _Task] = {
    "multi-query": _Task(3),
    "hyde": _Task(1),
    "step-back": _Task(1),
    "decompose": _Task(3),
    "rewrite": _Task(1, keeps=False),
}


class QueryTransform:
    """Makes of a question the texts that are looked up.

    Sources: multi-query as in RAG-Fusion (arXiv 2402.03367), HyDE (arXiv 2212.10496), step-back prompting (arXiv
    2310.06117), decomposition as in self-ask (arXiv 2210.03350), rewriting (arXiv 2305.14283).
    """

    def __init__(self, llm: LLM, name: TransformName, prompts: Prompts = SHIPPED) -> None:
        """Takes the model, what it is to do, and what it is asked with.

        Raises:
            ConfigError: There is no transform of the name.
        """
        if name not in _TASKS:
            raise ConfigError(f"There is no query transform {name!r}: choose {', '.join(get_args(TransformName))}.")
        self._llm = llm
        self._task = _TASKS[name]
        self._prompt = f"transform_{name.replace('-', '_')}"
        self._prompts = prompts

    def texts(self, query: Query) -> list[str]:
        """What is looked up, the question first where it is kept. The question alone if the model is of no help.

        Raises:
            RequestCancelledError: The query's `cancel` was set.
        """
        question = query.text
        written = [text for text in self._written(query) if text.casefold() != question.casefold()]
        unique = list(dict.fromkeys(written))[: self._task.most]
        if not unique:
            return [question]
        return [question, *unique] if self._task.keeps else unique

    def _written(self, query: Query) -> list[str]:
        messages = [Message("system", self._prompts.render(self._prompt)), Message("user", query.text)]
        if self._llm.count_tokens(messages) + _MAX_TOKENS > self._llm.context_tokens:
            return []
        grammar = _grammar(self._task.most)
        return _strings(written_for(query, self._llm, messages, max_tokens=_MAX_TOKENS, grammar=grammar))


def _grammar(most: int) -> str:
    more = f'( ", " text ){{0,{most - 1}}} ' if most > 1 else ""
    return f'root ::= "[" text {more}"]"\ntext ::= "\\"" [^"\\\\\\x00-\\x1f]{{3,{_LONGEST}}} "\\""\n'


def _strings(written: str) -> list[str]:
    """The strings of a JSON array; of one that was cut off, those that are whole."""
    for end in ("", '"]', "]"):
        try:
            found = json.loads(written.rstrip(", ") + end)
        except ValueError:
            continue
        if isinstance(found, list):
            return [text.strip() for text in found if isinstance(text, str) and text.strip()]
    return []
