from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from docindex.config import DEFAULT_EMBEDDER, DEFAULT_LLM
from docindex.embedding.bert_folder import read_settings
from docindex.errors import ModelError, NoModelError
from docindex.models.acquire import ModelStore
from docindex.models.catalogue import find, known_models, load_catalogue


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


def test_models_of_ones_own_come_after_ours_and_before_namesakes(catalogue_file: Path, tmp_path: Path) -> None:
    ours = load_catalogue()
    assert known_models(tmp_path / "catalogue.toml") == ours
    own = tmp_path / "catalogue.toml"
    own.write_text(catalogue_file.read_text().replace('name = "tiny-llm"', f'name = "{DEFAULT_LLM}"'))
    found = known_models(own)
    others = [spec.name for spec in ours.models if spec.name != DEFAULT_LLM]
    assert [spec.name for spec in found.models] == [*others, "tiny", DEFAULT_LLM, "tiny-hub"]
    assert DEFAULT_EMBEDDER in others
    assert found.find(DEFAULT_LLM).files[0].name == "tiny.gguf"
    own.write_text("[[model")
    with pytest.raises(ModelError, match=r"can't be read.*: correct it"):
        known_models(own)


def test_a_reranker_may_be_an_exported_graph(catalogue_file: Path, tmp_path: Path) -> None:
    text = catalogue_file.read_text().replace('name = "model.safetensors"', 'name = "model.onnx"')
    exported = tmp_path / "exported.toml"
    exported.write_text(text)
    with pytest.raises(ModelError, match="file = "):  # as an embedder it lacks its weights
        load_catalogue(exported)
    lines = text.replace('kind = "embedder"', 'kind = "reranker"').splitlines(keepends=True)
    exported.write_text("".join(line for line in lines if not line.strip().startswith("embedder =")))
    reranker = load_catalogue(exported).find("tiny")
    assert (reranker.kind, reranker.gguf) == ("reranker", None)
