"""How long the stages of an ingest take, and how busy they keep the cores."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from docindex.schema import Stage


class StageClock:
    """Measures stage after stage."""

    def __init__(self, children: Callable[[], float] = lambda: 0.0) -> None:
        """`children` tells the CPU seconds that child processes have used."""
        self.stages: list[Stage] = []
        self._children = children

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measures what the block takes, all threads of this process and the children included."""
        wall, cpu = time.perf_counter(), self._cpu()
        try:
            yield
        finally:
            seconds = time.perf_counter() - wall
            self.stages.append(Stage(name, seconds, (self._cpu() - cpu) / seconds if seconds else 0.0))

    def _cpu(self) -> float:
        return time.process_time() + self._children()
