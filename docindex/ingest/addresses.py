"""Where a web request may go: the address policy, and a transport that connects to the very address it checked.

A name is resolved once a connection, every address it has is checked, and the socket goes to one of those. A name that
points to a public address when it is checked and to a private one when it is used gains nothing by that, since there
is no second look-up. Host header and TLS stay with the name.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpcore2
import httpx2

Resolver = Callable[[str, int], Sequence[str]]
"""The IP addresses of a host name and port, the one to try first being first; raises OSError where there is none."""

_NOT_PUBLIC = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",  # a cloud's metadata service on a public address
    )
)
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    ipaddress.IPv6Network(network)
    # Tunnels (2001::/32, 2002::/16) among them: they carry IPv4 addresses, and no web server is reached through one.
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""How a network without IPv4 names the addresses of those with it."""


class RefusedAddressError(Exception):
    """A host has an address that the policy rules out."""


def is_public(address: str) -> bool:
    """Whether an IP address is a public unicast one: not private, local, multicast, reserved or a cloud's metadata.

    An IPv6 address that stands for an IPv4 one is judged as that.
    """
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        elif parsed in _TRANSLATED:
            parsed = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        else:
            return parsed in _PUBLIC_6 and not any(parsed in network for network in _NOT_PUBLIC_6)
    return not any(parsed in network for network in _NOT_PUBLIC)


def system_addresses(host: str, port: int) -> list[str]:
    """What the operating system resolves the name to, in the order in which it would try them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Which addresses may be connected to."""

    allows: Callable[[str], bool] = is_public
    resolve: Resolver = system_addresses

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """The addresses of the host, all of them allowed.

        Raises:
            RefusedAddressError: One of them is not. A public name that leads into a private network, even in part,
                is a mistake or an attack.
            OSError: The name is not known.
        """
        addresses = self.resolve(host, port)
        if not addresses:
            raise OSError("the host name has no address")
        for address in addresses:
            if not self.allows(address):
                where = host if host == address else f"{host} ({address})"
                raise RefusedAddressError(f"{where} is not a public address: --allow-private reads from there too")
        return addresses


class CheckedTransport(httpx2.BaseTransport):
    """HTTP/1.1 to allowed addresses only, without proxies: a proxy would resolve names by itself.

    Time is bounded per request too, whatever the server does: it can't keep a request going by a byte now and then.
    """

    def __init__(self, policy: AddressPolicy, ssl_context: ssl.SSLContext) -> None:
        self._backend = _CheckedBackend(policy)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=ssl_context, network_backend=self._backend, max_connections=4, keepalive_expiry=30.0
        )

    def limit(self, seconds: float) -> None:
        """Sets how long all of what follows may take; one request at a time is under way."""
        self._backend.deadline = time.monotonic() + seconds

    @property
    def expired(self) -> bool:
        """Whether that time is over."""
        return time.monotonic() >= self._backend.deadline

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The response, its body yet to be read.

        Raises:
            RefusedAddressError: The host has an address that is not allowed.
            httpx2.TransportError: There is no response.
        """
        url = request.url
        with _in_words_of_httpx(request):
            response = self._pool.handle_request(
                httpcore2.Request(
                    request.method,
                    httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                    headers=request.headers.raw,
                    content=request.read(),
                    extensions=request.extensions,
                )
            )
        return httpx2.Response(
            response.status,
            headers=response.headers,
            stream=_Body(response, request),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Closes the connections."""
        self._pool.close()


@contextmanager
def _in_words_of_httpx(request: httpx2.Request) -> Iterator[None]:
    try:
        yield
    except httpcore2.TimeoutException as error:
        raise httpx2.TimeoutException(str(error), request=request) from error
    except httpcore2.ConnectError as error:
        raise httpx2.ConnectError(str(error), request=request) from error
    except httpcore2.NetworkError as error:
        raise httpx2.NetworkError(str(error), request=request) from error
    except (httpcore2.ProtocolError, httpcore2.UnsupportedProtocol) as error:
        raise httpx2.ProtocolError(str(error), request=request) from error


class _Body(httpx2.SyncByteStream):
    def __init__(self, response: httpcore2.Response, request: httpx2.Request) -> None:
        self._response = response
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        with _in_words_of_httpx(self._request):
            yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class _CheckedBackend(httpcore2.NetworkBackend):
    """Opens sockets to what the policy allows."""

    def __init__(self, policy: AddressPolicy) -> None:
        self.deadline = float("inf")
        self._policy = policy
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            addresses = self._policy.addresses(host, port)
        except (OSError, UnicodeError) as error:  # a name with too long a label is a UnicodeError
            raise httpcore2.ConnectError(f"the host {host} is not known: {error}") from error
        for number, address in enumerate(addresses, 1):
            try:
                stream = self._sockets.connect_tcp(address, port, self.left(timeout), local_address, socket_options)
                return _TimedStream(stream, self)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise AssertionError("a policy gives at least one address")

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def left(self, timeout: float | None) -> float:
        """How long the next operation may take."""
        seconds = min(self.deadline - time.monotonic(), float("inf") if timeout is None else timeout)
        if seconds <= 0:
            raise httpcore2.ReadTimeout("the whole of it took too long")
        return seconds


class _TimedStream(httpcore2.NetworkStream):
    """A connection that ends when the time for all of the request is used up."""

    def __init__(self, stream: httpcore2.NetworkStream, backend: _CheckedBackend) -> None:
        self._stream = stream
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._backend.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._backend.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._backend.left(timeout))
        return _TimedStream(secured, self._backend)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as httpcore2 has it
        return self._stream.get_extra_info(info)
