from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from docindex.config import DEFAULT_EMBEDDER, DEFAULT_LLM
from docindex.embedding.bert_folder import read_settings
from docindex.errors import ModelError, NoModelError
from docindex.models.acquire import ModelStore
from docindex.models.catalogue import find, load_catalogue


def test_the_defaults_are_in_the_catalogue() -> None:
    embedder, llm = find(DEFAULT_EMBEDDER), find(DEFAULT_LLM)
    assert (embedder.kind, llm.kind) == ("embedder", "llm")
    assert embedder.embedder is not None
    assert llm.llm is not None
    assert embedder.licence == llm.licence == "Apache-2.0"
    assert all(spec.package and spec.hub for spec in (embedder, llm))
    assert embedder.bytes == sum(file.bytes for file in embedder.files)


def test_what_the_embedder_reads_is_what_the_catalogue_says() -> None:
    spec = find(DEFAULT_EMBEDDER)
    found = read_settings(ModelStore().path(DEFAULT_EMBEDDER))
    assert spec.embedder is not None
    assert dataclasses.asdict(spec.embedder) == {
        "dim": found.hidden,
        "max_tokens": found.max_tokens,
        "pooling": found.pooling,
        "query_prefix": found.query_prefix,
        "passage_prefix": found.passage_prefix,
    }


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(NoModelError, match=f"'gpt-9'.*{DEFAULT_EMBEDDER}, {DEFAULT_LLM}"):
        find("gpt-9")


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ('licence = "MIT"', 'license = "MIT"', "licence = None"),
        ('licence = "MIT"', 'licence = "MIT"\ncolour = "red"', "colour"),
        ("context_tokens = 64", "context_tokens = -1", "context_tokens = -1"),
        ("context_tokens = 64", "context_tokens = true", "context_tokens = True"),
        ('pooling = "cls"', 'pooling = "max"', "pooling = 'max'"),
        ('kind = "llm"', 'kind = "embedder"', "kind = 'embedder'"),
        ('kind = "llm"', 'kind = "reranker"', "kind = 'reranker'"),
        ('name = "tiny.gguf"', 'name = "../tiny.gguf"', "name = '../tiny.gguf'"),
        ('name = "tiny.gguf"', 'name = "tiny.bin"', "file = "),
        ('sha256 = "', 'sha256 = "0', "sha256 = "),
        ('name = "tiny-hub"', 'name = "tiny"', "lists tiny twice"),
        ("[[model]]", "[[model", "can't be read"),
    ],
)
def test_faults_are_named(catalogue_file: Path, tmp_path: Path, old: str, new: str, names: str) -> None:
    text = catalogue_file.read_text()
    assert old in text
    broken = tmp_path / "broken.toml"
    broken.write_text(text.replace(old, new))
    with pytest.raises(ModelError, match=names.replace("(", r"\(")):
        load_catalogue(broken)
