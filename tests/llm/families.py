"""Tiny GGUF files of the model families, for tests: random weights behind real words.

Vocabulary and chat template are the beginning of the default model's, so that prompts are rendered and answers are
made of words. What such a model says means nothing; that it loads, counts, stops and can be checked does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Kind
from numpy.typing import NDArray

Value = str | bool | int | float | Sequence[object]
Array = NDArray[np.float32]

LAYERS, HEADS, KV_HEADS, EXPERTS, USED = 2, 4, 2, 4, 2
SIZES = {"H": 256, "K": 128, "D": 64, "QKV": 512, "W": 512, "X": 256, "E": EXPERTS}
"""Of a vector, the keys of all heads, one head, queries with keys and values, a layer's inside, an expert's inside, and
the number of experts. Rows of ternary weights come in blocks of 256."""
CONTEXT = 2048
CHAT_TEMPLATE = "tokenizer.chat_template"

ATTENTION = {
    "attn_norm.weight": "H",
    "attn_q.weight": "H H",
    "attn_k.weight": "K H",
    "attn_v.weight": "K H",
    "attn_output.weight": "H H",
}
HEAD_NORMS = {"attn_q_norm.weight": "D", "attn_k_norm.weight": "D"}
DENSE = {"ffn_norm.weight": "H", "ffn_gate.weight": "W H", "ffn_up.weight": "W H", "ffn_down.weight": "H W"}
MIXTURE = {
    "ffn_norm.weight": "H",
    "ffn_gate_inp.weight": "E H",
    "ffn_gate_exps.weight": "E X H",
    "ffn_up_exps.weight": "E X H",
    "ffn_down_exps.weight": "E H X",
}
SHARED_EXPERT = {
    "ffn_gate_inp_shexp.weight": "H",
    "ffn_gate_shexp.weight": "W H",
    "ffn_up_shexp.weight": "W H",
    "ffn_down_shexp.weight": "H W",
}
NEOX = {
    "attn_norm.weight": "H",
    "attn_norm.bias": "H",
    "attn_qkv.weight": "QKV H",
    "attn_qkv.bias": "QKV",
    "attn_output.weight": "H H",
    "attn_output.bias": "H",
    "ffn_norm.weight": "H",
    "ffn_norm.bias": "H",
    "ffn_up.weight": "W H",
    "ffn_up.bias": "W",
    "ffn_down.weight": "H W",
    "ffn_down.bias": "H",
}
OUTPUT = {"output_norm.weight": "H", "output.weight": "V H"}
RMS = {"attention.layer_norm_rms_epsilon": 1e-5}
MANY: dict[str, Value] = {"expert_count": EXPERTS, "expert_used_count": USED, "expert_feed_forward_length": SIZES["X"]}


@dataclass(frozen=True)
class Family:
    """How the files of a family are laid out."""

    architecture: str
    layer: Mapping[str, str]
    """The tensors of one layer, and their shapes in letters of `SIZES`."""
    whole: Mapping[str, str] = field(default_factory=lambda: OUTPUT)
    """Those there is one of, beside the words' vectors."""
    settings: Mapping[str, Value] = field(default_factory=lambda: RMS)
    weights: Kind = Kind.F16
    """Of the matrices in the layers."""
    template: bool = True
    """The files have a chat template; those of models that were never taught to chat have none."""


FAMILIES = {
    "llama": Family("llama", ATTENTION | DENSE),
    "gptneox": Family(
        "gptneox",
        NEOX,
        OUTPUT | {"output_norm.bias": "H"},
        {"attention.layer_norm_epsilon": 1e-5, "use_parallel_residual": True, "rope.dimension_count": 16},
        template=False,
    ),
    "bitnet-tq1": Family(
        "bitnet",
        ATTENTION | DENSE | {"attn_sub_norm.weight": "H", "ffn_sub_norm.weight": "W"},
        {"output_norm.weight": "H"},
        weights=Kind.TQ1_0,
    ),
    "llama-tq2": Family("llama", ATTENTION | DENSE, weights=Kind.TQ2_0),
    "mixtral": Family("llama", ATTENTION | MIXTURE, settings=RMS | MANY | {"feed_forward_length": SIZES["X"]}),
    "olmoe": Family(
        "olmoe",
        ATTENTION
        | {"attn_k.weight": "H H", "attn_v.weight": "H H", "attn_q_norm.weight": "H", "attn_k_norm.weight": "H"}
        | MIXTURE,
        settings=RMS | MANY | {"feed_forward_length": SIZES["X"], "attention.head_count_kv": HEADS},
    ),
    "qwen2moe": Family(
        "qwen2moe",
        ATTENTION | {"attn_q.bias": "H", "attn_k.bias": "K", "attn_v.bias": "K"} | MIXTURE | SHARED_EXPERT,
        settings=RMS | MANY | {"expert_shared_feed_forward_length": SIZES["W"]},
    ),
    "qwen3moe": Family("qwen3moe", ATTENTION | HEAD_NORMS | MIXTURE, settings=RMS | MANY),
}
MIXTURES = ("mixtral", "olmoe", "qwen2moe", "qwen3moe")
EMBEDDING = Family(
    "qwen3",
    ATTENTION | HEAD_NORMS | DENSE,
    settings=RMS | {"pooling_type": int(gguf.PoolingType.LAST)},
)
"""As Qwen3-Embedding is: a model that reads on, whose last token's vector is the text's."""


@dataclass(frozen=True)
class Vocabulary:
    """The `tokenizer.` keys of a GGUF file."""

    keys: Mapping[str, Value]

    @property
    def size(self) -> int:
        return len(self.keys["tokenizer.ggml.tokens"])

    def with_template(self, wanted: bool) -> Vocabulary:
        return Vocabulary({key: value for key, value in self.keys.items() if wanted or key != CHAT_TEMPLATE})


def first_words(path: Path, size: int = 4096) -> Vocabulary:
    """The first tokens of the byte-level vocabulary in a GGUF file: its control tokens and its most frequent words."""
    fields = gguf.GGUFReader(path).fields
    keys: dict[str, Value] = {
        name: entry.contents(slice(0, size)) if entry.types[0] == gguf.GGUFValueType.ARRAY else entry.contents()
        for name, entry in fields.items()
        if name.startswith("tokenizer.") and name != "tokenizer.ggml.merges"
    }
    known = set(keys["tokenizer.ggml.tokens"])
    keys["tokenizer.ggml.merges"] = [
        merge
        for merge in fields["tokenizer.ggml.merges"].contents()
        if {*merge.split(" "), merge.replace(" ", "")} <= known
    ]
    return Vocabulary(keys)


def word_pieces(words: Mapping[str, int]) -> Vocabulary:
    """The vocabulary of a BERT, as GGUF has it: a mark before what begins a word instead of one before what goes on."""
    special = {"[PAD]": "padding", "[UNK]": "unknown", "[CLS]": "bos", "[SEP]": "seperator", "[MASK]": "mask"}
    ordered = sorted(words, key=words.__getitem__)
    control = {word for word in ordered if word in special}
    return Vocabulary(
        {
            "tokenizer.ggml.model": "bert",
            "tokenizer.ggml.token_type_count": 2,
            "tokenizer.ggml.tokens": [word if word in control else _marked(word) for word in ordered],
            "tokenizer.ggml.token_type": [
                int(gguf.TokenType.CONTROL if word in control else gguf.TokenType.NORMAL) for word in ordered
            ],
            **{f"tokenizer.ggml.{special[word]}_token_id": words[word] for word in control},
        }
    )


def unigrams(words: Mapping[str, float]) -> Vocabulary:
    """The vocabulary of an XLM-RoBERTa: pieces and their scores, after its control tokens."""
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *words]
    types = [gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.UNKNOWN] + [gguf.TokenType.NORMAL] * len(words)
    return Vocabulary(
        {
            "tokenizer.ggml.model": "t5",
            "tokenizer.ggml.pre": "default",
            "tokenizer.ggml.token_type_count": 1,
            "tokenizer.ggml.tokens": tokens,
            "tokenizer.ggml.scores": [0.0] * 4 + list(words.values()),
            "tokenizer.ggml.token_type": [int(kind) for kind in types],
            "tokenizer.ggml.bos_token_id": 0,
            "tokenizer.ggml.eos_token_id": 2,
            "tokenizer.ggml.unknown_token_id": 3,
            "tokenizer.ggml.padding_token_id": 1,
            "tokenizer.ggml.add_bos_token": True,
            "tokenizer.ggml.add_eos_token": True,
            "tokenizer.ggml.add_space_prefix": True,
            "tokenizer.ggml.remove_extra_whitespaces": True,
        }
    )


def _marked(word: str) -> str:
    return word.removeprefix("##") if word.startswith("##") else f"▁{word}"


def write_family(
    path: Path, family: Family, vocabulary: Vocabulary, *, seed: int = 7, rounded_to: Kind | None = None
) -> Path:
    """A file of the family with random weights, those of the layers rounded to what a kind can hold if one is given."""
    settings: dict[str, Value] = {
        "context_length": CONTEXT,
        "embedding_length": SIZES["H"],
        "block_count": LAYERS,
        "feed_forward_length": SIZES["W"],
        "attention.head_count": HEADS,
        "attention.head_count_kv": KV_HEADS,
        **family.settings,
    }

    def tensors() -> Iterator[tuple[str, Array, Kind]]:
        for name, array in _arrays(family, vocabulary.size, seed):
            scaled, kind = _scaled(name, array, family)
            if rounded_to is not None and name.startswith("blk.") and kind == family.weights:
                scaled = gguf.dequantize(gguf.quantize(scaled, rounded_to), rounded_to)
            yield name, scaled, kind

    return write_gguf(path, family.architecture, settings, vocabulary.with_template(family.template), tensors())


def write_bert(
    path: Path,
    weights: Mapping[str, Array],
    vocabulary: Vocabulary,
    *,
    layers: int,
    heads: int,
    pooling: gguf.PoolingType = gguf.PoolingType.MEAN,
    matrices: Kind = Kind.F32,
    eps: float = 1e-12,
    head: Mapping[str, Array] | None = None,
) -> Path:
    """A BERT's weights, by the names that its safetensors file has for them; the head of a classifier by GGUF's."""
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.BERT, layers)
    positions, hidden = weights["embeddings.position_embeddings.weight"].shape
    settings: dict[str, Value] = {
        "context_length": positions,
        "embedding_length": hidden,
        "block_count": layers,
        "feed_forward_length": len(weights["encoder.layer.0.intermediate.dense.bias"]),
        "attention.head_count": heads,
        "attention.layer_norm_epsilon": eps,
        "attention.causal": False,
        "pooling_type": int(pooling),
    }
    if head is not None:
        settings["classifier.output_labels"] = [f"label {n}" for n in range(len(head["cls.output.bias"]))]

    def tensors() -> Iterator[tuple[str, Array, Kind]]:
        for name, array in (head or {}).items():
            yield name, array, Kind.F32
        for name, array in weights.items():
            known = names.get_name(name, try_suffixes=(".weight", ".bias"))
            if known is not None and not name.startswith("pooler."):
                plain = array.ndim == 1 or "position" in name or "token_type" in name
                yield known, array, Kind.F32 if plain else matrices

    return write_gguf(path, "bert", settings, vocabulary, tensors())


def write_gguf(
    path: Path,
    architecture: str,
    settings: Mapping[str, Value],
    vocabulary: Vocabulary,
    tensors: Iterator[tuple[str, Array, Kind]],
) -> Path:
    writer = gguf.GGUFWriter(path, architecture)
    for name, value in {f"{architecture}.{key}": value for key, value in settings.items()}.items():
        _add(writer, name, value)
    for name, value in vocabulary.keys.items():
        _add(writer, name, value)
    for name, array, kind in tensors:
        writer.add_tensor(name, gguf.quantize(np.ascontiguousarray(array), kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add(writer: gguf.GGUFWriter, name: str, value: Value) -> None:
    if isinstance(value, bool):
        writer.add_bool(name, value)
    elif isinstance(value, int):
        writer.add_uint32(name, value)
    elif isinstance(value, float):
        writer.add_float32(name, value)
    elif isinstance(value, str):
        writer.add_string(name, value)
    else:
        writer.add_array(name, value)


def _arrays(family: Family, words: int, seed: int) -> Iterator[tuple[str, Array]]:
    """Names and random arrays, always the same ones for a family."""
    random = np.random.default_rng(seed)
    layers = {f"blk.{number}.{name}": shape for number in range(LAYERS) for name, shape in family.layer.items()}
    sizes = SIZES | {"V": words}
    for name, shape in ({"token_embd.weight": "V H"} | dict(family.whole) | layers).items():
        yield name, random.standard_normal([sizes[letter] for letter in shape.split()], dtype=np.float32)


def _scaled(name: str, array: Array, family: Family) -> tuple[Array, Kind]:
    if "norm" in name and name.endswith("weight"):
        return 1 + array / 20, Kind.F32
    if array.ndim == 1:
        return array / 20, Kind.F32
    scaled = array / np.sqrt(array.shape[-1], dtype=np.float32)
    if "gate_inp" in name:
        return scaled, Kind.F32
    return scaled, family.weights if name.startswith("blk.") else Kind.F16
