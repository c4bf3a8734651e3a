"""The parser process: reads files that it is told to, cuts what is in them into nodes, and sends both.

Started by `docindex.ingest.worker_process` and by nobody else. It must be able to die at any moment: the kernel ends
it when a file takes too long, when the parent is gone, and when a parser writes where it should not.
"""

from __future__ import annotations

import contextlib
import faulthandler
import fcntl
import importlib
import io
import math
import os
import queue
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

from docindex.errors import DocindexError, LoadError
from docindex.indices.cut import with_nodes
from docindex.ingest.wire import (
    IDLE,
    NOTE,
    OUT_OF_MEMORY,
    Ended,
    FrameBuffer,
    Item,
    Recipe,
    Request,
    decode_recipe,
    decode_request,
    encode,
    signature,
)
from docindex.loaders.limits import check_file_size
from docindex.protocols import Chunker, Loaded, LoaderRegistry
from docindex.schema import Document, Limits, Problem, Source

_AHEAD_BYTES = 8 << 20
"""How much may wait to be taken by the parent before parsing stops."""
_SPENT_BYTES = 512 << 20
"""A process that holds so much between two files is replaced: parsers leak, and allocators keep what they have."""
_LONGEST_REASON = 300

_BYTES_TO_CUT = 700
"""What cutting takes in memory for each code point of a text in which every one is a token; prose takes 45."""
_CUT_A_SECOND = 20_000
"""A fifth of the code points of such a text that an idle machine cuts in a second; of prose it is a fiftieth."""


def main() -> None:
    """Parses until the parent has gone."""
    loaders, channel, notes = sys.argv[1], socket.socket(fileno=int(sys.argv[2])), int(sys.argv[3])
    cutter = Cutter(decode_recipe(sys.argv[4]))
    _die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable()
    sys.stdout = sys.stderr = _Diagnostics()
    requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(channel, requests), daemon=True).start()
    Parser(loaders, cutter, _Outbox(channel), notes).run(requests)


class Parser:
    """Works off the requests in their order."""

    def __init__(self, loaders: str, cutter: Cutter, outbox: _Outbox, notes: int) -> None:
        """`loaders` is the `module:callable` that makes the registry, `notes` the pipe that survives a crash."""
        self._loaders = loaders
        self._cutter = cutter
        self._outbox = outbox
        self._notes = notes
        self._registry: LoaderRegistry | None = None

    def run(self, requests: queue.SimpleQueue[Request]) -> None:
        """Parses file after file."""
        while True:
            request = requests.get()
            self._note(request.index)
            source = request.source
            # What the chunker holds is not the parser's to account for.
            _limit_memory(source.options.limits.memory_bytes + self._cutter.bytes)
            reason: str | None = None
            try:
                self._parse(request)
            except MemoryError:
                # What is left of this process may be little: another one tries again.
                self._outbox.finish()
                os._exit(OUT_OF_MEMORY)
            except BaseException as error:  # noqa: BLE001 - parsers raise anything, panics of Rust code among it
                reason = reason_of(error, source)
            self._note(IDLE)
            self._outbox.put(encode(Ended(request.index, reason, sum(os.times()[:4]))))
            if _resident_bytes() > _SPENT_BYTES:
                self._outbox.finish()
                os._exit(0)

    def _parse(self, request: Request) -> None:
        source = request.source
        before = signature(source.path)
        if request.signature and before != request.signature:
            raise LoadError(source.name, _CHANGED)
        check_file_size(source)
        limits = source.options.limits
        for loaded in _timed(lambda: self._load(source), limits.seconds):
            item = self._cutter.cut(loaded, limits) if request.cut and isinstance(loaded, Document) else loaded
            self._outbox.put(encode(Item(request.index, item)))
        if signature(source.path) != before:
            raise LoadError(source.name, _CHANGED)

    def _load(self, source: Source) -> Iterator[Loaded]:
        if self._registry is None:
            self._registry = cast("Callable[[], LoaderRegistry]", _named(self._loaders))()
        return iter(self._registry.load(source))

    def _note(self, index: int) -> None:
        os.write(self._notes, NOTE.pack(index))


class Cutter:
    """Cuts documents, as far as it can be done here. What comes out uncut is for the parent to cut."""

    def __init__(self, recipe: Recipe | None) -> None:
        """`recipe` makes the Chunker once there is something to cut; None where nothing is cut here."""
        self.bytes = 0
        """How much the chunker and what it needs hold in memory."""
        self._recipe = recipe
        self._chunker: Chunker | None = None

    def cut(self, document: Document, limits: Limits) -> Document | Problem:
        """The document with its nodes, made within the time that a document may take; or why it can't be cut.

        Raises:
            MemoryError: There is not enough.
        """
        chunker = self._ready(limits) if _is_light(document, limits) else None
        if chunker is None:
            return document
        with _alarm(limits.seconds):
            try:
                return with_nodes(document, tuple(chunker.chunk(document)))
            except MemoryError:
                raise
            except BaseException as error:  # noqa: BLE001 - tokenizers panic, as parsers do
                return Problem(document.doc_id, f"can't be cut: {_described(error)}")

    def _ready(self, limits: Limits) -> Chunker | None:
        """The chunker. The parent can tell better than this process why there is none, if there is none."""
        if self._chunker is None and self._recipe is not None:
            recipe, self._recipe = self._recipe, None
            before = _data_bytes()
            _limit_memory(sys.maxsize)
            with contextlib.suppress(Exception):
                self._chunker = cast("Callable[..., Chunker]", _named(recipe.factory))(*recipe.arguments)
            self.bytes = max(0, _data_bytes() - before)
            _limit_memory(limits.memory_bytes + self.bytes)
        return self._chunker


def _is_light(document: Document, limits: Limits) -> bool:
    """Whether cutting it is sure to keep to limits that are meant for parsers: none should fail for its mere size."""
    size = len(document.text)
    return size * _BYTES_TO_CUT < limits.memory_bytes and size < limits.seconds * _CUT_A_SECOND


def _named(place: str) -> object:
    """What a `module:name` names."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


_CHANGED = "changed while it was read: ingest it again"


def reason_of(error: BaseException, source: Source) -> str:
    """Why a file can't be read, from what its loader raised."""
    match error:
        case LoadError():
            within = "" if error.source == source.name else f"{error.source}: "
            return f"{within}{error.reason}"
        case DocindexError():
            return str(error)
        case RecursionError():
            return "is nested too deeply to be read"
        case OSError():
            return f"can't be read: {error.strerror or error}"
        case _:
            return f"can't be read: {_described(error)}"


def _described(error: BaseException) -> str:
    message = " ".join(str(error).split())
    return f"{type(error).__name__}{': ' if message else ''}{message[:_LONGEST_REASON]}"


def _timed(start: Callable[[], Iterator[Loaded]], seconds: float) -> Iterator[Loaded]:
    """The items, each of which has to come in time: the alarm's default is that the kernel ends the process.

    No thread and no exception could end a parser written in C. Waiting for the parent to take an item does not count.
    """
    with _alarm(seconds):
        items = start()
    while True:
        with _alarm(seconds):
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    # A timer of zero would be none at all.
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001) if math.isfinite(seconds) else 0.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)


class _Outbox:
    """Frames on their way to the parent. A thread sends what does not go at once, so that parsing goes on meanwhile."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._waiting = bytearray()
        self._sending = False
        self._change = threading.Condition()
        threading.Thread(target=self._send, daemon=True).start()

    def put(self, frame: bytes) -> None:
        """Adds a frame, once there is room."""
        with self._change:
            self._change.wait_for(lambda: len(self._waiting) < _AHEAD_BYTES)
            sent = 0
            if not self._waiting and not self._sending:
                # At once, if it can be: the thread may not get to run again once a parser in C has begun.
                with contextlib.suppress(OSError):
                    sent = self._channel.send(frame, socket.MSG_DONTWAIT)
            if sent < len(frame):
                self._waiting += memoryview(frame)[sent:]
                self._change.notify_all()

    def finish(self) -> None:
        """Waits until all is sent."""
        with self._change:
            self._change.wait_for(lambda: not self._waiting and not self._sending)

    def _send(self) -> None:
        while True:
            with self._change:
                self._sending = False
                self._change.notify_all()
                self._change.wait_for(lambda: bool(self._waiting))
                frames, self._waiting, self._sending = self._waiting, bytearray(), True
            try:
                self._channel.sendall(frames)
            except OSError:
                os._exit(0)  # nobody is there to take it


def _receive(channel: socket.socket, requests: queue.SimpleQueue[Request]) -> None:
    frames = FrameBuffer()
    while data := channel.recv(1 << 16):
        frames.feed(data)
        for header, _ in frames.frames():
            requests.put(decode_request(header))
    os._exit(0)


class _Diagnostics(io.TextIOBase):
    """Where `print` and `warnings` go: to the parent's log as far as it has room, never waiting for it."""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 2

    def write(self, text: str, /) -> int:
        with contextlib.suppress(OSError):  # the pipe is full
            os.write(2, text.encode("utf-8", "backslashreplace"))
        return len(text)


def _die_with_parent() -> None:
    """Lets the kernel end this process when the other end of standard input, which is there for nothing else, closes.

    A thread that waits for the same could not run while a parser in C holds the interpreter.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)


def _limit_memory(memory_bytes: int) -> None:
    """Limits what the process may write to.

    The whole address space would be the wrong measure: libraries map far more than they use.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = min(memory_bytes, sys.maxsize)
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _resident_bytes() -> int:
    return _pages(1)  # not Linux: processes stay


def _data_bytes() -> int:
    """What counts towards the limit."""
    return _pages(5)


def _pages(column: int) -> int:
    """A size that the kernel tells, in bytes; 0 where it does not."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - once a file: twice as fast
            return int(file.read().split()[column]) * resource.getpagesize()
    except OSError:
        return 0


if __name__ == "__main__":
    main()
