from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import gguf
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from docindex import Index, IndexConfig
from docindex.chunking.passages import PassageChunker
from docindex.config import Environment
from docindex.embedding import derived
from docindex.embedding.gguf import GgufEmbedder, read_tokens
from docindex.embedding.gguf_tokens import places, text_tokens
from docindex.embedding.onnx import OnnxEmbedder
from docindex.embedding.safetensors import read_safetensors
from docindex.errors import EmbedderMismatchError, ModelError
from docindex.llm.entries import frame
from docindex.llm.gguf import GgufModel
from docindex.protocols import Embedder
from docindex.schema import Document
from docindex.testing.embedder_contract import TEXTS, EmbedderContract
from docindex.wiring import open_embedder, passage_chunker

REFERENCE = json.loads((Path(__file__).parent / "data" / "reference_vectors.json").read_text(encoding="utf-8"))
ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=60)
UNIGRAMS = {"▁": -4.0, "▁rain": -2.0, "▁wind": -2.5, "y": -3.0, "ing": -2.2, "s": -2.1, "ö": -3.5, ".": -3.0}


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The digests of files of tests are not kept among the user's."""
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(derived, "user_cache_path", lambda name: cache / name)
        yield


@pytest.fixture(scope="module")
def minilm_gguf(families: ModuleType, minilm_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default embedder as a GGUF file, half as large."""
    words = Tokenizer.from_file(str(minilm_folder / "tokenizer.json")).get_vocab()
    return families.write_bert(
        tmp_path_factory.mktemp("gguf") / "minilm.gguf",
        read_safetensors(minilm_folder / "model.safetensors"),
        families.word_pieces(words),
        layers=6,
        heads=12,
        matrices=gguf.GGMLQuantizationType.F16,
    )


@pytest.fixture(scope="module")
def llama_minilm(minilm_gguf: Path) -> GgufEmbedder:
    return GgufEmbedder(minilm_gguf)


@pytest.fixture(scope="module")
def reading_gguf(families: ModuleType, family_words, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An embedding model that reads on, with the vocabulary of a chat model and random weights."""
    path = tmp_path_factory.mktemp("gguf") / "reading.gguf"
    keys = {**family_words.keys, "tokenizer.ggml.add_eos_token": True}
    return families.write_family(path, families.EMBEDDING, families.Vocabulary(keys))


@pytest.fixture(scope="module")
def reader(reading_gguf: Path) -> GgufEmbedder:
    return GgufEmbedder(reading_gguf, threads=1)


class TestGgufEmbedder(EmbedderContract):
    close = 3e-4  # 16 bits, in the weights and in the GELU

    @pytest.fixture(autouse=True)
    def _shared(self, llama_minilm: GgufEmbedder) -> None:
        self._embedder = llama_minilm

    def embedder(self) -> Embedder:
        return self._embedder


def in_llama_cpp(model: GgufModel, text: str, *, special: bool = False) -> list[int]:
    import llama_cpp  # after docindex.llm, which says how its threads wait

    data = text.encode()
    tokens = (llama_cpp.llama_token * (len(data) + 16))()
    count = llama_cpp.llama_tokenize(model.vocabulary, data, len(data), tokens, len(tokens), special, False)
    return list(tokens[:count])


def cosines(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return (one * other).sum(axis=1) / norms


# --- vectors ---------------------------------------------------------------------------------------------------------


def test_agrees_with_sentence_transformers(llama_minilm: GgufEmbedder) -> None:
    compared = [
        number
        for number, text in enumerate(REFERENCE["texts"])
        # The file knows no shorter length than BERT's, and what spells a control token is text here.
        if len(llama_minilm.token_offsets(text)) < REFERENCE["max_tokens"] - 2 and "[SEP]" not in text
    ]
    found = llama_minilm.embed([REFERENCE["texts"][number] for number in compared], kind="passage")
    assert len(compared) > 8
    assert cosines(found, np.array(REFERENCE["vectors"])[compared]).min() > 0.9999


def test_agrees_with_onnx(llama_minilm: GgufEmbedder, minilm: OnnxEmbedder) -> None:
    short = [text for text in TEXTS if len(text) < 1000 and "[SEP]" not in text]
    vectors = [embedder.embed(short, kind="query") for embedder in (llama_minilm, minilm)]
    assert cosines(*vectors).min() > 0.999


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_pools_as_the_file_says(families: ModuleType, tiny, pooling: str, tmp_path: Path) -> None:
    words = Tokenizer.from_file(str(tiny.write(tmp_path / "folder") / "tokenizer.json")).get_vocab()
    path = families.write_bert(
        tmp_path / "tiny.gguf",
        tiny.weights,
        families.word_pieces(words),
        layers=2,
        heads=4,
        pooling=gguf.PoolingType[pooling.upper()],
    )
    embedder = GgufEmbedder(path, threads=1)
    assert (embedder.dim, embedder.max_tokens) == (16, tiny.positions)
    for text in ("rain", "a wind wind"):
        expected = tiny.forward(tiny.ids(text), pooling)
        assert embedder.embed([text], kind="passage")[0] @ expected > 0.9999


def test_the_last_tokens_vector_does_not_depend_on_company(reader: GgufEmbedder) -> None:
    texts = ["the light turns green", "hold the button", "", "a " * 400, "the light turns green"]
    together = reader.embed(texts, kind="passage")
    alone = np.concatenate([reader.embed([text], kind="passage") for text in texts])
    assert np.abs(together - alone).max() < 1e-3
    assert np.abs(together[0] - together[4]).max() < 1e-3
    assert together[0] @ together[1] < 0.99
    assert np.allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)


def test_longer_texts_than_a_batch_are_read_whole(reader: GgufEmbedder) -> None:
    start = "rain and wind, " * 150
    assert 512 < len(reader.token_offsets(start)) < reader.max_tokens
    sun, pump = reader.embed([start + "then came the sun", start + "an invoice for two pumps"], kind="passage")
    assert np.abs(sun - pump).max() > 2e-3
    short = reader.embed(["rain"], kind="passage")
    assert np.abs(short - reader.embed(["rain"], kind="query")).max() < 1e-6


def test_more_texts_than_a_batch_holds(llama_minilm: GgufEmbedder) -> None:
    texts = [f"passage {number} " * (number % 5 + 1) for number in range(150)]
    vectors = llama_minilm.embed(texts, kind="passage")
    sample = [0, 64, 149]
    alone = np.concatenate([llama_minilm.embed([texts[number]], kind="passage") for number in sample])
    assert np.abs(vectors[sample] - alone).max() < 3e-4


@settings(deadline=None, max_examples=25)
@given(st.lists(ANY_TEXT, max_size=5))
def test_any_text_embeds(llama_minilm: GgufEmbedder, reader: GgufEmbedder, texts: list[str]) -> None:
    for embedder in (llama_minilm, reader):
        vectors = embedder.embed(texts, kind="passage")
        assert vectors.shape == (len(texts), embedder.dim)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


# --- tokens ----------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(ANY_TEXT)
def test_word_pieces_are_those_of_the_models_own_tokenizer(
    llama_minilm: GgufEmbedder, minilm: OnnxEmbedder, text: str
) -> None:
    assert np.array_equal(llama_minilm.token_offsets(text), minilm.token_offsets(text))


@pytest.mark.parametrize("text", [text for text in TEXTS if text.isascii()])
def test_word_pieces_are_llama_cpps(minilm_gguf: Path, text: str) -> None:
    tokens, longest = read_tokens(minilm_gguf)
    with GgufModel(minilm_gguf, vocabulary_only=True) as model:
        expected = in_llama_cpp(model, text.lower())[: longest - 2]
        if len(text) != 5000:  # llama.cpp knows no longest word
            assert tokens.ids([text])[0].tolist() == expected


def test_a_vocabulary_with_case_keeps_it(families: ModuleType, tiny, tmp_path: Path) -> None:
    vocabulary = families.word_pieces({"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "Rain": 3, "rain": 4})
    found = {}
    for lowercase in (True, False):
        keys = {**vocabulary.keys, "tokenizer.ggml.normalizer.lowercase": lowercase}
        path = vocabulary_file(families, tmp_path / f"{lowercase}.gguf", families.Vocabulary(keys))
        found[lowercase] = read_tokens(path)[0].ids(["Rain"])[0].tolist()
    assert found == {True: [4], False: [3]}


def vocabulary_file(families: ModuleType, path: Path, vocabulary, architecture: str = "bert") -> Path:
    sizes = {"context_length": 64, "embedding_length": 8, "block_count": 1, "attention.causal": False}
    return families.write_gguf(path, architecture, sizes, vocabulary, iter(()))


@settings(deadline=None)
@given(st.lists(st.sampled_from(["rain", "wind", "rainy", "winding", "rains.", "s", "ing", "öing", "  "]), max_size=8))
def test_unigrams_are_llama_cpps(unigram_model: GgufModel, parts: list[str]) -> None:
    text = " ".join(parts)
    assert text_tokens(unigram_model, 64).ids([text])[0].tolist() == in_llama_cpp(unigram_model, text)


def test_unigrams_are_framed_as_llama_cpp_does(unigram_model: GgufModel) -> None:
    before, after = frame(unigram_model)
    assert [*before, *in_llama_cpp(unigram_model, "rain"), *after] == in_llama_cpp(unigram_model, "rain", special=True)


@pytest.fixture(scope="module")
def unigram_model(unigram_file: Path) -> Iterator[GgufModel]:
    with GgufModel(unigram_file, vocabulary_only=True) as model:
        yield model


@pytest.fixture(scope="module")
def unigram_file(families: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return vocabulary_file(families, tmp_path_factory.mktemp("gguf") / "unigrams.gguf", families.unigrams(UNIGRAMS))


def test_unigrams_have_places_and_no_control_tokens(unigram_file: Path) -> None:
    tokens, longest = read_tokens(unigram_file)
    assert longest == 64
    text = "winding  rains </s>"
    spans = [text[start:end] for start, end in tokens.offsets(text).tolist()]
    assert spans[:4] == ["wind", "ing", "rain", "s"]
    assert not {0, 1, 2} & set(tokens.ids([text])[0].tolist())
    assert tokens.offsets(" \n").shape == (0, 2)


def test_byte_tokens_have_places(reader: GgufEmbedder) -> None:
    text = "Hold the button, naïve façade 4711.\n\n  Indented"
    offsets = reader.token_offsets(text).tolist()
    assert {"the", ",", "."} <= {text[start:end] for start, end in offsets}
    covered = {at for start, end in offsets for at in range(start, end)}
    assert {at for at, char in enumerate(text) if not char.isspace()} <= covered
    assert reader.token_offsets(" \n\t ").shape == (0, 2)
    assert len(offsets) == len(reader._tokens.ids([text])[0])  # blank ones count, too


@given(ANY_TEXT.filter(bool), st.lists(st.integers(1, 6), min_size=60, max_size=60))
def test_pieces_of_a_text_are_found_where_they_are(text: str, lengths: list[int]) -> None:
    text = text.encode("utf-8", "replace").decode()
    data, pieces = text.encode(), []
    while data:
        length = lengths[len(pieces) % len(lengths)]
        pieces.append(data[:length])
        data = data[length:]
    spans = places(text, pieces)
    covered = {at for start, end in spans.tolist() for at in range(start, end)}
    assert {at for at, char in enumerate(text) if not char.isspace()} <= covered
    assert (np.diff(spans, axis=0) >= 0).all()
    assert (spans >= 0).all()
    assert (spans <= len(text)).all()


@given(ANY_TEXT, st.lists(st.binary(max_size=5), max_size=20))
def test_pieces_of_another_text_do_no_harm(text: str, pieces: list[bytes]) -> None:
    spans = places(text.encode("utf-8", "replace").decode(), pieces)
    assert spans.shape == (len(pieces), 2)
    assert (spans >= 0).all()
    assert (spans <= len(text)).all()
    assert (spans[:, 0] <= spans[:, 1]).all()
    assert (np.diff(spans, axis=0) >= 0).all()


def test_a_space_that_a_vocabulary_adds_and_a_byte_that_it_lacks() -> None:
    assert places("Rain é, sun", [b" Rain", b" ", b",", b" sun"]).tolist() == [[0, 4], [4, 5], [6, 7], [8, 11]]


@pytest.mark.parametrize("kind", ["words", "bytes"])
def test_parser_processes_cut_as_the_index_does(kind: str, minilm_gguf: Path, reading_gguf: Path) -> None:
    path = minilm_gguf if kind == "words" else reading_gguf
    embedder = GgufEmbedder(path, threads=1)
    document = Document("a", "a", "The rain and the wind. Wind rain wind. " * 300, title="On rain")
    own = PassageChunker(embedder.token_offsets, max_tokens=200, overlap_tokens=24)
    assert passage_chunker(str(path), 200, 24).chunk(document) == own.chunk(document)


# --- files -----------------------------------------------------------------------------------------------------------


def test_the_fingerprint_is_the_files(minilm_gguf: Path, llama_minilm: GgufEmbedder, reader, tmp_path: Path) -> None:
    moved = shutil.copy(minilm_gguf, tmp_path / "other name.gguf")
    assert GgufEmbedder(moved).fingerprint == llama_minilm.fingerprint
    assert reader.fingerprint != llama_minilm.fingerprint


def test_digests_are_read_anew_where_a_file_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    first = derived.file_digest(path)
    assert derived.file_digest(path) == first
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    assert derived.file_digest(path) != first
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("kind", "message"), [(None, "generates text"), (gguf.PoolingType.RANK, "ranks pairs of texts")]
)
def test_other_models_are_refused(families: ModuleType, family_words, kind, message: str, tmp_path: Path) -> None:
    settings = {**families.EMBEDDING.settings}
    del settings["pooling_type"]
    if kind is not None:
        settings["pooling_type"] = int(kind)
    family = families.Family(families.EMBEDDING.architecture, families.EMBEDDING.layer, settings=settings)
    path = families.write_family(tmp_path / "other.gguf", family, family_words)
    with pytest.raises(ModelError, match=f"{message}.*choose an embedding model"):
        GgufEmbedder(path)


def test_no_gguf_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.gguf").write_text("text")
    with pytest.raises(ModelError, match="not a GGUF file"):
        GgufEmbedder(tmp_path / "no.gguf")


# --- an index --------------------------------------------------------------------------------------------------------


def test_an_index_is_built_searched_and_opened_again(minilm_gguf: Path, docs: Path, tmp_path: Path) -> None:
    model = shutil.copy(minilm_gguf, tmp_path / "embedder.gguf")
    with Index.create(tmp_path / "index", IndexConfig(embedder=str(model))) as index:
        report = index.ingest(docs)
        assert report.failed == ()
        assert report.nodes.embedded > 0
        found = index.search("lubricant for the motor", mode="dense")
        assert found[0].source.endswith("engine.txt")
    with Index.open(tmp_path / "index") as index:
        again = index.search("lubricant for the motor", mode="dense")
        assert [hit.node_id for hit in again] == [hit.node_id for hit in found]
        (docs / "new.txt").write_text("The lighthouse keeper writes down every ship.\n")
        index.ingest(docs)
        assert index.search("who watches the vessels?", mode="dense")[0].source.endswith("new.txt")


def test_another_model_under_the_same_name_is_refused(
    minilm_gguf: Path, reading_gguf: Path, docs: Path, tmp_path: Path
) -> None:
    model = shutil.copy(minilm_gguf, tmp_path / "embedder.gguf")
    with Index.create(tmp_path / "index", IndexConfig(embedder=str(model))) as index:
        index.ingest(docs)
    shutil.copy(reading_gguf, model)
    with Index.open(tmp_path / "index") as index, pytest.raises(EmbedderMismatchError):
        index.search("lubricant", mode="dense")


def test_the_file_is_told_from_a_folder(minilm_gguf: Path, minilm_folder: Path) -> None:
    environment = Environment.read()
    assert isinstance(open_embedder(str(minilm_gguf), environment), GgufEmbedder)
    assert isinstance(open_embedder(str(minilm_folder), environment), OnnxEmbedder)
