"""How long calls take, and what memory a process has. Needs numpy alone: scripts of other environments use it too."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")
WARM_UP = 10


def timed(ask: Callable[[int], T], queries: Sequence[int]) -> tuple[dict[str, Any], list[T]]:
    """Calls with each number, after a few to warm up; milliseconds of wall and of processor time, and the answers."""
    for number in queries[:WARM_UP]:
        ask(number)
    answers: list[T] = []
    times: list[float] = []
    cpu = time.process_time()
    for number in queries:
        started = time.perf_counter()
        answers.append(ask(number))
        times.append((time.perf_counter() - started) * 1000)
    cpu = (time.process_time() - cpu) * 1000 / len(queries)
    low, p10, p50, p95 = np.percentile(times, [0, 10, 50, 95])
    figures = {"min": low, "p10": p10, "p50": p50, "p95": p95, "cpu": cpu}
    return {name: round(float(value), 3) for name, value in figures.items()}, answers


def recall(found: Sequence[Sequence[int]], truth: np.ndarray) -> float:
    """The share of the true neighbours that were found; -1 in the truth stands for none."""
    pairs = [(set(row), {int(one) for one in true if one >= 0}) for row, true in zip(found, truth, strict=True)]
    wanted = sum(len(true) for _, true in pairs)
    return round(sum(len(row & true) for row, true in pairs) / wanted, 4) if wanted else 1.0


def resident() -> int:
    """Bytes of memory that this process has now, shared pages of files included."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * resource.getpagesize()
    return peak()


def peak() -> int:
    """The most that it ever had. `getrusage` would count what the process had that started this one."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(lines[0].split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
