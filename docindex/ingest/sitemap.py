"""Sitemaps: which pages an XML sitemap lists, by itself and by the further sitemaps that it names.

Source: the Sitemaps XML format of sitemaps.org.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from docindex.errors import LoadError
from docindex.ingest.urls import site, usable
from docindex.schema import Problem

_DEEPEST = 3
_MOST_SITEMAPS = 1000
_GZIP = b"\x1f\x8b"
_HEAD = 8192
_ROOT = re.compile(rb"(?:\s|<\?.*?\?>|<!--.*?-->)*<(?:[\w-]+:)?(?:urlset|sitemapindex)[\s>/]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a sitemap."""

    url: str
    is_sitemap: bool


def is_sitemap(path: Path) -> bool:
    """Whether the file, which may be compressed, begins as a sitemap or as an index of sitemaps does."""
    try:
        with _opened(path) as file:
            head = file.read(_HEAD)
    except (OSError, EOFError, zlib.error):
        return False
    return _ROOT.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def entries(path: Path, name: str, limit: int) -> Iterator[Entry]:
    """What the sitemap lists, in its order; read as a stream.

    Args:
        path: The file, which may be compressed.
        name: What errors call it.
        limit: How many bytes it may hold when it is unpacked.

    Raises:
        LoadError: It is no sound XML, declares entities or is too large; what was yielded before is sound.
    """
    try:
        with closing(_opened(path)) as file:
            parser = iterparse(_Bounded(file, limit), events=("start", "end"), forbid_dtd=True)
            root: Element | None = None
            for event, element in parser:
                root = element if root is None else root
                if event == "end" and _local(element) in ("url", "sitemap"):
                    address = next((child.text for child in element if _local(child) == "loc"), None)
                    if address and address.strip():
                        yield Entry(address.strip(), _local(element) == "sitemap")
                    root.clear()
    except ParseError as error:
        raise LoadError(name, f"is not a sound sitemap: {error}") from error
    except DefusedXmlException as error:
        raise LoadError(name, "is a sitemap that declares a document type or entities: it is not read") from error
    except _TooLargeError as error:
        raise LoadError(name, f"is a sitemap of more than {limit:,} bytes") from error
    except (OSError, EOFError, zlib.error) as error:
        raise LoadError(name, f"can't be unpacked: {error}") from error


class Listing:
    """The pages of one sitemap and of those that it names, each once, in order, and what of it is left out.

    Pages of other sites than the sitemap's are left out, as the format asks: nobody can list another's pages.
    """

    def __init__(self, url: str, path: Path, fetch: Callable[[str], Path], *, max_pages: int, max_bytes: int) -> None:
        self._url = url
        self._fetch = fetch
        self._max_pages = max_pages
        self._max_bytes = max_bytes
        self._site = site(usable(url))
        self._seen = {url}
        self._waiting = deque([(url, path, 1)])
        self._sitemaps = 1

    def __iter__(self) -> Iterator[str | Problem]:
        pages = 0
        foreign: Counter[str] = Counter()
        for found in self._pages():
            if isinstance(found, Problem):
                yield found
            elif (of := site(usable(found))) != self._site:
                foreign[of] += 1
            elif pages == self._max_pages:
                yield Problem(self._url, f"lists more than {pages:,} pages: the first ones are read, see max_pages")
                break
            else:
                pages += 1
                yield found
        for of, count in foreign.items():
            yield Problem(self._url, f"lists {count:,} pages of another site, {of}: they are left out")

    def _pages(self) -> Iterator[str | Problem]:
        while self._waiting:
            url, path, depth = self._waiting.popleft()
            try:
                for entry in entries(path, url, self._max_bytes):
                    yield from self._entry(entry, depth)
            except LoadError as error:
                yield Problem(error.source, error.reason)

    def _entry(self, entry: Entry, depth: int) -> Iterator[str | Problem]:
        try:
            address = str(usable(entry.url))
            if address in self._seen:
                return
            self._seen.add(address)
            if not entry.is_sitemap:
                yield address
            elif depth == _DEEPEST:
                yield Problem(address, f"is a sitemap more than {_DEEPEST} deep")
            elif self._sitemaps == _MOST_SITEMAPS:
                yield Problem(address, f"is one of more than {_MOST_SITEMAPS:,} sitemaps of a site")
            else:
                self._sitemaps += 1
                self._waiting.append((address, self._fetch(address), depth + 1))
        except LoadError as error:
            yield Problem(error.source, error.reason)


class _TooLargeError(Exception):
    """More bytes than allowed."""


class _Bounded:
    """A file that ends the reading of it when it holds too much."""

    def __init__(self, file: io.BufferedIOBase, limit: int) -> None:
        self._file = file
        self._left = limit

    def read(self, size: int = -1, /) -> bytes:
        block = self._file.read(size)
        self._left -= len(block)
        if self._left < 0:
            raise _TooLargeError
        return block


def _opened(path: Path) -> io.BufferedIOBase:
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    return gzip.open(path) if packed else path.open("rb")


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
