"""Where a model really runs, as llama.cpp reported it while it loaded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

_OFFLOADED = re.compile(r"offloaded (\d+)/(\d+) layers")
_DEVICE = re.compile(r"using device (\S+) \((.*?)\) \(.*?\) - (\d+) MiB free")
_FLASH = re.compile(r"flash_attn\s*= (\w+)")
_FLASH_RESOLVED = re.compile(r"Flash Attention was auto, set to (\w+)")
_CACHE = re.compile(r"KV buffer size =\s*([\d.]+) MiB")


@dataclass(frozen=True, slots=True)
class Device:
    """A device that llama.cpp uses beside the CPU."""

    name: str
    description: str
    free_bytes: int
    """When the model was loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReport:
    """What was asked of the device is not in here, only what happened."""

    gpu_build: bool
    """This build of llama.cpp can offload, and has found something to offload to."""
    devices: tuple[Device, ...]
    layers_offloaded: int
    layers_total: int
    """The output layer included."""
    experts_in_memory: int
    """Tensors of experts that were kept off the GPU."""
    flash_attention: bool
    threads: int
    context_tokens: int
    batch_tokens: int
    weights_bytes: int
    cache_type: str
    """Of the numbers in the KV cache."""
    cache_bytes: int
    """Of the KV cache at its full length."""
    description: str
    """llama.cpp's name for architecture, size and quantisation."""
    system: str
    """The instruction sets that this build of llama.cpp uses."""

    @property
    def on_gpu(self) -> bool:
        """Whether a layer runs on a GPU."""
        return self.layers_offloaded > 0

    def as_dict(self) -> dict[str, Any]:
        """The report as `docindex doctor --json` prints it."""
        return asdict(self) | {"on_gpu": self.on_gpu}


def offloaded_layers(log: Sequence[str]) -> int:
    """How many layers went to a GPU; a build without GPU support says nothing of it."""
    found = _OFFLOADED.search("".join(log))
    return int(found.group(1)) if found else 0


def devices(log: Sequence[str]) -> tuple[Device, ...]:
    """The devices that were taken."""
    return tuple(
        Device(name, description, int(free) * 2**20) for name, description, free in _DEVICE.findall("".join(log))
    )


def flash_attention(log: Sequence[str]) -> bool:
    """Whether the context runs with flash attention."""
    text = "".join(log)
    found = _FLASH_RESOLVED.search(text) or _FLASH.search(text)
    return found is not None and found.group(1) == "enabled"


def cache_bytes(log: Sequence[str]) -> int:
    """The size of the KV cache over all devices."""
    return round(sum(float(size) for size in _CACHE.findall("".join(log))) * 2**20)
