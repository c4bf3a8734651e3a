"""Jupyter notebooks: text, code and what it gave, in the order of the cells."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from nbformat import NBFormatError, ValidationError, convert, reader

from docindex.errors import LoadError
from docindex.loaders.decoding import decode, read_bytes
from docindex.loaders.json_text import parse_json
from docindex.loaders.limits import check_file_size
from docindex.loaders.notebook_cells import Json, MarkdownCells, joined, objects, write_code, write_outputs
from docindex.loaders.values import metadata_value
from docindex.loaders.writing import DocumentWriter
from docindex.schema import Document, MetadataValue, Page, Source

_VERSION = 4
_PAGE = 500
"""Characters after which a cell that follows others is on a page of its own."""
_parse: Callable[..., object] = reader.reads  # the library has no types for these
_upgrade: Callable[[object, int], object] = convert
_NO_NOTEBOOK = (AttributeError, LookupError, NameError, TypeError, ValueError, ValidationError, NBFormatError)
"""What they raise for one that is not as they expect."""


class NotebookLoader:
    """One document a file. Versions before the fourth are upgraded first.

    The text of a cell stands as written; its headings are headings of the document. A page is a few cells that belong
    together, such as a text and the code that it introduces, or one long cell; its label says which: "cells 3-5".
    Results are read as they are shown, data frames as tables, errors without most of their traceback; pictures are left
    out.
    """

    def __init__(self) -> None:
        self._markdown = MarkdownCells()

    def load(self, source: Source) -> Iterator[Document]:
        """The file as one document.

        Raises:
            LoadError: The file can't be read or is no notebook.
        """
        check_file_size(source)
        notebook = _read(source, decode(source, read_bytes(source)))
        cells = objects(notebook.get("cells"))
        about = notebook.get("metadata")
        metadata = _metadata(about if isinstance(about, Mapping) else {}, len(cells))
        try:
            document, title = self._written(source, cells)
        except RecursionError as error:
            raise LoadError(source.name, "has a cell that is nested too deeply") from error
        named = metadata.pop("title", None) or title or PurePosixPath(source.name).stem
        yield replace(document, title=str(named), metadata=metadata)

    def _written(self, source: Source, cells: list[Json]) -> tuple[Document, str]:
        """The cells as a document, and the title that it has if the notebook says no other."""
        writer, title = DocumentWriter(), ""
        pages: list[_CellPage] = []
        for number, cell in enumerate(cells, 1):
            start = writer.length
            is_code = cell.get("cell_type") == "code"
            text = joined(cell.get("source"))
            if is_code:
                write_code(writer, text, cell.get("execution_count"))
                write_outputs(writer, self._markdown, objects(cell.get("outputs")))
            elif cell.get("cell_type") == "markdown":
                title = self._markdown.write(writer, text, title)
            else:
                writer.code(text)
            if writer.length == start:
                continue
            page = pages[-1] if pages else None
            if page is None or (page.has_code and not is_code) or start - page.start >= _PAGE:
                pages.append(_CellPage(number, number, start, is_code))
            else:
                page.last, page.has_code = number, is_code
        document = writer.document(source)
        return replace(document, pages=tuple(_placed(document.text, pages))), title


@dataclass(slots=True)
class _CellPage:
    """Cells that are a page."""

    first: int
    last: int
    start: int
    has_code: bool


def _placed(text: str, pages: list[_CellPage]) -> Iterator[Page]:
    borders = [*(page.start for page in pages), len(text)]
    for number, (page, end) in enumerate(zip(pages, borders[1:], strict=True), 1):
        label = f"cell {page.first}" if page.first == page.last else f"cells {page.first}-{page.last}"
        start = page.start + (2 if page.start else 0)  # the empty line before it
        yield Page(number, start, end, label)


def _read(source: Source, text: str) -> Json:
    try:
        notebook = parse_json(text)
        if isinstance(notebook, dict) and "cells" not in notebook:
            with warnings.catch_warnings(action="ignore"):  # of what newer versions have and older ones lack
                notebook = _upgrade(_parse(json.dumps(notebook)), _VERSION)
    except RecursionError as error:
        raise LoadError(source.name, "is nested too deeply to be a notebook") from error
    except _NO_NOTEBOOK as error:
        raise LoadError(source.name, f"is not a notebook ({' '.join(str(error).split())[:100]})") from error
    if not isinstance(notebook, Mapping) or not isinstance(notebook.get("cells"), list):
        raise LoadError(source.name, "is not a notebook: it has no cells")
    return notebook


def _metadata(about: Json, cells: int) -> dict[str, MetadataValue]:
    found: dict[str, MetadataValue] = {"cells": cells}
    title = about.get("title")
    if isinstance(title, str) and title.strip():
        found["title"] = " ".join(title.split())
    authors = tuple(str(author["name"]) for author in objects(about.get("authors")) if author.get("name"))
    if authors:
        found["author"] = authors[0] if len(authors) == 1 else authors
    for place, name in (("language_info", "name"), ("kernelspec", "language")):
        said = about.get(place)
        language = metadata_value(said.get(name)) if isinstance(said, Mapping) else None
        if isinstance(language, str):
            found.setdefault("language", language)
    return found
