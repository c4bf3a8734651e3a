"""Optical character recognition by tesseract, which the extra `ocr` calls. It is a program of its own."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol, cast

from docindex.errors import DocindexError, LoadError, MissingDependencyError
from docindex.loaders.decoding import reading
from docindex.schema import Source

try:
    import pytesseract
    from PIL import Image, ImageOps, UnidentifiedImageError
except ModuleNotFoundError as error:
    raise MissingDependencyError("pytesseract", "ocr") from error

DPI: Final = 300
"""What tesseract is made for."""
MOST_PIXELS: Final = 40_000_000
"""Of a picture that is read; a larger one is made smaller first. A page of A3 at 300 dpi has 17 million."""

SHARE_OF_TIME: Final = 0.8
"""The part of `limits.seconds` that OCR may take, so that what it has read by then arrives."""

MOST_SECONDS: Final = 60.0
"""That one picture may take, of however much time there is."""

_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "PPM")
_THREADS: Final = "OMP_THREAD_LIMIT"
_SMALLEST: Final = 16
"""Pixels: what is narrower holds no writing."""
_MOST_LANGUAGES: Final = 4
_NO_LANGUAGES = frozenset(("osd", "equ", "snum"))


class OcrError(DocindexError):
    """A picture that could not be read; the message says why."""


class _Tesseract(Protocol):
    def get_languages(self) -> list[str]: ...
    def image_to_string(self, image: Image.Image, *, lang: str, config: str, timeout: float) -> str: ...


_tesseract = cast("_Tesseract", pytesseract)
_NotFoundError: type[Exception] = pytesseract.TesseractNotFoundError


class Ocr:
    """Reads pictures in the languages that are installed for tesseract, unless they are more than four: then English.

    Debian has a package for each (tesseract-ocr-deu, ...). A picture is read for each of them, so many are slow.
    """

    def __init__(self) -> None:
        """Looks for the program.

        Raises:
            OcrError: It is not installed, or without any language.
        """
        try:
            installed = [name for name in _tesseract.get_languages() if name not in _NO_LANGUAGES]
        except _NotFoundError as error:
            raise OcrError("OCR needs the program tesseract: install it (Debian: apt install tesseract-ocr)") from error
        if not installed:
            raise OcrError("tesseract has no language installed (Debian: apt install tesseract-ocr-eng)")
        self._languages = "+".join(_chosen(installed))

    def read(self, image: Image.Image, seconds: float) -> str:
        """The text in a picture, line by line; none if there is nothing in it.

        A page takes from one to ten seconds.

        Raises:
            OcrError: It took longer than so many seconds, or tesseract failed.
        """
        seconds = min(seconds, MOST_SECONDS)
        gray = _prepared(image)
        darkest, lightest = cast("tuple[int, int]", gray.getextrema())
        if min(gray.size) < _SMALLEST or darkest == lightest:
            return ""
        try:
            with _on_one_core():
                return _tesseract.image_to_string(
                    gray, lang=self._languages, config=f"--dpi {DPI}", timeout=seconds
                ).strip()
        except _NotFoundError as error:
            raise OcrError("the program tesseract is gone") from error
        except RuntimeError as error:  # its own errors are RuntimeErrors, too
            slow = "timeout" in str(error)
            raise OcrError(
                f"took longer than {seconds:.0f} s" if slow else f"tesseract failed: {error.args[-1]}"
            ) from error


def open_pictures(source: Source) -> Iterator[Image.Image]:
    """The pictures in a file: the pages of a TIFF, one of any other format. Each is closed when the next is asked for.

    Raises:
        LoadError: The file can't be read, or is no picture of a known format.
    """
    with reading(source):
        file = source.path.open("rb")
    with file:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about size, which is looked after, and damaged properties
                with Image.open(file, formats=_FORMATS) as image:
                    for number in range(getattr(image, "n_frames", 1) if image.format == "TIFF" else 1):
                        image.seek(number)
                        yield image.copy()
        except UnidentifiedImageError as error:
            raise LoadError(source.name, "is no picture that can be read") from error
        except Exception as error:
            raise LoadError(source.name, f"is a picture that can't be read ({error})") from error


def from_gray(width: int, height: int, data: bytes) -> Image.Image:
    """A picture of one byte a pixel."""
    return Image.frombytes("L", (width, height), data)


@contextmanager
def _on_one_core() -> Iterator[None]:
    """Keeps tesseract to one thread: four of them take five times the processor time and are no sooner done."""
    if _THREADS in os.environ:
        yield
        return
    os.environ[_THREADS] = "1"  # the library hands its own environment on, and takes no other
    try:
        yield
    finally:
        os.environ.pop(_THREADS, None)


def _prepared(image: Image.Image) -> Image.Image:
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        white = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(white, upright.convert("RGBA"))
    gray = upright.convert("L")
    pixels = gray.width * gray.height
    if pixels > MOST_PIXELS:
        gray = gray.reduce(int((pixels / MOST_PIXELS) ** 0.5) + 1)
    gray.format = "PPM"  # how the picture is handed over: packing it as PNG would take as long as some pages
    return gray


def _chosen(installed: Sequence[str]) -> list[str]:
    ordered = sorted(installed, key=lambda name: (name != "eng", name))
    return ordered if len(ordered) <= _MOST_LANGUAGES else ordered[:1]
