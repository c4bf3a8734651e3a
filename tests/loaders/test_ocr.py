from __future__ import annotations

import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont
from pypdf import PdfWriter

from docindex.errors import LoadError
from docindex.loaders.images import ImageLoader
from docindex.loaders.ocr import MOST_PIXELS, Ocr, OcrError
from docindex.loaders.pdf import PdfLoader
from docindex.loaders.pdfium import render_pages
from docindex.loaders.registry import BUILT_IN, Format, FormatRegistry
from docindex.protocols import Loaded
from docindex.schema import Document, Limits, LoadOptions, Problem, Source, Unread
from docindex.testing.loader_contract import LoaderContract

OCR = LoadOptions(ocr=True)


@pytest.fixture(scope="session", autouse=True)
def tesseract() -> None:
    if shutil.which("tesseract") is None:
        lacking = "OCR is tested with the real program: install tesseract (Debian: apt install tesseract-ocr)"
        pytest.fail(lacking) if os.environ.get("CI") else pytest.skip(lacking)


def picture(text: str, size: tuple[int, int] = (1200, 400)) -> Image.Image:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).multiline_text((60, 60), text, fill="black", font=ImageFont.load_default(60), spacing=30)
    return image


def scanned(path: Path) -> None:
    """A page with a text layer, a scan, an empty page, and another scan."""
    pdf = FPDF(format=(120, 150))
    pdf.set_font("Helvetica", size=12)
    pdf.add_page()
    pdf.multi_cell(0, 6, "A page with a text layer")
    pdf.add_page()
    pdf.start_section("Harvest report")
    pdf.image(picture("Of this year\nHarvest report\nforty tons of apples", (1000, 500)), 5, 5, 110)
    pdf.add_page()
    pdf.add_page()
    pdf.image(picture("The last page", (1000, 300)), 5, 5, 110)
    pdf.output(str(path))


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., list[Loaded]]:
    def load(write: Callable[[Path], object], name: str = "a.pdf", options: LoadOptions = OCR) -> list[Loaded]:
        path = tmp_path / name
        write(path)
        loader, media_type = (PdfLoader(), "application/pdf") if name.endswith("pdf") else (ImageLoader(), "image/png")
        return list(loader.load(Source(name, path, media_type, options)))

    return load


def only(loaded: list[Loaded]) -> Document:
    [document] = loaded
    assert isinstance(document, Document)
    return document


class TestImageLoader(LoaderContract):
    media_type = "image/png"
    suffix = ".png"
    options = OCR

    def loader(self) -> ImageLoader:
        return ImageLoader()

    def write(self, path: Path) -> None:
        picture("Words to read").save(path)


def test_pages_without_a_text_layer_are_read(read):
    document = only(read(scanned))
    texts = [document.text[page.start : page.end] for page in document.pages]
    assert texts[0] == "A page with a text layer"
    assert texts[1].split() == ["Of", "this", "year", "Harvest", "report", "forty", "tons", "of", "apples"]
    assert texts[2:] == ["", "The last page"]
    assert document.pages_without_text == (3,)
    assert document.metadata["ocr_pages"] == ("2", "4")
    [heading] = document.headings
    assert document.text[heading.start :].startswith("Harvest report")


def test_without_the_option_they_are_told_of(read):
    document = only(read(scanned, options=LoadOptions()))
    assert document.pages_without_text == (2, 3, 4)
    assert "ocr_pages" not in document.metadata


def test_a_file_with_a_whole_text_layer_does_not_need_tesseract(read, monkeypatch):
    monkeypatch.setenv("PATH", os.devnull)

    def write(path: Path) -> None:
        pdf = FPDF()
        pdf.set_font("Helvetica", size=12)
        pdf.add_page()
        pdf.multi_cell(0, 6, "Text")
        pdf.output(str(path))

    assert only(read(write)).text == "Text"


def test_encrypted_files(read, tmp_path):
    scanned(tmp_path / "open.pdf")

    def write(path: Path) -> None:
        writer = PdfWriter(clone_from=tmp_path / "open.pdf")
        writer.encrypt("mellon", "owner", algorithm="RC4-128")
        writer.write(path)

    assert only(read(write, options=LoadOptions(ocr=True, password="mellon"))).pages_without_text == (3,)
    with pytest.raises(LoadError, match="encrypted"):
        read(write)


def test_what_there_was_no_time_for_is_told_of(read):
    options = LoadOptions(ocr=True, limits=Limits(seconds=0.5))
    document, problem = read(scanned, options=options)
    assert document.pages_without_text == (2, 3, 4)
    assert problem == Problem(
        "a.pdf", "page 2 and 2 more without text: OCR ran out of time: raise the limit seconds (--limit seconds=N)"
    )
    [problem] = read(picture("Words").save, "a.png", options)
    assert problem == Problem("a.png", "1 of 1 pictures not read: OCR ran out of time")


def test_a_missing_program_is_named_with_its_cure(read, monkeypatch):
    monkeypatch.setenv("PATH", os.devnull)
    document, problem = read(scanned)
    assert document.text == "A page with a text layer"
    assert problem.source == "a.pdf"
    assert "page 2 and 2 more" in problem.reason
    assert "apt install tesseract-ocr" in problem.reason
    with pytest.raises(LoadError, match="apt install tesseract-ocr"):
        read(picture("Words").save, "a.png")


def test_a_program_that_hangs_is_ended(monkeypatch, tmp_path):
    program = tmp_path / "tesseract"
    program.write_text('#!/bin/sh\ncase "$1" in --list-langs) echo eng;; *) exec sleep 60;; esac\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(OcrError, match="took longer than 1 s"):
        Ocr().read(picture("Words"), 1.0)
    program.write_text('#!/bin/sh\ncase "$1" in --list-langs) echo eng;; *) echo out of luck >&2; exit 1;; esac\n')
    with pytest.raises(OcrError, match=r"tesseract failed: .*out of luck"):
        Ocr().read(picture("Words"), 5.0)


def test_renderings_are_bounded(tmp_path):
    pdf = FPDF(unit="pt", format=(14_000, 14_000))
    pdf.add_page()
    pdf.output(str(tmp_path / "poster.pdf"))
    [rendering] = render_pages(tmp_path / "poster.pdf", None, [0], 300, 1_000_000)
    assert 900_000 < rendering.width * rendering.height < 1_010_000
    assert len(rendering.gray) == rendering.width * rendering.height


def test_pictures(read):
    document = only(read(picture("Words to read").save, "scan.png"))
    assert (document.text, document.title) == ("Words to read", "scan")
    assert document.metadata == {"ocr_pages": ("1",)}
    assert [page.number for page in document.pages] == [1]


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.bmp", "a.gif"])
def test_formats_of_pictures(read, name):
    assert only(read(picture("Words to read").save, name)).text == "Words to read"


def test_the_pages_of_a_tiff(read):
    def write(path: Path) -> None:
        pages = [picture("First page"), Image.new("RGB", (500, 500), "white"), picture("Third page")]
        pages[0].save(path, save_all=True, append_images=pages[1:])

    document = only(read(write, "a.tiff"))
    assert [document.text[page.start : page.end] for page in document.pages] == ["First page", "", "Third page"]
    assert document.pages_without_text == (2,)
    assert document.metadata["ocr_pages"] == ("1", "3")
    with pytest.raises(LoadError, match="more than 2 pages"):
        read(write, "a.tiff", LoadOptions(ocr=True, limits=Limits(pages=2)))


def test_turned_and_transparent_pictures(read):
    def turned(path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6  # the camera was held upright
        picture("Words to read").rotate(90, expand=True).save(path, exif=exif)

    assert only(read(turned, "a.jpg")).text == "Words to read"

    def transparent(path: Path) -> None:
        layer = Image.new("RGBA", (1200, 300), (0, 0, 0, 0))
        ImageDraw.Draw(layer).text((60, 60), "Words to read", fill="black", font=ImageFont.load_default(60))
        layer.save(path)

    assert only(read(transparent, "a.png")).text == "Words to read"


def test_pictures_are_left_alone_without_the_option(read):
    [unread] = read(picture("Words").save, "a.png", LoadOptions())
    assert isinstance(unread, Unread)
    assert "--ocr" in unread.reason


def test_pictures_without_text(read):
    for image in (Image.new("RGB", (300, 300), "white"), picture("Words").resize((12, 4))):
        assert read(image.save, "a.png") == [Unread("a.png", "a picture without text that OCR can find")]


def test_a_picture_that_would_fill_the_memory_is_refused(read):
    def write(path: Path) -> None:
        header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
        chunks = [(b"IHDR", header), (b"IDAT", b""), (b"IEND", b"")]
        path.write_bytes(
            b"\x89PNG\r\n\x1a\n"
            + b"".join(
                struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
                for kind, data in chunks
            )
        )

    with pytest.raises(LoadError, match=r"^a.png: is a picture that can't be read .*bomb"):
        read(write, "a.png")


def test_large_pictures_are_made_smaller(read):
    large = picture("Words to read", (1200, 200)).resize((16_000, 2_666))
    assert large.width * large.height > MOST_PIXELS
    assert only(read(large.save, "a.png")).text == "Words to read"


def test_a_cut_picture_is_a_load_error(read, tmp_path):
    picture("Words to read").save(tmp_path / "whole.jpg")
    data = (tmp_path / "whole.jpg").read_bytes()
    with pytest.raises(LoadError, match=r"^a.jpg: is a picture that can't be read"):
        read(lambda path: path.write_bytes(data[: len(data) // 2]), "a.jpg")


def test_pictures_in_archives_and_messages(tmp_path):
    images = Format("images", "docindex.loaders.images:ImageLoader", {".png": "image/png"})
    registry = FormatRegistry((*BUILT_IN, images))
    picture("Words to read").save(tmp_path / "a.png")
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(tmp_path / "a.png", "in/a.png")
    [document] = registry.load(Source("a.zip", path, "application/zip", OCR))
    assert isinstance(document, Document)
    assert (document.doc_id, document.text) == ("a.zip/in/a.png", "Words to read")
    [unread] = registry.load(Source("a.zip", path, "application/zip"))
    assert unread == Unread("a.zip/in/a.png", "a picture: its text is read with --ocr")
