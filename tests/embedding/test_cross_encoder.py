"""Cross-encoders against a forward pass in plain numpy, over a model of a few kilobytes that is made here."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from pathlib import Path
from types import ModuleType

import gguf
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from typer.testing import CliRunner

from docindex import Index
from docindex.cli.app import build_app
from docindex.config import Environment
from docindex.embedding.cross_encoder import OnnxCrossEncoder
from docindex.embedding.gguf_cross_encoder import GgufCrossEncoder
from docindex.errors import ModelError, NoModelError
from docindex.retrieval.options import RetrievalOptions

QUERY = "rain wind"
TEXTS = ["sun", "", "rains, raining a b", "a b a b a b a b a b a b a b a b", "rain"]


class PairModel:
    """The tiny BERT with the head of a sequence classifier, and what it gives in plain numpy."""

    def __init__(self, tiny, labels: int) -> None:
        self.tiny = tiny
        random = np.random.default_rng(labels)
        hidden = tiny.weights["embeddings.LayerNorm.weight"].shape[0]
        self.head = {
            "bert.pooler.dense.weight": random.normal(0, 0.2, (hidden, hidden)).astype(np.float32),
            "bert.pooler.dense.bias": random.normal(0, 0.2, hidden).astype(np.float32),
            "classifier.weight": random.normal(0, 1, (labels, hidden)).astype(np.float32),
            "classifier.bias": np.zeros(labels, np.float32),
        }
        # Random weights make nearly the same of every text: the head is scaled until it tells them apart.
        logits = np.stack([self.logits(QUERY, text) for text in TEXTS])
        self.head["classifier.weight"] /= logits.std(axis=0).astype(np.float32)[:, None]
        self.head["classifier.bias"] -= (logits.mean(axis=0) / logits.std(axis=0)).astype(np.float32)

    def write(self, folder: Path, **changes: NDArray[np.float32]) -> Path:
        weights = {f"bert.{name}": weight for name, weight in self.tiny.weights.items()}
        return self.tiny.write(folder, weights=weights | self.head | changes)

    def write_gguf(self, path: Path, families: ModuleType, vocabulary, rank: bool = True) -> Path:
        names = {"cls": "bert.pooler.dense", "cls.output": "classifier"}
        types = "embeddings.token_type_embeddings.weight"
        return families.write_bert(
            path,
            self.tiny.weights | {types: self.tiny.weights[types][: vocabulary.keys["tokenizer.ggml.token_type_count"]]},
            vocabulary,
            layers=2,
            heads=4,
            pooling=gguf.PoolingType.RANK if rank else gguf.PoolingType.MEAN,
            head={
                f"{ours}.{part}": self.head[f"{theirs}.{part}"]
                for ours, theirs in names.items()
                for part in ("weight", "bias")
            },
        )

    def score(self, query: str, text: str) -> float:
        logits = self.logits(query, text)
        margin = logits[0] if len(logits) == 1 else logits[1] - logits[0]
        return float(1 / (1 + np.exp(-margin)))

    def logits(self, query: str, text: str) -> NDArray[np.float64]:
        first, second = self.tiny.ids(query), self.tiny.ids(text)[1:]
        while len(first) + len(second) > self.tiny.positions:  # the longer one loses its end, but for its [SEP]
            longest = first if len(first) - 1 > len(second) else second
            del longest[-2]
        states = self.tiny.states(first + second, [0] * len(first) + [1] * len(second))
        pooled = np.tanh(self.head["bert.pooler.dense.weight"] @ states[0] + self.head["bert.pooler.dense.bias"])
        return self.head["classifier.weight"] @ pooled + self.head["classifier.bias"]


@pytest.mark.parametrize("labels", [1, 2])
def test_scores_are_those_of_the_model(tiny, tmp_path: Path, labels: int) -> None:
    model = PairModel(tiny, labels)
    encoder = OnnxCrossEncoder(model.write(tmp_path / "m"), threads=1)
    found = encoder.score(QUERY, TEXTS)
    assert found.dtype == np.float32
    assert found == pytest.approx([model.score(QUERY, text) for text in TEXTS], abs=1e-3)
    assert np.ptp(found) > 0.3  # or the comparison would say little
    assert encoder.score(QUERY, []).shape == (0,)


def test_the_query_comes_first(tiny, tmp_path: Path) -> None:
    encoder = OnnxCrossEncoder(PairModel(tiny, 1).write(tmp_path / "m"), threads=1)
    assert abs(float(encoder.score("rain", ["sun a"])[0] - encoder.score("sun a", ["rain"])[0])) > 1e-3


def test_a_long_query_leaves_room_for_the_text(tiny, tmp_path: Path) -> None:
    model = PairModel(tiny, 1)
    encoder = OnnxCrossEncoder(model.write(tmp_path / "m"), threads=1)
    query = "rain wind sun a b " * 4
    assert encoder.score(query, ["sun", "wind"]) == pytest.approx(
        [model.score(query, "sun"), model.score(query, "wind")], abs=1e-3
    )


def test_many_texts_at_once_are_those_one_by_one(tiny, tmp_path: Path) -> None:
    encoder = OnnxCrossEncoder(PairModel(tiny, 1).write(tmp_path / "m"), threads=1)
    texts = [" ".join(["rain", "sun", "a", "b"][: number % 5]) for number in range(300)]
    one_by_one = [float(encoder.score(QUERY, [text])[0]) for text in texts[:10]]
    assert encoder.score(QUERY, texts)[:10] == pytest.approx(one_by_one, abs=1e-4)


@pytest.mark.parametrize("labels", [1, 2])
def test_an_exported_graph_gives_the_same(tiny, tmp_path: Path, labels: int) -> None:
    folder = PairModel(tiny, labels).write(tmp_path / "m")
    expected = OnnxCrossEncoder(folder, threads=1).score(QUERY, TEXTS)
    exported = tmp_path / "exported"
    exported.mkdir()
    for name in ("tokenizer.json", "config.json"):
        (exported / name).write_bytes((folder / name).read_bytes())
    [graph] = folder.glob(".docindex/graph-*/model.onnx")
    onnx.save(_as_exported(onnx.load(graph)), exported / "model.onnx")
    assert OnnxCrossEncoder(exported, threads=1).score(QUERY, TEXTS) == pytest.approx(expected, abs=1e-4)


def test_what_is_no_cross_encoder_is_refused(tiny, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"classifier\.weight are missing"):
        OnnxCrossEncoder(tiny.write(tmp_path / "embedder"))
    three = PairModel(tiny, 3).write(tmp_path / "three")
    with pytest.raises(ModelError, match="3 labels"):
        OnnxCrossEncoder(three, threads=1).score(QUERY, TEXTS)
    with pytest.raises(ModelError, match=r"no model\.safetensors.*exported as model\.onnx or is a GGUF file"):
        OnnxCrossEncoder(tmp_path)
    other = tiny.write(tmp_path / "other", config={"model_type": "xlm-roberta"})
    with pytest.raises(ModelError, match=r"'xlm-roberta'.*exported as model\.onnx or is a GGUF file"):
        OnnxCrossEncoder(other)
    shapeless = PairModel(tiny, 1).write(tmp_path / "w", **{"classifier.weight": np.zeros((1, 3), np.float32)})
    with pytest.raises(ModelError, match="shape"):
        OnnxCrossEncoder(shapeless)
    odd = tmp_path / "odd"
    odd.mkdir()
    (odd / "tokenizer.json").write_bytes((three / "tokenizer.json").read_bytes())
    value = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Identity", ["pixels"], ["out"])], "odd", [value], [out])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), odd / "model.onnx")
    with pytest.raises(ModelError, match="the input pixels"):
        OnnxCrossEncoder(odd)
    (odd / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="get the model again"):
        OnnxCrossEncoder(odd)


# --- GGUF ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def typeless(tiny):
    """The tiny BERT, to which all tokens are of one type."""
    made = copy.copy(tiny)
    types = tiny.weights["embeddings.token_type_embeddings.weight"]
    made.weights = tiny.weights | {"embeddings.token_type_embeddings.weight": np.stack([types[0], types[0]])}
    return made


@pytest.fixture
def exact(typeless):
    """The same without what is inside its layers: llama.cpp's GELU is a table, and a head that was scaled shows it."""
    inside = [name for name in typeless.weights if name.endswith("output.dense.weight") and "attention" not in name]
    typeless.weights |= {name: np.zeros_like(typeless.weights[name]) for name in inside}
    return typeless


def of_one_type(vocabulary, families: ModuleType):
    return families.Vocabulary({**vocabulary.keys, "tokenizer.ggml.token_type_count": 1})


def words_of(folder: Path, families: ModuleType):
    return families.word_pieces(Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab())


@pytest.mark.parametrize("labels", [1, 2])
def test_a_gguf_file_gives_what_the_folder_gives(exact, families: ModuleType, tmp_path: Path, labels: int) -> None:
    model = PairModel(exact, labels)
    folder = model.write(tmp_path / "m")
    path = model.write_gguf(tmp_path / "m.gguf", families, of_one_type(words_of(folder, families), families))
    by_onnx, by_llama = OnnxCrossEncoder(folder, threads=1), GgufCrossEncoder(path, threads=1)
    found = by_llama.score(QUERY, TEXTS)
    assert (found.dtype, found.shape) == (np.float32, (len(TEXTS),))
    assert found == pytest.approx(by_onnx.score(QUERY, TEXTS), abs=1e-3)
    assert np.ptp(found) > 0.3
    assert by_llama.max_tokens == by_onnx.max_tokens
    assert by_llama.score(QUERY, []).shape == (0,)
    long = "rain wind sun a b " * 4
    for query in (long, f"{long} rain", "a b sun", ""):
        texts = ["sun", "wind rain a b", long, f"{long} a", ""]
        assert by_llama.score(query, texts) == pytest.approx(by_onnx.score(query, texts), abs=1e-3)
    many = [" ".join(["rain", "sun", "a", "b"][: number % 5]) for number in range(300)]
    assert by_llama.score(QUERY, many) == pytest.approx(by_onnx.score(QUERY, many), abs=1e-3)


def test_whole_layers_give_nearly_the_same(typeless, families: ModuleType, tmp_path: Path) -> None:
    model = PairModel(typeless, 1)
    folder = model.write(tmp_path / "m")
    path = model.write_gguf(tmp_path / "m.gguf", families, of_one_type(words_of(folder, families), families))
    expected = OnnxCrossEncoder(folder, threads=1).score(QUERY, TEXTS)
    assert GgufCrossEncoder(path, threads=1).score(QUERY, TEXTS) == pytest.approx(expected, abs=0.02)


def test_a_gguf_file_of_the_kind_of_roberta_frames_pairs_as_that_does(
    exact, families: ModuleType, tmp_path: Path
) -> None:
    pieces = {
        "\u2581": -4.0,
        "\u2581rain": -2.0,
        "\u2581wind": -2.5,
        "\u2581sun": -2.6,
        "y": -3.0,
        "ing": -2.2,
        "s": -2.1,
    }
    vocabulary = families.unigrams(pieces)
    listed = [vocabulary.keys[f"tokenizer.ggml.{key}"] for key in ("tokens", "scores")]
    tokens = list(zip(*listed, strict=True))
    made = Tokenizer(models.Unigram(tokens, unk_id=3))
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    model = PairModel(exact, 1)
    folder = model.write(tmp_path / "m")
    made.save(str(folder / "tokenizer.json"))
    embedded = exact.weights["embeddings.word_embeddings.weight"][: len(tokens)]
    exact.weights["embeddings.word_embeddings.weight"] = embedded
    path = model.write_gguf(tmp_path / "m.gguf", families, vocabulary)
    by_onnx, by_llama = OnnxCrossEncoder(folder, threads=1), GgufCrossEncoder(path, threads=1)
    texts = ["sun", "raining winds", "", "windy rain sun sun sun rain wind", "rain"]
    for query in (QUERY, "rainy sun wind rain sun wind rain"):
        found = by_llama.score(query, texts)
        assert found == pytest.approx(by_onnx.score(query, texts), abs=1e-3)
        assert np.ptp(found) > 0.01


def test_gguf_files_that_would_be_misjudged_are_refused(
    tiny, families: ModuleType, family_words, tmp_path: Path
) -> None:
    model = PairModel(tiny, 1)
    words = words_of(model.write(tmp_path / "m"), families)
    with pytest.raises(ModelError, match=r"apart by types of tokens.*use the model's folder"):
        GgufCrossEncoder(model.write_gguf(tmp_path / "types.gguf", families, words))
    embedder = model.write_gguf(tmp_path / "embedder.gguf", families, words, rank=False)
    with pytest.raises(ModelError, match="is no cross-encoder"):
        GgufCrossEncoder(embedder)
    settings = {**families.EMBEDDING.settings, "pooling_type": int(gguf.PoolingType.RANK)}
    reading = families.Family(families.EMBEDDING.architecture, families.EMBEDDING.layer, settings=settings)
    with pytest.raises(ModelError, match="is no cross-encoder"):
        GgufCrossEncoder(families.write_family(tmp_path / "reading.gguf", reading, family_words))
    three = PairModel(tiny, 3).write_gguf(tmp_path / "three.gguf", families, of_one_type(words, families))
    with pytest.raises(ModelError, match="3 labels"):
        GgufCrossEncoder(three, threads=1).score(QUERY, TEXTS)


# --- in a search -----------------------------------------------------------------------------------------------------


def test_a_search_takes_a_folder_a_file_or_a_name(
    exact, families: ModuleType, index: Index, docs: Path, tmp_path: Path
) -> None:
    index.ingest(docs)
    model = PairModel(exact, 1)
    folder = model.write(tmp_path / "m")
    path = model.write_gguf(tmp_path / "m.gguf", families, of_one_type(words_of(folder, families), families))

    def found(rerank: Path | str, index: Index = index) -> dict[str, float]:
        hits = index.search("oil", mode="lexical", options=RetrievalOptions(rerank=str(rerank)))
        return {hit.node_id: hit.score for hit in hits}

    expected = pytest.approx(found(folder), abs=1e-3)
    assert found(folder)
    assert found(path) == expected
    with pytest.raises(NoModelError, match="no model 'bge-reranker': give a path, or one of ms-marco-minilm"):
        found("bge-reranker")
    with pytest.raises(ModelError, match="all-minilm-l6-v2 is not a reranker"):
        found("all-minilm-l6-v2")
    models_folder = tmp_path / "models"
    (models_folder / "my-reranker").mkdir(parents=True)
    shutil.copy(path, models_folder / "my-reranker")
    (models_folder / "catalogue.toml").write_text(
        f"""
        [[model]]
        name = "my-reranker"
        kind = "reranker"
        licence = "MIT"
        description = "For tests"
        parameters = 1

        [[model.file]]
        name = "m.gguf"
        bytes = {path.stat().st_size}
        sha256 = "{hashlib.sha256(path.read_bytes()).hexdigest()}"
        """
    )
    with Index.open(index.path, environment=Environment(models=models_folder, offline=True)) as again:
        assert found("my-reranker", again) == expected
        with pytest.raises(NoModelError, match=r"'bge-reranker': give a path, or one of .*, my-reranker\."):
            found("bge-reranker", again)


def _as_exported(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with the inputs that exporters give: their names, and 64 bits."""
    names = {"ids": "input_ids", "mask": "attention_mask", "types": "token_type_ids"}
    graph = model.graph
    del graph.input[:]
    for ours, theirs in names.items():
        graph.input.append(helper.make_tensor_value_info(theirs, TensorProto.INT64, ["batch", "tokens"]))
        graph.node.insert(0, helper.make_node("Cast", [theirs], [ours], to=TensorProto.INT32))
    return model


def test_an_index_is_searched_with_the_folder_of_one(tiny, tmp_path: Path, index: Index) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for number, text in enumerate(TEXTS):
        (docs / f"{number}.txt").write_text(f"{text} .")
    index.ingest(docs)
    model = PairModel(tiny, 1)
    folder = str(model.write(tmp_path / "m"))
    (plain, judged) = (index.search(QUERY, options=options) for options in (None, RetrievalOptions(rerank=folder)))
    expected = {hit.node_id: model.score(QUERY, hit.node.full_text) for hit in plain}
    assert {hit.node_id: hit.score for hit in judged} == pytest.approx(expected, abs=1e-4)
    assert [hit.node_id for hit in judged] == sorted(expected, key=lambda node_id: -expected[node_id])
    ran = CliRunner().invoke(
        build_app(rich=False), ["search", QUERY, "--rerank", folder, "-i", str(index.path), "--explain", "--json"]
    )
    found = json.loads(ran.stdout)
    assert [hit["node_id"] for hit in found["hits"]] == [hit.node_id for hit in judged]
    assert [stage["name"] for stage in found["stages"]] == ["hybrid", "collapse", "rerank"]
