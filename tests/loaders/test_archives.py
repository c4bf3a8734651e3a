from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.errors import LoadError
from docindex.loaders.archives import CompressedLoader, TarLoader, ZipLoader
from docindex.loaders.members import Members, member_path
from docindex.loaders.registry import default_registry
from docindex.protocols import Loaded, Loader
from docindex.schema import Document, Limits, LoadOptions, Problem, Source, Unread
from docindex.testing.loader_contract import LoaderContract

REGISTRY = default_registry()
FILES = {
    "notes/sea.txt": b"The sea is salt.\n",
    "notes/moon.md": b"# The moon\n\nIt moves the tides.\n",
    "people.jsonl": b'{"id": "1", "text": "Ann is here."}\n{"id": "2", "text": "Bob is there."}\n',
}
PACKERS: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return target.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w") -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return target.getvalue()


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def source_of(path: Path, data: bytes, options: LoadOptions = LoadOptions()) -> Source:  # noqa: B008
    path.write_bytes(data)
    media_type = REGISTRY.media_type_of(path)
    assert media_type is not None
    return Source(path.name, path, media_type, options)


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., list[Loaded]]:
    def load(name: str, data: bytes, **options: object) -> list[Loaded]:
        return list(REGISTRY.load(source_of(tmp_path / name, data, LoadOptions(**options))))

    return load


@pytest.fixture
def no_copies(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary copies; in the end nothing may be left there."""
    folder = tmp_path_factory.mktemp("copies")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


def ids(loaded: Sequence[Loaded]) -> list[str]:
    return [item.doc_id for item in loaded if isinstance(item, Document)]


def told(loaded: Sequence[Loaded]) -> dict[str, str]:
    return {item.source: item.reason for item in loaded if not isinstance(item, Document)}


class ArchiveContract(LoaderContract):
    """Documents of an archive have the names and types of its members."""

    container = True

    def test_says_where_documents_come_from(self, tmp_path: Path) -> None:
        for item in self.load(tmp_path):
            assert isinstance(item, Document)
            assert item.source.startswith(f"folder/sample{self.suffix}/")
            assert item.media_type in ("text/plain", "text/markdown", "application/x-ndjson")


class TestZipLoader(ArchiveContract):
    media_type = "application/zip"
    suffix = ".zip"

    def loader(self) -> Loader:
        return ZipLoader(REGISTRY)

    def write(self, path: Path) -> None:
        path.write_bytes(zipped(FILES))


class TestTarLoader(ArchiveContract):
    media_type = "application/x-tar"
    suffix = ".tar.gz"

    def loader(self) -> Loader:
        return TarLoader(REGISTRY)

    def write(self, path: Path) -> None:
        path.write_bytes(gzip.compress(tarred(FILES), mtime=0))


class TestCompressedLoader(LoaderContract):
    media_type = "application/gzip"
    suffix = ".md.gz"

    def loader(self) -> Loader:
        return CompressedLoader(REGISTRY)

    def write(self, path: Path) -> None:
        path.write_bytes(gzip.compress(FILES["notes/moon.md"]))

    def test_says_where_documents_come_from(self, tmp_path: Path) -> None:
        [document] = self.load(tmp_path)
        assert isinstance(document, Document)
        assert (document.source, document.media_type) == ("folder/sample.md.gz", "text/markdown")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.zip", zipped(FILES)),
        ("a.zip", zipped(FILES, zipfile.ZIP_STORED)),
        ("a.zip", zipped(FILES, zipfile.ZIP_BZIP2)),
        ("a.zip", zipped(FILES, zipfile.ZIP_LZMA)),
        ("a.tar", tarred(FILES)),
        ("a.tar.gz", gzip.compress(tarred(FILES))),
        ("a.tgz", gzip.compress(tarred(FILES))),
        ("a.tar.bz2", bz2.compress(tarred(FILES))),
        ("a.tar.xz", lzma.compress(tarred(FILES))),
        ("a.gz", gzip.compress(tarred(FILES))),
        ("a", gzip.compress(tarred(FILES))),
        ("a.tar", lzma.compress(tarred(FILES))),
        ("a.xz", lzma.compress(tarred(FILES))),
    ],
)
def test_members_are_read_by_their_own_loaders(read, no_copies, name, data):
    sea, moon, ann, bob = read(name, data)
    assert (sea.doc_id, sea.source, sea.text) == (f"{name}/notes/sea.txt",) * 2 + ("The sea is salt.\n",)
    assert moon.doc_id == f"{name}/notes/moon.md"
    assert [heading.text for heading in moon.headings] == ["The moon"]
    assert ann.source == bob.source == f"{name}/people.jsonl"
    assert "Ann is here." in ann.text
    assert "Bob is there." in bob.text


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_large_members_arrive_whole(read, no_copies, method):
    text = "".join(f"Line {number} of a long file.\n" for number in range(60_000))
    [document] = read("a.zip", zipped({"a.txt": text.encode()}, method))
    assert document.text == text
    [document] = read("a.tar.gz", gzip.compress(tarred({"a.txt": text.encode()})))
    assert document.text == text


@pytest.mark.parametrize("packer", PACKERS)
def test_a_compressed_file_keeps_its_own_name(read, no_copies, packer):
    data = PACKERS[packer](FILES["notes/moon.md"])
    [moon] = read(f"moon.md.{packer}", data)
    assert (moon.doc_id, moon.media_type, moon.title) == (f"moon.md.{packer}", "text/markdown", "The moon")
    [plain] = read(f"moon.{packer}", data)
    assert (plain.doc_id, plain.media_type) == (f"moon.{packer}", "text/plain")
    assert told(read(f"nothing.txt.{packer}", PACKERS[packer](b""))) == {f"nothing.txt.{packer}": "holds an empty file"}
    assert "--ocr" in told(read(f"a.png.{packer}", PACKERS[packer](b"\x89PNG\r\n\x1a\n")))[f"a.png.{packer}"]
    with pytest.raises(LoadError, match=rf"^cut.txt.{packer}: .*damaged"):
        read(f"cut.txt.{packer}", PACKERS[packer](noise(3000).hex().encode())[:-400])


def test_archives_in_archives(read, no_copies):
    inner = zipped({"deep.txt": b"Here it is.", "deep.txt.gz": gzip.compress(b"And here.")})
    loaded = read("a.zip", zipped({"b.tar.gz": gzip.compress(tarred({"x/c.zip": inner}))}))
    assert ids(loaded) == [f"a.zip/b.tar.gz/x/c.zip/{name}" for name in ("deep.txt", "deep.txt.gz")]
    loaded = read("a.zip", zipped({"b.zip": zipped({"c.zip": inner})}), limits=Limits(depth=2))
    assert ids(loaded) == []
    assert sorted(told(loaded)) == [f"a.zip/b.zip/c.zip/{name}" for name in ("deep.txt", "deep.txt.gz")]
    assert all("depth" in reason for reason in told(loaded).values())


def test_every_member_is_accounted_for(read, no_copies):
    files = {
        "a.txt": b"Text.",
        "film.mp4": noise(3 << 20),
        "unknown": noise(500),
        "broken.json": b'{"a":',
        "empty.txt": b"",
        ".git/config": b"hidden",
        "__MACOSX/._a.txt": b"attributes",
        "folder/.DS_Store": b"hidden",
    }
    for name, data in (("a.zip", zipped(files)), ("a.tar", tarred(files))):
        loaded = read(name, data)
        assert ids(loaded) == [f"{name}/a.txt"]
        reasons = told(loaded)
        assert set(reasons) == {f"{name}/{file}" for file in files} - {f"{name}/a.txt"}
        assert "no loader for video/mp4" in reasons[f"{name}/film.mp4"]
        assert "unknown type" in reasons[f"{name}/unknown"]
        assert reasons[f"{name}/empty.txt"] == "empty file"
        assert reasons[f"{name}/.git/config"] == reasons[f"{name}/folder/.DS_Store"] == "hidden file"
        assert "macOS" in reasons[f"{name}/__MACOSX/._a.txt"]
        assert [item.source for item in loaded if isinstance(item, Problem)] == [f"{name}/broken.json"]


def test_links_and_devices_are_passed_over(read, no_copies):
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, kind in (
            ("s", tarfile.SYMTYPE),
            ("h", tarfile.LNKTYPE),
            ("p", tarfile.FIFOTYPE),
            ("d", tarfile.DIRTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type = kind
            info.linkname = "/etc/passwd" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            archive.addfile(info)
    assert read("a.tar", target.getvalue()) == [
        Unread("a.tar/s", "a link to /etc/passwd"),
        Unread("a.tar/h", "a link to /etc/passwd"),
        Unread("a.tar/p", "not a regular file"),
    ]
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, mode in (("s", stat.S_IFLNK), ("p", stat.S_IFIFO), ("t.txt", stat.S_IFREG)):
            info = zipfile.ZipInfo(name)
            info.external_attr = (mode | 0o644) << 16
            archive.writestr(info, "/etc/passwd")
        archive.mkdir("folder")
    loaded = read("a.zip", target.getvalue())
    assert told(loaded) == {"a.zip/s": "a link", "a.zip/p": "not a regular file"}
    assert ids(loaded) == ["a.zip/t.txt"]


def test_names_are_safe_readable_and_unique(read, no_copies, tmp_path):
    names = [
        "../../up.txt",
        "/etc/up.txt",
        "C:\\dir\\a.txt",
        "dir/a.txt",
        "dir/a.txt",
        "new\nline.txt",
        "..",
        "x" * 5000,
    ]
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name in (*names, os.fsdecode(b"caf\xe9.txt")):
            info = tarfile.TarInfo(name)
            info.size = 5
            archive.addfile(info, io.BytesIO(b"words"))
    found = ids(read("a.tar", target.getvalue()))
    assert found[:6] == [
        *("a.tar/up.txt", "a.tar/etc/up.txt", "a.tar/dir/a.txt", "a.tar/dir/a (2).txt", "a.tar/dir/a (3).txt"),
        "a.tar/new\\x0aline.txt",
    ]
    assert found[6] == "a.tar/unnamed"
    assert len(found[7]) < 500
    assert found[8] == "a.tar/caf\\xe9.txt"
    assert {entry.name for entry in tmp_path.iterdir()} == {"a.tar"}


def test_many_members_of_the_same_name(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(b"")
    members = Members(Source("a.zip", path, "application/zip"), REGISTRY)
    names = [members.name("x (2).txt"), *(members.name("x.txt") for _ in range(20_000))]
    assert len(set(names)) == len(names)
    assert names[:4] == ["a.zip/x (2).txt", "a.zip/x.txt", "a.zip/x (2) (2).txt", "a.zip/x (3).txt"]


def test_names_that_a_zip_holds_as_bytes(read):
    data = zipped({"münchen.txt": b"words"}).replace(b"\x00\x08", b"\x00\x00", 0)
    assert ids(read("a.zip", data)) == ["a.zip/münchen.txt"]
    # without the flag that says UTF-8, as many programs write it
    unflagged = zipped({"m__nchen.txt": b"words"}).replace(b"m__nchen", "münchen".encode())
    assert ids(read("a.zip", unflagged)) == ["a.zip/münchen.txt"]
    dos = zipped({"m_nchen.txt": b"words"}).replace(b"m_nchen", "münchen".encode("cp437"))
    assert ids(read("a.zip", dos)) == ["a.zip/münchen.txt"]


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=30) | st.text("./\\:C\n\0a ", max_size=12))
def test_member_paths_stay_below_their_archive(path):
    plain = member_path(path)
    parts = plain.split("/")
    assert all(part not in ("", ".", "..") for part in parts)
    assert "\\" not in member_path(path.replace("\n", "").replace("\0", "")) or not plain.isascii() or "\\x" in plain
    assert not set(plain) & set("\n\0")
    plain.encode()


def test_a_damaged_member_does_not_cost_the_others(read, no_copies):
    data = bytearray(zipped({"a.txt": noise(999).hex().encode(), "b.txt": b"Fine.", "c.txt": b"Good."}))
    data[60:90] = bytes(30)
    loaded = read("a.zip", bytes(data))
    assert ids(loaded) == ["a.zip/b.txt", "a.zip/c.txt"]
    [problem] = [item for item in loaded if not isinstance(item, Document)]
    assert isinstance(problem, Problem)
    assert problem.source == "a.zip/a.txt"
    assert "damaged" in problem.reason


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_wrong_checksum_is_damage(read, method):
    data = zipped(
        {"a.txt": b"Some words that are long enough to be packed, that are long enough.", "b.txt": b"Fine."}, method
    )
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        crc = archive.getinfo("a.txt").CRC.to_bytes(4, "little")
    loaded = read("a.zip", data.replace(crc, b"\1\2\3\4"))
    assert ids(loaded) == ["a.zip/b.txt"]
    assert "damaged" in told(loaded)["a.zip/a.txt"]


def test_passwords(read, no_copies, tmp_path):
    data = encrypted_zip("secret.txt", b"The cake is a lie.", b"mellon")
    with pytest.raises(LoadError, match=r"^a.zip: .*encrypted: give"):
        read("a.zip", data)
    [document] = read("a.zip", data, password="mellon")
    assert document.text == "The cake is a lie."
    assert "another password" in told(read("a.zip", data, password="wrong"))["a.zip/secret.txt"]
    nested = read("b.zip", zipped({"a.zip": data, "open.txt": b"Open."}), password="mellon")
    assert ids(nested) == ["b.zip/a.zip/secret.txt", "b.zip/open.txt"]
    # WinZip's AES is told of as what it is
    aes = bytearray(data)
    for mark, at in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        aes[aes.index(mark) + at] = 99
    assert "AES" in told(read("c.zip", bytes(aes), password="mellon"))["c.zip/secret.txt"]


def encrypted_zip(name: str, text: bytes, password: bytes) -> bytes:
    """PKWARE's traditional encryption, which Python reads but does not write."""
    table = []
    for number in range(256):
        crc = number
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
        table.append(crc)
    keys = [0x12345678, 0x23456789, 0x34567890]

    def update(byte: int) -> None:
        keys[0] = keys[0] >> 8 ^ table[(keys[0] ^ byte) & 0xFF]
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = keys[2] >> 8 ^ table[(keys[2] ^ keys[1] >> 24) & 0xFF]

    def encrypt(byte: int) -> int:
        temporary = keys[2] | 2
        cipher = byte ^ (temporary * (temporary ^ 1) >> 8 & 0xFF)
        update(byte)
        return cipher

    for byte in password:
        update(byte)
    plain = zipped({name: text}, zipfile.ZIP_STORED)
    with zipfile.ZipFile(io.BytesIO(plain)) as archive:
        info = archive.getinfo(name)
    header = bytes(11) + bytes([info.CRC >> 24])
    body = bytes(encrypt(byte) for byte in header + text)
    at = 30 + len(name)
    made = bytearray(plain[:at] + body + plain[at + len(text) :])
    directory = made.index(b"PK\1\2")
    for position in (6, directory + 8):
        made[position] |= 1
    for position in (18, directory + 20):
        made[position : position + 4] = (len(text) + 12).to_bytes(4, "little")
    end = made.index(b"PK\5\6")
    made[end + 16 : end + 20] = directory.to_bytes(4, "little")
    return bytes(made)


def before_the_error(
    name: str,
    data: bytes,
    folder: Path,
    limits: Limits = Limits(),  # noqa: B008
) -> tuple[list[Loaded], LoadError]:
    """What is given before the error, and the error."""
    loaded: list[Loaded] = []
    items = REGISTRY.load(source_of(folder / name, data, LoadOptions(limits=limits)))
    with pytest.raises(LoadError) as caught:
        loaded.extend(items)  # keeps what it got
    return loaded, caught.value


@pytest.mark.parametrize(("cut", "whole"), [(700, 0), (1024, 1), (1124, 1), (1536, 1), (2000, 1), (2559, 2), (2560, 2)])
def test_a_tar_that_is_cut_short(tmp_path, no_copies, cut, whole):
    # blocks of 512 bytes: header a, a, header b, b, b, end marks
    data = tarred({"a.txt": b"First." * 60, "b.txt": b"x" * 512 + b" end"})
    loaded, error = before_the_error("a.tar", data[:cut], tmp_path)
    assert ids(loaded) == ["a.tar/a.txt", "a.tar/b.txt"][:whole]
    assert error.source == "a.tar"
    assert "damaged" in error.reason


def test_a_compressed_tar_that_is_cut_short(tmp_path, no_copies):
    files = {"a.txt": b"First.", "b.txt": noise(200_000).hex().encode(), "c.txt": b"Last."}
    for packer, pack in PACKERS.items():
        loaded, error = before_the_error(f"a.tar.{packer}", pack(tarred(files))[:-90_000], tmp_path)
        assert ids(loaded) in ([f"a.tar.{packer}/a.txt"], [])  # bzip2 has blocks of 900 kB
        assert "damaged" in error.reason


def test_a_damaged_header_is_not_the_end(tmp_path):
    data = bytearray(tarred({"a.txt": b"First.", "b.txt": b"Second.", "c.txt": b"Third."}))
    data[1024:1100] = noise(76)
    loaded, error = before_the_error("a.tar", bytes(data), tmp_path)
    assert ids(loaded) == ["a.tar/a.txt"]
    assert "after a.tar/a.txt" in error.reason


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.gz", "a.xz"])
def test_archives_without_files(tmp_path, name):
    data = {"a.zip": zipped({}), "a.tar": tarred({}) or b"", "a.gz": gzip.compress(b"")}.get(name)
    data = data or (gzip.compress(tarred({})) if name == "a.tar.gz" else lzma.compress(b""))
    source = source_of(tmp_path / name, data)
    if name in ("a.gz", "a.xz"):
        assert told(list(REGISTRY.load(source))) == {name: "holds an empty file"}
    else:
        with pytest.raises(LoadError, match="holds no files"):
            list(REGISTRY.load(source))


def test_bombs(tmp_path, no_copies):
    limits = Limits(inflated_bytes=50_000_000, inflation=100)
    zeros = bytes(20_000_000)
    for name, data in (
        ("a.zip", zipped({"a.txt": zeros})),
        ("a.zip", zipped({"a.txt": zeros}, zipfile.ZIP_BZIP2)),
        ("a.tar.gz", gzip.compress(tarred({"a.txt": zeros}))),
        ("a.tar.xz", lzma.compress(tarred({"film.mp4": zeros}))),
        ("a.txt.bz2", bz2.compress(zeros)),
        ("a.txt.gz", gzip.compress(zeros)),
    ):
        loaded, error = before_the_error(name, data, tmp_path, limits)
        assert ids(loaded) == []
        assert error.source == name
        assert "bomb" in error.reason, name


def test_a_bomb_is_not_defused_by_nesting(tmp_path, no_copies):
    """Each inner file is small enough to pass, and all of them together are not."""
    inner = gzip.compress(b"words " * 1_000_000)  # 6 MB, below the size from which the ratio counts
    data = zipped({f"{number}.zip": zipped({"a.txt.gz": inner}) for number in range(20)})
    loaded, error = before_the_error("a.zip", data, tmp_path, Limits(inflation=50))
    assert error.source == "a.zip"
    assert "bomb" in error.reason
    assert 0 < len(ids(loaded)) < 10
    loaded, error = before_the_error("b.zip", data, tmp_path, Limits(inflated_bytes=30_000_000, inflation=10_000))
    assert "inflated_bytes" in error.reason
    assert len(ids(loaded)) == 4


def test_a_lying_directory_does_not_help_a_bomb(tmp_path, no_copies):
    data = bytearray(zipped({"a.txt": b"a" * 30_000_000}, zipfile.ZIP_BZIP2))
    directory = data.index(b"PK\1\2")
    for position in (22, directory + 24):
        data[position : position + 4] = (100).to_bytes(4, "little")
    source = source_of(tmp_path / "a.zip", bytes(data), LoadOptions(limits=Limits(inflated_bytes=10_000_000)))
    with pytest.raises(LoadError, match=r"^a.zip: .*(inflated_bytes|inflation)"):
        list(REGISTRY.load(source))


def test_a_tar_with_an_endless_name_is_refused(tmp_path):
    info = tarfile.TarInfo("././@LongLink")
    info.type = tarfile.GNUTYPE_LONGNAME
    info.size = 5_000_000
    data = info.tobuf(tarfile.GNU_FORMAT) + b"a" * 5_000_000
    _, error = before_the_error("a.tar", data, tmp_path)
    assert "a name or comment of 5000000 bytes" in error.reason
    info.size = 10
    chain = (info.tobuf(tarfile.GNU_FORMAT) + b"a".ljust(512, b"\0")) * 3000
    _, error = before_the_error("a.tar", chain, tmp_path)
    assert "damaged" in error.reason


def test_a_full_disk_is_not_the_fault_of_a_member(tmp_path, monkeypatch):
    def fail(*arguments: object) -> None:
        raise LoadError("a.zip/a.txt", "can't be read: No space left on device") from OSError(
            28, "No space left on device"
        )

    monkeypatch.setattr("docindex.loaders.members.copy_limited", fail)
    with pytest.raises(LoadError, match=r"^a.zip: can't be unpacked: No space left on device"):
        list(REGISTRY.load(source_of(tmp_path / "a.zip", zipped(FILES))))


def test_a_reader_that_stops_early_leaves_nothing_behind(tmp_path, no_copies):
    loaded = REGISTRY.load(source_of(tmp_path / "a.zip", zipped(FILES)))
    assert isinstance(next(loaded), Document)
    loaded.close()


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_random_damage_is_a_load_error_or_a_problem(data):
    kind = data.draw(st.sampled_from(["a.zip", "a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz", "a.md.gz"]))
    whole = {"a.zip": zipped(FILES), "a.tar": tarred(FILES), "a.md.gz": gzip.compress(FILES["notes/moon.md"])}.get(kind)
    whole = whole or PACKERS[kind.rpartition(".")[2]](tarred(FILES))
    damaged = bytearray(whole[: data.draw(st.integers(1, len(whole)))])
    for at in data.draw(st.lists(st.integers(0, len(damaged) - 1), max_size=6)):
        damaged[at] = data.draw(st.integers(0, 255))
    loader: Loader = {"a.zip": ZipLoader, "a.md.gz": CompressedLoader}.get(kind, TarLoader)(REGISTRY)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / kind
        path.write_bytes(damaged)
        failed = ""
        try:
            for item in loader.load(Source(kind, path, "application/octet-stream")):
                assert isinstance(item, Document | Problem | Unread)
        except LoadError as error:
            failed = error.source
        assert failed in ("", kind)
