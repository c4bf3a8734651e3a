"""Tar archives, compressed or not, read as a stream: nothing is unpacked but the member at hand."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import IO, Protocol, Self, cast

from docindex.errors import LoadError
from docindex.loaders.compression import compression_of, open_decompressed
from docindex.loaders.limits import MOST_MEMBERS, InflationGuard
from docindex.loaders.members import Members, passed_over
from docindex.protocols import Loaded, LoaderRegistry
from docindex.schema import Source, Unread

_LONGEST_HEADER = 1 << 20
_WITH_CONTENT = frozenset((b"L", b"K", b"x", b"g", b"X"))
"""Types of headers whose content is a part of the next one; it is read into memory."""


class TarLoader:
    """The files of a tar archive in their order; links, devices and hidden files are passed over."""

    def __init__(self, registry: LoaderRegistry) -> None:
        self._registry = registry

    def load(self, source: Source) -> Iterator[Loaded]:
        """What is in each of the files.

        Raises:
            LoadError: It is no tar archive, is damaged or cut short, or unpacks to more than the limits allow.
        """
        members = Members(source, self._registry)
        place = "at its start"
        with open_decompressed(source, compression_of(source)) as plain:
            try:
                # All that the stream mode asks of a file is a read().
                with tarfile.open(
                    fileobj=cast("IO[bytes]", _Counted(source, plain)), mode="r|", tarinfo=_Header
                ) as tar:
                    for name, item in _files(source, members, tar):
                        place = f"after {name}"
                        yield from (item,) if isinstance(item, Unread) else members.load(name, item)
            except LoadError as error:
                if error.source in (source.name, members.outermost):
                    raise
                raise LoadError(source.name, f"is damaged or cut short in {error.source}: {error.reason}") from error
            except Exception as error:
                raise LoadError(source.name, f"is damaged, or no tar archive, {place}: {error}") from error


def _files(source: Source, members: Members, tar: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes] | Unread]]:
    """Each member but folders: its name, and its bytes or why it is passed over."""
    files = count = 0
    while (info := tar.next()) is not None:
        cast("_Kept", tar).members.clear()  # they are kept for access by name, which would fill the memory
        count += 1
        if count > MOST_MEMBERS:
            raise LoadError(source.name, f"holds more than the {MOST_MEMBERS} members that an archive may")
        if info.isdir():
            continue
        files += 1
        name = members.name(info.name)
        reader = tar.extractfile(info) if info.isreg() else None
        if reader is None:
            what = f"a link to {info.linkname}" if info.issym() or info.islnk() else "not a regular file"
            yield name, Unread(name, what)
        elif reason := passed_over(info.name) or ("empty file" if info.size == 0 else None):
            yield name, Unread(name, reason)
        else:
            yield name, reader
    if not files:
        raise LoadError(source.name, "holds no files")


class _Kept(Protocol):
    members: list[tarfile.TarInfo]


class _Counted:
    """Counts what a stream gives, also of members that nobody reads."""

    def __init__(self, source: Source, stream: IO[bytes]) -> None:
        self._stream = stream
        self._guard = InflationGuard(source, source.path.stat().st_size)

    def read(self, size: int) -> bytes:
        """The next bytes; fewer only at the end."""
        data = self._stream.read(size)
        self._guard.add(len(data))
        return data


class _Header(tarfile.TarInfo):
    """A header that must be sound: the library takes a bad one for the end of the archive."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """The header in a block.

        Raises:
            ReadError: It is damaged, or the archive ends without its end mark.
        """
        if len(buf) < tarfile.BLOCKSIZE:
            raise tarfile.ReadError("it ends without its end mark")
        if not any(buf):
            return super().frombuf(buf, encoding, errors)  # which ends the archive
        try:
            header = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"{error}") from error
        if header.type in _WITH_CONTENT and header.size > _LONGEST_HEADER:
            raise tarfile.ReadError(f"a name or comment of {header.size} bytes")
        return header
