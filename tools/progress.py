"""Long steps of the set-up: one line that says how far each is, and commands whose output goes to a log."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

TAIL_LINES = 30


class SetupError(Exception):
    """The set-up can't go on. The message ends with the cure."""


class Step:
    """A context in which a line shows the step's title, detail and elapsed time.

    On a terminal the line is rewritten every second; elsewhere a new one is printed every ten.
    """

    def __init__(self, title: str, *, out: TextIO = sys.stdout, interval: float | None = None) -> None:
        self.detail = ""
        self._title = title
        self._out = out
        self._live = out.isatty()
        self._interval = interval if interval is not None else (1.0 if self._live else 10.0)
        self._started = time.monotonic()
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        self._print("")
        self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._ticker.join()
        self._print(f"{'done' if kind is None else 'failed'} in {_clock(self._elapsed)}", last=True)

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._started

    def _tick(self) -> None:
        while not self._ended.wait(self._interval):
            self._print(", ".join(part for part in (self.detail, _clock(self._elapsed)) if part))

    def _print(self, state: str, *, last: bool = False) -> None:
        line = f"  {self._title} ... {state}".rstrip()
        if self._live:
            self._out.write(f"\r\x1b[K{line}" + ("\n" if last else ""))
        else:
            self._out.write(f"{line}\n")
        self._out.flush()


def run_logged(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    on_line: Callable[[str], None] | None = None,
) -> None:
    """Runs the command with its output in the log; `on_line` sees each line as it comes.

    Raises:
        SetupError: It failed. The message holds the end of the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("a", encoding="utf-8") as out,
        subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=None if env is None else dict(env),
            cwd=cwd,
        ) as process,
    ):
        out.write(f"$ {' '.join(str(part) for part in command)}\n")
        if process.stdout is not None:
            for line in process.stdout:
                out.write(line)
                out.flush()
                if on_line is not None:
                    on_line(line)
    if process.returncode:
        name = " ".join(str(part) for part in command[:4])
        raise SetupError(
            f"`{name} ...` ended with {process.returncode}. The last lines of its output:\n\n{_tail(log)}\n\n"
            f"The whole output is in {log}. Put right what it names and run the command again."
        )


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
