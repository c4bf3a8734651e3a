"""A registry for parser processes under test: a file says what its parser does.

Each line is a word and its argument: `give 3` gives three documents, `crash` dies of a signal.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

from docindex.errors import LoadError
from docindex.protocols import Loaded
from docindex.schema import Document, Problem, Source, Unread

LEAKED: list[bytes] = []


class Zoo:
    def media_type_of(self, path: Path) -> str | None:
        return "text/plain"

    def supports(self, media_type: str) -> bool:
        return True

    def unsupported_reason(self, path: Path, media_type: str | None) -> str:
        return ""

    def load(self, source: Source) -> Iterator[Loaded]:
        given = 0
        for line in source.path.read_text().splitlines():
            word, _, rest = line.partition(" ")
            match word:
                case "give":
                    for _ in range(int(rest)):
                        given += 1
                        yield Document(f"{source.name}#{given}", source.name, f"text {given}")
                case "give-large":
                    for _ in range(int(rest)):
                        given += 1
                        yield Document(f"{source.name}#{given}", source.name, "x" * 1_000_000)
                case "count":  # how many items have been made so far, for all to see
                    Path(rest).write_text(str(given))
                case "problem":
                    yield Problem(f"{source.name}!/member", "is broken")
                case "unread":
                    yield Unread(f"{source.name}!/member", "no loader")
                case "say":
                    yield Document(source.name, source.name, rest)
                case "password":
                    yield Document(source.name, source.name, str(source.options.password))
                case "pid":
                    yield Document(source.name, source.name, str(os.getpid()))
                case "argv":
                    command = Path("/proc/self/cmdline").read_bytes() + Path("/proc/self/environ").read_bytes()
                    yield Document(source.name, source.name, command.decode())
                case "files":
                    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
                    names = [str(link.readlink()) for link in links if link.is_symlink()]
                    yield Document(source.name, source.name, "\n".join(names))
                case "print":
                    print("printed")
                    print("printed", file=sys.stderr)
                    os.write(1, b"written by a C library\n" * int(rest))
                    warnings.warn("warned", stacklevel=1)
                case "temporary":
                    _, path = tempfile.mkstemp()
                    yield Document(source.name, source.name, path)
                case "grandchild":
                    child = subprocess.Popen(["sleep", "600"])
                    yield Document(source.name, source.name, str(child.pid))
                case "crash":
                    os.kill(os.getpid(), signal.SIGSEGV)
                case "segfault":
                    ctypes.string_at(0)
                case "exit":
                    os._exit(int(rest))
                case "sys-exit":
                    sys.exit(int(rest))
                case "hang":
                    time.sleep(600)
                case "hang-in-c":  # never lets another thread run, and answers no signal handler of Python's
                    re.match(r"(a+)+$", "a" * 64 + "b")
                case "burn":
                    until = time.process_time() + float(rest)
                    while time.process_time() < until:
                        pass
                case "sleep":
                    time.sleep(float(rest))
                case "fill":
                    held = [bytearray(1 << 20) for _ in range(int(rest))]
                    yield Document(source.name, source.name, f"{len(held)}")
                case "leak":
                    LEAKED.extend(b"x" * (1 << 20) for _ in range(int(rest)))
                case "recurse":
                    recurse(0)
                case "raise":
                    raise {
                        "LoadError": LoadError(source.name, "has no animals"),
                        "KeyError": KeyError("lion"),
                        "OSError": OSError(5, "Input/output error"),
                        "Panic": Panic("in Rust"),
                        "nothing": ValueError(),
                    }[rest]
                case "touch":
                    source.path.write_text(source.path.read_text() + "\n")
                case "crash-once":
                    flag = Path(rest)
                    if not flag.exists():
                        flag.touch()
                        os.kill(os.getpid(), signal.SIGSEGV)
                case "nonsense":
                    yield "a string"  # type: ignore[misc]


class Panic(BaseException):
    """As Rust code raises it."""


def recurse(depth: int) -> int:
    return recurse(depth + 1) + 1


def registry() -> Zoo:
    return Zoo()


def broken() -> Zoo:
    raise RuntimeError("this registry can't be made")
