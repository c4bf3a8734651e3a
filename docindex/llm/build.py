"""What this build of llama.cpp can do, before any model is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from docindex.errors import ModelError


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
