"""Archives: every file in a ZIP or tar archive, or the one in a compressed file, by the loader of its own format."""

from __future__ import annotations

import bz2
import copy
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO, Self, cast

from docindex.errors import LoadError
from docindex.loaders.compression import compression_of, holds_tar, open_decompressed
from docindex.loaders.limits import open_zip
from docindex.loaders.members import Members, passed_over
from docindex.loaders.tar import TarLoader
from docindex.protocols import Loaded, LoaderRegistry
from docindex.schema import Problem, Source, Unread

__all__ = ["CompressedLoader", "TarLoader", "ZipLoader"]

_ENCRYPTED = 0x1
_UTF8_NAME = 0x800
_UNIX = 3
_AES = 99
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, ValueError)
_PACKED = (".gz", ".bz2", ".xz", ".lzma", ".zst")


class ZipLoader:
    """The files of a ZIP archive in the order of its directory.

    Folders are no files and not told of; hidden files and links are passed over. A member that is damaged, or encrypted
    otherwise than `options.password` opens, is a problem of its own and does not end the archive.
    """

    def __init__(self, registry: LoaderRegistry) -> None:
        self._registry = registry

    def load(self, source: Source) -> Iterator[Loaded]:
        """What is in each of the files.

        Raises:
            LoadError: It is no ZIP archive, is damaged, or unpacks to more than the limits allow.
        """
        with open_zip(source) as archive:
            members = Members(source, self._registry)
            files = [info for info in archive.infolist() if not info.is_dir()]
            if not files:
                raise LoadError(source.name, "holds no files")
            for info in files:
                path = _path(info)
                name = members.name(path)
                if reason := passed_over(path) or _no_file(info):
                    yield Unread(name, reason)
                else:
                    yield from _load(source, archive, info, members, name)


class CompressedLoader:
    """The one file that a .gz, .bz2 or .xz file holds, under the name of that file; of a tar archive, its members."""

    def __init__(self, registry: LoaderRegistry) -> None:
        self._registry = registry

    def load(self, source: Source) -> Iterator[Loaded]:
        """What is in the file.

        Raises:
            LoadError: It is not compressed, is damaged, unpacks to more than the limits allow, or holds a file that no
                loader reads.
        """
        compression = compression_of(source)
        if compression is None:
            raise LoadError(source.name, "is not a compressed file, whatever its name says")
        with open_decompressed(source, compression) as stream:
            tar = holds_tar(source, stream)
        if tar:
            yield from TarLoader(self._registry).load(source)
            return
        name = PurePosixPath(source.name).name
        inner = name[: -len(PurePosixPath(name).suffix)] if name.lower().endswith(_PACKED) else name
        with open_decompressed(source, compression) as stream:
            yield from Members(source, self._registry).load_as_itself(stream, inner)


def _load(
    source: Source, archive: zipfile.ZipFile, info: zipfile.ZipInfo, members: Members, name: str
) -> Iterator[Loaded]:
    try:
        with _open(archive, info) as reader:
            yield from members.load(name, reader)
    except LoadError as error:
        if error.source != name:
            raise
        yield Problem(name, error.reason)
    except NotImplementedError as error:
        yield Problem(name, f"is packed in a way that can't be read ({error})")
    except RuntimeError:  # what zipfile raises for a missing or wrong password
        missing = "encrypted: give --password"
        wrong = "encrypted with another password: give the right one with --password"
        yield Problem(name, missing if source.options.password is None else wrong)
    except _DAMAGE as error:
        yield Problem(name, f"is damaged ({error})")


def _path(info: zipfile.ZipInfo) -> str:
    """The member's path. Where the archive does not say in which encoding, it is likelier UTF-8 than that of DOS."""
    if info.flag_bits & _UTF8_NAME:
        return info.filename
    try:
        return info.filename.encode("cp437").decode()
    except ValueError:
        return info.filename


def _no_file(info: zipfile.ZipInfo) -> str | None:
    mode = info.external_attr >> 16 if info.create_system == _UNIX else 0
    if stat.S_ISLNK(mode):
        return "a link"
    if stat.S_IFMT(mode) and not stat.S_ISREG(mode):
        return "not a regular file"
    return "empty file" if info.file_size == 0 else None


def _open(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    if info.compress_type == _AES:
        raise NotImplementedError("encrypted with AES: unpack it first")
    if info.compress_type != zipfile.ZIP_BZIP2:
        return archive.open(info)
    # zipfile unpacks all that it has read at once, and forty bytes of bzip2 can stand for forty megabytes:
    # so it gives the member as it is stored, and bz2 unpacks that block by block.
    stored = copy.copy(info)
    stored.compress_type, stored.file_size = zipfile.ZIP_STORED, info.compress_size
    del stored.CRC
    return cast("IO[bytes]", _Checked(bz2.open(archive.open(stored)), info))


class _Checked:
    """A stream of which the checksum must be that of the directory."""

    def __init__(self, stream: bz2.BZ2File, info: zipfile.ZipInfo) -> None:
        self._stream = stream
        self._expected = info.CRC
        self._crc = 0

    def read(self, size: int) -> bytes:
        """The next bytes.

        Raises:
            BadZipFile: They were the last ones, and something is wrong with them.
        """
        data = self._stream.read(size)
        self._crc = zlib.crc32(data, self._crc)
        if size and not data and self._crc != self._expected:
            raise zipfile.BadZipFile("the checksum differs")
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stream.close()
