"""What llama.cpp says goes to `logging` and nowhere else, and can be read back while a model loads."""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import llama_cpp

logger = logging.getLogger("docindex.llm")

_LEVELS = {1: logging.DEBUG, 2: logging.DEBUG, 3: logging.INFO, 4: logging.ERROR, 5: logging.DEBUG}
"""ggml's levels (debug, info, warning, error, continued line). Its warnings are remarks on tuning."""

_captured: ContextVar[list[str] | None] = ContextVar("captured", default=None)


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator, unused-ignore]
def _to_logging(level: int, text: bytes, _user_data: ctypes.c_void_p) -> None:
    line = text.decode("utf-8", "replace")
    lines = _captured.get()
    if lines is not None:
        lines.append(line)
    if line.strip(" .\n"):
        # What goes wrong during a load is told by the error that follows it.
        logger.log(logging.DEBUG if lines is not None else _LEVELS.get(level, logging.DEBUG), "%s", line.rstrip())


def route() -> None:
    """Sends llama.cpp's log to the logger "docindex.llm", for the whole process."""
    llama_cpp.llama_log_set(_to_logging, ctypes.c_void_p(0))


@contextmanager
def captured() -> Iterator[list[str]]:
    """What llama.cpp logs from this thread meanwhile."""
    lines: list[str] = []
    token = _captured.set(lines)
    try:
        yield lines
    finally:
        _captured.reset(token)
