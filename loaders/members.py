"""Files that lie in another file: copied out one at a time, read by their own loader, and accounted for."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, cast

from docindex.errors import DocindexError, LoadError
from docindex.loaders.decoding import reading
from docindex.loaders.limits import InflationGuard, copy_limited
from docindex.protocols import Loaded, LoaderRegistry
from docindex.schema import Problem, Source, Unread

logger = logging.getLogger("docindex.loaders")

_START = 1 << 20
_LONGEST_NAME = 400
_LONGEST_FILE_NAME = 100
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_DRIVE = re.compile(r"\A[A-Za-z]:")
_NOT_IN_FILE_NAMES = re.compile(r"[^\w.+-]", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(Source):
    """A file that lay in another one."""

    outermost: str
    """The name of the file on disk that it lay in, however deep."""
    inflation: InflationGuard
    """Counts what comes out of the outermost file, at every depth, so that nesting does not multiply the limits."""


class Members:
    """The files that lie in one file, each under the name of that file and its own path."""

    def __init__(self, source: Source, registry: LoaderRegistry) -> None:
        """`source` is the file that holds them.

        Raises:
            LoadError: It can't be read.
        """
        self._source = source
        self._registry = registry
        self._names: dict[str, int] = {}
        if isinstance(source, Member):
            self.outermost, self._inflation = source.outermost, source.inflation
        else:
            with reading(source):
                size = source.path.stat().st_size
            self.outermost, self._inflation = source.name, InflationGuard(source, size)

    def name(self, path: str) -> str:
        """What a member is called: readable, below the name of its file, and unlike all before."""
        plain = member_path(path)
        name = f"{self._source.name}/{plain}"
        stem, dot, suffix = plain.rpartition(".")
        number = self._names.get(name, 0) + 1
        self._names[name] = number
        if number == 1:
            return name
        numbered = f"{stem} ({number}){dot}{suffix}" if stem and "/" not in suffix else f"{plain} ({number})"
        return self.name(numbered)

    def load(self, name: str, reader: IO[bytes], media_type: str | None = None) -> Iterator[Loaded]:
        """What is in a member, or what became of it. Nothing of it stays on disk.

        Raises:
            LoadError: It can't be copied out of its file, or the outermost file unpacks to too much.
        """
        with TemporaryDirectory(prefix="docindex-") as folder:
            path = Path(folder) / _file_name(name)
            with self._writing(path) as file:
                copy_limited(self.member(name, path, ""), cast("IO[bytes]", _Start(reader)), file, self._inflation)
                file.flush()
                known = media_type or self._registry.media_type_of(path)
                # What no loader reads, such as a film, need not be copied whole.
                if known is not None and self._registry.supports(known):
                    copy_limited(self.member(name, path, known), reader, file, self._inflation)
            yield from self.load_file(name, path, media_type)

    def load_as_itself(self, reader: IO[bytes], file_name: str) -> Iterator[Loaded]:
        """What is in the only member of a file that does not count as a folder: it keeps the name of that file.

        Raises:
            LoadError: It can't be copied out of its file, or read.
        """
        with TemporaryDirectory(prefix="docindex-") as folder:
            path = Path(folder) / _file_name(file_name)
            with self._writing(path) as file:
                copy_limited(self._source, reader, file, self._inflation)
                file.flush()
                media_type = self._registry.media_type_of(path)
            if path.stat().st_size == 0:
                yield Unread(self._source.name, "holds an empty file")
            elif media_type is None or not self._registry.supports(media_type):
                yield Unread(self._source.name, self._registry.unsupported_reason(path, media_type))
            else:
                yield from self._registry.load(self.member(self._source.name, path, media_type))

    def member(self, name: str, path: Path, media_type: str) -> Member:
        """The member as a source of its own."""
        return Member(
            name,
            path,
            media_type,
            self._source.options,
            self._source.depth + 1,
            outermost=self.outermost,
            inflation=self._inflation,
        )

    @contextmanager
    def _writing(self, path: Path) -> Iterator[IO[bytes]]:
        try:
            with path.open("wb") as file:
                yield file
        except OSError as error:
            raise LoadError(self._source.name, f"can't be unpacked: {error.strerror or error}") from error
        except LoadError as error:
            # A full disk is no fault of the member: it must not count as read.
            if isinstance(error.__cause__, OSError) and error.__cause__.errno is not None:
                raise LoadError(self._source.name, f"can't be unpacked: {error.__cause__.strerror}") from error
            raise

    def load_file(self, name: str, path: Path, media_type: str | None = None) -> Iterator[Loaded]:
        """What is in a member that is on disk already, or what became of it."""
        try:
            media_type = media_type or self._registry.media_type_of(path)
            if media_type is None or not self._registry.supports(media_type):
                yield Unread(name, self._registry.unsupported_reason(path, media_type))
            else:
                yield from self._registry.load(self.member(name, path, media_type))
        except LoadError as error:
            if error.source == self.outermost:
                raise
            yield Problem(error.source, error.reason)
        except DocindexError as error:
            yield Problem(name, str(error))
        except Exception as error:
            # One member that a parser stumbles over must not cost the others.
            logger.debug("the loader of %s failed", name, exc_info=True)
            yield Problem(name, f"the parser failed ({type(error).__name__}: {error})")


class _Start:
    """The first bytes of a stream, enough to tell what it is."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._left = _START

    def read(self, size: int) -> bytes:
        """The next bytes; none once there are enough."""
        data = self._stream.read(min(size, self._left))
        self._left -= len(data)
        return data


def passed_over(path: str) -> str | None:
    """Why a member of this path is not read, or None."""
    parts = path.replace("\\", "/").split("/")
    if "__MACOSX" in parts:
        return "an attribute file of macOS"
    if any(part.startswith(".") and part not in (".", "..") for part in parts):
        return "hidden file"
    return None


def member_path(path: str) -> str:
    """A member's path as part of a name: relative, POSIX, without steps upwards or control characters."""
    parts = _DRIVE.sub("", path.replace("\\", "/")).split("/")
    plain = "/".join(part for part in parts if part not in ("", ".", ".."))
    plain = plain.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    plain = _CONTROLS.sub(lambda match: f"\\x{ord(match[0]):02x}", plain)
    if len(plain) > _LONGEST_NAME:
        plain = f"{plain[: _LONGEST_NAME // 2]}…{plain[-_LONGEST_NAME // 2 :]}"
    return plain or "unnamed"


def _file_name(name: str) -> str:
    """The last part of a name as the name of a file on any disk, with its suffix."""
    plain = _NOT_IN_FILE_NAMES.sub("_", os.path.basename(name))[-_LONGEST_FILE_NAME:]  # noqa: PTH119 - no path
    return plain.lstrip(".") or "unnamed"
