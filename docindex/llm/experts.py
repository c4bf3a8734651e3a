"""Mixtures of experts whose experts stay in the machine's memory, while all else runs on a GPU.

A model of many experts asks a few of them for each token: most of its weights are experts that rest. Without them, what
is left fits on a small device.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from llama_cpp import _ggml

from docindex.errors import ModelError

_EXPERTS = rb"\.ffn_(up|down|gate|gate_up)_(ch|)exps"
"""The names of the tensors that hold experts, as a regular expression; those that all tokens share are not among them.
"""
_OVERRIDDEN = "buffer type overridden to"


class Override(ctypes.Structure):
    """llama.cpp's `llama_model_tensor_buft_override`, which its bindings leave out."""

    _fields_ = (("pattern", ctypes.c_char_p), ("buffer_type", ctypes.c_void_p))


def experts_in_memory() -> ctypes.Array[Override]:
    """What `tensor_buft_overrides` points at to keep all experts off the GPU. It must live as long as the model.

    Raises:
        ModelError: This build of llama.cpp has no such thing.
    """
    try:
        memory = _ggml.libggml.ggml_backend_cpu_buffer_type
    except AttributeError as error:
        raise ModelError(
            "This llama-cpp-python can't keep experts off the GPU: install a newer one, or do without `experts_on_cpu`."
        ) from error
    memory.restype = ctypes.c_void_p
    return (Override * 2)(Override(_EXPERTS, memory()), Override(None, None))


def kept_in_memory(log: Sequence[str]) -> int:
    """How many tensors of experts stayed in memory, read back from what llama.cpp logged while it loaded."""
    return sum(_OVERRIDDEN in line for line in log)
