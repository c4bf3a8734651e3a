"""Web pages as sources: fetched politely into files, with what is needed to fetch only what has changed next time."""

from __future__ import annotations

import codecs
import re
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from pathlib import Path, PurePosixPath
from types import MappingProxyType, TracebackType
from typing import Self

import httpx2

from docindex.config import WebOptions
from docindex.errors import LoadError
from docindex.ingest.addresses import AddressPolicy, is_public
from docindex.ingest.robots import SiteRules, site_rules
from docindex.ingest.sitemap import Listing, is_sitemap
from docindex.ingest.transfer import Answer, Failed, Moved, Received, Transfers, Unmodified, http_date
from docindex.ingest.urls import joined, normalised, usable
from docindex.schema import Problem

__all__ = ["Fetched", "NotModified", "WebFetcher", "normalised", "pages"]

_REDIRECTS = 10
_LONGEST_ROBOTS = 8 << 20
_LONGEST_VALIDATOR = 500
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,12}")
_SAYS_NOTHING = frozenset(("", "application/octet-stream", "binary/octet-stream", "text/plain", "application/unknown"))
_MARKED = frozenset(("application/xhtml+xml",))
_AS_MEANT = {"iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252"}
"""Encodings whose names servers use for a wider one, as browsers know."""
_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_NOTHING_KNOWN: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page in a file."""

    url: str
    """Where it was in the end, in normal form: redirects were followed."""
    path: Path
    """The fetcher deletes it when it is closed. Its suffix is the address's."""
    media_type: str | None
    """As the server says; None where it says nothing that the file's name and content don't say better."""
    validator: str | None
    """What the server calls this state of the page."""
    bytes: int
    modified_at: datetime | None


@dataclass(frozen=True, slots=True)
class NotModified:
    """A page is as it was when the server gave the validator that was sent."""

    url: str


class WebFetcher:
    """Fetches pages by one thread, one after another; a context manager that owns the files.

    Sites are asked for their robots.txt first and obeyed, hosts are not asked more often than the options or the site
    allow, and addresses that are not public are refused, also behind redirects. No cookies are kept and no proxy used.
    """

    def __init__(
        self,
        options: WebOptions,
        *,
        policy: AddressPolicy | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._options = options
        self._policy = policy or AddressPolicy(allows=_any_address if options.allow_private else is_public)
        self._ssl_context = ssl_context or httpx2.create_ssl_context()
        self._stack = ExitStack()
        self._sites: dict[str, SiteRules] = {}
        self._files = 0
        self._bytes = 0

    def __enter__(self) -> Self:
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="docindex-web-")))
        self._transfers = Transfers(self._options, self._policy, self._ssl_context)
        self._stack.callback(self._transfers.close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def fetch(self, url: str, *, known: Mapping[str, str] = _NOTHING_KNOWN) -> Fetched | NotModified:
        """The page, unless it is as it is known.

        Args:
            url: Its address.
            known: For addresses in normal form the validator of the state that is known.

        Raises:
            LoadError: It can't be fetched, or must not be.
        """
        at = usable(url)
        for _ in range(_REDIRECTS + 1):
            name = str(at)
            rules = self._rules(at)
            if refusal := rules.refusal(name):
                raise LoadError(name, refusal)
            answer = self._get(at, known.get(name), rules.crawl_delay)
            match answer:
                case Moved():
                    at = joined(at, answer.location)
                case Unmodified() if name in known:
                    return NotModified(name)
                case Unmodified():
                    raise LoadError(name, "the server says that it is unchanged, and was not asked that")
                case Failed():
                    raise LoadError(name, answer.reason)
                case Received():
                    return self._fetched(name, answer)
        raise LoadError(str(at), f"is the end of more than {_REDIRECTS} redirects")

    def sitemap(self, url: str) -> Iterator[str | Problem]:
        """The addresses of the pages that a sitemap or an index of sitemaps lists, each once, in their order.

        What of it is left out, and further sitemaps that can't be read, are told of as problems.

        Raises:
            LoadError: The sitemap itself can't be read.
        """
        yield from self.listed(self._sitemap(url))

    def listed(self, found: Fetched) -> Iterator[str | Problem]:
        """As `sitemap`, of one that is fetched already."""
        options = self._options
        yield from Listing(
            found.url,
            found.path,
            lambda url: self._sitemap(url).path,
            max_pages=options.max_pages,
            max_bytes=options.max_bytes,
        )

    def _sitemap(self, url: str) -> Fetched:
        found = self.fetch(url)
        if isinstance(found, NotModified) or not is_sitemap(found.path):
            raise LoadError(found.url, "is not a sitemap")
        return found

    def _rules(self, at: httpx2.URL) -> SiteRules:
        origin = str(at.copy_with(raw_path=b"/robots.txt"))
        if origin not in self._sites:
            self._sites[origin] = site_rules(self._robots(usable(origin)), self._options.agent)
        return self._sites[origin]

    def _robots(self, at: httpx2.URL) -> Received | Failed:
        for _ in range(_REDIRECTS + 1):
            answer = self._transfers.get(at, self._next_path(".txt"), {}, limit=_LONGEST_ROBOTS, delay=None)
            match answer:
                case Moved():
                    try:
                        at = joined(at, answer.location)
                    except LoadError as error:
                        return Failed(error.reason)
                case Unmodified():
                    return Failed("the server answers 304, and was not asked that", 304)
                case _:
                    return answer
        return Failed("there are redirects without end", 404)  # by the RFC as if there were no such file

    def _get(self, at: httpx2.URL, validator: str | None, delay: float) -> Answer:
        left = self._options.total_bytes - self._bytes
        if left <= 0:
            return Failed(f"would be more than {self._options.total_bytes:,} bytes of pages in one ingest")
        path = self._next_path(PurePosixPath(at.path).suffix)
        return self._transfers.get(
            at, path, _conditions(validator), limit=min(self._options.max_bytes, left), delay=delay
        )

    def _next_path(self, suffix: str) -> Path:
        self._files += 1
        return self._folder / f"{self._files:06d}{suffix if _SUFFIX.fullmatch(suffix) else ''}"

    def _fetched(self, url: str, answer: Received) -> Fetched:
        media_type, charset = _content_type(answer.headers.get("content-type", ""))
        if charset and (media_type in _MARKED or media_type.startswith("text/")) and not media_type.endswith("xml"):
            _mark_encoding(answer.path, charset)
        size = answer.path.stat().st_size
        self._bytes += size
        return Fetched(
            url,
            answer.path,
            None if media_type in _SAYS_NOTHING else media_type,
            _validator(answer.headers),
            size,
            http_date(answer.headers.get("last-modified")),
        )


def pages(fetcher: WebFetcher, url: str, known: Mapping[str, str]) -> Iterator[Fetched | NotModified | Problem]:
    """The page at an address, or the pages of the sitemap that is there; each page once, and what is not to be had.

    Args:
        fetcher: An open one; the files are there until it is closed.
        url: Of a page, a sitemap or an index of sitemaps: what it is is told by its content.
        known: For each address in normal form that the index holds the validator of the state that it holds.
    """
    try:
        found = fetcher.fetch(url, known=known)
    except LoadError as error:
        yield Problem(error.source, error.reason)
        return
    if isinstance(found, NotModified) or not is_sitemap(found.path):
        yield found
        return
    seen = set()
    for listed in fetcher.listed(found):
        if isinstance(listed, Problem):
            yield listed
            continue
        try:
            page = fetcher.fetch(listed, known=known)
        except LoadError as error:
            yield Problem(error.source, error.reason)
            continue
        if page.url not in seen:  # where redirects of several addresses may end
            seen.add(page.url)
            yield page


def _any_address(_address: str) -> bool:
    return True


def _content_type(header: str) -> tuple[str, str | None]:
    message = Message()
    message["content-type"] = header or "application/octet-stream"
    charset = message.get_param("charset")
    return message.get_content_type(), charset if isinstance(charset, str) else None


def _validator(headers: httpx2.Headers) -> str | None:
    for name in ("etag", "last-modified"):
        value = headers.get(name, "").strip()
        if value and value.isprintable() and value.isascii() and len(value) <= _LONGEST_VALIDATOR:
            return f"{name}: {value}"
    return None


def _conditions(validator: str | None) -> dict[str, str]:
    """The headers that ask for a page only if it is not in the state that a server called so."""
    name, _, value = (validator or "").partition(": ")
    asks = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}.get(name)
    return {asks: value} if asks else {}


def _mark_encoding(path: Path, charset: str) -> None:
    """Writes the text anew as UTF-8 that says so, when it is sound in the encoding that its server names.

    So a loader need not be told, and does not follow what the page itself may wrongly say.
    """
    named = charset.strip().lower()
    copy = path.with_name(f"{path.name}.utf8")
    try:
        encoding = codecs.lookup(_AS_MEANT.get(named, named)).name
        with path.open("rb") as file:
            marked = file.read(4).startswith(_BOMS)
        if marked or encoding in ("utf-8", "utf-8-sig"):
            return
        with path.open(encoding=encoding, newline="") as text, copy.open("w", encoding="utf-8", newline="") as out:
            out.write("\ufeff")
            while block := text.read(1 << 16):
                out.write(block)
    except (LookupError, ValueError):  # a label that nobody knows, or a wrong one: what the bytes say decides
        copy.unlink(missing_ok=True)
        return
    copy.replace(path)
