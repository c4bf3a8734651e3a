"""What a model takes of this machine's memory, before it is loaded."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from docindex.llm.build import gpus
from docindex.llm.context import CPU_BATCH, GPU_BATCH
from docindex.llm.device import Device
from docindex.llm.gguf import GgufModel

_Q8_0 = 34 / 64
"""Of two bytes a number: 32 numbers take 34 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """What it takes, and what there is. Bytes; the work space is an estimate."""

    weights_bytes: int
    context_tokens: int
    cache_bytes: int
    """Of the KV cache in f16, at its full length."""
    mixed_cache_bytes: int
    """The same with its keys in q8_0, as it is for a quantised model on a CPU unless told otherwise."""
    small_cache_bytes: int
    """The same all in q8_0."""
    work_bytes: int
    embedder_bytes: int
    layers: int
    """The output layer included."""
    free_bytes: int
    """Of the machine's memory."""
    gpus: tuple[Device, ...]
    gpu_layers: int
    """How many layers the GPUs have room for, with their share of the cache."""

    @property
    def total_bytes(self) -> int:
        """All of it on the CPU."""
        return self.weights_bytes + self.cache_bytes + self.work_bytes + self.embedder_bytes

    @property
    def fits(self) -> bool:
        """The machine's memory is enough without a GPU."""
        return self.total_bytes <= self.free_bytes


def plan_memory(path: Path, *, context_tokens: int | None, embedder_bytes: int) -> MemoryPlan:
    """Reads the model's metadata, not its weights.

    Raises:
        ModelError: The file is missing, or no GGUF file.
    """
    with GgufModel(path, vocabulary_only=True) as model:
        numbers = _Numbers(model)
        tokens = context_tokens or min(numbers.get("context_length", 4096), 8192)
        devices = gpus()
        cache = tokens * numbers.cached_a_token() * 2
        rows = GPU_BATCH if devices else CPU_BATCH
        widest = max(model.vocabulary_size, numbers.get("feed_forward_length", 0))
        work = rows * 4 * (widest + 8 * numbers.get("embedding_length", 0))
        layers = numbers.get("block_count", 0) + 1
    weights = path.stat().st_size
    room = sum(device.free_bytes for device in devices) - (work if devices else 0)
    return MemoryPlan(
        weights_bytes=weights,
        context_tokens=tokens,
        cache_bytes=cache,
        mixed_cache_bytes=round(cache * (1 + _Q8_0) / 2),
        small_cache_bytes=round(cache * _Q8_0),
        work_bytes=work,
        embedder_bytes=embedder_bytes,
        layers=layers,
        free_bytes=_free_bytes(),
        gpus=devices,
        gpu_layers=max(0, min(layers, room * layers // (weights + cache))),
    )


class _Numbers:
    """The sizes in a model's metadata."""

    def __init__(self, model: GgufModel) -> None:
        self._model = model
        self._architecture = model.metadata("general.architecture") or ""

    def get(self, name: str, default: int) -> int:
        """One number; of a list, with one for each layer, the largest."""
        return max(self.each(name), default=default)

    def each(self, name: str) -> Sequence[int]:
        """The number, or one for each layer; none where the file does not say."""
        text = self._model.metadata(f"{self._architecture}.{name}")
        found = json.loads(text) if text else []
        return [int(number) for number in (found if isinstance(found, list) else [found])]

    def cached_a_token(self) -> int:
        """How many numbers the cache holds for a token, over all layers."""
        layers = self.get("block_count", 0)
        heads = self.get("attention.head_count", 1)
        width = self.get("embedding_length", 0) // max(heads, 1)
        both = self.get("attention.key_length", width) + self.get("attention.value_length", width)
        cached = self.each("attention.head_count_kv") or [heads]
        return sum(cached if len(cached) == layers else [cached[0]] * layers) * both


def _free_bytes() -> int:
    """What programs can have of the memory, caches of files given up."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
