"""Memory that is free, but that the C library keeps."""

from __future__ import annotations

import ctypes
import sys

import pyarrow as pa


def give_back() -> None:
    """Returns free memory to the system. Bringing an index up to date leaves hundreds of megabytes of it in pieces."""
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, other C libraries do not
        if trim is not None:
            trim(0)
