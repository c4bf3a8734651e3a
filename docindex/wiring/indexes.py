"""The indexes on top of the passages, from their definitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from docindex.errors import NoModelError, StoreError
from docindex.wiring.models import lasting_name
from docindex.wiring.remembering import making_cache

if TYPE_CHECKING:
    from docindex.indices.entities import Extractor
    from docindex.indices.summarising import Summarizer
    from docindex.indices.tree import Grouping
    from docindex.prompts.files import Prompts
    from docindex.protocols import LLM, DerivedIndex, OnProgress, Writer
    from docindex.schema import Behind, IndexDefinition, JsonValue
    from docindex.wiring.parts import Parts


def settled(parts: Parts, definition: IndexDefinition) -> IndexDefinition:
    """The definition with the model that makes the index from now on: this process's, where it names none."""
    if definition.options.get("by") != "model":
        return definition
    name = str(definition.options["llm"]) or parts.llm_config.model
    options = {**definition.options, "llm": lasting_name(name, parts.environment)}
    return replace(definition, options=options)


def refresh_indexes(parts: Parts, writer: Writer, on_progress: OnProgress) -> dict[str, int]:
    """Brings all indexes up to date; returns how many records each of them got."""
    from docindex.ingest import indexes

    return indexes.refresh_indexes(writer, lambda definition: derived_index(parts, definition), on_progress)


def follow(parts: Parts, writer: Writer, on_progress: OnProgress) -> tuple[Behind, ...]:
    """Brings the indexes that lack something up to date; returns those that could not be, with the reason."""
    from docindex.ingest import indexes

    return indexes.follow(writer, lambda definition: derived_index(parts, definition), on_progress)


def derived_index(parts: Parts, definition: IndexDefinition) -> DerivedIndex:
    """What keeps an index on top of the passages; the model that makes it is loaded.

    Raises:
        ConfigError: The prompts that it is made with can't be used.
        NoModelError: The model is missing and may not be downloaded, or is another server than this process asks.
        StoreError: A newer docindex defined it.
    """
    from docindex.indices.document_summaries import DocumentSummaries
    from docindex.indices.entities import RuleExtractor
    from docindex.indices.entities_by_model import ModelExtractor
    from docindex.indices.graph import EntityGraph
    from docindex.indices.sentences import SentenceVectors
    from docindex.indices.tree import SummaryTree

    options = definition.options
    match definition.kind:
        case "sentences":
            return SentenceVectors(parts.embedder())
        case "summaries":
            return DocumentSummaries(parts.embedder(), _summarizer(parts, options))
        case "tree":
            grouping: Grouping = "order" if options.get("grouping") == "order" else "alike"
            fanout = int(str(options["fanout"]))
            return SummaryTree(parts.embedder(), _summarizer(parts, options), fanout=fanout, grouping=grouping)
        case "graph":
            extractor: Extractor = RuleExtractor()
            if options["by"] == "model":
                extractor = ModelExtractor(_llm(parts, options), extractor, _prompts(options))
            return EntityGraph(extractor)
    raise StoreError(f"The index {definition.kind!r} is of a newer docindex: install that, or drop the index.")


def _summarizer(parts: Parts, options: Mapping[str, JsonValue]) -> Summarizer:
    from docindex.indices.summarising import ExtractiveSummarizer, LLMSummarizer

    words = int(str(options["words"]))
    extractive = ExtractiveSummarizer(parts.embedder(), words)
    if options["by"] != "model":
        return extractive
    return LLMSummarizer(_llm(parts, options), extractive, words, _prompts(options))


def _llm(parts: Parts, options: Mapping[str, JsonValue]) -> LLM:
    """The model that the index is made with, whichever one answers in this process; it remembers what it wrote."""
    from docindex.llm.http_address import ServerAddress

    name = str(options["llm"]) or parts.llm_config.model
    if ServerAddress.is_one(name) and name != parts.llm_config.model:
        # An index may come from anywhere: where texts and the key are sent is for the user to say.
        raise NoModelError(
            f"The index is made by {name}, which is asked only where DOCINDEX_LLM names it: set that, "
            "or add the index anew with another model."
        )
    return making_cache(parts, name)


def _prompts(options: Mapping[str, JsonValue]) -> Prompts:
    """What the model is asked with: one's own are as their folder has them now."""
    from docindex.prompts.files import Prompts

    folder = options.get("prompts")
    return Prompts.of(None if folder is None else str(folder))
