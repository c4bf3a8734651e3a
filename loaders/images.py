"""Pictures, such as scans and photographs of documents: read when `LoadOptions.ocr` says so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import PurePosixPath

from docindex.errors import LoadError
from docindex.loaders.decoding import reading
from docindex.loaders.limits import cure
from docindex.loaders.pdf_layout import PageText, lay_out, page_text
from docindex.protocols import Loaded
from docindex.schema import Document, Problem, Source, Unread


class ImageLoader:
    """The text in a picture; each picture of a file that holds several, as TIFF does, is a page."""

    def load(self, source: Source) -> Iterator[Loaded]:
        """The picture as a document, or why it is none.

        Raises:
            LoadError: The file can't be read, is no picture, or OCR does not work.
            MissingDependencyError: OCR was asked for, and the extra `ocr` is not installed.
        """
        if not source.options.ocr:
            with reading(source), source.path.open("rb"):
                pass
            yield Unread(source.name, "a picture: its text is read with --ocr")
            return
        pages, problem = _read(source)
        laid = lay_out(pages)
        if not laid.text:
            yield problem or Unread(source.name, "a picture without text that OCR can find")
            return
        yield Document(
            doc_id=source.name,
            source=source.name,
            text=laid.text,
            media_type=source.media_type,
            title=PurePosixPath(source.name).stem,
            metadata={"ocr_pages": tuple(str(number) for number, page in enumerate(pages, 1) if page.text)},
            pages=laid.pages,
        )
        if problem is not None:
            yield problem


def _read(source: Source) -> tuple[list[PageText], Problem | None]:
    from docindex.loaders.ocr import SHARE_OF_TIME, Ocr, OcrError, open_pictures

    limits = source.options.limits
    deadline = time.monotonic() + SHARE_OF_TIME * limits.seconds
    pages: list[PageText] = []
    problems: list[str] = []
    try:
        ocr = Ocr()
    except OcrError as error:
        raise LoadError(source.name, str(error)) from error
    for picture in open_pictures(source):
        if len(pages) == limits.pages:
            raise LoadError(source.name, f"has more than {limits.pages} pages: {cure('pages')}")
        text = ""
        if (left := deadline - time.monotonic()) < 1:
            problems.append("OCR ran out of time")
        else:
            try:
                text = ocr.read(picture, left)
            except OcrError as error:
                problems.append(str(error))
        pages.append(PageText(page_text(text)))
    reason = f"{len(problems)} of {len(pages)} pictures not read: {problems[0]}" if problems else ""
    return pages, Problem(source.name, reason) if reason else None
