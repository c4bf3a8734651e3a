"""Requests to a server of language models: bounded in time, tried again where that helps, secrets kept."""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpcore2
import httpx2

from docindex.config import HttpOptions
from docindex.errors import ConfigError, ModelError, QueryError
from docindex.llm.http_address import ServerAddress
from docindex.llm.http_connections import Connections, Watch, never
from docindex.llm.http_replies import DONE, reason_in, seconds_asked
from docindex.llm.sse import EventError, events

logger = logging.getLogger("docindex")

T = TypeVar("T")

_TRY_AGAIN = frozenset((408, 425, 429, 500, 502, 503, 504))
_FIRST_WAIT, _LONGEST_BACKOFF = 0.5, 8.0
_LONGEST_REPLY = 64 << 20


class NoSuchPathError(Exception):
    """The server does not offer what was asked for."""


class _TransientError(Exception):
    """A failure that may be over in a moment."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait
        """Seconds that the server asks to wait."""


@dataclass(frozen=True, slots=True)
class _Reply:
    """A reply with a status of success, its body yet to be read."""

    blocks: Iterator[bytes]
    is_json: bool

    def whole(self) -> bytes:
        body = bytearray()
        for block in self.blocks:
            body += block
            if len(body) > _LONGEST_REPLY:
                raise EventError(f"more than {_LONGEST_REPLY:,} bytes")
        return bytes(body)


class ServerRequests:
    """Asks one server. Several threads may share it.

    Redirects are not followed: they would take the prompt and the key to where nobody sent them.
    """

    def __init__(self, address: ServerAddress, key: str | None, options: HttpOptions) -> None:
        """Connects when something is asked.

        Raises:
            ConfigError: The key can't be one.
        """
        if key and not (key.isascii() and key.isprintable()):
            raise ConfigError(
                "The key of the model's server has characters that no key has: set DOCINDEX_LLM_KEY anew."
            )
        self._name = f"{address.api.host}:{address.api.port}" if address.api.port else address.api.host
        self._key = key
        self._options = options
        self._connections = Connections(address.api)
        if key and address.api.scheme == "http" and not address.is_local:
            logger.warning("The key for %s goes over the network in the clear: use https.", self._name)

    def close(self) -> None:
        """Closes the connections."""
        self._connections.close()

    def json(self, url: httpx2.URL, body: object = None, *, cancelled: Callable[[], bool] = never) -> Any:  # noqa: ANN401
        """The JSON that a GET gives, or a POST of the body.

        Raises:
            NoSuchPathError: The server does not offer it.
            ModelError: It can't be had.
            RequestCancelledError: The request was cancelled.
        """

        def read(reply: _Reply, _watch: Watch) -> Generator[Any, None, None]:
            yield _parsed(reply.whole())

        (told,) = self._tried(url, body, read, cancelled)
        return told

    def stream(
        self, url: httpx2.URL, body: object, read: Callable[[Any], T | None], cancelled: Callable[[], bool]
    ) -> Generator[T, None, None]:
        """What `read` makes of each event; nothing of those of which it makes None.

        The request is made again where it fails before anything was given out, and never after that. A server that
        does not stream gives all in one.

        Raises:
            ModelError: There is no answer, or it breaks off.
            QueryError: The server does not take the grammar.
            RequestCancelledError: The request was cancelled.
        """

        def each(reply: _Reply, watch: Watch) -> Generator[T, None, None]:
            for data in [reply.whole().decode("utf-8", "replace")] if reply.is_json else events(reply.blocks):
                watch.check()
                done = data.strip() == DONE
                found = read(DONE if done else _parsed(self._masked(data)))
                if found is not None:
                    yield found
                if done:
                    return

        return self._tried(url, body, each, cancelled)

    def _tried(
        self,
        url: httpx2.URL,
        body: object,
        read: Callable[[_Reply, Watch], Generator[T, None, None]],
        cancelled: Callable[[], bool],
    ) -> Generator[T, None, None]:
        watch = Watch(cancelled, time.monotonic() + self._options.total_seconds)
        attempt = 1
        while True:
            given = False
            try:
                with self._reply(url, body, watch) as reply:
                    for found in read(reply, watch):
                        given = True
                        yield found
            except _TransientError as failure:
                if given:
                    raise ModelError(f"The answer of {self._name} broke off ({failure}): ask again.") from failure
                self._wait(failure, attempt, watch)
                attempt += 1
            else:
                return

    @contextmanager
    def _reply(self, url: httpx2.URL, body: object, watch: Watch) -> Iterator[_Reply]:
        options = self._options
        timeout = {"connect": options.connect_seconds, "read": options.read_seconds, "write": options.read_seconds}
        headers = {"Accept": "text/event-stream, application/json", "Accept-Encoding": "identity"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        try:
            with (
                self._connections.one(watch) as pool,
                pool.stream(
                    "GET" if body is None else "POST",
                    target,
                    headers=list(headers.items()),
                    content=content,
                    extensions={"timeout": timeout},
                ) as response,
            ):
                reply = _Reply(response.iter_stream(), "application/json" in _header(response, b"content-type"))
                self._check(response, reply)
                yield reply
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
            raise _TransientError(f"it can't be reached: {error}") from error
        except httpcore2.TimeoutException as error:
            if watch.expired:
                raise ModelError(
                    f"{self._name} is not done after {options.total_seconds:g} s: ask for less, or raise the limit."
                ) from error
            raise _TransientError(f"it says nothing for {options.read_seconds:g} s") from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise _TransientError(f"the connection broke: {str(error) or type(error).__name__}") from error
        except EventError as error:
            raise _TransientError(f"it sends {error}") from error

    def _check(self, response: httpcore2.Response, reply: _Reply) -> None:
        """Raises unless the status is one of success."""
        status = response.status
        if 200 <= status < 300:
            return
        if 300 <= status < 400:
            raise ModelError(
                f"{self._name} sends its callers to {_header(response, b'location') or 'nowhere'}: give that address."
            )
        said = self._masked(reason_in(reply.whole()))
        reason = f"{status}: {said}" if said else str(status)
        if status in _TRY_AGAIN:
            raise _TransientError(reason, seconds_asked(_header(response, b"retry-after")))
        if status in (404, 405, 501):
            raise NoSuchPathError(f"{self._name} answers {reason}")
        if status in (401, 403):
            raise ModelError(f"{self._name} refuses the key ({reason}): set DOCINDEX_LLM_KEY to one that it takes.")
        if "grammar" in said.lower():
            raise QueryError(f"{self._name} does not take the grammar ({reason}): give one in its dialect of GBNF.")
        raise ModelError(f"{self._name} does not take the request ({reason}): look at its log.")

    def _wait(self, failure: _TransientError, attempt: int, watch: Watch) -> None:
        """Waits for the next try, longer each time; raises where there is none."""
        gone = ModelError(f"{self._name} gives no answer ({failure}): see whether it runs, and try again.")
        if attempt >= self._options.attempts:
            raise gone from failure
        backoff = min(_FIRST_WAIT * 2 ** (attempt - 1), _LONGEST_BACKOFF)
        jitter = 0.5 + secrets.randbelow(1000) / 2000  # many clients that were refused at once come back apart
        wait = max(failure.wait or 0.0, backoff * jitter)
        if wait > self._options.longest_wait or time.monotonic() + wait >= watch.deadline:
            raise ModelError(
                f"{self._name} gives no answer ({failure}), and asks to wait {wait:.0f} s: try again then."
            ) from failure
        logger.info("%s: %s; trying again in %.1f s", self._name, failure, wait)
        watch.sleep(wait)

    def _masked(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


def _header(response: httpcore2.Response, name: bytes) -> str:
    values = (value for key, value in response.headers if key.lower() == name)
    return next(values, b"").decode("latin-1")


def _parsed(data: bytes | str) -> Any:  # noqa: ANN401 - whatever the server sends
    try:
        return json.loads(data)
    except ValueError as error:
        raise _TransientError("what it sends is not JSON") from error
