"""What is laid over a page of a PDF: fields that are filled in, text boxes, stamps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import c_ushort
from typing import Any, Final

import pypdfium2.raw as pdfium

_Handle = Any  # a pointer of ctypes

_WITH_TEXT: Final = frozenset((pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_FREETEXT, pdfium.FPDF_ANNOT_STAMP))
_PICTURES: Final = (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM)
_VALUES: Final = {pdfium.FPDF_ANNOT_WIDGET: b"V", pdfium.FPDF_ANNOT_FREETEXT: b"Contents"}
"""Where their text stands besides the drawing of it."""
_UNSEEN: Final = (
    pdfium.FPDF_ANNOT_FLAG_INVISIBLE | pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW
)  # fmt: skip


def flatten(page: _Handle) -> list[str] | None:
    """Draws what is laid over the page into it, and gives the texts that no drawing is kept of.

    None if there is nothing of the kind, and the page is as it was: links and marks count for nothing. So it is with a
    scan, which a stamp on it would make look like a page that has its text. Otherwise the page has to be loaded anew.
    Only what a reader sees is drawn.
    """
    found = False
    undrawn: list[str] = []
    unseen: list[int] = []
    for index in range(pdfium.FPDFPage_GetAnnotCount(page)):
        with _annotation(page, index) as annotation:
            kind = pdfium.FPDFAnnot_GetSubtype(annotation)
            if kind not in _WITH_TEXT:
                continue
            if pdfium.FPDFAnnot_GetFlags(annotation) & _UNSEEN:
                unseen.append(index)
                continue
            found = True
            if kind in _VALUES and not _string(
                pdfium.FPDFAnnot_GetAP, annotation, pdfium.FPDF_ANNOT_APPEARANCEMODE_NORMAL
            ):
                undrawn += filter(None, [_value(annotation, kind)])
    if not found or _is_picture(page):
        return None
    for index in reversed(unseen):
        pdfium.FPDFPage_RemoveAnnot(page, index)
    pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
    return undrawn


def _is_picture(page: _Handle) -> bool:
    reader = pdfium.FPDFText_LoadPage(page)
    try:
        if pdfium.FPDFText_CountChars(reader) > 0:
            return False
    finally:
        pdfium.FPDFText_ClosePage(reader)
    items = (pdfium.FPDFPage_GetObject(page, index) for index in range(pdfium.FPDFPage_CountObjects(page)))
    return any(pdfium.FPDFPageObj_GetType(item) in _PICTURES for item in items)


@contextmanager
def _annotation(page: _Handle, index: int) -> Iterator[_Handle]:
    annotation = pdfium.FPDFPage_GetAnnot(page, index)
    try:
        yield annotation
    finally:
        pdfium.FPDFPage_CloseAnnot(annotation)


def _value(annotation: _Handle, kind: int) -> str:
    """The text of an annotation that programs are to draw themselves; empty for fields of other kinds than text."""
    key = _VALUES[kind]
    if pdfium.FPDFAnnot_GetValueType(annotation, key) != pdfium.FPDF_OBJECT_STRING:
        return ""
    return _string(pdfium.FPDFAnnot_GetStringValue, annotation, key)


def _string(read: Any, annotation: _Handle, which: bytes | int) -> str:  # noqa: ANN401
    size = read(annotation, which, None, 0)
    buffer = (c_ushort * (size // 2 + 1))()
    read(annotation, which, buffer, size)
    return bytes(buffer)[:size].decode("utf-16-le", "replace").rstrip("\0")
