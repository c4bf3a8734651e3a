"""Runs a command in a process of its own and measures it: seconds, processor time, and the memory of its whole tree."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

SAMPLE_SECONDS = 0.05
SHARE_EVERY = 10
"""The proportional share of memory costs more to read: it is taken in every so many samples."""
HEARTBEAT_SECONDS = 60.0
PAGE = os.sysconf("SC_PAGE_SIZE")

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "ANONYMIZED_TELEMETRY": "False",
    "LANGSMITH_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "DO_NOT_TRACK": "1",
    "DOCINDEX_OFFLINE": "1",
    "PYTHONUTF8": "1",
}
"""No system may use the network or report its use while it is measured."""

NO_BYTE_CODE = "PYTHONDONTWRITEBYTECODE"
"""Where this is set, a checkout would be compiled anew in each process, while what pip has installed is compiled."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A process that has ended."""

    started: float
    """On the monotonic clock, which is the same in all processes."""
    seconds: float
    cpu_seconds: float
    code: int
    peak_rss: int
    """Bytes: the resident memory of all processes of the tree, added up at its highest moment."""
    peak_share: int
    """Bytes: the same with each shared page counted once, from fewer samples."""
    output: Path
    errors: Path

    def tail(self) -> str:
        """The last lines of what it said, for a report of its failure."""
        text = self.errors.read_text(encoding="utf-8", errors="replace").strip()
        text = text or self.output.read_text(encoding="utf-8", errors="replace").strip()
        return "\n".join(text.splitlines()[-12:])


class Running:
    """A command at work; leaving the `with` block ends it."""

    def __init__(self, command: Sequence[str], log: Path, *, timeout: float) -> None:
        """Starts it; its two streams go to files beside `log`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        self.output, self.errors = log.with_suffix(".out"), log.with_suffix(".err")
        self._deadline = time.monotonic() + timeout
        self._peak_rss = self._peak_share = 0
        with self.output.open("wb") as output, self.errors.open("wb") as errors:
            self.started = time.monotonic()
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env={name: value for name, value in {**os.environ, **OFFLINE}.items() if name != NO_BYTE_CODE},
                start_new_session=True,
            )
        self._waiter = threading.Thread(target=self._wait, daemon=True)
        self._waiter.start()
        threading.Thread(target=self._sample, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.alive:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._waiter.join()

    @property
    def alive(self) -> bool:
        return self._waiter.is_alive()

    def finish(self, what: str) -> Measured:
        """Waits for its end; says once a minute that it is still at work."""
        while self._waiter.is_alive():
            self._waiter.join(HEARTBEAT_SECONDS)
            if self._waiter.is_alive():
                print(f"    {what}: {time.monotonic() - self.started:.0f} s so far", flush=True)
        return Measured(
            started=self.started,
            seconds=self._ended - self.started,
            cpu_seconds=self._cpu,
            code=self._code,
            peak_rss=self._peak_rss,
            peak_share=self._peak_share,
            output=self.output,
            errors=self.errors,
        )

    def _wait(self) -> None:
        _, status, usage = os.wait4(self._process.pid, 0)
        self._ended = time.monotonic()
        self._code = self._process.returncode = os.waitstatus_to_exitcode(status)
        self._cpu = usage.ru_utime + usage.ru_stime
        self._peak_rss = max(self._peak_rss, usage.ru_maxrss * 1024)  # of the largest process, which no sample misses

    def _sample(self) -> None:
        number = 0
        while self._waiter.is_alive():
            tree = [self._process.pid, *descendants(self._process.pid)]
            self._peak_rss = max(self._peak_rss, sum(map(resident, tree)))
            if number % SHARE_EVERY == 0:
                self._peak_share = max(self._peak_share, sum(map(share, tree)))
            number += 1
            if time.monotonic() > self._deadline:
                os.killpg(self._process.pid, signal.SIGKILL)
            time.sleep(SAMPLE_SECONDS)


def measure(command: Sequence[str], log: Path, what: str, *, timeout: float) -> Measured:
    """Runs a command to its end."""
    with Running(command, log, timeout=timeout) as running:
        return running.finish(what)


def descendants(pid: int) -> Iterator[int]:
    """The process ids below one."""
    for thread in _entries(Path(f"/proc/{pid}/task")):
        for child in _read(thread / "children").split():
            yield int(child)
            yield from descendants(int(child))


def resident(pid: int) -> int:
    """Bytes of memory that a process has mapped and present; 0 when it is gone."""
    fields = _read(Path(f"/proc/{pid}/statm")).split()
    return int(fields[1]) * PAGE if fields else 0


def share(pid: int) -> int:
    """Bytes of memory, where a page that n processes share counts 1/n for each; 0 when it is gone."""
    for line in _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # the process has ended meanwhile
        return []


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""
