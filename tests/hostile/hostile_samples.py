"""One small, sound file of every format that is read, the same bytes every time; and the folder that files go to."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import re
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from pptx import Presentation

SENTENCES = (
    "The keeper of the lighthouse counts the ships that pass.",
    "On clear nights there are more than forty of them.",
    "He writes their names in a book bound in green cloth.",
    "In winter the lamp burns from four in the afternoon.",
    "Fog is announced by a horn that is heard for six miles.",
)
PROSE = " ".join(SENTENCES)

SECRET = "the-combination-is-4711"
"""What the file outside of the folder holds that some files try to read."""
MB = 1 << 20

_DATE = (1980, 1, 1, 0, 0, 0)


class Folder:
    """Where the files go."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.secret = root.with_name(f"{root.name}-secret.txt")

    def write(self, name: str, data: bytes | str) -> Path:
        """One file. A name with surrogates stands for bytes that are not UTF-8."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path


def samples() -> dict[str, bytes]:
    """File name and bytes."""
    return texts() | office() | mail() | archives() | {"sample.pdf": pdf([PROSE, "The second page. " + PROSE])}


def texts() -> dict[str, bytes]:
    """What is text in the file, too."""
    listing = {
        "sample.txt": f"The lighthouse\n\n{PROSE}\n",
        "sample.md": f"# The lighthouse\n\n{PROSE}\n\n## Lamps\n\n| lamp | watts |\n|---|---|\n| upper | 1000 |\n",
        "sample.html": f"<!doctype html><title>House</title><h1>Lamps</h1><p>{PROSE}</p><table><tr><th>a<td>1</table>",
        "sample.json": json.dumps({"lighthouse": {"keeper": PROSE, "lamps": [1000, 2000]}}, indent=1),
        "sample.jsonl": "".join(json.dumps({"_id": n, "text": text}) + "\n" for n, text in enumerate(SENTENCES)),
        "sample.csv": "number,sentence\n" + "".join(f'{n},"{text}"\n' for n, text in enumerate(SENTENCES)),
        "sample.tsv": "number\tsentence\n" + "".join(f"{n}\t{text}\n" for n, text in enumerate(SENTENCES)),
        "sample.xml": f'<?xml version="1.0"?><house><keeper born="1901">{PROSE}</keeper><lamp>upper</lamp></house>',
        "sample.yaml": f"lighthouse:\n  keeper: >\n    {PROSE}\n  lamps: [upper, lower]\n",
        "sample.toml": f'[lighthouse]\nkeeper = "{PROSE}"\nlamps = ["upper", "lower"]\n',
        "sample.tex": f"\\documentclass{{article}}\\begin{{document}}\\section{{Lamps}}\n{PROSE}\n\\end{{document}}\n",
        "sample.rst": f"Lighthouse\n==========\n\n{PROSE}\n\n* upper\n* lower\n",
        "sample.srt": "".join(
            f"{n + 1}\n00:00:0{n},000 --> 00:00:0{n + 1},000\n{t}\n\n" for n, t in enumerate(SENTENCES)
        ),
        "sample.vtt": "WEBVTT\n\n"
        + "".join(f"00:00:0{n}.000 --> 00:00:0{n + 1}.000\n{t}\n\n" for n, t in enumerate(SENTENCES)),
        "sample.ipynb": json.dumps(
            {
                "cells": [
                    {"cell_type": "markdown", "id": "a", "metadata": {}, "source": [f"# Lamps\n\n{PROSE}"]},
                    {
                        "cell_type": "code",
                        "execution_count": 1,
                        "id": "b",
                        "metadata": {},
                        "outputs": [],
                        "source": ["print(6 * 7)"],
                    },
                ],
                "metadata": {"language_info": {"name": "python"}},
                "nbformat": 4,
                "nbformat_minor": 5,
            }
        ),
        "sample.rtf": f"{{\\rtf1\\ansi{{\\fonttbl{{\\f0 Serif;}}}}\\f0\\fs24 {PROSE}\\par {SENTENCES[0]}\\par}}",
    }
    code = {
        "py": f'"""{PROSE}"""\n\n\ndef lamp(watts):\n    """How bright."""\n    return watts * 2\n',
        "js": f"// {PROSE}\nfunction lamp(watts) {{ return watts * 2; }}\n",
        "ts": f"// {PROSE}\nfunction lamp(watts: number): number {{ return watts * 2; }}\n",
        "java": f"/** {PROSE} */\nclass Lamp {{ int bright(int watts) {{ return watts * 2; }} }}\n",
        "go": f"// {PROSE}\npackage lamp\n\nfunc Bright(watts int) int {{ return watts * 2 }}\n",
        "rs": f"/// {PROSE}\nfn bright(watts: u32) -> u32 {{ watts * 2 }}\n",
        "c": f"/* {PROSE} */\nint bright(int watts) {{ return watts * 2; }}\n",
        "cpp": f"// {PROSE}\nclass Lamp {{ int bright(int watts) {{ return watts * 2; }} }};\n",
        "rb": f"# {PROSE}\nclass Lamp\n  def bright(watts)\n    watts * 2\n  end\nend\n",
        "php": f"<?php\n// {PROSE}\nfunction bright($watts) {{ return $watts * 2; }}\n",
        "cs": f"// {PROSE}\nclass Lamp {{ int Bright(int watts) {{ return watts * 2; }} }}\n",
        "sh": f"# {PROSE}\nbright() {{ echo $(($1 * 2)); }}\n",
    }
    return {name: text.encode() for name, text in (listing | {f"sample.{s}": t for s, t in code.items()}).items()}


def office() -> dict[str, bytes]:
    """Documents that are ZIP archives of XML."""
    return {
        "sample.docx": docx(f"<w:p><w:r><w:t>{PROSE}</w:t></w:r></w:p>"),
        "sample.xlsx": xlsx(
            "".join(
                f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="B{n}" t="inlineStr"><is><t>{text}</t></is></c></row>'
                for n, text in enumerate(SENTENCES, 1)
            )
        ),
        "sample.pptx": pptx(),
        "sample.odt": odf("text", f"<text:h text:outline-level='1'>Lamps</text:h><text:p>{PROSE}</text:p>"),
        "sample.ods": odf(
            "spreadsheet",
            "<table:table table:name='Ships'>"
            + "".join(
                f"<table:table-row><table:table-cell office:value-type='float' office:value='{n}'><text:p>{n}</text:p>"
                f"</table:table-cell><table:table-cell office:value-type='string'><text:p>{text}</text:p>"
                "</table:table-cell></table:table-row>"
                for n, text in enumerate(SENTENCES)
            )
            + "</table:table>",
        ),
        "sample.odp": odf(
            "presentation",
            "<draw:page draw:name='one'><draw:frame><draw:text-box>"
            f"<text:p>{PROSE}</text:p></draw:text-box></draw:frame></draw:page>",
        ),
        "sample.epub": epub(f"<h1>Lamps</h1><p>{PROSE}</p>"),
    }


def mail() -> dict[str, bytes]:
    """A message with an attachment, and a mailbox of three."""
    message = (
        "From: Ada <ada@example.org>\r\nTo: Ben <ben@example.org>\r\nSubject: Lamps\r\n"
        "Date: Fri, 02 May 2025 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="edge"\r\n\r\n--edge\r\n'
        "Content-Type: text/plain; charset=utf-8\r\n\r\n"
        f'{PROSE}\r\n--edge\r\nContent-Type: text/plain; name="notes.txt"\r\n'
        'Content-Disposition: attachment; filename="notes.txt"\r\n\r\nThe notes of the keeper.\r\n--edge--\r\n'
    )
    box = "".join(
        f"From ada@example.org Fri May  2 10:0{n}:00 2025\nFrom: ada@example.org\nSubject: Ship {n}\n"
        f"Message-ID: <{n}@example.org>\n\n{text}\n\n"
        for n, text in enumerate(SENTENCES[:3])
    )
    return {"sample.eml": message.encode(), "sample.mbox": box.encode()}


def archives() -> dict[str, bytes]:
    """Two files in archives of each kind, and one compressed alone."""
    members = {"keeper.txt": PROSE.encode(), "folder/lamps.md": b"# Lamps\n\nThe upper lamp has 1000 watts.\n"}
    packed = tar(members)
    return {
        "sample.zip": zipped(members),
        "sample.tar": packed,
        "sample.tar.gz": gzip.compress(packed, mtime=0),
        "sample.tar.bz2": bz2.compress(packed),
        "sample.tar.xz": lzma.compress(packed),
        "sample.txt.gz": gzip.compress(PROSE.encode(), mtime=0),
    }


# --- how they are written --------------------------------------------------------------------------------------------


def zipped(
    members: Mapping[str, bytes], *, compression: int = zipfile.ZIP_DEFLATED, first_stored: bool = False
) -> bytes:
    """A ZIP archive without a date of its own."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, (name, data) in enumerate(members.items()):
            stored = first_stored and number == 0
            archive.writestr(zipfile.ZipInfo(name, _DATE), data, zipfile.ZIP_STORED if stored else compression)
    return buffer.getvalue()


def tar(members: Mapping[str, bytes]) -> bytes:
    """A tar archive without dates."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def pdf(pages: list[str], *, trailer: str = "") -> bytes:
    """A PDF with a line of text on each page."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for text in pages:
        page = len(objects) + 1
        kids.append(f"{page} 0 R")
        content = f"BT /F1 10 Tf 20 700 Td ({text}) Tj ET"
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] "
            f"/Resources << /Font << /F1 3 0 R >> >> /Contents {page + 1} 0 R >>"
        )
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    out = "%PDF-1.4\n"
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    out += f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\n"
    return f"{out}startxref\n{out.rindex('xref' + chr(10) + '0 ')}\n%%EOF\n".encode("latin-1")


_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def _opc(parts: Mapping[str, str], main: str, kind: str, types: Mapping[str, str]) -> bytes:
    overrides = "".join(f'<Override PartName="/{name}" ContentType="{kind}"/>' for name, kind in types.items())
    content_types = (
        f'<?xml version="1.0"?><Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )
    relations = (
        f'<?xml version="1.0"?><Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_RELATION}/{kind}" Target="{main}"/></Relationships>'
    )
    every = {"[Content_Types].xml": content_types, "_rels/.rels": relations, **parts}
    return zipped({name: text.encode() for name, text in every.items()})


def docx(body: str, *, prolog: str = "") -> bytes:
    """A Word document with this body; `prolog` goes before the root element."""
    document = (
        f'<?xml version="1.0"?>{prolog}<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        f"<w:body>{body}</w:body></w:document>"
    )
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    return _opc({"word/document.xml": document}, "word/document.xml", "officeDocument", {"word/document.xml": kind})


def xlsx(rows: str, *, prolog: str = "") -> bytes:
    """A workbook of one sheet with these rows."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    return _opc(
        {
            "xl/workbook.xml": f'<?xml version="1.0"?><workbook xmlns="{main}" xmlns:r="{_RELATION}"><sheets>'
            '<sheet name="Ships" sheetId="1" r:id="rId1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<?xml version="1.0"?><Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="rId1" Type="{_RELATION}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f'<?xml version="1.0"?>{prolog}<worksheet xmlns="{main}"><sheetData>{rows}'
            "</sheetData></worksheet>",
        },
        "xl/workbook.xml",
        "officeDocument",
        {"xl/workbook.xml": f"{office}.sheet.main+xml", "xl/worksheets/sheet1.xml": f"{office}.worksheet+xml"},
    )


def pptx() -> bytes:
    """A presentation of one slide, with the dates taken out."""
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    slide.shapes.title.text = "Lamps"
    slide.placeholders[1].text = PROSE
    buffer = io.BytesIO()
    presentation.save(buffer)
    with zipfile.ZipFile(buffer) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    date = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
    return zipped({name: date.sub(b"1980-01-01T00:00:00Z", data) for name, data in members.items()})


_ODF = "urn:oasis:names:tc:opendocument:xmlns:"


def odf(kind: str, body: str, *, prolog: str = "") -> bytes:
    """An OpenDocument file: `kind` is text, spreadsheet or presentation."""
    names = {"office": "office", "text": "text", "table": "table", "draw": "drawing", "manifest": "manifest"}
    spaces = " ".join(f'xmlns:{short}="{_ODF}{long}:1.0"' for short, long in names.items())
    media_type = f"application/vnd.oasis.opendocument.{kind}"
    manifest = (
        f'<?xml version="1.0"?><manifest:manifest {spaces} manifest:version="1.3">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{media_type}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    content = (
        f'<?xml version="1.0"?>{prolog}<office:document-content {spaces} office:version="1.3"><office:body>'
        f"<office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    )
    members = {"mimetype": media_type, "content.xml": content, "META-INF/manifest.xml": manifest}
    return zipped({name: text.encode() for name, text in members.items()}, first_stored=True)


def epub(body: str, *, prolog: str = "") -> bytes:
    """A book of one chapter."""
    members = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<?xml version="1.0"?><container version="1.0" '
        'xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="book.opf" '
        'media-type="application/oebps-package+xml"/></rootfiles></container>',
        "book.opf": f'<?xml version="1.0"?>{prolog}<package xmlns="http://www.idpf.org/2007/opf" version="3.0" '
        'unique-identifier="id"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">1'
        "</dc:identifier><dc:title>The lighthouse</dc:title><dc:language>en</dc:language></metadata><manifest>"
        '<item id="one" href="one.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="one"/></spine></package>',
        "one.xhtml": f'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>One</title></head>'
        f"<body>{body}</body></html>",
    }
    return zipped({name: text.encode() for name, text in members.items()}, first_stored=True)
