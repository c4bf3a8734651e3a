from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from docindex.config import DEFAULT_LLM, Environment, LLMConfig
from docindex.llm.gguf import GgufModel
from docindex.llm.llamacpp import LlamaCppLLM
from docindex.wiring import model_store


@pytest.fixture(scope="session")
def llm_path() -> Path:
    return model_store(Environment.read()).path(DEFAULT_LLM)


@pytest.fixture(scope="session")
def local_llm(llm_path: Path) -> Iterator[LlamaCppLLM]:
    with LlamaCppLLM(llm_path, LLMConfig(context_tokens=1024), name=DEFAULT_LLM) as llm:
        yield llm


@pytest.fixture(scope="session")
def vocabulary(llm_path: Path) -> Iterator[GgufModel]:
    """The default model without its weights."""
    with GgufModel(llm_path, vocabulary_only=True) as model:
        yield model
