"""Language models that remember what they wrote, in the folder of the index."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from docindex.wiring.models import model_file

if TYPE_CHECKING:
    from docindex.config import Environment, LLMConfig
    from docindex.llm.caching import CachingLLM
    from docindex.protocols import LLM
    from docindex.wiring.parts import Parts


def answering_cache(parts: Parts, version: Callable[[], int]) -> CachingLLM:
    """The model that answers; it remembers what it wrote for a version of the index."""
    return _cached(parts, parts.llm(), parts.llm_config, version)


def making_cache(parts: Parts, name: str) -> CachingLLM:
    """A model that makes an index; it remembers what it wrote, so that an interrupted document is gone on with.

    What it writes depends on its prompt alone, and so holds for every version.
    """
    config = replace(parts.llm_config, model=name)
    return _cached(parts, parts.llm_named(name), config, lambda: parts.store.snapshot().version, any_version=True)


def _cached(
    parts: Parts, llm: LLM, config: LLMConfig, version: Callable[[], int], *, any_version: bool = False
) -> CachingLLM:
    from docindex.llm.caching import CachingLLM
    from docindex.llm.http_address import ServerAddress

    kept = parts.completions
    if ServerAddress.is_one(config.model):  # which may have another model now: its name tells
        model = f"{llm.name} {config}"
        return CachingLLM(llm, kept, model, version, beginnings=False, any_version=any_version)
    return CachingLLM(llm, kept, _identity(config, parts.environment), version, any_version=any_version)


def _identity(config: LLMConfig, environment: Environment) -> str:
    """What a completion depends on beside its prompt: the model's file and its settings."""
    path = model_file(config.model, environment)
    status = path.stat()
    return f"{path.name} {status.st_size} {status.st_mtime_ns} {config}"
