"""The pages of a PDF that are pictures, read by OCR."""

from __future__ import annotations

import time
from collections.abc import Sequence

from docindex.loaders.limits import cure
from docindex.loaders.ocr import DPI, MOST_PIXELS, SHARE_OF_TIME, Ocr, OcrError, from_gray
from docindex.loaders.pdf_layout import OutlineItem, PageText, Scans, find_heading, page_text
from docindex.loaders.pdfium import PdfiumError, render_pages
from docindex.schema import Problem, Source


def read_scans(source: Source, pages: Sequence[PageText], started: float) -> Scans:
    """Fills in the text of pages that have none. Nothing is made up: what is not read stays without text.

    Args:
        source: The file.
        pages: All of its pages.
        started: When loading it began, on the monotonic clock: OCR ends before the time for the file does.
    """
    blank = [index for index, page in enumerate(pages) if not page.text]
    deadline = started + SHARE_OF_TIME * source.options.limits.seconds
    read: list[int] = []
    failed: dict[int, str] = {}
    try:
        ocr = Ocr()
        for picture in render_pages(source.path, source.options.password, blank, DPI, MOST_PIXELS):
            number = picture.index + 1
            left = deadline - time.monotonic()
            if left < 1:
                late = f"OCR ran out of time: {cure('seconds')}"
                failed |= {index + 1: late for index in blank if index >= picture.index}
                break
            if not picture.gray:
                failed[number] = "can't be drawn"
                continue
            try:
                text = ocr.read(from_gray(picture.width, picture.height, picture.gray), left)
            except OcrError as error:
                failed[number] = str(error)
                continue
            if _fill(pages[picture.index], text):
                read.append(number)
    except (OcrError, PdfiumError) as error:
        failed |= {index + 1: str(error) for index in blank}
    return Scans(tuple(read), _problem(source, failed))


def _fill(page: PageText, text: str) -> bool:
    page.text = page_text(text)
    page.outline[:] = [
        OutlineItem(item.level, item.title, find_heading(page.text, item.title, None)) for item in page.outline
    ]
    return bool(page.text)


def _problem(source: Source, failed: dict[int, str]) -> Problem | None:
    if not failed:
        return None
    first, reason = next(iter(failed.items()))
    which = f"page {first}" if len(failed) == 1 else f"page {first} and {len(failed) - 1} more"
    return Problem(source.name, f"{which} without text: {reason}")
