from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.errors import LoadError
from docindex.loaders.office_rtf import PARAGRAPH_RESET, RtfMarkup
from docindex.loaders.rtf import RtfLoader
from docindex.schema import Document, Limits, LoadOptions, Source
from docindex.testing.loader_contract import LoaderContract

HEAD = (
    r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss Arial;}{\f1\fcharset204 Arial Cyr;}{\f2\fcharset128 MS Mincho;}"
    r"{\f3\fcharset79 Osaka;}}{\colortbl;\red255\green0\blue0;}"
    r"{\stylesheet{\s0 Normal;}{\s1\b\fs32 heading 1;}{\s2\b{\*\soutlvl}\outlinelevel1 Zwischentitel;}{\s3 Title;}}"
)
INFO = (
    r"{\info{\title The \u8222? manual}{\author Ann}{\subject Pumps}{\keywords pump, valve}{\doccomm About it}"
    r"{\creatim\yr2024\mo5\dy1\hr12\min30}{\revtim\yr2024\mo6\dy2}}"
)
NO_OPTIONS = LoadOptions()
SAMPLE = (
    HEAD
    + INFO
    + r"""
\pard\s1 Setting up\par
\pard Press the \b red\b0  button.\par
\pard{\listtext\pard\plain \'b7\tab}\ilvl0 first\par
{\listtext\pard\plain \'b7\tab}\ilvl1 second\par
\pard\s2 Details\par
\trowd\cellx100\cellx200\cellx300\pard\intbl part\cell mm\cell note\cell\row
\trowd\cellx100\cellx200\cellx300\pard\intbl bolt\cell 12\cell a\par b\cell\row
\trowd\cellx100\cellx200\cellx300\pard\intbl nut\cell 8\cell\cell\row
\pard The end{\super\chftn{\footnote\pard\plain{\super\chftn} Or not.}}.\par
}"""
)


class TestRtfLoader(LoaderContract):
    media_type = "application/rtf"
    suffix = ".rtf"

    def loader(self) -> RtfLoader:
        return RtfLoader()

    def write(self, path: Path) -> None:
        path.write_text(SAMPLE)


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Document]:
    def write_and_read(content: str | bytes, options: LoadOptions = NO_OPTIONS) -> Document:
        path = tmp_path / "a.rtf"
        path.write_bytes(content.encode("latin-1") if isinstance(content, str) else content)
        (loaded,) = RtfLoader().load(Source("a.rtf", path, "application/rtf", options))
        return loaded

    return write_and_read


def body(text: str) -> str:
    return f"{HEAD}{text}}}"


def test_blocks_stand_in_the_order_of_the_document(read):
    document = read(SAMPLE)
    assert document.text == (
        "Setting up\n\nPress the red button.\n\n- first\n  - second\n\nDetails\n\n"
        "| part | mm | note |\n| --- | --- | --- |\n| bolt | 12 | a b |\n| nut | 8 |  |\n\n"
        "The end[^1].\n\nNotes\n\n[^1]: Or not."
    )
    assert [(heading.level, heading.text) for heading in document.headings] == [
        (1, "Setting up"),
        (2, "Details"),
        (1, "Notes"),
    ]
    (table,) = document.tables
    assert [(row.number, row.cells) for row in table.rows] == [(2, ("bolt", 12, "a\nb")), (3, ("nut", 8, None))]
    assert document.hidden == 0


def test_the_information_group_is_metadata(read):
    document = read(SAMPLE)
    assert document.title == "The „ manual"
    assert document.metadata == {
        "author": "Ann",
        "subject": "Pumps",
        "description": "About it",
        "keywords": ("pump", "valve"),
        "date": datetime(2024, 5, 1, 12, 30, tzinfo=UTC),
        "modified": datetime(2024, 6, 2, tzinfo=UTC),
    }


def test_the_first_heading_is_the_title_of_a_document_without_one(read):
    assert read(body(r"\pard\s3 The plan\par\pard text\par")).title == "The plan"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (r"caf\'e9 \'93x\'94", "café “x”"),
        ("caf\xe9", "café"),
        (r"{\f1 \'cf\'f0\'e8\'e2\'e5\'f2}", "Привет"),
        (r"{\f2 \'93\'fa\'96\'7b}", "日本"),
        (r"{\f3 plain}", "plain"),
        (r"\uc1\u1055?\u1088?", "Пр"),
        (r"\uc0\u1055\u1088 x", "Прx"),
        (r"\u-10179?\u-8704?", "😀"),
        (r"a\~b\_c\-d", "a b\u2011c\u00add"),
        (r"\{braces\} and \\cell", r"{braces} and \cell"),
        (r"one\line two\tab three", "one\ntwo three"),
        (
            r"{\field{\*\fldinst{HYPERLINK \"http://x.org/\"}}{\fldrslt{a link}}} after".replace('\\"', '"'),
            "a link after",
        ),
        (r"{\*\generator Word 11;}text{\pict\wmetafile8 0a0b0c}", "text"),
        (r"{\*\unknown secret}seen", "seen"),
        (r"to\emdash do \lquote x\rquote", "to—do ‘x’"),
    ],
)
def test_characters(read, markup, text):
    assert read(body(f"\\pard {markup}\\par")).text == text


def test_pictures_in_binary_do_not_disturb(read):
    picture = rb"{\pict\pngblip\bin9 \par}}{{{\x00}"
    assert read(body(r"\pard before MARK after\par").encode().replace(b"MARK", picture)).text == "before after"


def test_hidden_and_deleted_text_is_left_out_and_counted(read):
    document = read(
        body(
            r"\pard seen {\v secret \b bold\b0 }too \v gone\v0  here {\deleted\revauthdel1 old}{\revised new}"
            r" \v{\i more} x\plain  end\par"
        )
    )
    assert document.text == "seen too here new end"
    assert document.hidden == len("secretbold") + len("gone") + len("old") + len("morex")


def test_numbered_lists_and_headings_keep_their_numbers(read):
    document = read(
        body(
            r"\pard\s1{\listtext\pard\plain\s1 1.2\tab}Scope\par"
            r"\pard{\pntext\f0 3.\tab}third\par{\pntext\f0 4.\tab}fourth\par\pard after\par"
        )
    )
    assert document.text == "1.2 Scope\n\n3. third\n4. fourth\n\nafter"
    assert document.headings[0].text == "1.2 Scope"


def test_notes_comments_boxes_headers_and_footers(read):
    document = read(
        body(
            r"{\header\pard ACME internal\par}{\footer\pard\chpgn\par}{\headerf\pard ACME internal\par}"
            r"\pard Text{\*\atnid B}{\*\atnauthor Bo}{\*\annotation{\*\atndate 1}\pard Really?}"
            r" goes on{\shp{\*\shpinst{\sp{\sn x}{\sv 1}}{\shptxt\pard In the box\par}}{\shprslt again}}.\par"
        )
    )
    assert document.text == (
        "Text goes on.\n\nIn the box\n\nComments\n\n- Bo: Really?\n\nHeaders and footers\n\nACME internal"
    )


def test_nested_tables_are_told_in_their_cell(read):
    document = read(
        body(
            r"\trowd\pard\intbl name\cell parts\cell\row\trowd\pard\intbl pump\cell"
            r"\pard\intbl\itap2 a\nestcell b\nestcell{\*\nesttableprops\trowd\nestrow}{\nonesttables\par}"
            r"\pard\intbl\cell\row"
            r"\pard after\par"
        )
    )
    assert document.tables[0].rows[0].cells == ("pump", "a\nb")
    assert document.text.endswith("after")


def test_a_table_of_one_column_only_lays_out_the_page(read):
    assert read(body(r"\trowd\pard\intbl Note\cell\row\trowd\pard\intbl Well\cell\row\pard x\par")).text == (
        "Note\n\nWell\n\nx"
    )


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), max_size=40))
def test_any_text_comes_back(text):
    units = text.encode("utf-16-le")
    codes = (int.from_bytes(units[at : at + 2], "little", signed=True) for at in range(0, len(units), 2))
    markup = RtfMarkup(body(r"\pard\uc1 " + "".join(f"\\u{code}?" for code in codes)).encode())
    assert markup.plain(markup.body).removeprefix(f" {PARAGRAPH_RESET}") == text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04", "is not RTF"),
        (SAMPLE.encode()[:-30], "is cut off: its end is missing"),
        (b"{\\rtf1 \\u9999999?}", "is damaged: it can't be read as RTF"),
    ],
)
def test_what_can_not_be_read_says_why(read, data, reason):
    with pytest.raises(LoadError, match=reason):
        read(data)


def test_a_file_beyond_the_limit_is_refused(read):
    with pytest.raises(LoadError, match="raise the limit file_bytes"):
        read(SAMPLE, LoadOptions(limits=Limits(file_bytes=10)))


def test_deep_nesting_is_no_problem(read):
    assert read(body("{" * 20_000 + "text" + "}" * 20_000)).text == "text"
    with pytest.raises(LoadError, match="is nested too deeply"):
        read(body(r"{\footnote " * 3000 + "}" * 3000))
