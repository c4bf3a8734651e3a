"""A parser process as its parent sees it: files go in, what is in them comes out, and how it ended can be told."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from docindex.ingest.scratch import ScratchFolder
from docindex.ingest.wire import (
    IDLE,
    NOTE,
    OUT_OF_MEMORY,
    Ended,
    FrameBuffer,
    Item,
    Recipe,
    Request,
    decode_reply,
    encode,
    encode_recipe,
)
from docindex.schema import Limits

logger = logging.getLogger("docindex.ingest")

GRACE_SECONDS = 30.0
"""The process ends itself when its time is over; one that does not, because a parser took its alarm, is killed."""

_SPARING: Mapping[str, str] = {"OPENBLAS_NUM_THREADS": "1"}
"""NumPy would set memory aside for each core, which would count towards the limit, and nothing here multiplies."""
_BLOCK = 1 << 18
_TAIL = 4096
_LONGEST_WAIT = 3600.0
_NO_MEMORY = re.compile(r"memory allocation|bad_alloc|out of memory|cannot allocate|MemoryError", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Death:
    """How a process ended."""

    during: int | None
    """The request that it was working on."""
    worked: bool
    """It had begun with a request at all."""
    returncode: int
    timed_out: bool
    last_words: str
    """The end of what it wrote to standard error."""

    def reason(self, limits: Limits, times: int) -> str:
        """What to say of the file that it was working on when this happened, for so many times."""
        if self.timed_out:
            return f"took longer than {limits.seconds:g} s: raise the limit seconds (--limit seconds=N)"
        if self.returncode == OUT_OF_MEMORY or _NO_MEMORY.search(self.last_words):
            most = f"{limits.memory_bytes / 1e9:.2g} GB"
            return f"needs more than {most} of memory: raise the limit memory_bytes (--limit memory_bytes=N)"
        how = f"signal {-self.returncode}" if self.returncode < 0 else f"exit code {self.returncode}"
        if self.worked:
            return f"the parser crashed ({how}){f' {times} times' if times > 1 else ''}"
        line = next((line for line in reversed(self.last_words.splitlines()) if line.strip()), "")
        return f"the parser process can't be started ({how}){': ' if line else ''}{line.strip()}"


@dataclass(slots=True)
class WorkerProcess:
    """A started process. It has a folder of its own for temporary files, which goes with it."""

    process: subprocess.Popen[bytes]
    _channel: socket.socket
    _notes: int
    _log: int
    _folder: ScratchFolder
    _poller: select.poll
    _frames: FrameBuffer = field(default_factory=FrameBuffer)
    _replies: deque[Item | Ended] = field(default_factory=deque)
    _during: int | None = None
    _worked: bool = False
    _tail: str = ""
    _timed_out: bool = False
    _cpu_seconds: float = 0.0

    @classmethod
    def start(cls, loaders: str, chunker: Recipe | None = None) -> WorkerProcess:
        """A new process; `loaders` is the `module:callable` that makes its registry, `chunker` makes its chunker.

        Raises:
            OSError: There are too many processes or open files.
        """
        with contextlib.ExitStack() as undo, contextlib.ExitStack() as passed:
            ours, theirs = socket.socketpair()
            undo.callback(ours.close)
            passed.callback(theirs.close)
            notes, notes_in = _pipe(undo, passed)
            log, log_in = _pipe(undo, passed)
            for end in (notes, log, log_in):
                # What does not fit is not written: a chatty parser never waits for the parent to read its chatter.
                os.set_blocking(end, False)
            folder = ScratchFolder()
            undo.callback(folder.remove)
            process = subprocess.Popen(  # noqa: S603 - this interpreter, and nothing of a user's
                [
                    *(sys.executable, "-P", "-m", "docindex.ingest.worker_main"),
                    *(loaders, str(theirs.fileno()), str(notes_in), encode_recipe(chunker)),
                ],
                stdin=subprocess.PIPE,
                stdout=log_in,
                stderr=log_in,
                pass_fds=(theirs.fileno(), notes_in),
                env=_SPARING | os.environ | {"PYTHONPATH": _import_path(), "TMPDIR": str(folder.path)},
                process_group=0,  # signals of the terminal are the parent's, and children of parsers can be found
            )
            undo.pop_all()
            poller = select.poll()
            poller.register(ours, select.POLLIN)
            poller.register(log, select.POLLIN)
            return cls(process, ours, notes, log, folder, poller)

    @property
    def cpu_seconds(self) -> float:
        """What it had used when it last ended a file; once it is dead, all that it used, with its own children."""
        return self._cpu_seconds

    @property
    def unreported_seconds(self) -> float:
        """What a living one has used since it last ended a file; 0 where the system does not tell."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") - self._cpu_seconds

    def send(self, request: Request) -> None:
        """Gives it a file to parse after those that it has. A dead one takes no notice: `receive` tells."""
        with contextlib.suppress(OSError):
            self._channel.sendall(encode(request))

    def receive(self, seconds: float) -> Item | Ended | None:
        """The next that it has to say, or None when it is dead.

        It is killed when it says nothing for longer than `seconds` and a grace period.
        """
        while not self._replies:
            try:
                data = self._channel.recv(_BLOCK, socket.MSG_DONTWAIT)
            except BlockingIOError:
                if self._wait(seconds):
                    continue
                logger.warning("a parser process did not end when its time was over, and is killed")
                self._timed_out = True
                return None
            except OSError:
                data = b""
            if not data:
                return None
            self._frames.feed(data)
            self._replies.extend(decode_reply(*frame) for frame in self._frames.frames())
        reply = self._replies.popleft()
        if isinstance(reply, Ended):
            self._cpu_seconds = reply.cpu_seconds
            self._read_notes()
            self._read_log()
        return reply

    def end(self) -> Death:
        """Ends it with all that it started. One that has died by itself is told by how it did."""
        with contextlib.suppress(OSError):
            # Its channel is closed only when its exit code is settled, so that this does not change that.
            os.killpg(self.process.pid, signal.SIGKILL)
        try:
            _, status, usage = os.wait4(self.process.pid, 0)
            self.process.returncode = os.waitstatus_to_exitcode(status)
            self._cpu_seconds = usage.ru_utime + usage.ru_stime
        except ChildProcessError:  # the program that we are in waits for all children itself
            self.process.returncode = -signal.SIGKILL
        self._read_notes()
        self._read_log()
        self._channel.close()
        if self.process.stdin:
            self.process.stdin.close()
        os.close(self._notes)
        os.close(self._log)
        self._folder.remove()
        returncode = self.process.returncode
        timed_out = self._timed_out or returncode == -signal.SIGALRM
        return Death(self._during, self._worked, returncode, timed_out, self._tail)

    def _wait(self, seconds: float) -> bool:
        """Whether there is something to receive before the time is over."""
        deadline = time.monotonic() + seconds + GRACE_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            ready = {number for number, _ in self._poller.poll(min(left, _LONGEST_WAIT) * 1000)}
            if self._log in ready and not self._read_log():
                self._poller.unregister(self._log)
            if self._channel.fileno() in ready:
                return True
        return False

    def _read_notes(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while noted := os.read(self._notes, _TAIL):
                self._worked = True
                (index,) = NOTE.unpack(noted[-NOTE.size :])
                self._during = None if index == IDLE else index

    def _read_log(self) -> bool:
        """Passes on what the process has written; False when it never will again."""
        with contextlib.suppress(BlockingIOError):
            while written := os.read(self._log, _BLOCK):
                text = written.decode("utf-8", "backslashreplace")
                self._tail = (self._tail + text)[-_TAIL:]
                logger.debug("a parser process: %s", text.rstrip())
            return False
        return True


def _pipe(undo: contextlib.ExitStack, passed: contextlib.ExitStack) -> tuple[int, int]:
    """The end that stays here and the end that is passed on."""
    ours, theirs = os.pipe()
    undo.callback(os.close, ours)
    passed.callback(os.close, theirs)
    return ours, theirs


def _import_path() -> str:
    """Where the process finds what this one finds: modules that a script put next to itself, too."""
    folders = [str(path) or os.getcwd() for path in sys.path]  # noqa: PTH109
    return os.pathsep.join(folder for folder in folders if os.pathsep not in folder)
