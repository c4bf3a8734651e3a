"""Limits on what is unpacked: bombs end early, honest archives pass, and lies in headers do not help."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.errors import LoadError
from docindex.loaders.limits import InflationGuard, check_file_size, copy_limited, open_zip, read_member
from docindex.schema import Limits, LoadOptions, Source

MB = 1 << 20


def source_of(path: Path, limits: Limits | None = None, password: str | None = None) -> Source:
    return Source(path.name, path, "application/zip", LoadOptions(limits=limits or Limits(), password=password))


def zipped(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return path


def refusal(source: Source) -> str:
    with pytest.raises(LoadError) as caught:
        open_zip(source).close()
    assert caught.value.source == source.name
    return caught.value.reason


def member_refusal(source: Source, name: str) -> str:
    with open_zip(source) as archive, pytest.raises(LoadError) as caught:
        read_member(source, archive, name)
    return caught.value.reason


def patched(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_are_read(tmp_path: Path, compression: int) -> None:
    members = {"a.txt": b"text\n" * 30_000, "b/c": bytes(range(256)) * 1000, "empty": b"", "folder/": b""}
    source = source_of(zipped(tmp_path / "a.zip", members, compression))
    with open_zip(source) as archive:
        assert {name: read_member(source, archive, name) for name in members} == members


def test_a_zip_in_an_open_file_is_read(tmp_path: Path) -> None:
    data = zipped(tmp_path / "a.zip", {"a": b"inner"}).read_bytes()
    source = source_of(tmp_path / "outer")
    with open_zip(source, io.BytesIO(data)) as archive:
        assert read_member(source, archive, "a") == b"inner"


def test_what_compresses_well_but_is_small_is_no_bomb(tmp_path: Path) -> None:
    source = source_of(zipped(tmp_path / "a.zip", {"sheet": bytes(7 * MB)}))
    with open_zip(source) as archive:
        assert len(read_member(source, archive, "sheet")) == 7 * MB


def test_bombs_are_refused_by_their_directory(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "bomb.zip", {f"{n}": bytes(3 * MB) for n in range(5)})
    assert "200 times its size" in refusal(source_of(bomb))
    limits = Limits(inflated_bytes=1_000_000, inflation=10**6)
    reason = "holds more than 1 MB unpacked: raise the limit inflated_bytes (--limit inflated_bytes=N)"
    assert refusal(source_of(bomb, limits)) == reason
    open_zip(source_of(bomb, Limits(inflation=2000))).close()


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a": b"x" * 100, "b": b"y" * 100}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    directory = data.index(b"PK\1\2")
    for _ in range(2):
        struct.pack_into("<II", data, directory + 20, 10_000, 10_000)
        directory = data.find(b"PK\1\2", directory + 4)
    path.write_bytes(data)
    assert "overlap" in refusal(source_of(path))


def test_a_member_gives_no_more_than_its_directory_says(tmp_path: Path) -> None:
    for compression in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2):
        path = zipped(tmp_path / "a.zip", {"a": bytes(3_000_000)}, compression)
        patched(path, struct.pack("<I", 3_000_000), struct.pack("<I", 1000))
        reason = member_refusal(source_of(path), "a")
        assert "damaged" in reason or "holds more than" in reason


def test_a_bzip2_bomb_takes_no_memory(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a": bytes(200 * MB)}, zipfile.ZIP_BZIP2)
    assert path.stat().st_size < 1000
    patched(path, struct.pack("<I", 200 * MB), struct.pack("<I", 1000))
    source = source_of(path)
    tracemalloc.start()
    try:
        assert "holds more than" in member_refusal(source, "a")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * MB


def test_a_member_without_a_name_gets_one(tmp_path: Path) -> None:
    source = source_of(zipped(tmp_path / "a.zip", {"": b"nameless"}))
    with open_zip(source) as archive:
        (member,) = archive.infolist()
        assert not member.is_dir()
        assert read_member(source, archive, member.filename) == b"nameless"


def test_a_directory_that_points_before_the_start_is_damaged(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a": b"x" * 500, "b": b"y" * 500}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes()[1060:])
    assert "is damaged" in refusal(source_of(path))


def test_encrypted_archives(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a": b"secret text"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\3\4") + 6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    assert refusal(source_of(path)) == "is encrypted: give its password"
    assert "can't be opened with this password" in member_refusal(source_of(path, password="guess"), "a")


def test_what_is_no_zip_or_a_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"not a zip")
    assert refusal(source_of(path)) == "its ZIP directory is damaged (File is not a zip file)"
    zipped(path, {"a": b"text" * 100})
    data = path.read_bytes()
    path.write_bytes(data[:33] + b"\xff\xff" + data[35:])
    assert "its member 'a' is damaged" in member_refusal(source_of(path), "a")
    assert member_refusal(source_of(zipped(path, {"a": b""})), "b") == "has no member 'b'"
    assert refusal(source_of(tmp_path / "gone")) == "can't be read: No such file or directory"


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_damage_of_any_kind_is_a_load_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    buffer = io.BytesIO()
    compression = data.draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2]))
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr("a", b"some text " * 20)
        archive.writestr("b", b"other text " * 20)
    broken = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    del broken[data.draw(st.integers(len(broken) // 2, len(broken))) :]
    source = source_of(Path("broken.zip"))
    with contextlib.suppress(LoadError), open_zip(source, io.BytesIO(bytes(broken))) as archive:
        for name in archive.namelist():
            with contextlib.suppress(LoadError):
                read_member(source, archive, name)


@pytest.mark.parametrize("module", [gzip, bz2, lzma])
def test_streams_are_copied_within_limits(tmp_path: Path, module) -> None:
    data = bytes(20 * MB)
    packed = module.compress(data)
    source = source_of(tmp_path / "a.gz")
    with module.open(io.BytesIO(packed)) as reader, pytest.raises(LoadError, match="200 times its size"):
        copy_limited(source, reader, io.BytesIO(), InflationGuard(source, len(packed)))
    patient = source_of(tmp_path / "a.gz", Limits(inflation=10**7))
    writer = io.BytesIO()
    with module.open(io.BytesIO(packed)) as reader:
        copy_limited(patient, reader, writer, InflationGuard(patient, len(packed)))
    assert writer.getvalue() == data
    with module.open(io.BytesIO(packed[:-9])) as reader, pytest.raises(LoadError, match="is damaged"):
        copy_limited(patient, reader, io.BytesIO(), InflationGuard(patient, len(packed)))


def test_a_guard_counts_over_several_streams(tmp_path: Path) -> None:
    source = source_of(tmp_path / "a.tar", Limits(inflated_bytes=1000))
    guard = InflationGuard(source, 500)
    guard.add(600)
    guard.add(400)
    with pytest.raises(LoadError, match="holds more than 1 kB unpacked"):
        guard.add(1)


def test_the_size_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(1001))
    check_file_size(source_of(path, Limits(file_bytes=1001)))
    with pytest.raises(LoadError, match=r"is larger than 1 kB \(1.001 kB\): raise the limit file_bytes"):
        check_file_size(source_of(path, Limits(file_bytes=1000)))
    with pytest.raises(LoadError, match="is not a regular file"):
        check_file_size(source_of(tmp_path))
