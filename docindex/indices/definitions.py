"""The kinds of indexes on top of the passages, and how each may be made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

from docindex.errors import ConfigError
from docindex.indices import entities_by_model, summarising
from docindex.indices.summarising import WORDS
from docindex.indices.tree import Grouping
from docindex.prompts.files import Prompts
from docindex.schema import IndexDefinition, JsonValue

MadeBy = Literal["rules", "model"]

KINDS: Mapping[str, str] = {
    "graph": "what each passage speaks of, and how that is connected",
    "sentences": "a vector for each sentence, by which a passage's best line counts",
    "summaries": "a summary of each document, by which documents are found first",
    "tree": "summaries of passages, of those summaries, and so on up to one of everything",
}
"""The kinds by name, and what each of them keeps."""
_PROMPTS: Mapping[str, tuple[str, ...]] = {
    "graph": entities_by_model.PROMPTS,
    "summaries": summarising.PROMPTS,
    "tree": summarising.PROMPTS,
}
"""What the model is asked with for those that it can make."""


def definition_of(
    kind: str,
    *,
    by: MadeBy = "rules",
    fanout: int = 8,
    grouping: Grouping = "alike",
    words: int = WORDS,
    llm: str = "",
    prompts: str | Path | None = None,
) -> IndexDefinition:
    """The definition of an index.

    Args:
        kind: One of `KINDS`.
        by: Who writes the summaries or finds the entities: rules, or the local model, which takes seconds a passage.
        fanout: How many members a summary of the tree has at most.
        grouping: Which passages and summaries of a document the tree puts together: those that are alike, or in order
            those that stand beside each other. Documents are put together by likeness.
        words: About how long a summary is.
        llm: The name of the model, where it is made by one: every ingest asks the same. Without a name it is that of
            the process which adds the index.
        prompts: A folder with prompts of one's own, where it is made by the model. Every ingest reads them from there.

    Raises:
        ConfigError: There is no such kind, a value is out of range, or the prompts can't be used.
    """
    if kind not in KINDS:
        raise ConfigError(f"There is no index {kind!r}: choose {', '.join(KINDS)}.")
    if by not in ("rules", "model"):
        raise ConfigError(f"An index is made by rules or by model, and not by {by!r}.")
    if not 2 <= fanout <= 64:
        raise ConfigError(f"fanout is {fanout}: give a value from 2 to 64.")
    if grouping not in get_args(Grouping):
        raise ConfigError(f"The tree groups what is alike, or in order, and not by {grouping!r}.")
    if not 20 <= words <= 400:
        raise ConfigError(f"words is {words}: give a value from 20 to 400.")
    if prompts is not None and (by != "model" or kind not in _PROMPTS):
        raise ConfigError("Prompts go with a graph, summaries or a tree by model: leave them out, or say by model.")
    options: dict[str, JsonValue] = {}
    if kind != "sentences":
        options["by"] = by
        if by == "model":
            options["llm"] = llm
            options |= _own_prompts(kind, prompts)
    if kind in ("summaries", "tree"):
        options["words"] = words
    if kind == "tree":
        options["fanout"] = fanout
        if grouping != "alike":  # which older definitions mean without a word
            options["grouping"] = grouping
    return IndexDefinition(kind=kind, options=options)


def _own_prompts(kind: str, folder: str | Path | None) -> dict[str, JsonValue]:
    """Where one's own prompts of a kind are, and a digest of them: with others, the index is another one."""
    if folder is None:
        return {}
    version = Prompts.of(folder).own_version(*_PROMPTS[kind])
    return {"prompts": str(Path(folder).absolute()), "prompts_version": version} if version else {}
