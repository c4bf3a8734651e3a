"""A bundle says when it is damaged, in part or not fit for an index; nothing is begun with it then."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from docindex import EmbedderMismatchError, FormatError, Index, StoreError
from docindex.ingest.bundle_reading import BundleReader, read_about

MEMBERS = ["bundle.json", "documents.jsonl", "vectors.f32", "sources.jsonl", "checksums.json"]
MOST_FLIPS = 400
"""Of each member."""


def edited(bundle: Path, member: str, edit: Callable[[bytes], bytes], path: Path) -> Path:
    """A bundle with another member, and the checksums that were."""
    with zipfile.ZipFile(bundle) as archive, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as copy:
        for name in archive.namelist():
            data = archive.read(name)
            copy.writestr(name, edit(data) if name == member else data)
    return path


def data_of(bundle: Path, member: str) -> range:
    """Where the bytes of a member are in the file."""
    with zipfile.ZipFile(bundle) as archive:
        info = archive.getinfo(member)
    header = bundle.read_bytes()[info.header_offset :]
    start = info.header_offset + 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    return range(start, start + info.compress_size)


def contents_of(bundle: Path) -> list[bytes]:
    with zipfile.ZipFile(bundle) as archive:
        return [archive.read(name) for name in MEMBERS]


@pytest.mark.parametrize("member", MEMBERS)
def test_a_flipped_bit_in_any_byte_of_a_member_is_found_and_named(bundle: Path, tmp_path: Path, member: str):
    sound, path = bundle.read_bytes(), tmp_path / "broken.bundle"
    said = []
    for at in data_of(bundle, member):
        broken = bytearray(sound)
        broken[at] ^= 1 << at % 8
        path.write_bytes(broken)
        try:
            BundleReader(path).__exit__()
        except StoreError as error:
            said.append(str(error))
        else:  # such as the padding at the end of compressed data
            assert contents_of(path) == contents_of(bundle)
        if len(said) == MOST_FLIPS:
            break
    assert len(said) > 100
    assert [message for message in said if not message.startswith(f"{path} is damaged: {member} ")] == []


def test_a_damaged_bundle_is_not_begun_with(bundle: Path, index: Index, tmp_path: Path):
    broken = bytearray(bundle.read_bytes())
    broken[data_of(bundle, "sources.jsonl")[50]] ^= 1
    (tmp_path / "broken.bundle").write_bytes(broken)
    with pytest.raises(StoreError, match="sources"):
        Index.from_bundle(tmp_path / "broken.bundle", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    with pytest.raises(StoreError, match="sources"):
        index.merge(tmp_path / "broken.bundle")
    assert list(index.documents()) == []


def test_a_flipped_byte_outside_of_the_members_is_found_or_changes_nothing(bundle: Path, tmp_path: Path):
    sound = bundle.read_bytes()
    inside = {at for member in MEMBERS for at in data_of(bundle, member)}
    about = read_about(bundle)
    for at in set(range(len(sound))) - inside:
        broken = bytearray(sound)
        broken[at] ^= 0x01
        (tmp_path / "broken.bundle").write_bytes(broken)
        try:
            found = read_about(tmp_path / "broken.bundle")
        except StoreError as error:
            said = str(error)
        else:
            assert found == about
            continue
        assert "broken.bundle" in said


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_part_of_a_bundle_is_none(bundle: Path, tmp_path: Path, share: float):
    data = bundle.read_bytes()
    (tmp_path / "part.bundle").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(StoreError, match=r"part\.bundle is no bundle, or only a part"):
        Index.from_bundle(tmp_path / "part.bundle", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_what_is_no_bundle_is_said_to_be_none(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("not a bundle")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    for name, complaint in (("notes.txt", "no bundle"), ("other.zip", r"bundle\.json"), ("none", "No such file")):
        with pytest.raises(StoreError, match=complaint):
            Index.from_bundle(tmp_path / name, tmp_path / "copy")


@pytest.mark.parametrize("member", ["documents.jsonl", "vectors.f32", "sources.jsonl", "bundle.json"])
def test_an_exchanged_member_does_not_fit_its_checksum(bundle: Path, tmp_path: Path, member: str):
    broken = edited(bundle, member, lambda data: data + b"\n", tmp_path / "broken.bundle")
    with pytest.raises(StoreError, match="can't be read"):
        Index.from_bundle(broken, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_newer_format_is_refused_by_its_number(bundle: Path, tmp_path: Path):
    newer = edited(
        bundle, "bundle.json", lambda data: data.replace(b'"format": 1', b'"format": 99'), tmp_path / "newer.bundle"
    )
    with pytest.raises(FormatError) as caught:
        Index.from_bundle(newer, tmp_path / "copy")
    assert str(caught.value).startswith(f"The bundle {newer} has format 99, and this docindex reads up to 1: ")
    assert (caught.value.found, caught.value.supported) == (99, 1)
    assert not (tmp_path / "copy").exists()


def test_another_embedder_is_refused_before_anything_is_made(bundle: Path, index: Index, tmp_path: Path):
    def other_model(data: bytes) -> bytes:
        return data.replace(read_about(bundle).fingerprint.encode(), b"0" * 32)

    path = tmp_path / "other.bundle"
    edited(bundle, "bundle.json", other_model, path)
    with zipfile.ZipFile(path) as archive:
        about = archive.read("bundle.json")
    checksum = hashlib.sha256(about).hexdigest()
    resigned = edited(
        path,
        "checksums.json",
        lambda data: json.dumps(json.loads(data) | {"bundle.json": checksum}).encode(),
        tmp_path / "resigned.bundle",
    )
    with pytest.raises(EmbedderMismatchError):
        index.merge(resigned)
    assert list(index.documents()) == []
    with pytest.raises(EmbedderMismatchError):
        Index.from_bundle(resigned, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_folder_that_holds_an_index_is_left_alone(bundle: Path, index: Index, docs: Path):
    index.ingest(docs)
    with pytest.raises(StoreError, match="already"):
        Index.from_bundle(bundle, index.path)
    assert len(list(index.documents())) == 3
