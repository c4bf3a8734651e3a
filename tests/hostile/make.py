"""Makes a folder of hostile files, the same ones every time: `python tests/hostile/make.py FOLDER`.

Each is something that a folder of real documents may hold by accident or by malice. Those in `good` are sound.
"""

from __future__ import annotations

import io
import os
import random
import struct
import sys
import zipfile
from pathlib import Path

from hostile_bombs import archives, bombs, entities, nested
from hostile_samples import PROSE, SECRET, Folder, odf, pdf, samples, zipped
from hostile_texts import encodings, endless


def make(root: Path) -> None:
    """Fills the folder, which must not hold anything yet."""
    root.mkdir(parents=True, exist_ok=True)
    folder = Folder(root)
    folder.secret.write_text(f"{SECRET}\n")
    for part in (good, damaged, renamed, encrypted, bombs, entities, nested, archives, encodings, endless, names, odd):
        part(folder)


def good(folder: Folder) -> None:
    """Sound files of all formats."""
    for name, data in samples().items():
        folder.write(f"good/{name.replace('sample', 'sound')}", data)


def damaged(folder: Folder) -> None:
    """Each format cut off, with flipped bits, without its beginning, and with a hole."""
    for name, data in samples().items():
        chance = random.Random(name)
        folder.write(f"truncated/{name}", data[: len(data) * 3 // 5])
        flipped = bytearray(data)
        for _ in range(max(8, len(data) // 200)):
            flipped[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        folder.write(f"flipped/{name}", flipped)
        if data[:1] in (b"P", b"%", b"{", b"\x1f", b"B", b"\xfd"):
            folder.write(f"headless/{name}", data[len(data) // 4 :])
            middle = len(data) // 2
            folder.write(f"holed/{name}", data[: middle - 100] + bytes(200) + data[middle + 100 :])


def renamed(folder: Folder) -> None:
    """Files under the suffix of another format."""
    data = samples()
    disguises = {
        "pdf": "docx", "docx": "pdf", "xlsx": "docx", "pptx": "xlsx", "odt": "epub", "epub": "zip", "zip": "odt",
        "html": "pdf", "txt": "xlsx", "png": "txt", "json": "xml", "xml": "json", "csv": "ipynb", "eml": "mbox",
        "mbox": "eml", "rtf": "docx", "tar": "zip", "tar.gz": "tar", "tar.xz": "gz", "yaml": "toml", "toml": "yaml",
        "jsonl": "csv", "ods": "ods.txt", "py": "java", "srt": "vtt", "exe": "md", "md": "html",
    }  # fmt: skip
    picture = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + bytes(17)
    data |= {"sample.png": picture, "sample.exe": b"MZ\x90\0" + random.Random("exe").randbytes(3000)}
    for true, claimed in disguises.items():
        folder.write(f"renamed/{true.replace('.', '-')}.{claimed}", data[f"sample.{true}"])
    folder.write("renamed/no suffix at all", data["sample.docx"])
    folder.write("renamed/unknown.suffix", data["sample.pdf"])


def encrypted(folder: Folder) -> None:
    """What needs a password that nobody gave."""
    lock = "/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -44 /O <{0}> /U <{1}> >> /ID [<{2}> <{2}>]".format(
        "1f" * 32, "2e" * 32, "3d" * 16
    )
    folder.write("encrypted/locked.pdf", pdf([PROSE], trailer=lock))
    sealed = bytearray(zipped({"a.txt": PROSE.encode(), "b.txt": b"more"}))
    half = bytearray(sealed)
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = sealed.find(mark)
        half[at + flags] |= 1
        while at >= 0:
            sealed[at + flags] |= 1
            at = sealed.find(mark, at + 4)
    folder.write("encrypted/locked.zip", sealed)
    folder.write("encrypted/half locked.zip", half)
    folder.write("encrypted/locked.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4088))
    odt = zipfile.ZipFile(io.BytesIO(odf("text", "<text:p>x</text:p>")))
    manifest = odt.read("META-INF/manifest.xml").replace(
        b'manifest:full-path="content.xml"', b'manifest:full-path="content.xml" manifest:size="9"'
    )
    manifest = manifest.replace(
        b'"text/xml"/>',
        b'"text/xml"><manifest:encryption-data manifest:checksum="AAAA"><manifest:algorithm '
        b'manifest:algorithm-name="AES256-CBC"/></manifest:encryption-data></manifest:file-entry>',
    )
    members = {"mimetype": odt.read("mimetype"), "content.xml": b"\x8f" * 900}
    folder.write("encrypted/locked.odt", zipped(members | {"META-INF/manifest.xml": manifest}, first_stored=True))


def names(folder: Folder) -> None:
    """Files that are sound, but for their names."""
    listing = [
        "new\nline.txt",
        "carriage\rreturn.txt",
        "tab\tname.txt",
        "bell\x07.txt",
        "escape\x1b[31m.txt",
        "back\\slash.txt",
        "-rf.txt",
        "--index.txt",
        "$(false).txt",
        "`false`.txt",
        "a;b|c&d.txt",
        "star*.txt",
        "[brackets].txt",
        "what?.txt",
        'quote".txt',
        "apostrophe'.txt",
        " leading.txt",
        "trailing.txt ",
        "  .txt",
        "...txt",
        "%s%n.txt",
        "{braces}.txt",
        "emoji \U0001f6a2\U0001f5fc.txt",
        "\u03a9\u03bc\u03ad\u03b3\u03b1.txt",
        "e\u0301 decomposed.txt",
        "\xe9 composed.txt",
        "right\u202etxt.exe",
        "zero\u200bwidth.txt",
        "nul\u2400.txt",
        "<tag>.txt",
        "'; DROP TABLE documents; --.txt",
        "hash#1.txt",
        "a!b.txt",
        "n" * 251 + ".txt",
        "CON",
        "not utf-8 \udcff\udcfe.txt",
        "latin \udce9.txt",
        "folder\nname/inside.txt",
        "/".join(["deep"] * 60) + "/inside.txt",
        "UPPER.TXT",
        "upper.txt",
    ]
    for number, name in enumerate(listing):
        folder.write(f"names/{name}", f"This file has an unusual name, number {number}.\n")


def odd(folder: Folder) -> None:
    """No files, or no ordinary ones."""
    for suffix in ("txt", "pdf", "docx", "zip", "json", "xml", "eml", "html", "tar.gz", "ipynb"):
        folder.write(f"empty/nothing.{suffix}", b"")
        folder.write(f"empty/nul.{suffix}", bytes(5000))
        folder.write(f"empty/space.{suffix}", b" \n" * 50)
    links = folder.root / "links"
    (links / "folder").mkdir(parents=True)
    folder.write("links/folder/inside.txt", "inside a folder that links lead to\n")
    (links / "loop").symlink_to("loop")
    (links / "folder" / "up").symlink_to("..")
    (links / "folder" / "here").symlink_to(".")
    (links / "ping").symlink_to("pong")
    (links / "pong").symlink_to("ping")
    (links / "dangling.txt").symlink_to("nowhere.txt")
    (links / "same folder").symlink_to("folder")
    (links / "same file.txt").symlink_to("folder/inside.txt")
    (links / "null.txt").symlink_to("/dev/null")
    (links / "zero.txt").symlink_to("/dev/zero")
    os.mkfifo(links / "pipe.txt")
    forbidden = folder.write("links/forbidden.txt", "nobody may read this, but for root\n")
    forbidden.chmod(0)
    (links / "closed").mkdir()
    folder.write("links/closed/inside.txt", "in a folder that only root may open\n")
    (links / "closed").chmod(0)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
