"""A filter that the question itself implies, read by the local model and checked against the fields that exist."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence

from docindex.errors import QueryError
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, Message, Retriever, Snapshot
from docindex.retrieval.filtered import narrowed
from docindex.retrieval.filters import parse_filter
from docindex.retrieval.written import written_for
from docindex.schema import And, Condition, Field, Hit, Query

logger = logging.getLogger("docindex.retrieval")

_MOST_FIELDS = 24
_MAX_TOKENS = 96
_OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "contains")


class AutoFilterRetriever:
    """Asks another retriever under the condition that a question such as "in the manuals of 2023" implies.

    The model can name only fields that exist, and values must stand in the question. If nothing meets the condition,
    the question is asked without it.
    """

    def __init__(
        self, snapshot: Callable[[], Snapshot], llm: LLM, inner: Retriever, prompts: Prompts = SHIPPED
    ) -> None:
        self._snapshot = snapshot
        self._llm = llm
        self._inner = inner
        self._prompts = prompts

    def retrieve(self, query: Query) -> list[Hit]:
        """The inner retriever's hits."""
        implied = implied_condition(self._llm, query, self._snapshot().fields(), self._prompts)
        if implied is None:
            return self._inner.retrieve(query)
        return self._inner.retrieve(narrowed(query, implied)) or self._inner.retrieve(query)


def implied_condition(llm: LLM, query: Query, fields: Sequence[Field], prompts: Prompts = SHIPPED) -> Condition | None:
    """The condition that the question implies, if any.

    Raises:
        RequestCancelledError: The query's `cancel` was set.
    """
    usable = [field for field in fields if field.name not in ("node_id", "level", "page_label")][-_MOST_FIELDS:]
    if not usable:
        return None
    messages = [Message("system", prompts.render("filter_system", {"fields": usable})), Message("user", query.text)]
    if llm.count_tokens(messages) + _MAX_TOKENS > llm.context_tokens:
        return None
    written = written_for(query, llm, messages, max_tokens=_MAX_TOKENS, grammar=_grammar(usable))
    parts = _conditions(written, query.text, fields)
    return None if not parts else parts[0] if len(parts) == 1 else And(tuple(parts))


def _grammar(fields: Sequence[Field]) -> str:
    names = " | ".join(json.dumps(json.dumps(field.name)) for field in fields)
    operators = " | ".join(json.dumps(json.dumps(operator)) for operator in _OPERATORS)
    return (
        'root ::= "[" ( one ( ", " one )? )? "]"\n'
        'one ::= "[" name ", " operator ", " value "]"\n'
        f"name ::= {names}\n"
        f"operator ::= {operators}\n"
        'value ::= "\\"" [^"\\\\\\x00-\\x1f]{1,60} "\\""\n'
    )


def _conditions(written: str, question: str, fields: Sequence[Field]) -> list[Condition]:
    try:
        stated = json.loads(written)
    except ValueError:
        return []
    found: list[Condition] = []
    for one in stated if isinstance(stated, list) else []:
        if not (isinstance(one, list) and len(one) == 3 and all(isinstance(part, str) for part in one)):
            continue
        name, operator, value = one
        if value.casefold() not in question.casefold():
            continue
        quoted_name, quoted_value = name.replace('"', '""'), value.replace("'", "''").replace("\\", "\\\\")
        try:
            found.append(parse_filter(f"\"{quoted_name}\" {operator} '{quoted_value}'", fields))
        except QueryError as error:
            logger.debug("The model's condition is left out: %s", error)
    return found
