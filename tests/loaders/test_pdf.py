from __future__ import annotations

import re
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fpdf import FPDF
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from docindex.errors import LoadError
from docindex.loaders.pdf import PdfLoader
from docindex.loaders.pdf_layout import OutlineItem, PageText, find_heading, lay_out, page_text, pdf_datetime
from docindex.loaders.pdf_repair import read_repaired
from docindex.loaders.pdfium import PdfiumError, read_pdf
from docindex.schema import Document, Limits, LoadOptions, Source
from docindex.testing.loader_contract import LoaderContract


def booklet(path: Path) -> None:
    """Page i with a title, a scan, then pages 1 to 3; the word of a heading stands on its page before it as well."""
    pdf = FPDF(format=(120, 150))
    pdf.set_creation_date(datetime(2024, 1, 31, 12, 0, tzinfo=UTC))
    pdf.set_title("The booklet")
    pdf.set_author("Ann O'Nym")
    pdf.set_keywords("one, two; three")
    pdf.set_font("Helvetica", size=12)
    pdf.add_page(label_style="r")
    pdf.multi_cell(0, 6, "Cover with 20 °C", new_x="LMARGIN")
    pdf.add_page()
    pdf.rect(10, 10, 50, 50, style="F")
    for number in range(1, 4):
        pdf.add_page(label_style="D" if number == 1 else None, label_start=1 if number == 1 else None)
        pdf.multi_cell(0, 6, f"Part {number} comes below\n\n", new_x="LMARGIN")
        pdf.start_section(f"Part {number}")
        pdf.multi_cell(0, 6, f"Part {number}\nThis is the text of page {number}.", new_x="LMARGIN")
        pdf.start_section("Details", level=1)
        pdf.multi_cell(0, 6, f"{number}.1 Details\nMore of it.", new_x="LMARGIN")
    pdf.add_page()
    pdf.output(str(path))


def load(path: Path, password: str | None = None) -> Document:
    source = Source("a.pdf", path, "application/pdf", LoadOptions(password=password))
    return next(iter(PdfLoader().load(source)))


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    path = tmp_path / "a.pdf"
    booklet(path)
    return path


class TestPdfLoader(LoaderContract):
    media_type = "application/pdf"
    suffix = ".pdf"

    def loader(self) -> PdfLoader:
        return PdfLoader()

    def write(self, path: Path) -> None:
        booklet(path)


def test_pages_and_labels(pdf):
    document = load(pdf)
    assert [page.label for page in document.pages] == ["i", "ii", "1", "2", "3", "4"]
    assert document.pages_without_text == (2, 6)
    for number in range(1, 4):
        at = document.text.index(f"text of page {number}")
        page = document.page_at(at)
        assert page is not None
        assert (page.number, page.label) == (number + 2, str(number))
    assert document.page_at(len(document.text) - 1) == document.pages[4]
    assert "Cover with 20 °C\n\nPart 1" in document.text


def test_headings_stand_where_the_outline_points(pdf):
    document = load(pdf)
    assert [(heading.level, heading.text) for heading in document.headings] == [
        (level, title) for number in range(1, 4) for level, title in ((1, f"Part {number}"), (2, "Details"))
    ]
    lines = [document.text[heading.start :].split("\n")[0] for heading in document.headings]
    assert lines == ["Part 1", "1.1 Details", "Part 2", "2.1 Details", "Part 3", "3.1 Details"]


def test_properties(pdf):
    document = load(pdf)
    assert document.title == "The booklet"
    assert document.metadata == {
        "author": "Ann O'Nym",
        "keywords": ("one", "two", "three"),
        "date": datetime(2024, 1, 31, 12, tzinfo=UTC),
    }


def test_the_first_line_is_the_title_of_a_file_without_one(pdf, tmp_path):
    writer = PdfWriter(clone_from=pdf)
    writer.metadata = {"/Title": "Microsoft Word - booklet.doc"}
    writer.write(tmp_path / "b.pdf")
    assert load(tmp_path / "b.pdf").title == "Cover with 20 °C"


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
def test_encrypted_files(pdf, tmp_path, algorithm):
    path = tmp_path / "locked.pdf"
    writer = PdfWriter(clone_from=pdf)
    writer.encrypt("sésame", "owner", algorithm=algorithm)
    writer.write(path)
    with pytest.raises(LoadError, match=r"^a.pdf: encrypted: give --password$"):
        load(path)
    with pytest.raises(LoadError, match="wrong password"):
        load(path, "mellon")
    assert load(path, "owner").text == load(pdf).text


def test_a_password_that_is_not_needed_does_no_harm(pdf):
    assert load(pdf, "any").text == load(pdf).text


def test_a_file_encrypted_without_a_user_password_opens(pdf, tmp_path):
    writer = PdfWriter(clone_from=pdf)
    writer.encrypt("", "owner", algorithm="AES-128")
    writer.write(tmp_path / "b.pdf")
    assert load(tmp_path / "b.pdf").text == load(pdf).text


def test_more_pages_than_the_limit(pdf, tmp_path):
    def read(path: Path, pages: int) -> Document:
        source = Source("a.pdf", path, "application/pdf", LoadOptions(limits=Limits(pages=pages)))
        return next(iter(PdfLoader().load(source)))

    assert len(read(pdf, 6).pages) == 6
    repairable = tmp_path / "b.pdf"
    repairable.write_bytes(re.sub(rb"/Root \d+ 0 R", b"", pdf.read_bytes()))
    for path in (pdf, repairable):
        with pytest.raises(LoadError, match=r"^a.pdf: has 6 pages, more than 5: raise .* \(--limit pages=N\)$"):
            read(path, 5)


def test_damaged_files_are_repaired_or_refused(pdf, tmp_path):
    data = pdf.read_bytes()
    path = tmp_path / "b.pdf"
    path.write_bytes(re.sub(rb"startxref\s+\d+", b"startxref\n99", data))
    assert load(path).text == load(pdf).text
    path.write_bytes(re.sub(rb"/Root \d+ 0 R", b"", data))  # PDFium does not look for the catalogue, pypdf does
    with pytest.raises(PdfiumError):
        read_pdf(path, None)
    assert load(path).text.split() == load(pdf).text.split()
    assert [page.label for page in load(path).pages] == ["i", "ii", "1", "2", "3", "4"]
    path.write_bytes(data[:300])
    with pytest.raises(LoadError, match=r"damaged|no pages"):
        load(path)


@pytest.mark.parametrize("data", [b"", b"Just text", b"PK\x03\x04" + bytes(500)])
def test_what_is_no_pdf_is_refused(tmp_path, data):
    path = tmp_path / "a.pdf"
    path.write_bytes(data)
    with pytest.raises(LoadError, match="is not a PDF file"):
        load(path)


def test_the_second_reader_finds_the_same(pdf):
    pages, information = read_repaired(pdf, None)
    document = load(pdf)
    laid = lay_out(pages)
    assert [page.label for page in laid.pages] == [page.label for page in document.pages]
    assert laid.text.split() == document.text.split()
    assert [(heading.level, heading.text) for heading in laid.headings] == [
        (heading.level, heading.text) for heading in document.headings
    ]
    assert information["Title"] == "The booklet"


def test_nothing_is_written_to_standard_error(pdf, tmp_path):
    broken = tmp_path / "b.pdf"
    broken.write_bytes(pdf.read_bytes()[:2000])
    script = (
        "import sys; from pathlib import Path; from docindex.loaders.pdf import PdfLoader\n"
        "from docindex.errors import LoadError; from docindex.schema import Source\n"
        "for name in sys.argv[1:]:\n"
        "    try: list(PdfLoader().load(Source(name, Path(name), 'application/pdf')))\n"
        "    except LoadError: pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(pdf), str(broken)], capture_output=True, check=True, timeout=60
    )
    assert (done.stdout, done.stderr) == (b"", b"")


def test_loaders_in_several_threads_do_not_crash(pdf):
    expected = load(pdf)
    results: list[Document] = []

    def read() -> None:
        results.extend(load(pdf) for _ in range(15))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 60
    assert all(document == expected for document in results)


def test_words_broken_at_line_ends_are_joined():
    pages = [
        "A small re\x02usable tool, seen in De\xad\r\nbian and Debian\x02based UTF\ufffe8 files. Co\x02op.",
        "Debian and based. A co-op and a counter\x02part ends in reu\x02",
        "sable soft\xadware \x02 here",
    ]
    laid = lay_out([PageText(page_text(page)) for page in pages])
    assert laid.text == (
        "A small reusable tool, seen in Debian and Debian-based UTF-8 files. Co-op.\n\n"
        "Debian and based. A co-op and a counterpart ends in reu-\n\n"
        "sable software  here"
    )


def test_headings_keep_their_place_where_words_are_joined():
    text = page_text("con\x02nected and se\x02parate\r\nHead\r\nmore\r\nTail")
    outline = [OutlineItem(1, title, find_heading(text, title, None)) for title in ("Tail", "Head", "Elsewhere")]
    laid = lay_out([PageText(""), PageText(text, outline), PageText("", [OutlineItem(2, "Picture", 0)]), PageText("x")])
    assert [(laid.text[heading.start :][:4], heading.text) for heading in laid.headings] == [
        ("conn", "Elsewhere"),
        ("Head", "Head"),
        ("Tail", "Tail"),
        ("x", "Picture"),
    ]


@settings(deadline=None, max_examples=150)
@given(st.lists(st.text("ab \x02\n-B1\xad", max_size=20), max_size=6), st.data())
def test_layout_keeps_pages_and_headings_in_order(raw, data):
    pages = []
    for text in map(page_text, raw):
        offset = data.draw(st.integers(0, max(0, len(text) - 1)))
        pages.append(PageText(text, [OutlineItem(1, "t", offset)] if text else []))
    laid = lay_out(pages)
    assert [page.number for page in laid.pages] == list(range(1, len(pages) + 1))
    end = 0
    for page in laid.pages:
        assert end <= page.start <= page.end <= len(laid.text)
        end = page.end
    assert "\x02" not in laid.text
    assert "\ufffe" not in laid.text
    starts = [heading.start for heading in laid.headings]
    assert starts == sorted(starts)
    full = [page for page in laid.pages if page.start < page.end]
    assert all(page.start <= start < page.end for page, start in zip(full, starts, strict=True))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("D:20240131120000+01'00'", datetime(2024, 1, 31, 11, tzinfo=UTC)),
        ("D:20240131120000-05'30", datetime(2024, 1, 31, 17, 30, tzinfo=UTC)),
        ("D:20240131120000Z", datetime(2024, 1, 31, 12, tzinfo=UTC)),
        ("20240131", datetime(2024, 1, 31, tzinfo=UTC)),
        ("D:2024", datetime(2024, 1, 1, tzinfo=UTC)),
        ("D:20241331", None),
        ("D:20240131120000+99'00'", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates(text, moment):
    assert pdf_datetime(text) == moment


def test_the_users_manual_of_the_examples(example_documents):
    path = example_documents / "user-manual.pdf"
    document = load(path)
    assert len(document.pages) == len(PdfReader(path).pages)
    assert len(document.pages) >= 6
    assert [page.label for page in document.pages][:2] == ["i", "1"]
    assert document.pages_without_text == ()
    for heading in document.headings:
        assert document.text[heading.start :].startswith(heading.text)
