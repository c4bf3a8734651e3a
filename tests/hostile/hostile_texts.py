"""Texts in encodings that are not what they claim, and texts without end."""

from __future__ import annotations

import base64
import json
import random

from hostile_samples import Folder

LONG = 400_000
SPARSE_BYTES = 16 << 30


def encodings(folder: Folder) -> None:
    """Text that is not what it seems, and what seems text and is not."""
    text = "Żółta łódź, größer, naïve, Ωμέγα, 数据.\n" * 20
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-7"):
        folder.write(f"encodings/{encoding}.txt", text.encode(encoding))
    folder.write("encodings/cp1252.txt", ("größer, naïve, façade. " * 30).encode("cp1252"))
    folder.write("encodings/shift_jis.txt", ("数据を読む。" * 30).encode("shift_jis"))
    folder.write("encodings/utf-16.csv", "a,b\n1,größer\n".encode("utf-16"))
    folder.write("encodings/utf-16.json", '{"a": "größer"}'.encode("utf-16"))
    folder.write("encodings/utf-16.xml", '<?xml version="1.0" encoding="utf-16"?><a>größer</a>'.encode("utf-16"))
    folder.write("encodings/utf-32.html", "<title>größer</title><p>größer".encode("utf-32"))
    folder.write("encodings/odd length.txt", text.encode("utf-16")[:-1])
    folder.write("encodings/lying.xml", b'<?xml version="1.0" encoding="utf-8"?><a>gr\xf6\xdfer</a>')
    folder.write("encodings/unknown.xml", b'<?xml version="1.0" encoding="klingon"?><a>text</a>')
    folder.write("encodings/lying.html", b'<meta charset="utf-16"><p>plain text')
    folder.write(
        "encodings/unknown.eml", b"Subject: x\r\nContent-Type: text/plain; charset=klingon\r\n\r\nbody \xff\r\n"
    )
    folder.write("encodings/header.eml", b"Subject: =?klingon?B?!!!!?= \xff\xfe\r\nDate: never\r\n\r\nbody\r\n")
    folder.write(
        "encodings/base64.eml", b"Subject: x\r\nContent-Transfer-Encoding: base64\r\n\r\n@@@ not base64 @@@\r\n"
    )
    folder.write("encodings/random.txt", random.Random("text").randbytes(20_000))
    folder.write("encodings/half valid.txt", (text * 10).encode() + random.Random("half").randbytes(500))
    folder.write("encodings/surrogates.json", r'{"a": "\ud800 alone", "\udc00": "key", "b": "\ud83d\ude00"}')
    folder.write("encodings/surrogates.txt", b"cesu \xed\xa0\xbd\xed\xb8\x80 text\n" * 20)
    folder.write("encodings/overlong.txt", b"slash \xc0\xaf and nul \xc0\x80 text\n" * 20)
    folder.write("encodings/nul in text.txt", "before\0after\n" * 50)
    folder.write("encodings/controls.txt", "".join(map(chr, range(32))) * 20 + "text \x1b[31mred\x1b[0m \x07\n")
    folder.write("encodings/bidi.txt", "left \u202eright to left\u202c \u2066isolated\u2069 zero\u200bwidth\n" * 10)
    folder.write("encodings/tags.txt", "visible" + "".join(chr(0xE0000 + ord(c)) for c in "invisible order") + "\n")
    folder.write("encodings/combining.txt", "Z" + "\u0351\u0323" * 50_000 + "\n")
    folder.write("encodings/noncharacters.txt", "a\ufdd0b\uffffc\U0010ffffd\n" * 20)
    numbers = '{"big": 1' + "0" * 10_000 + ', "float": 1e999999, "nan": NaN, "minus": -0}'
    folder.write("encodings/numbers.json", numbers)
    folder.write(
        "encodings/numbers.yaml", f"big: 1{'0' * 10_000}\nsexagesimal: 99:99:99\nnan: .nan\ndate: 9999-99-99\n"
    )
    folder.write("encodings/dates.csv", "when\n0000-00-00\n9999-12-31T23:59:60Z\n0001-01-01T00:00:00+23:59\n")


def endless(folder: Folder) -> None:
    """Much of the same."""
    folder.write("long/one line.txt", "word " * (LONG // 5))
    folder.write("long/one word.txt", "a" * LONG)
    folder.write("long/one line.csv", "a," * LONG)
    folder.write("long/one cell.csv", 'a,b\n1,"' + "x" * LONG + '"\n')
    folder.write("long/open quote.csv", 'a,b\n1,"never closed\n' + "2,3\n" * 30_000)
    folder.write("long/ragged.csv", "".join("," * (n % 500) + "\n" for n in range(5000)))
    folder.write("long/empty lines.txt", "\n" * LONG)
    folder.write("long/tabs.md", "\t" * LONG + "end\n")
    folder.write("long/emphasis.md", "*a **b _c __d " * 5_000)
    folder.write("long/backticks.md", "`" * 30_000 + " a " + "`" * 29_999)
    folder.write("long/links.md", "[a](<b" * 50_000)
    folder.write("long/references.md", "".join(f"[{n}]: <{n}\n" for n in range(5_000)) + "[x][" * 5_000)
    folder.write("long/attribute.html", '<a href="' + "x" * LONG + '">link</a>')
    folder.write("long/comment.html", "<!--" + "x" * LONG)
    folder.write("long/headings.html", "<h1>a</h1>" * 50_000)
    folder.write("long/script.html", "<p>visible<script>" + "x" * LONG)
    folder.write("long/key.json", '{"' + "k" * LONG + '": 1}')
    folder.write("long/keys.json", json.dumps({f"k{n}": n for n in range(10_000)}))
    folder.write("long/records.jsonl", '{"text": "x"}\n' * 3000 + "{broken\n" * 3000)
    folder.write("long/no newline.jsonl", '{"a": 1}' * 50_000)
    folder.write(
        "long/headers.eml", "Subject: x\r\n" + "".join(f"X-{n}: {'y' * 500}\r\n" for n in range(3000)) + "\r\nbody\r\n"
    )
    folder.write("long/folded.eml", "Subject: a\r\n" + " folded\r\n" * 30_000 + "\r\nbody\r\n")
    folder.write(
        "long/boundaries.eml",
        'Subject: x\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n' + "--b\r\n\r\nx\r\n" * 3000,
    )
    folder.write("long/froms.mbox", "From \n" * 5000)
    folder.write("long/one message.mbox", "From a Fri May  2 10:00:00 2025\nSubject: x\n\n" + ">From x\n" * 30_000)
    attached = base64.encodebytes(bytes(LONG)).decode()
    folder.write(
        "long/attachment.eml",
        f"Subject: x\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n{attached}",
    )
    folder.write("long/cues.srt", "1\n00:00:00,000 --> 99:99:99,999\nx\n\n" * 3000)
    folder.write("long/backwards.vtt", "WEBVTT\n\n00:10.000 --> 00:00.000\nx\n\n" * 500)
    folder.write("long/names.py", "x" * LONG + " = 1\n")
    folder.write("long/functions.py", "".join(f"def f{n}(): pass\n" for n in range(5000)))
    folder.write("long/strings.c", '"' + "\\" * LONG + "\n")
    folder.write("long/control.rtf", r"{\rtf1 " + r"\b" * 30_000 + r"\bin999999999 x}")
    folder.write("long/text.xml", "<a>" + "x" * (12 << 20) + "</a>")
    folder.write("long/siblings.xml", "<a>" + "<b/>" * 200_000 + "</a>")
    folder.write("long/anchors.yaml", "".join(f"- &a{n} x\n" for n in range(5000)))
    folder.write("long/regular.rst", "*" * 30_000 + "\n" + "`" * 50_000)
    folder.write("long/commands.tex", "\\" + "a" * LONG + "\n" + "$" * 9999)
    path = folder.write("long/sparse.txt", "")
    with path.open("wb") as file:
        file.truncate(SPARSE_BYTES)
