"""Files that are much more than they seem: bombs, entities, depths, and archives of what should not be in them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib

from hostile_samples import MB, PROSE, Folder, docx, epub, odf, pdf, tar, xlsx, zipped


def bombs(folder: Folder) -> None:
    """Little that becomes much."""
    zeros = bytes(16 * MB)
    flat = zipped({f"{n}.txt": zeros for n in range(4)})
    folder.write("bombs/flat.zip", flat)
    nested_bomb = zipped({"zeros.txt": zeros})
    for level in range(6):
        nested_bomb = zipped({f"{level}-{n}.zip": nested_bomb for n in range(8)})
    folder.write("bombs/nested.zip", nested_bomb)
    folder.write("bombs/overlapping.zip", overlapping_zip(zeros[: 8 * MB], 200))
    folder.write("bombs/quine-like.zip", zipped({"self.zip": zipped({"self.zip": zipped({"self.zip": b"PK"})})}))
    folder.write("bombs/zeros.txt.gz", gzip.compress(zeros * 2, mtime=0))
    folder.write("bombs/zeros.txt.bz2", bz2.compress(zeros))
    folder.write("bombs/zeros.txt.xz", lzma.compress(zeros))
    folder.write("bombs/zeros.tar.gz", gzip.compress(tar({"zeros.txt": zeros}), mtime=0))
    folder.write("bombs/twice.txt.gz", gzip.compress(gzip.compress(zeros * 2, mtime=0), mtime=0))
    blank = "<w:p/>" * (2 * MB)
    folder.write("bombs/paragraphs.docx", docx(blank))
    folder.write("bombs/rows.xlsx", xlsx('<row r="1"><c r="A1"><v>1</v></c></row>' * (MB // 2)))
    folder.write("bombs/far cell.xlsx", xlsx('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'))
    repeat = "table:number-rows-repeated='1048576'"
    wide = "table:number-columns-repeated='16384'"
    folder.write(
        "bombs/repeated.ods",
        odf(
            "spreadsheet",
            f"<table:table table:name='a'><table:table-row {repeat}><table:table-cell {wide} "
            "office:value-type='float' office:value='1'><text:p>1</text:p></table:table-cell></table:table-row>"
            "</table:table>",
        ),
    )
    folder.write("bombs/spaces.odt", odf("text", "<text:p>a<text:s text:c='2000000000'/>b</text:p>"))
    folder.write("bombs/chapter.epub", epub("<p>" + "a" * (30 * MB) + "</p>"))
    folder.write("bombs/stream.pdf", pdf_bomb())
    folder.write("bombs/pages.pdf", pdf(["a"]).replace(b"/Count 1", b"/Count 2000000000"))
    laughs = "\n".join(f"{chr(97 + n)}: &{chr(97 + n)} [{', '.join([f'*{chr(96 + n)}'] * 10)}]" for n in range(1, 10))
    folder.write("bombs/laughs.yaml", f"a: &a [lol, lol]\n{laughs}\n")
    merges = "\n".join(f"k{n}: &k{n}\n  <<: [{', '.join([f'*k{n - 1}'] * 9)}]\n  x{n}: 1" for n in range(1, 12))
    folder.write("bombs/merges.yaml", f"k0: &k0 {{x: 1}}\n{merges}\n")
    folder.write("bombs/macros.tex", latex_bomb())
    folder.write("bombs/includes.rst", rst_bomb())


def overlapping_zip(data: bytes, count: int) -> bytes:
    """Directory entries that all point at one and the same member."""
    archive = zipped({"000": data})
    start = archive.index(b"PK\1\2")
    entry = archive[start : archive.index(b"PK\5\6")]
    entries = b"".join(entry.replace(b"000", f"{n:03}".encode()) for n in range(count))
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(entries), start, 0)
    return archive[:start] + entries + end


def pdf_bomb() -> bytes:
    """A page whose content is packed three times over."""
    content = bytes(16 * MB).replace(b"\0", b" ")
    for _ in range(3):
        content = zlib.compress(content, 9)
    body = pdf(["x"])
    start, end = body.index(b"<< /Length"), body.index(b"endstream")
    filters = b"/Filter [/FlateDecode /FlateDecode /FlateDecode]"
    packed = b"<< /Length %d %s >>\nstream\n%s\n" % (len(content), filters, content)
    return body[:start] + packed + body[end:]


def latex_bomb() -> str:
    """Macros that double each other thirty times."""
    lines = [r"\documentclass{article}", r"\newcommand{\aa}{ha}"]
    lines += [rf"\newcommand{{\a{chr(98 + n)}}}{{\a{chr(97 + n)}\a{chr(97 + n)}}}" for n in range(24)]
    return "\n".join([*lines, r"\begin{document}", r"\ay", r"\end{document}", ""])


def rst_bomb() -> str:
    """Substitutions that multiply, and a file that includes itself."""
    lines = [f".. |s{n}| replace:: {f'|s{n - 1}| ' * 10}" for n in range(1, 9)]
    return "\n".join([".. |s0| replace:: ha", *lines, "", "|s8|", "", ".. include:: includes.rst", ""])


def entities(folder: Folder) -> None:
    """XML that defines what it should not, alone and inside office documents."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    billion = f'<!DOCTYPE a [<!ENTITY l0 "lol">{laughs}]>'
    quadratic = f'<!DOCTYPE a [<!ENTITY q "{"q" * 100_000}">]>'
    external = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{folder.secret.as_uri()}">]>'
    parameter = f'<!DOCTYPE a [<!ENTITY % p SYSTEM "{folder.secret.as_uri()}"> %p;]>'
    remote = '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/evil.dtd">'
    folder.write("xml/billion laughs.xml", f"{billion}<a>&l9;</a>")
    folder.write("xml/quadratic.xml", f"{quadratic}<a>{'&q;' * 20_000}</a>")
    folder.write("xml/external.xml", f"{external}<a>read this: &x;</a>")
    folder.write("xml/parameter.xml", f"{parameter}<a>read this</a>")
    folder.write("xml/remote.xml", f"{remote}<a>read this</a>")
    include = f'<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="{folder.secret.as_uri()}" parse="text"/>'
    folder.write("xml/include.xml", f"<a>read this: {include}</a>")
    folder.write("xml/attributes.xml", "<a " + " ".join(f"b{n}='x'" for n in range(100_000)) + "/>")
    folder.write("xml/undefined.xml", "<a>&nothing;</a>")
    folder.write("xml/drawing.svg", f"{external}<svg xmlns='http://www.w3.org/2000/svg'><text>&x;</text></svg>")
    folder.write("xml/page.xhtml", f"{external}<html><body>read this: &x;</body></html>")
    for name, prolog, use in (("laughs", billion, "&l9;"), ("external", external, "&x;")):
        folder.write(f"xml/{name}.docx", docx(f"<w:p><w:r><w:t>{use}</w:t></w:r></w:p>", prolog=prolog))
        cell = f'<row r="1"><c r="A1" t="inlineStr"><is><t>{use}</t></is></c></row>'
        folder.write(f"xml/{name}.xlsx", xlsx(cell, prolog=prolog))
        folder.write(f"xml/{name}.odt", odf("text", f"<text:p>{use}</text:p>", prolog=prolog))
        folder.write(f"xml/{name}.epub", epub("<p>x</p>", prolog=prolog).replace(b"The lighthouse", use.encode()))
    for name, text in {
        "include.rst": f".. include:: {folder.secret}\n\n.. raw:: html\n   :file: {folder.secret}\n",
        "table.rst": f".. csv-table:: x\n   :file: {folder.secret}\n",
        "input.tex": rf"\documentclass{{article}}\begin{{document}}\input{{{folder.secret}}}\end{{document}}",
        "tag.yaml": f"a: !!python/object/apply:builtins.open ['{folder.secret}']\n",
        "code.yaml": "a: !!python/object/apply:os.system ['false']\n",
    }.items():
        folder.write(f"xml/{name}", text)


def nested(folder: Folder) -> None:
    """What is deeper than a parser's stack."""
    deep = 100_000
    folder.write("deep/list.json", "[" * deep + "]" * deep)
    folder.write("deep/object.json", '{"a":' * deep + "1" + "}" * deep)
    folder.write("deep/lines.jsonl", '{"text": "fine"}\n{"a":' + "[" * deep + "]" * deep + "}\n")
    folder.write("deep/notebook.ipynb", '{"cells": ' + "[" * deep + "]" * deep + "}")
    folder.write("deep/page.html", "<div>" * deep + "bottom" + "</div>" * deep)
    folder.write("deep/unclosed.html", "<b><i>" * deep + "bottom")
    folder.write("deep/tables.html", "<table><tr><td>" * 5000 + "bottom")
    folder.write("deep/tree.xml", "<a>" * deep + "bottom" + "</a>" * deep)
    folder.write("deep/flow.yaml", "[" * deep + "]" * deep)
    folder.write("deep/block.yaml", "".join(f"{' ' * n}a:\n" for n in range(1000)))
    folder.write("deep/array.toml", "a = " + "[" * deep + "]" * deep)
    folder.write("deep/dotted.toml", "[" + ".".join(["a"] * 20_000) + "]\nb = 1\n")
    folder.write("deep/quotes.md", ">" * 20_000 + " bottom\n")
    folder.write("deep/lists.md", "".join(f"{'  ' * n}- {n}\n" for n in range(500)))
    folder.write("deep/brackets.md", "[" * 50_000 + "](" * 50_000)
    folder.write("deep/groups.rtf", r"{\rtf1 " + "{" * deep + "bottom" + "}" * deep + "}")
    folder.write("deep/groups.tex", "{" * 20_000 + "bottom" + "}" * 20_000)
    folder.write("deep/lists.rst", "".join(f"{'  ' * n}* {n}\n\n" for n in range(600)))
    folder.write("deep/expression.py", "x = " + "(" * deep + "1" + ")" * deep + "\n")
    folder.write("deep/blocks.js", "{" * deep + "}" * deep)
    folder.write("deep/blocks.c", "int f() {" + "{" * deep + "}" * deep + "}")
    folder.write("deep/message.eml", mime(400))
    folder.write("deep/forwarded.eml", forwarded(60))
    body = "<w:tbl><w:tr><w:tc>" * 3000 + "<w:p/>" + "</w:tc></w:tr></w:tbl>" * 3000
    folder.write("deep/tables.docx", docx(body))
    folder.write("deep/sections.odt", odf("text", "<text:section>" * 5000 + "</text:section>" * 5000))
    archive = zipped({"bottom.txt": PROSE.encode()})
    for level in range(20):
        archive = zipped({f"{level}.zip": archive})
    folder.write("deep/archives.zip", archive)
    packed = PROSE.encode()
    for _ in range(20):
        packed = gzip.compress(packed, mtime=0)
    folder.write("deep/compressed.txt" + ".gz" * 20, packed)
    folder.write("deep/pages.pdf", pdf([PROSE]).replace(b"/Kids [4 0 R]", b"/Kids [2 0 R]"))
    folder.write("deep/arrays.pdf", pdf([PROSE], trailer="/X " + "[" * deep + "]" * deep))


def mime(levels: int) -> str:
    """Parts in parts."""
    text = "Content-Type: text/plain\r\n\r\nbottom\r\n"
    for n in range(levels):
        text = f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n{text}\r\n--b{n}--\r\n'
    return f"Subject: deep\r\nMIME-Version: 1.0\r\n{text}"


def forwarded(levels: int) -> str:
    """Messages in messages."""
    text = "Subject: bottom\r\n\r\nbottom\r\n"
    for n in range(levels):
        text = f"Subject: {n}\r\nMIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n{text}"
    return text


def archives(folder: Folder) -> None:
    """Archives whose members are not what members should be."""
    paths = ("../../escaped.txt", "/etc/escaped.txt", "a/../../escaped.txt", "C:\\escaped.txt", "..\\escaped.txt")
    folder.write("archives/traversal.zip", zipped(dict.fromkeys(paths, b"escaped")))
    folder.write("archives/traversal.tar", tar(dict.fromkeys(paths, b"escaped")))
    twice = zipped({"same.txt": b"the first", "semi.txt": b"the second"}).replace(b"semi.txt", b"same.txt")
    folder.write("archives/duplicates.zip", twice)
    odd = {"a\nb.txt": b"newline", "\x1b[31mred.txt": b"colour", "x" * 300 + ".txt": b"long", "CON.txt": b"device"}
    folder.write("archives/odd names.zip", zipped(odd | {"": b"no name", "folder/": b"", ".hidden": b"hidden"}))
    folder.write("archives/many.zip", zipped({f"{n}.txt": b"" for n in range(20_000)}))
    folder.write("archives/empty.zip", zipped({}))
    folder.write("archives/empty.tar", tar({}))
    folder.write(
        "archives/mixed.zip", zipped({"good.txt": PROSE.encode(), "bad.pdf": b"%PDF-1.4 nothing", "x.bin": b"\0\1"})
    )
    special = io.BytesIO()
    with tarfile.open(fileobj=special, mode="w") as archive:
        kinds = {"device": tarfile.CHRTYPE, "block": tarfile.BLKTYPE, "pipe": tarfile.FIFOTYPE}
        kinds |= {"link.txt": tarfile.SYMTYPE, "hard.txt": tarfile.LNKTYPE, "contiguous.txt": tarfile.CONTTYPE}
        for name, kind in kinds.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, f"../../{folder.secret.name}"
            archive.addfile(entry)
    folder.write("archives/special.tar", special.getvalue())
    claims = bytearray(tar({"small.txt": b"small"}))
    claims[124:136] = b"77777777777\0"
    claims[148:156] = b"%06o\0 " % (sum(claims[:148]) + 8 * 32 + sum(claims[156:512]))
    folder.write("archives/lying size.tar", claims)
    stored = bytearray(zipped({"a.txt": b"small" * 50}))
    at = stored.index(b"PK\1\2")
    struct.pack_into("<I", stored, at + 24, 0x7FFFFFFF)
    folder.write("archives/lying size.zip", stored)
    folder.write("archives/concatenated.txt.gz", gzip.compress(b"one\n", mtime=0) + gzip.compress(b"two\n", mtime=0))
    folder.write("archives/trailing.txt.gz", gzip.compress(PROSE.encode(), mtime=0) + b"trailing rubbish")
    folder.write("archives/bzip2 inside.zip", zipped({"a.txt": PROSE.encode()}, compression=zipfile.ZIP_BZIP2))
    folder.write("archives/lzma inside.zip", zipped({"a.txt": PROSE.encode()}, compression=zipfile.ZIP_LZMA))
