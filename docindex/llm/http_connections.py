"""Connections whose reading can be given up: when a request is cancelled, or its time is used up."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpcore2
import httpx2

from docindex.errors import ModelError, RequestCancelledError

_POLL_SECONDS = 0.05
"""How soon a request that waits for the server sees that it was cancelled."""
_KEEP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Watch:
    """When a request ends before its answer does."""

    cancelled: Callable[[], bool]
    deadline: float
    """By `time.monotonic`."""

    def check(self) -> None:
        """Raises once the request is to end.

        Raises:
            RequestCancelledError: It was cancelled.
            httpcore2.TimeoutException: Its time is used up.
        """
        if self.cancelled():
            raise RequestCancelledError("The request was cancelled.")
        if self.expired:
            raise httpcore2.ReadTimeout("the whole of it took too long")

    @property
    def expired(self) -> bool:
        """Whether the time is used up."""
        return time.monotonic() >= self.deadline

    def sleep(self, seconds: float) -> None:
        """Waits, unless the request ends before."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, _POLL_SECONDS))


def never() -> bool:
    """What is asked of a request that nobody can cancel."""
    return False


class Connections:
    """Connections to one server, each used by one request at a time and kept for the next."""

    def __init__(self, url: httpx2.URL) -> None:
        # Certificates are read only where they are looked at: that takes longer than a request to a local server.
        self._ssl_context = httpx2.create_ssl_context() if url.scheme == "https" else None
        self._free: list[_Connection] = []
        self._changing = threading.Lock()
        self._closed = False

    @contextmanager
    def one(self, watch: Watch) -> Iterator[httpcore2.ConnectionPool]:
        """A connection, watched while it is used.

        Raises:
            ModelError: They are closed.
        """
        with self._changing:
            if self._closed:
                raise ModelError("The model is closed: open the index again to ask more.")
            connection = self._free.pop() if self._free else _Connection(self._ssl_context)
        connection.watch = watch
        try:
            yield connection.pool
        finally:
            with self._changing:
                kept = not self._closed
                if kept:
                    self._free.append(connection)
            if not kept:
                connection.pool.close()

    def close(self) -> None:
        """Closes those that nobody uses; the others close when they are given back."""
        with self._changing:
            self._closed = True
            free, self._free = self._free, []
        for connection in free:
            connection.pool.close()


class _Connection:
    def __init__(self, ssl_context: ssl.SSLContext | None) -> None:
        self.watch = Watch(never, float("inf"))
        self.pool = httpcore2.ConnectionPool(
            ssl_context=ssl_context,
            network_backend=_WatchedBackend(self),
            max_connections=1,
            keepalive_expiry=_KEEP_SECONDS,
        )


class _WatchedBackend(httpcore2.NetworkBackend):
    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        self._connection.watch.check()
        stream = self._sockets.connect_tcp(host, port, timeout, local_address, socket_options)
        return _WatchedStream(stream, self._connection)

    def sleep(self, seconds: float) -> None:
        self._connection.watch.sleep(seconds)


class _WatchedStream(httpcore2.NetworkStream):
    """Reads in short waits, and looks between them whether the request goes on."""

    def __init__(self, stream: httpcore2.NetworkStream, connection: _Connection) -> None:
        self._stream = stream
        self._connection = connection

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        watch = self._connection.watch
        end = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            watch.check()
            try:
                return self._stream.read(max_bytes, _POLL_SECONDS)
            except httpcore2.ReadTimeout:
                if time.monotonic() >= end:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._connection.watch.check()
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _WatchedStream(secured, self._connection)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as httpcore2 has it
        return self._stream.get_extra_info(info)
