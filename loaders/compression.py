"""Compressed streams, opened by what their first bytes say."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
import tarfile
import zlib
from typing import IO, Literal, cast

from docindex.errors import LoadError
from docindex.loaders.decoding import reading
from docindex.schema import Source

Compression = Literal["gzip", "bzip2", "xz", "lzma", "zstd"]

_SIGNATURES: tuple[tuple[bytes, Compression], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x5d\x00\x00", "lzma"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
_USTAR = slice(257, 262)


def compression_of(source: Source) -> Compression | None:
    """How the file is compressed, or None.

    Raises:
        LoadError: It can't be read.
    """
    with reading(source), source.path.open("rb") as file:
        head = file.read(6)
    return next((name for signature, name in _SIGNATURES if head.startswith(signature)), None)


def open_decompressed(source: Source, compression: Compression | None) -> IO[bytes]:
    """The file's content, unpacked as it is read: in memory is never more than a block of it.

    Raises:
        LoadError: The file can't be read, or not unpacked by this Python.
    """
    with reading(source):
        match compression:
            case "gzip":
                return cast("IO[bytes]", gzip.open(source.path))
            case "bzip2":
                return cast("IO[bytes]", bz2.open(source.path))
            case "xz" | "lzma":
                return cast("IO[bytes]", lzma.open(source.path))
            case "zstd":
                return _open_zstd(source)
            case None:
                return source.path.open("rb")


def holds_tar(source: Source, stream: IO[bytes]) -> bool:
    """Whether what a stream gives is a tar archive.

    Raises:
        LoadError: The stream is damaged.
    """
    try:
        return stream.read(tarfile.BLOCKSIZE)[_USTAR] == b"ustar"
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise LoadError(source.name, f"is damaged, or not what its name says ({error})") from error


def _open_zstd(source: Source) -> IO[bytes]:
    if sys.version_info >= (3, 14):
        from compression import zstd

        return cast("IO[bytes]", zstd.open(source.path))
    raise LoadError(source.name, "is compressed with Zstandard, which Python unpacks from 3.14 on: unpack it first")
