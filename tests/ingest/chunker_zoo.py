"""Chunkers for parser processes under test: what a document says, its chunker does."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import time
from collections.abc import Sequence

from docindex.schema import Document, Node

WORD = re.compile(r"\S+")


class WordChunker:
    """Every word is a node; its context tells which process cut it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._held: list[bytearray] = []

    def chunk(self, document: Document, before: Sequence[Node] = ()) -> list[Node]:
        word, _, rest = document.text.partition(" ")
        match word:
            case "crash-cutting":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "segfault-cutting":
                ctypes.string_at(0)
            case "hang-cutting":
                time.sleep(600)
            case "hang-in-c-cutting":
                re.match(r"(a+)+$", "a" * 64 + "b")
            case "sleep-cutting":
                time.sleep(float(rest))
            case "raise-cutting":
                raise ValueError("no words for it")
            case "panic-cutting":
                raise Panic("in Rust")
            case "fill-cutting":
                self._held = [bytearray(1 << 20) for _ in range(int(rest))]
        context = f"{self._name} {os.getpid()}"
        return [
            Node(
                node_id=f"{document.doc_id}-{order}",
                doc_id=document.doc_id,
                order=order,
                start=match.start(),
                end=match.end(),
                text=match.group(),
                context=context,
                headings=("Words", match.group()[:1]),
                page=order // 2,
                page_label=None if order % 2 else "ii",
                level=order % 3,
                parent_id=None if order % 3 else "a parent",
            )
            for order, match in enumerate(WORD.finditer(document.text))
        ]


class Panic(BaseException):
    """As Rust code raises it."""


def chunker(name: str) -> WordChunker:
    return WordChunker(name)


def large(megabytes: int) -> WordChunker:
    """One that needs much memory itself."""
    made = WordChunker("large")
    made._held = [bytearray(b"x" * (1 << 20)) for _ in range(megabytes)]
    return made


def broken(name: str) -> WordChunker:
    raise RuntimeError("this chunker can't be made")
