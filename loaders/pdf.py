"""PDF: text page by page with tables, page labels, outline and document properties."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from docindex.errors import LoadError
from docindex.loaders.decoding import clean, reading
from docindex.loaders.limits import cure
from docindex.loaders.pdf_layout import Laid, PageText, Scans, TooManyPagesError, lay_out, pdf_datetime
from docindex.loaders.pdf_repair import read_repaired
from docindex.loaders.pdfium import PASSWORD_ERROR, SECURITY_ERROR, PdfiumError, read_pdf
from docindex.loaders.values import LONGEST_STRING
from docindex.protocols import Loaded
from docindex.schema import Document, MetadataValue, Source, Unread

_HEAD = 1024
_LONGEST_TITLE = 120
_NO_TITLE = ("untitled", "microsoft word", "microsoft powerpoint", "powerpoint presentation")


class PdfLoader:
    """One document a file. Pages without a text layer, such as scans, are empty spans unless `LoadOptions.ocr` is set.

    Headings are the outline's, at the place of their text. Read by PDFium; by pypdf where PDFium gives up.
    """

    def load(self, source: Source) -> Iterator[Loaded]:
        """The file as one document, then what OCR could not read of it.

        Raises:
            LoadError: The file is no PDF, damaged beyond repair, or encrypted and the password missing or wrong; or it
                has more pages than the limits allow.
            MissingDependencyError: OCR was asked for and is needed, and the extra `ocr` is not installed.
        """
        started = time.monotonic()
        with reading(source), source.path.open("rb") as file:
            if b"%PDF-" not in file.read(_HEAD):
                raise LoadError(source.name, "is not a PDF file")
        pages, information = _read(source)
        if not pages:
            raise LoadError(source.name, "has no pages")
        scans = _read_scans(source, pages, started)
        laid = lay_out(pages)
        yield Document(
            doc_id=source.name,
            source=source.name,
            text=laid.text,
            media_type=source.media_type,
            title=_title(information, laid),
            metadata=_metadata(information) | scans.metadata,
            pages=laid.pages,
            headings=laid.headings,
            tables=laid.tables,
        )
        yield from unread_tables(source, pages)
        if scans.problem is not None:
            yield scans.problem


def _read_scans(source: Source, pages: list[PageText], started: float) -> Scans:
    if not source.options.ocr or all(page.text for page in pages):
        return Scans()
    from docindex.loaders.pdf_scans import read_scans  # needs an extra

    return read_scans(source, pages, started)


def unread_tables(source: Source, pages: list[PageText]) -> Iterator[Unread]:
    """The pages whose tables stand in the text only as lines."""
    numbers = [number for number, page in enumerate(pages, 1) if page.unread_tables]
    if numbers:
        which = f"page {numbers[0]}" + (f" and {len(numbers) - 1} more" if len(numbers) > 1 else "")
        yield Unread(source.name, f"the tables of {which} are only lines of text: their cells can't be told from it")


def _read(source: Source) -> tuple[list[PageText], Mapping[str, str]]:
    """The pages, and the entries of the information dictionary."""
    password, most = source.options.password, source.options.limits.pages
    try:
        return read_pdf(source.path, password, most)
    except TooManyPagesError as error:
        raise LoadError(source.name, _too_many(error, most)) from error
    except PdfiumError as error:
        if error.err_code == PASSWORD_ERROR:
            reason = "wrong password: give the right one with --password" if password else "encrypted: give --password"
            raise LoadError(source.name, reason) from error
        if error.err_code == SECURITY_ERROR:
            raise LoadError(source.name, "is protected in a way that can't be opened") from error
        return _repaired(source)


def _repaired(source: Source) -> tuple[list[PageText], Mapping[str, str]]:
    most = source.options.limits.pages
    try:
        return read_repaired(source.path, source.options.password, most)
    except TooManyPagesError as error:
        raise LoadError(source.name, _too_many(error, most)) from error
    except Exception as error:
        raise LoadError(source.name, "is too damaged to be read as PDF") from error


def _too_many(error: TooManyPagesError, most: int) -> str:
    return f"has {error.pages} pages, more than {most}: {cure('pages')}"


def _title(information: Mapping[str, str], laid: Laid) -> str:
    """The document property, or the first line of the first page that has text."""
    named = " ".join(clean(information.get("Title", "")).split())
    if named and not named.lower().startswith(_NO_TITLE):
        return named
    start = next((page.start for page in laid.pages if page.start < page.end), 0)
    if laid.tables and laid.tables[0].start == start:
        return ""
    line = laid.text[start:].lstrip().partition("\n")[0].strip()
    return line if len(line) <= _LONGEST_TITLE else ""


def _metadata(information: Mapping[str, str]) -> dict[str, MetadataValue]:
    found: dict[str, MetadataValue] = {}
    for field, entry in (("author", "Author"), ("subject", "Subject")):
        value = clean(information.get(entry, "")).strip()
        if value and len(value) <= LONGEST_STRING:
            found[field] = value
    keywords = [word.strip() for word in clean(information.get("Keywords", "")).replace(";", ",").split(",")]
    if any(keywords):
        found["keywords"] = tuple(word for word in keywords if word)
    for field, entry in (("date", "CreationDate"), ("modified", "ModDate")):
        moment = pdf_datetime(information.get(entry, ""))
        if moment:
            found[field] = moment
    return found
