"""What a file may cost when it is unpacked: checked before, and counted while, since headers lie."""

from __future__ import annotations

import bz2
import errno
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Literal

from docindex.errors import LoadError
from docindex.loaders.decoding import reading
from docindex.schema import Limits, Source

SMALL = 8 << 20
"""Up to so many bytes nobody minds how well they were compressed: a bitmap or an empty sheet is no attack."""
MOST_MEMBERS = 200_000
"""Members of one archive: each costs memory before any is read."""

LimitName = Literal["file_bytes", "pages", "seconds", "inflated_bytes", "inflation", "depth", "memory_bytes"]
"""A field of `Limits`, and the name that `--limit` takes."""

_BLOCK = 1 << 16
_NAMELESS = "without a name"
_ENCRYPTED = 0x1
_LOCAL_HEADER = 30
_NAME_AT, _EXTRA_AT = 26, 28
_DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, ValueError, IndexError, OverflowError),  # what zipfile raises for fields that make no sense
)


def cure(limit: LimitName) -> str:
    """What to do about a file that exceeds a limit, as the end of the reason: for Python and for the command line."""
    return f"raise the limit {limit} (--limit {limit}=N)"


def check_file_size(source: Source) -> None:
    """Checks a file against the limit before anything of it is read.

    Raises:
        LoadError: It is larger than `limits.file_bytes`, is no regular file, or can't be reached.
    """
    with reading(source):
        status = source.path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise LoadError(source.name, "can't be read: it is not a regular file")
    limit = source.options.limits.file_bytes
    if status.st_size > limit:
        raise LoadError(source.name, f"is larger than {_size(limit)} ({_size(status.st_size)}): {cure('file_bytes')}")


class InflationGuard:
    """Counts what comes out of a compressed stream, and ends it before it fills the memory or the disk."""

    def __init__(self, source: Source, compressed: int) -> None:
        """`compressed` is the size in bytes of what is unpacked."""
        self._source = source
        self._limits = source.options.limits
        self._compressed = compressed
        self._total = 0

    def add(self, inflated: int) -> None:
        """Counts so many further bytes.

        Raises:
            LoadError: The total exceeds `limits.inflated_bytes`, or `limits.inflation` times the compressed size.
        """
        self._total += inflated
        reason = _excess(self._limits, self._compressed, self._total)
        if reason:
            raise LoadError(self._source.name, reason)


def copy_limited(source: Source, reader: IO[bytes], writer: IO[bytes], guard: InflationGuard) -> None:
    """Copies a stream that unpacks itself as it is read; no more than a block of it is held.

    Raises:
        LoadError: The guard has had enough, or the stream is damaged.
    """
    with _unpacking(source):
        while block := reader.read(_BLOCK):
            guard.add(len(block))
            writer.write(block)


def open_zip(source: Source, file: IO[bytes] | None = None) -> zipfile.ZipFile:
    """The ZIP at `source.path`, or in the file, opened once its directory has been found sound.

    With `options.password`, encrypted members are read with it. Without, an archive of which every member is encrypted
    is refused here, and a single encrypted one by `read_member`.

    Raises:
        LoadError: It is no ZIP, is damaged, is encrypted, or its directory shows that it would exceed a limit.
    """
    with _unpacking(source, "its ZIP directory"):
        archive = zipfile.ZipFile(file if file is not None else source.path)
    reason = _refusal(source, archive)
    if reason:
        archive.close()
        raise LoadError(source.name, reason)
    for member in archive.infolist():
        if not member.filename:  # zipfile itself stumbles over those
            member.filename = _NAMELESS
            archive.NameToInfo[_NAMELESS] = member
    if source.options.password is not None:
        archive.setpassword(source.options.password.encode("utf-8", "surrogatepass"))
    return archive


def read_member(source: Source, archive: zipfile.ZipFile, name: str) -> bytes:
    """A member's bytes, never more than the directory says.

    Raises:
        LoadError: There is no such member, it is damaged or encrypted, or it is larger than it says or may be.
    """
    try:
        member = archive.getinfo(name)
    except KeyError:
        raise LoadError(source.name, f"has no member {name!r}") from None
    most = min(member.file_size, source.options.limits.inflated_bytes)
    data = bytearray()
    with _unpacking(source, f"its member {name!r}"):
        for block in _blocks(archive, member):
            data += block
            if len(data) > most:
                raise LoadError(source.name, f"its member {name!r} holds more than the {_size(most)} that it may")
    return bytes(data)


def _blocks(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(member) as file:  # also checks the local header and the password
        if member.compress_type != zipfile.ZIP_BZIP2 or member.flag_bits & _ENCRYPTED or archive.fp is None:
            # What is not deflated is unpacked by zipfile in blocks of as many compressed bytes: ask for few.
            step = _BLOCK if member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) else 4096
            while block := file.read(step):
                yield block
            return
    # Forty bytes of bzip2 can stand for forty megabytes, and zipfile unpacks all that it reads at once.
    archive.fp.seek(member.header_offset)
    header = archive.fp.read(_LOCAL_HEADER)
    name, extra = (int.from_bytes(header[at : at + 2], "little") for at in (_NAME_AT, _EXTRA_AT))
    archive.fp.seek(name + extra, os.SEEK_CUR)
    decompressor = bz2.BZ2Decompressor()
    packed = archive.fp.read(member.compress_size)
    crc = 0
    while not decompressor.eof:
        block = decompressor.decompress(packed, _BLOCK)
        packed = b""
        if not block and decompressor.needs_input and not decompressor.eof:
            raise EOFError
        crc = zlib.crc32(block, crc)
        yield block
    if crc != member.CRC:
        raise zipfile.BadZipFile("Bad CRC-32")


def _refusal(source: Source, archive: zipfile.ZipFile) -> str | None:
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        return f"holds {len(members)} members, more than the {MOST_MEMBERS} that an archive may"
    size = _archive_size(archive)
    if sum(member.compress_size for member in members) > size:
        return "its members overlap or claim more bytes than it has: it is damaged, or a decompression bomb"
    files = [member for member in members if not member.filename.endswith("/")]
    if files and source.options.password is None and all(member.flag_bits & _ENCRYPTED for member in files):
        return "is encrypted: give its password"
    return _excess(source.options.limits, size, sum(member.file_size for member in members))


def _archive_size(archive: zipfile.ZipFile) -> int:
    if archive.fp is None:
        return 0
    at = archive.fp.tell()
    size = archive.fp.seek(0, os.SEEK_END)
    archive.fp.seek(at)
    return size


def _excess(limits: Limits, compressed: int, inflated: int) -> str | None:
    if inflated > limits.inflated_bytes:
        return f"holds more than {_size(limits.inflated_bytes)} unpacked: {cure('inflated_bytes')}"
    if inflated > SMALL and inflated > limits.inflation * max(compressed, 1):
        return f"unpacks to more than {limits.inflation} times its size, as a bomb does: {cure('inflation')}"
    return None


@contextmanager
def _unpacking(source: Source, what: str = "its compressed data") -> Iterator[None]:
    """Turns what the decompressors say about bad data into a LoadError."""
    try:
        yield
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # those come from decompressors, and from places before the start
            raise LoadError(source.name, f"can't be read: {error.strerror}") from error
        raise LoadError(source.name, f"{what} is damaged ({error.strerror or error})") from error
    except _DAMAGE as error:
        detail = f" ({error})" if str(error) else ""
        raise LoadError(source.name, f"{what} is damaged{detail}") from error
    except NotImplementedError as error:
        raise LoadError(source.name, f"{what} is packed in a way that can't be read ({error})") from error
    except RuntimeError as error:  # what zipfile raises for a missing or wrong password
        reason = "is encrypted: give its password" if "required" in str(error) else "can't be opened with this password"
        raise LoadError(source.name, f"{what} {reason}") from error


def _size(count: int) -> str:
    amount = float(count)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.4g} {unit}"
        amount /= 1000
    return f"{amount:.4g} GB"
