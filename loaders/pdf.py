"""PDF: text page by page with page labels, outline and document properties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from docindex.errors import LoadError
from docindex.loaders.decoding import clean, reading
from docindex.loaders.pdf_layout import PageText, lay_out, pdf_datetime
from docindex.loaders.pdf_repair import read_repaired
from docindex.loaders.pdfium import PASSWORD_ERROR, SECURITY_ERROR, PdfiumError, read_pdf
from docindex.loaders.values import LONGEST_STRING
from docindex.schema import Document, MetadataValue, Page, Source

_HEAD = 1024
_LONGEST_TITLE = 120
_NO_TITLE = ("untitled", "microsoft word", "microsoft powerpoint", "powerpoint presentation")


class PdfLoader:
    """One document a file. Pages without a text layer, such as scans, are empty spans.

    Headings are the outline's, at the place of their text. Read by PDFium; by pypdf where PDFium gives up.
    """

    def load(self, source: Source) -> Iterator[Document]:
        """The file as one document.

        Raises:
            LoadError: The file is no PDF, damaged beyond repair, or encrypted and the password missing or wrong.
        """
        with reading(source), source.path.open("rb") as file:
            if b"%PDF-" not in file.read(_HEAD):
                raise LoadError(source.name, "is not a PDF file")
        pages, information = _read(source)
        if not pages:
            raise LoadError(source.name, "has no pages")
        laid = lay_out(pages)
        yield Document(
            doc_id=source.name,
            source=source.name,
            text=laid.text,
            media_type=source.media_type,
            title=_title(information, laid.text, laid.pages),
            metadata=_metadata(information),
            pages=laid.pages,
            headings=laid.headings,
        )


def _read(source: Source) -> tuple[list[PageText], Mapping[str, str]]:
    """The pages, and the entries of the information dictionary."""
    password = source.options.password
    try:
        return read_pdf(source.path, password)
    except PdfiumError as error:
        if error.err_code == PASSWORD_ERROR:
            reason = "wrong password: give the right one with --password" if password else "encrypted: give --password"
            raise LoadError(source.name, reason) from error
        if error.err_code == SECURITY_ERROR:
            raise LoadError(source.name, "is protected in a way that can't be opened") from error
        return _repaired(source)


def _repaired(source: Source) -> tuple[list[PageText], Mapping[str, str]]:
    try:
        return read_repaired(source.path, source.options.password)
    except Exception as error:
        raise LoadError(source.name, "is too damaged to be read as PDF") from error


def _title(information: Mapping[str, str], text: str, pages: tuple[Page, ...]) -> str:
    """The document property, or the first line of the first page that has text."""
    named = " ".join(clean(information.get("Title", "")).split())
    if named and not named.lower().startswith(_NO_TITLE):
        return named
    start = next((page.start for page in pages if page.start < page.end), 0)
    line = text[start:].lstrip().partition("\n")[0].strip()
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
