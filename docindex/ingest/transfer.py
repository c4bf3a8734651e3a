"""One HTTP GET into a file: paced by host, tried again where that helps, bounded in bytes and in time."""

from __future__ import annotations

import logging
import ssl
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import httpx2

from docindex.config import WebOptions
from docindex.ingest.addresses import AddressPolicy, CheckedTransport, RefusedAddressError

logger = logging.getLogger("docindex")

_TRY_AGAIN = frozenset((429, 500, 502, 503, 504))
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_WITH_BODY = frozenset((200, 203, 204, 205))
_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class Received:
    """An answer with a body, which is in the file."""

    path: Path
    bytes: int
    headers: httpx2.Headers


@dataclass(frozen=True, slots=True)
class Moved:
    """A redirect; `location` as the server writes it."""

    location: str


@dataclass(frozen=True, slots=True)
class Unmodified:
    """The server still has the state that was asked about."""


@dataclass(frozen=True, slots=True)
class Failed:
    """No usable answer."""

    reason: str
    status: int | None = None
    """The HTTP status, where there was one."""


Answer = Received | Moved | Unmodified | Failed


class _TransientError(Exception):
    """A failure that may be over in a moment."""

    def __init__(self, failed: Failed, wait: float = 0.0) -> None:
        super().__init__(failed.reason)
        self.failed = failed
        self.wait = wait


class Transfers:
    """Makes requests one after another; keeps connections, and no cookies."""

    def __init__(self, options: WebOptions, policy: AddressPolicy, ssl_context: ssl.SSLContext) -> None:
        self._options = options
        self._transport = CheckedTransport(policy, ssl_context)
        self._client = httpx2.Client(
            transport=self._transport,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            timeout=options.timeout,
            trust_env=False,
            headers={
                "User-Agent": options.user_agent,
                "Accept": "text/html, application/xhtml+xml, text/*;q=0.9, application/xml;q=0.9, */*;q=0.8",
                "Accept-Encoding": "gzip",  # what can be unpacked bit by bit without holding more than is asked for
            },
        )
        self._free: dict[str, float] = {}
        """For each host when the next request to it may begin."""

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def get(
        self, url: httpx2.URL, into: Path, headers: Mapping[str, str], *, limit: int, delay: float | None
    ) -> Answer:
        """What the server answers; a body of at most `limit` bytes, unpacked, goes into the file.

        Args:
            url: Whose host is asked.
            into: The file to write.
            headers: To send besides the usual ones.
            limit: Bytes.
            delay: The least time between two requests to the host in seconds, which may be longer by the rate;
                None for a request that need not wait its turn.
        """
        for attempt in range(1, self._options.attempts + 1):
            if delay is not None:
                self._wait_for_turn(url, delay)
            try:
                return self._once(url, into, headers, limit)
            except _TransientError as error:
                wait = max(error.wait, 2.0 ** (attempt - 1))
                if attempt == self._options.attempts:
                    return error.failed
                if wait > self._options.longest_wait:
                    return Failed(f"{error.failed.reason}, and asks to wait {wait:.0f} s", error.failed.status)
                logger.info("%s: %s; trying again in %.0f s", url, error.failed.reason, wait)
                time.sleep(wait)
        raise AssertionError("the last attempt returns")

    def _wait_for_turn(self, url: httpx2.URL, delay: float) -> None:
        now = time.monotonic()
        begin = max(now, self._free.get(url.host, now))
        gap = max(1.0 / self._options.rate, min(delay, self._options.longest_wait))
        self._free[url.host] = begin + gap
        if begin > now:
            time.sleep(begin - now)

    def _once(self, url: httpx2.URL, into: Path, headers: Mapping[str, str], limit: int) -> Answer:
        self._transport.limit(self._options.seconds)
        try:
            with self._client.stream("GET", url, headers=headers) as response:
                answer = _taken(response, into, limit)
                if not isinstance(answer, Received):
                    into.unlink(missing_ok=True)
                return answer
        except RefusedAddressError as error:
            return Failed(str(error))
        except httpx2.ConnectError as error:
            return Failed(f"can't be reached: {error}")
        except httpx2.TimeoutException as error:
            if self._transport.expired:
                return Failed(f"the server is not done after {self._options.seconds:g} s")
            raise _TransientError(Failed("the server takes too long to answer")) from error
        except httpx2.TransportError as error:
            raise _TransientError(Failed(f"the connection broke: {str(error) or type(error).__name__}")) from error
        except httpx2.InvalidURL as error:
            return Failed(f"is not a usable address: {error}")


def _taken(response: httpx2.Response, into: Path, limit: int) -> Answer:
    status = response.status_code
    if status == 304:
        return Unmodified()
    if status in _REDIRECTS:
        location = response.headers.get("location")
        return Moved(location) if location else Failed("redirects to nowhere", status)
    if status not in _WITH_BODY:
        failed = Failed(f"the server answers {status} {response.reason_phrase}".rstrip(), status)
        if status in _TRY_AGAIN:
            raise _TransientError(failed, _retry_after(response.headers.get("retry-after")))
        return failed
    too_large = Failed(f"holds more than {limit:,} bytes", status)
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and len(announced) < 20 and int(announced) > limit:
        return too_large
    size = 0
    try:
        with into.open("wb") as file:
            for block in _unpacked(response):
                size += len(block)
                if size > limit:
                    return too_large
                file.write(block)
    except zlib.error as error:
        raise _TransientError(Failed(f"its compressed body is damaged: {error}")) from error
    except _EncodingError as error:
        return Failed(str(error))
    return Received(into, size, response.headers)


class _EncodingError(Exception):
    """A body in a form that was not asked for."""


def _unpacked(response: httpx2.Response) -> Iterator[bytes]:
    """The body in blocks of bounded size, however much a few of its bytes unpack to."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        yield from response.iter_raw(_BLOCK)
    elif encoding in ("gzip", "x-gzip"):
        yield from _gunzipped(response.iter_raw(_BLOCK))
    else:
        raise _EncodingError(f"comes in the encoding {encoding!r}, which can't be read")


def _gunzipped(blocks: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    begun = False
    for block in blocks:
        data = block
        while data:
            if unpacker.eof:
                unpacker, begun = zlib.decompressobj(zlib.MAX_WBITS | 16), False
            begun = True
            yield unpacker.decompress(data, _BLOCK)
            data = unpacker.unconsumed_tail or unpacker.unused_data
    if begun and not unpacker.eof:
        yield unpacker.flush()
        if not unpacker.eof:
            raise zlib.error("it ends in the middle")


def _retry_after(value: str | None) -> float:
    """Seconds that a Retry-After header asks for: it has a number of them, or a date."""
    value = (value or "").strip()
    if value.isdecimal() and len(value) < 10:
        return float(value)
    moment = http_date(value)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment else 0.0


def http_date(value: str | None) -> datetime | None:
    """The moment that a date of a header names, in UTC."""
    try:
        moment = parsedate_to_datetime(value or "")
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
