"""A long write takes little memory, and what it has freed goes back to the system rather than lie in pieces."""

from __future__ import annotations

import ctypes
import os
import sys

_LANCEDB = {
    "LANCE_DEFAULT_IO_BUFFER_SIZE": str(32 << 20),
    "LANCE_FTS_PARTITION_SIZE": "64",
}
"""Bytes that LanceDB reads ahead of what it writes: left to itself two gigabytes, so all of a table that it joins. And
megabytes that a part of the full-text index has in memory when it is written: left to itself 2,048, so all of the index
of ten million passages."""
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
"""As glibc's malloc.h numbers them."""
_ARENAS = 2
_LARGE = 256 << 10
"""Bytes from which on a piece of memory is the system's: those that an index is brought up to date in are larger."""


def keep_memory_compact() -> None:
    """Has LanceDB hold less at a time, and glibc keep few arenas and return large pieces at once.

    Call it before the threads begin that use them.

    A gigabyte of text fragmented half a gigabyte of arenas without. It holds for the whole process, which is why the
    commands do it, and not the library. Other C libraries are left as they are.
    """
    for name, value in _LANCEDB.items():
        os.environ.setdefault(name, value)  # there is no other way to say it
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
