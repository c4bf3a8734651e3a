"""What this build of llama.cpp can do, before any model is loaded."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from docindex.errors import ModelError
from docindex.llm.device import Device

_CPU, _ACCELERATOR = 0, 3
"""Of `ggml_backend_dev_type`; an accelerator works on the machine's own memory."""


@dataclass(frozen=True, slots=True)
class LlamaBuild:
    """The library as it was compiled and as it found the machine."""

    gpu: bool
    """It can offload, and has found something to offload to."""
    system: str
    """The instruction sets that it uses."""


def llama_build() -> LlamaBuild:
    """The build that is installed.

    Raises:
        ModelError: It can't be loaded.
    """
    try:
        import llama_cpp
    except (ImportError, OSError, RuntimeError) as error:
        raise ModelError(f"llama-cpp-python can't be loaded ({error}): install it again.") from error
    system = llama_cpp.llama_print_system_info()
    text = system.decode(errors="replace") if isinstance(system, bytes) else str(system)
    return LlamaBuild(bool(llama_cpp.llama_supports_gpu_offload()), text)


def gpus() -> tuple[Device, ...]:
    """The devices with memory of their own that this build can offload to, and how much of it is free.

    Raises:
        ModelError: llama.cpp can't be loaded.
    """
    llama_build()
    from llama_cpp._ggml import libggml

    libggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    libggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    libggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    for function in (libggml.ggml_backend_dev_name, libggml.ggml_backend_dev_description):
        function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_char_p
    libggml.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    size = ctypes.POINTER(ctypes.c_size_t)
    libggml.ggml_backend_dev_memory.argtypes = [ctypes.c_void_p, size, size]
    libggml.ggml_backend_dev_memory.restype = None
    found = []
    for number in range(libggml.ggml_backend_dev_count()):
        device = libggml.ggml_backend_dev_get(number)
        if libggml.ggml_backend_dev_type(device) in (_CPU, _ACCELERATOR):
            continue
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        libggml.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
        name, description = libggml.ggml_backend_dev_name(device), libggml.ggml_backend_dev_description(device)
        found.append(Device(name.decode(), description.decode(), free.value))
    return tuple(found)
