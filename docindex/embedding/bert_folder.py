"""What the folder of a BERT model in the sentence-transformers layout says of the model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from docindex.errors import ModelError

WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
GRAPH_FILE = "model.onnx"
"""The graph that is made of them, in a folder of its own, with its weights beside it."""

Pooling = Literal["mean", "cls", "pair"]
"""How token vectors become one; "pair" is the head of a cross-encoder, which makes logits of the first one."""

_KNOWN_POOLING: Mapping[str, Pooling] = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
_KNOWN_MODULES = ("Transformer", "Pooling", "Normalize")
_EMBEDDERS = "use a BERT-style embedding model, such as those that `docindex models list` shows."
_CROSS_ENCODERS = f"use a BERT-style cross-encoder, or one that was exported as {GRAPH_FILE} or is a GGUF file."


@dataclass(frozen=True, slots=True, kw_only=True)
class BertSettings:
    """Everything beside weights and tokenizer that changes the vectors."""

    layers: int
    heads: int
    hidden: int
    layer_norm_eps: float
    max_tokens: int
    """Special tokens included."""
    pooling: Pooling
    query_prefix: str = ""
    passage_prefix: str = ""


def read_settings(folder: Path) -> BertSettings:
    """The settings of the model in the folder.

    Only `config.json` must be there. Without the files of sentence-transformers the model is pooled by the mean and
    takes as many tokens as it has positions, which is what sentence-transformers does then.

    Raises:
        ModelError: A file is missing or damaged, or asks for what this engine does not compute.
    """
    config = _bert_config(folder, _EMBEDDERS)
    for module in _modules(folder):
        _require(folder, "module", module, _KNOWN_MODULES, _EMBEDDERS)
    positions = _number(folder, config, "max_position_embeddings")
    transformer = _read(folder / "sentence_bert_config.json")
    prompts = _read(folder / "config_sentence_transformers.json").get("prompts") or {}
    if not isinstance(prompts, dict):
        raise ModelError(f"The prompts in {folder} are not a table of texts: get the model again.")
    return BertSettings(
        layers=_number(folder, config, "num_hidden_layers"),
        heads=_number(folder, config, "num_attention_heads"),
        hidden=_number(folder, config, "hidden_size"),
        layer_norm_eps=float(str(config.get("layer_norm_eps", 1e-12))),
        max_tokens=min(positions, _number(folder, transformer, "max_seq_length", default=positions)),
        pooling=_pooling(folder),
        query_prefix=str(prompts.get("query") or ""),
        passage_prefix=str(next((prompts[name] for name in ("passage", "document") if prompts.get(name)), "")),
    )


def read_pair_settings(folder: Path) -> BertSettings:
    """The settings of the cross-encoder in the folder, in the layout of a BERT that classifies sequences.

    Raises:
        ModelError: A file is missing or damaged, or the model is of another kind.
    """
    config = _bert_config(folder, _CROSS_ENCODERS)
    return BertSettings(
        layers=_number(folder, config, "num_hidden_layers"),
        heads=_number(folder, config, "num_attention_heads"),
        hidden=_number(folder, config, "hidden_size"),
        layer_norm_eps=float(str(config.get("layer_norm_eps", 1e-12))),
        max_tokens=_number(folder, config, "max_position_embeddings"),
        pooling="pair",
    )


def longest_input(folder: Path, most: int) -> int:
    """How many tokens the model in the folder takes, by its `config.json`; `most` where that says more or nothing."""
    return min(most, _number(folder, _read(folder / "config.json"), "max_position_embeddings", default=most))


def _bert_config(folder: Path, cure: str) -> dict[str, object]:
    """The `config.json` of a model that can be computed, all of whose files are there."""
    for name in (WEIGHTS, TOKENIZER, "config.json"):
        if not (folder / name).is_file():
            raise ModelError(
                f"{folder} has no {name}, and docindex reads {WEIGHTS}, {TOKENIZER} and config.json: {cure}"
            )
    config = _read(folder / "config.json")
    _require(folder, "model_type", config.get("model_type", "bert"), ("bert",), cure)
    _require(folder, "hidden_act", config.get("hidden_act", "gelu"), ("gelu",), cure)
    _require(folder, "position_embedding_type", config.get("position_embedding_type", "absolute"), ("absolute",), cure)
    return config


def _read(path: Path) -> dict[str, object]:
    """The object in a JSON file; empty where there is no such file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} can't be read ({error}): get the model again.") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path} holds no JSON object: get the model again.")
    return found


def _number(folder: Path, settings: Mapping[str, object], name: str, default: int | None = None) -> int:
    value = settings.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, int) or value < 1:
        raise ModelError(f"The model in {folder} has {name} {value!r}, which should be a count: get the model again.")
    return value


def _modules(folder: Path) -> list[str]:
    """The steps that sentence-transformers runs, such as "Transformer" and "Pooling"."""
    path = folder / "modules.json"
    if not path.is_file():
        return []
    try:
        return [str(module["type"]).rsplit(".", 1)[-1] for module in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{path} can't be read ({error!r}): get the model again.") from error


def _pooling(folder: Path) -> Pooling:
    config = _read(folder / "1_Pooling" / "config.json")
    if isinstance(mode := config.get("pooling_mode"), str):  # newer files name the mode instead of flagging it
        config = {f"pooling_mode_{mode}_token" if mode == "cls" else f"pooling_mode_{mode}_tokens": True}
    modes = [name for name, on in config.items() if name.startswith("pooling_mode_") and on is True]
    if not modes:
        return "mean"
    if len(modes) > 1:
        raise ModelError(f"The model in {folder} pools in {len(modes)} ways at once, and docindex computes one.")
    _require(folder, "pooling", modes[0], tuple(_KNOWN_POOLING), _EMBEDDERS)
    return _KNOWN_POOLING[modes[0]]


def _require(folder: Path, what: str, found: object, known: tuple[str, ...], cure: str) -> None:
    if found not in known:
        raise ModelError(
            f"The model in {folder} has the {what} {found!r}, and docindex computes {' and '.join(known)}: {cure}"
        )
