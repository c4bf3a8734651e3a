"""Memory that a long write has freed goes back to the system, rather than lie in pieces until the end."""

from __future__ import annotations

import ctypes
import sys

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
"""As glibc's malloc.h numbers them."""
_ARENAS = 2
_LARGE = 256 << 10
"""Bytes from which on a piece of memory is the system's: those that an index is brought up to date in are larger."""


def keep_memory_compact() -> None:
    """Has glibc keep few arenas and return large pieces at once; call it before the threads begin that use them.

    A gigabyte of text fragmented half a gigabyte of arenas without. It holds for the whole process, which is why the
    commands do it, and not the library. Other C libraries are left as they are.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
