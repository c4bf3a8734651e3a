"""Saved states on disk, in a folder that several processes use at once.

A file is named after the model and its tokens and never changes, so processes need no lock: each writes beside and
renames, and one that finds a file gone does without. A file that is cut, damaged or written by something else is
deleted when it is met. The time of its last use is the file's modification time; when the folder is over its budget,
the file that was used longest ago goes first, whichever model it belongs to.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
import tempfile
import time
from pathlib import Path
from typing import BinaryIO

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from docindex.llm.gguf import GgufModel
from docindex.llm.prefixes import is_beginning, name_of, shared_length

logger = logging.getLogger("docindex.llm")

_MAGIC = b"DIXSTAT1"
_HEAD = struct.Struct("<8s16sQQ16s")
"""Magic, the model's key, the number of tokens (int32 each), the number of bytes of data, the digest of both."""
_SUFFIX = ".state"
_PART = ".part-"
_ABANDONED_SECONDS = 3600.0
_END_BYTES = 1 << 20


class StateFiles:
    """The states of one model in the folder, within the budget of all."""

    def __init__(self, folder: Path, *, budget_bytes: int, key: bytes) -> None:
        """Touches nothing yet.

        Args:
            folder: Where the files are; it is made when it is needed, for this user only.
            budget_bytes: The most that all files of the folder take together.
            key: 16 bytes that tell this model and layout of its cache from all others: see `state_key`.
        """
        self.folder = folder
        self.budget_bytes = budget_bytes
        self._key = key
        self._known: dict[str, NDArray[np.int32]] = {}
        """The tokens of the files that were there at the last look."""

    def longest(self, tokens: NDArray[np.int32], most_tokens: int) -> tuple[str, int]:
        """The state of at most so many tokens that shares most first ones with these, and how many."""
        self._look()
        best, shared = "", 0
        for name, held in self._known.items():
            if len(held) <= most_tokens and (length := shared_length(held, tokens)) > shared:
                best, shared = name, length
        return best, shared

    def load(self, name: str) -> tuple[NDArray[np.int32], NDArray[np.uint8]] | None:
        """Tokens and data of a state, which now counts as just used; None when its file is gone or damaged."""
        try:
            content = np.fromfile(self._path(name), np.uint8)
        except OSError:
            self._known.pop(name, None)
            return None
        head = content[: _HEAD.size].tobytes()
        if len(head) == _HEAD.size:
            magic, key, count, size, digest = _HEAD.unpack(head)
            body = content[_HEAD.size :]
            if (magic, key, count * 4 + size) == (_MAGIC, self._key, len(body)) and digest == _digest(body):
                self.touch(name)
                return body[: count * 4].view(np.int32), body[count * 4 :]
        self.delete(name)
        return None

    def save(self, name: str, tokens: NDArray[np.int32], data: NDArray[np.uint8]) -> None:
        """Writes a state, unless it is larger than the budget or the disk does not take it: an answer needs none."""
        size = _HEAD.size + tokens.nbytes + data.nbytes
        if size > self.budget_bytes:
            return
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._make_room(size)
            self._write(name, tokens, data)
            self._make_room(0)
        except OSError as error:
            logger.warning("What the model has read can't be kept in %s (%s).", self.folder, error)
            return
        self._known[name] = tokens
        for other in [key for key, held in self._known.items() if key != name and is_beginning(held, tokens)]:
            self.delete(other)  # the new one has all of it

    def touch(self, name: str) -> None:
        """Counts as a use."""
        try:
            os.utime(self._path(name))
        except OSError:
            self._known.pop(name, None)

    def delete(self, name: str) -> None:
        """Removes a state, if it is still there."""
        self._known.pop(name, None)
        _unlink(self._path(name))

    def _path(self, name: str) -> Path:
        return self.folder / f"{self._key.hex()}-{name}{_SUFFIX}"

    def _look(self) -> None:
        """Reads the heads of files that are new, and forgets those that are gone."""
        prefix = f"{self._key.hex()}-"
        try:
            files = [path.name for path in self.folder.iterdir()]
        except OSError:
            files = []
        names = {file[len(prefix) : -len(_SUFFIX)] for file in files if _is_state(file) and file.startswith(prefix)}
        for name in self._known.keys() - names:
            del self._known[name]
        for name in names - self._known.keys():
            try:
                with self._path(name).open("rb") as file:
                    tokens = self._tokens(file)
            except OSError:
                continue
            if tokens is None or name_of(tokens) != name:
                self.delete(name)
            else:
                self._known[name] = tokens

    def _tokens(self, file: BinaryIO) -> NDArray[np.int32] | None:
        """What a file is the state of; None when it is not as `save` writes them."""
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return None
        magic, key, count, size, _ = _HEAD.unpack(head)
        whole = os.fstat(file.fileno()).st_size
        if (magic, key, _HEAD.size + count * 4 + size) != (_MAGIC, self._key, whole):
            return None
        return np.frombuffer(file.read(count * 4), np.int32)

    def _write(self, name: str, tokens: NDArray[np.int32], data: NDArray[np.uint8]) -> None:
        digest = _digest(tokens.view(np.uint8), data)
        handle, part = tempfile.mkstemp(prefix=_PART, dir=self.folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_HEAD.pack(_MAGIC, self._key, len(tokens), len(data), digest))
                file.write(tokens.data)
                file.write(data.data)
            Path(part).replace(self._path(name))
        except BaseException:
            _unlink(Path(part))
            raise

    def _make_room(self, size: int) -> None:
        """Deletes what was used longest ago until so many bytes fit the budget."""
        found = []
        for path in self.folder.iterdir():
            part = path.name.startswith(_PART)
            if not part and not _is_state(path.name):
                continue
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            if part and time.time() - stat.st_mtime > _ABANDONED_SECONDS:  # by a process that was killed
                _unlink(path)
            else:
                found.append((part, stat.st_mtime_ns, path, stat.st_size))
        used = sum(bytes_ for *_, bytes_ in found)
        for part, _, path, bytes_ in sorted(found):  # the states before what others are writing
            if used + size <= self.budget_bytes or part:
                break
            _unlink(path)
            used -= bytes_


def state_key(model: GgufModel, *, layout: str) -> bytes:
    """What tells the states of a model from those of any other: its file, and how its cache is laid out.

    Of the file: its size, its time, and its first and last mebibyte; reading all of it would take longer than some
    answers.
    """
    stat = model.path.stat()
    facts = (llama_cpp.__version__, llama_cpp.LLAMA_STATE_SEQ_VERSION, stat.st_size, stat.st_mtime_ns, layout)
    digest = hashlib.blake2b(repr(facts).encode(), digest_size=16)
    with model.path.open("rb") as file:
        digest.update(file.read(_END_BYTES))
        file.seek(max(0, stat.st_size - _END_BYTES))
        digest.update(file.read(_END_BYTES))
    return digest.digest()


def _is_state(name: str) -> bool:
    return name.endswith(_SUFFIX)


def _digest(*parts: NDArray[np.uint8]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part.data)
    return digest.digest()


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:  # on some systems while another process reads it
        logger.debug("%s could not be deleted (%s).", path, error)
