from __future__ import annotations

from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from docindex.loaders.rtf import RtfLoader
from docindex.loaders.symbol_fonts import in_symbol_font, symbol
from docindex.loaders.word import DocxLoader
from docindex.schema import Document, Source

RTF = (
    r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fcharset0 Arial;}"
    r"{\f3\froman\fcharset2\fprq2{\*\panose 05050102010706020507}Symbol;}"
    r"{\f4\fnil\fcharset2 Wingdings;}{\f5\fnil\fcharset2 Own Letters;}}\pard "
)


def rtf(path: Path, markup: str) -> str:
    path.write_text(f"{RTF}{markup}\\par}}")
    (document,) = RtfLoader().load(Source("a.rtf", path, "application/rtf"))
    assert isinstance(document, Document)
    return document.text


def word(path: Path, content: str) -> str:
    document = docx.Document()
    document.element.body[-1].addprevious(parse_xml(f"<w:p {nsdecls('w')}>{content}</w:p>"))
    document.save(str(path))
    (loaded,) = DocxLoader().load(Source("a.docx", path, "application/x"))
    assert isinstance(loaded, Document)
    return loaded.text


@pytest.mark.parametrize(
    ("font", "code", "shown"),
    [
        ("Symbol", 0x6D, "μ"),
        ("Symbol", 0xF06D, "μ"),
        ("symbol", 0xB1, "±"),
        ("Symbol", 0xA3, "≤"),
        ("Symbol", 0x61, "α"),
        ("Symbol", 0x57, "Ω"),
        ("Symbol", 0xFE, "⎭"),
        ("Symbol", 0x35, "5"),
        ("Symbol", 0x90, "\ufffd"),
        ("Wingdings", 0xFC, "✓"),
        ("Wingdings 2", 0x50, "✓"),
        ("Wingdings", 0xF0E0, "→"),
        ("Webdings", 0x61, "\ufffd"),
        ("Arial", 0xF061, "\ufffd"),
    ],
)
def test_characters_are_what_the_font_shows(font, code, shown):
    assert symbol(font, code) == shown


def test_only_what_stands_for_bytes_of_a_symbol_font_is_changed():
    assert in_symbol_font("Symbol", "a \uf061\uf0b1 é\n") == "a α± é\n"
    assert in_symbol_font("Arial", "\uf061") == "\uf061"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (r"5 {\f3\'6d}g, {\f3\'b1}3 mm, p {\f3\'a3} 0.05, {\f3 a}", "5 μg, ±3 mm, p ≤ 0.05, α"),
        (r"{\f3\u-3987\'6d}g", "μg"),
        (r"{\uc2\f3\u-3987 ??d} {\f3\u-3987 ?d}", "μδ μδ"),
        (r"{\f3 a\b b\b0 g} \f3 a\plain a {\f3 a{\f0 a}a}", "αβγ αa αaα"),
        (r"{\f4 \'fcz} {\f5 abc}", "✓\ufffd abc"),
        (r"{\field{\*\fldinst SYMBOL 109 \\f " '"Symbol"' r" \\s 11}{\fldrslt\f3\fs22}}g", "μg"),
        (r"{\field{\*\fldinst {\f0 SYMBOL 0x6D \\f Symbol}}{\fldrslt{\f3 m}}}g", "μg"),
        (r"20 {\field{\*\fldinst SYMBOL 176}}C", "20 °C"),
        (r"{\field{\*\fldinst HYPERLINK " '"http://a.b/SYMBOL 109"' r"}{\fldrslt there}}", "there"),
    ],
)
def test_rtf_shows_symbols(tmp_path, markup, text):
    assert rtf(tmp_path / "a.rtf", markup) == text


def test_a_bullet_in_a_symbol_font_is_a_bullet(tmp_path):
    assert rtf(tmp_path / "a.rtf", r"{\listtext\f4 v\tab}\ls1 first") == "- first"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('<w:r><w:t>5 </w:t><w:sym w:font="Symbol" w:char="F06D"/><w:t>g</w:t></w:r>', "5 μg"),
        ('<w:r><w:sym w:font="Symbol" w:char="00A3"/></w:r>', "≤"),
        ('<w:r><w:sym w:font="Wingdings" w:char="F0FE"/></w:r>', "☑"),
        ('<w:r><w:sym w:font="Of My Own" w:char="F041"/></w:r>', "\ufffd"),
        ('<w:r><w:sym w:font="Arial" w:char="00B1"/></w:r>', "±"),
        ('<w:r><w:rPr><w:rFonts w:ascii="Symbol" w:hAnsi="Symbol"/></w:rPr><w:t>&#xF062;</w:t></w:r>', "β"),
        ('<w:r><w:sym w:font="Symbol" w:char="?"/><w:t>x</w:t></w:r>', "x"),
    ],
)
def test_word_shows_symbols(tmp_path, content, text):
    assert word(tmp_path / "a.docx", content) == text
