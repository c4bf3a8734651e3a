from __future__ import annotations

import gzip
import shutil
import socket
import ssl
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from docindex.config import WebOptions
from docindex.errors import ConfigError, LoadError
from docindex.ingest.addresses import AddressPolicy
from docindex.ingest.web import Fetched, NotModified, WebFetcher, pages
from docindex.schema import Problem

FAST = WebOptions(rate=1000.0, timeout=5.0, seconds=10.0, allow_private=True)


@dataclass(frozen=True)
class Reply:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    at: float


Route = Reply | Callable[[Request], Reply]


class Site:
    """A web server on this machine, which keeps what it was asked."""

    def __init__(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.routes: dict[str, Route] = {"/robots.txt": Reply(status=404)}
        self.requests: list[Request] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                request = Request(self.path, {k.lower(): v for k, v in self.headers.items()}, time.monotonic())
                site.requests.append(request)
                route = site.routes.get(self.path, Reply(b"no such page", 404))
                reply = route(request) if callable(route) else route
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if "Transfer-Encoding" not in reply.headers and reply.status != 304:
                    self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *args: object) -> None:
                return

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                return  # clients that hang up are a part of the tests

        self.server = Server((host, 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"http://{host}:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def fetcher() -> Iterator[WebFetcher]:
    with WebFetcher(FAST) as fetcher:
        yield fetcher


def html(text: str, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(text.encode(), headers={"Content-Type": "text/html; charset=utf-8", **named})


def sitemap(*urls: str, of: str = "url") -> Reply:
    outer = "urlset" if of == "url" else "sitemapindex"
    lines = "".join(f"<{of}><loc> {url} </loc><lastmod>2024-01-01</lastmod></{of}>" for url in urls)
    text = f'<?xml version="1.0"?>\n<{outer} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{lines}</{outer}>'
    return Reply(text.encode(), headers={"Content-Type": "application/xml"})


def page(fetcher: WebFetcher, url: str) -> Fetched:
    found = fetcher.fetch(url)
    assert isinstance(found, Fetched)
    return found


# --- pages -----------------------------------------------------------------------------------------------------------


def test_a_page_comes_with_what_its_server_says_of_it(site: Site, fetcher: WebFetcher) -> None:
    body = "<p>Grüße</p>"
    site.routes["/a.html"] = html(body, ETag='"one"', Last_Modified="Wed, 01 May 2024 10:00:00 GMT")
    found = page(fetcher, f"HTTP://127.0.0.1:{site.port}/x/../a.html#part")
    assert found.url == f"{site.url}/a.html"
    assert found.path.read_bytes() == body.encode()
    assert found.path.suffix == ".html"
    assert found.bytes == len(body.encode())
    assert found.media_type == "text/html"
    assert found.modified_at == datetime(2024, 5, 1, 10, tzinfo=UTC)
    assert site.requests[-1].headers["user-agent"] == "docindex"


def test_files_are_gone_with_the_fetcher(site: Site) -> None:
    site.routes["/a"] = html("a")
    with WebFetcher(FAST) as fetcher:
        path = page(fetcher, f"{site.url}/a").path
        assert path.is_file()
    assert not path.parent.exists()


def test_types_that_say_nothing_are_left_to_the_file(site: Site, fetcher: WebFetcher) -> None:
    site.routes["/a.md"] = Reply(b"# A", headers={"Content-Type": "text/plain; charset=utf-8"})
    site.routes["/b.pdf"] = Reply(b"%PDF-", headers={"Content-Type": "application/octet-stream"})
    site.routes["/c"] = Reply(b"c")
    site.routes["/d"] = Reply(b"d", headers={"Content-Type": "application/pdf"})
    assert [page(fetcher, site.url + path).media_type for path in ("/a.md", "/b.pdf", "/c")] == [None] * 3
    assert page(fetcher, f"{site.url}/d").media_type == "application/pdf"


@pytest.mark.parametrize(
    ("validator", "asks"),
    [({"ETag": 'W/"one"'}, "if-none-match"), ({"Last-Modified": "Wed, 01 May 2024 10:00:00 GMT"}, "if-modified-since")],
)
def test_what_has_not_changed_is_not_sent_again(
    site: Site, fetcher: WebFetcher, validator: dict[str, str], asks: str
) -> None:
    state = next(iter(validator.values()))

    def answer(request: Request) -> Reply:
        if request.headers.get(asks) == state:
            return Reply(status=304)
        return Reply(b"text", headers=validator)

    site.routes["/a"] = answer
    found = page(fetcher, f"{site.url}/a")
    assert found.validator is not None
    assert fetcher.fetch(f"{site.url}/a", known={f"{site.url}/a": found.validator}) == NotModified(f"{site.url}/a")
    assert isinstance(fetcher.fetch(f"{site.url}/a", known={f"{site.url}/a": "etag: other"}), Fetched)
    assert isinstance(fetcher.fetch(f"{site.url}/a", known={f"{site.url}/b": found.validator}), Fetched)


def test_a_known_page_behind_a_redirect_is_not_sent_again(site: Site, fetcher: WebFetcher) -> None:
    site.routes["/old"] = Reply(status=301, headers={"Location": "/new"})
    site.routes["/new"] = lambda request: Reply(status=304 if request.headers.get("if-none-match") == '"1"' else 200)
    assert fetcher.fetch(f"{site.url}/old", known={f"{site.url}/new": 'etag: "1"'}) == NotModified(f"{site.url}/new")


def test_the_encoding_that_the_server_names_wins(site: Site, fetcher: WebFetcher) -> None:
    text = "<meta charset=utf-8><p>Привет €</p>"
    site.routes["/a"] = Reply(text.encode("cp1251"), headers={"Content-Type": 'text/html; charset="windows-1251"'})
    assert page(fetcher, f"{site.url}/a").path.read_bytes() == b"\xef\xbb\xbf" + text.encode()


@pytest.mark.parametrize("charset", ["utf-16", "no-such-charset", "hex", "undefined", "x\0y"])
def test_an_encoding_that_does_not_fit_is_not_believed(site: Site, fetcher: WebFetcher, charset: str) -> None:
    body = "<p>Grüße</p>!".encode()
    header = f"text/html; charset={charset}".replace("\0", "%00")
    site.routes["/a"] = Reply(body, headers={"Content-Type": header})
    found = page(fetcher, f"{site.url}/a")
    assert found.path.read_bytes() == body
    assert found.media_type == "text/html"


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "words"), [(404, "404 Not Found"), (410, "410 Gone"), (403, "403 Forbidden")])
def test_errors_of_the_server_are_told_in_its_words(site: Site, fetcher: WebFetcher, status: int, words: str) -> None:
    site.routes["/a"] = Reply(status=status)
    with pytest.raises(LoadError, match=words) as caught:
        fetcher.fetch(f"{site.url}/a")
    assert caught.value.source == f"{site.url}/a"


def test_a_page_that_is_too_large_is_refused(site: Site) -> None:
    site.routes["/announced"] = Reply(b"x" * 5000)
    chunked = f"{5000:x}\r\n{'x' * 5000}\r\n0\r\n\r\n".encode()
    site.routes["/chunked"] = Reply(chunked, headers={"Transfer-Encoding": "chunked"})
    site.routes["/fits"] = Reply(b"x" * 1000)
    with WebFetcher(WebOptions(rate=1000, allow_private=True, max_bytes=1000)) as fetcher:
        for path in ("/announced", "/chunked"):
            with pytest.raises(LoadError, match="holds more than 1,000 bytes"):
                fetcher.fetch(site.url + path)
        assert page(fetcher, f"{site.url}/fits").bytes == 1000


def test_all_pages_together_are_bounded(site: Site) -> None:
    site.routes["/a"] = Reply(b"x" * 600)
    with WebFetcher(WebOptions(rate=1000, allow_private=True, total_bytes=1000)) as fetcher:
        page(fetcher, f"{site.url}/a")
        with pytest.raises(LoadError, match="more than 400 bytes"):
            fetcher.fetch(f"{site.url}/a")


def test_compressed_pages_are_unpacked_within_bounds(site: Site) -> None:
    bomb = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    body = b"".join([*(bomb.compress(b"\0" * (1 << 20)) for _ in range(64)), bomb.flush()])
    packed = {"Content-Encoding": "gzip"}
    site.routes["/bomb"] = Reply(body, headers=packed)
    site.routes["/sound"] = Reply(gzip.compress(b"hello ") + gzip.compress(b"there"), headers=packed)
    site.routes["/cut"] = Reply(gzip.compress(b"hello" * 100)[:-10], headers=packed)
    site.routes["/br"] = Reply(b"...", headers={"Content-Encoding": "br"})
    options = WebOptions(rate=1000, allow_private=True, max_bytes=1 << 20, attempts=1)
    with WebFetcher(options) as fetcher:
        sound = page(fetcher, f"{site.url}/sound")
        assert sound.path.read_bytes() == b"hello there"
        with pytest.raises(LoadError, match="more than 1,048,576 bytes"):
            fetcher.fetch(f"{site.url}/bomb")
        assert all(file.stat().st_size < 1 << 20 for file in sound.path.parent.iterdir())
        with pytest.raises(LoadError, match="ends in the middle"):
            fetcher.fetch(f"{site.url}/cut")
        with pytest.raises(LoadError, match="encoding 'br'"):
            fetcher.fetch(f"{site.url}/br")


def test_a_server_that_never_ends_is_left_in_time(fetcher: WebFetcher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            try:
                while True:
                    client, _ = server.accept()
                    with client:
                        client.recv(1 << 16)
                        client.sendall(b"HTTP/1.1 200 OK\r\n")
                        while True:
                            client.sendall(b"X-A: b\r\n")
                            time.sleep(0.05)
            except OSError:
                return

        thread = threading.Thread(target=drip)
        thread.start()
        options = WebOptions(rate=1000, timeout=5, seconds=0.5, attempts=3, allow_private=True)
        begun = time.monotonic()
        with (
            WebFetcher(options) as hurried,
            pytest.raises(LoadError, match=r"not done after 0\.5 s"),
        ):
            hurried.fetch(f"http://127.0.0.1:{server.getsockname()[1]}/a")
        assert time.monotonic() - begun < 4
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    assert not thread.is_alive()


def test_a_host_that_is_not_there(fetcher: WebFetcher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(LoadError, match="can't be reached"):
        fetcher.fetch(f"http://127.0.0.1:{port}/a")

    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with (
        WebFetcher(FAST, policy=AddressPolicy(resolve=unknown)) as lost,
        pytest.raises(LoadError, match=r"no\.example is not known"),
    ):
        lost.fetch("http://no.example/a")


# --- addresses -------------------------------------------------------------------------------------------------------


def test_private_addresses_are_refused_unless_allowed(site: Site) -> None:
    site.routes["/a"] = html("secret")
    with WebFetcher(WebOptions(rate=1000)) as fetcher:
        with pytest.raises(LoadError, match=r"127\.0\.0\.1 is not a public address"):
            fetcher.fetch(f"{site.url}/a")
        with pytest.raises(LoadError, match="not a public address"):
            fetcher.fetch(f"http://localhost:{site.port}/a")
    assert site.requests == []


def test_a_name_that_changes_its_address_after_the_check_gains_nothing(site: Site) -> None:
    answers = ["127.0.0.1", "127.0.0.2"]
    site.routes["/robots.txt"] = Reply()
    site.routes["/a"] = html("a")
    policy = AddressPolicy(lambda address: address == "127.0.0.1", lambda host, port: [answers.pop(0)])
    with WebFetcher(WebOptions(rate=1000, attempts=1), policy=policy) as fetcher:
        page(fetcher, f"http://docs.example:{site.port}/a")
        assert answers == ["127.0.0.2"]
        site.routes["/a"] = Reply(b"a", headers={"Connection": "close"})
        page(fetcher, f"http://docs.example:{site.port}/a")
        with pytest.raises(LoadError, match=r"docs\.example \(127\.0\.0\.2\) is not a public address"):
            page(fetcher, f"http://docs.example:{site.port}/a")
    assert {request.headers["host"] for request in site.requests} == {f"docs.example:{site.port}"}


def test_a_redirect_to_a_private_address_is_refused(site: Site) -> None:
    site.routes["/secret"] = html("secret")
    names = {"outer.example": ["127.0.0.2"], "inner.example": ["127.0.0.1"]}
    outer = Site("127.0.0.2")
    outer.routes["/a"] = Reply(status=302, headers={"Location": f"http://inner.example:{site.port}/secret"})
    outer.routes["/robots.txt"] = Reply(status=302, headers={"Location": f"http://inner.example:{site.port}/secret"})
    # One address of this machine stands for the public ones.
    policy = AddressPolicy(allows=lambda address: address == "127.0.0.2", resolve=lambda host, port: names[host])
    try:
        for _ in range(2):  # the page's redirect, once that of robots.txt is out of the way
            with (
                WebFetcher(WebOptions(rate=1000), policy=policy) as fetcher,
                pytest.raises(LoadError, match=r"inner\.example \(127\.0\.0\.1\) is not a public address"),
            ):
                fetcher.fetch(f"http://outer.example:{outer.port}/a")
            outer.routes["/robots.txt"] = Reply(status=404)
    finally:
        outer.close()
    assert outer.paths() == ["/robots.txt", "/robots.txt", "/a"]
    assert site.requests == []


def test_tls_is_checked_against_the_name(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("makes a certificate with openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subject = ["-subj", "/CN=docs.example", "-addext", "subjectAltName=DNS:docs.example"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subprocess.run([*command, *files, *subject], check=True, capture_output=True)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, key)
    site = Site(tls=serving)
    site.routes["/a"] = html("a")
    trusting = ssl.create_default_context(cafile=str(certificate))
    policy = AddressPolicy(lambda address: True, lambda host, port: ["127.0.0.1"])
    try:
        with WebFetcher(FAST, policy=policy, ssl_context=trusting) as fetcher:
            assert page(fetcher, f"https://docs.example:{site.port}/a").path.read_bytes() == b"a"
            with pytest.raises(LoadError, match="certificate verify failed"):
                fetcher.fetch(f"https://other.example:{site.port}/a")
    finally:
        site.close()


# --- redirects -------------------------------------------------------------------------------------------------------


def test_redirects_are_followed_and_end(site: Site, fetcher: WebFetcher) -> None:
    site.routes["/a"] = Reply(status=301, headers={"Location": "b#part"})
    site.routes["/b"] = Reply(status=307, headers={"Location": f"{site.url}/c"})
    site.routes["/c"] = html("c")
    site.routes["/round"] = Reply(status=302, headers={"Location": "/round"})
    site.routes["/nowhere"] = Reply(status=302)
    site.routes["/out"] = Reply(status=302, headers={"Location": "file:///etc/passwd"})
    assert page(fetcher, f"{site.url}/a").url == f"{site.url}/c"
    for path, reason in (
        ("/round", "more than 10 redirects"),
        ("/nowhere", "redirects to nowhere"),
        ("/out", "not an http or https address"),
    ):
        with pytest.raises(LoadError, match=reason):
            fetcher.fetch(site.url + path)


def test_no_cookies_are_kept(site: Site, fetcher: WebFetcher) -> None:
    site.routes["/a"] = html("a", Set_Cookie="session=1; Path=/")
    page(fetcher, f"{site.url}/a")
    page(fetcher, f"{site.url}/a")
    assert not any("cookie" in request.headers for request in site.requests)


# --- politeness ------------------------------------------------------------------------------------------------------


def test_robots_txt_is_read_once_and_obeyed(site: Site, fetcher: WebFetcher) -> None:
    rules = "User-agent: docindex\nDisallow: /private/\nAllow: /private/open$\n\nUser-agent: *\nDisallow: /\n"
    site.routes["/robots.txt"] = Reply(rules.encode())
    site.routes["/a"] = html("a")
    site.routes["/private/open"] = html("open")
    site.routes["/moved"] = Reply(status=302, headers={"Location": "/private/b"})
    page(fetcher, f"{site.url}/a")
    page(fetcher, f"{site.url}/private/open")
    for path in ("/private/b", "/moved"):
        with pytest.raises(LoadError, match=r"robots\.txt rules it out for docindex") as caught:
            fetcher.fetch(site.url + path)
        assert caught.value.source == f"{site.url}/private/b"
    assert site.paths() == ["/robots.txt", "/a", "/private/open", "/moved"]


@pytest.mark.parametrize(("status", "allowed"), [(404, True), (401, True), (403, True), (500, False), (503, False)])
def test_a_robots_txt_that_is_not_had(site: Site, status: int, allowed: bool) -> None:
    site.routes["/robots.txt"] = Reply(status=status)
    site.routes["/a"] = html("a")
    with WebFetcher(WebOptions(rate=1000, allow_private=True, attempts=1)) as fetcher:
        if allowed:
            page(fetcher, f"{site.url}/a")
        else:
            with pytest.raises(LoadError, match=rf"site is left alone because of its robots\.txt: .* {status}"):
                fetcher.fetch(f"{site.url}/a")
            assert site.paths() == ["/robots.txt"]


def test_a_robots_txt_that_has_moved_is_followed(site: Site, fetcher: WebFetcher) -> None:
    site.routes["/robots.txt"] = Reply(status=301, headers={"Location": "/rules"})
    site.routes["/rules"] = Reply(b"User-agent: *\nDisallow: /\n")
    with pytest.raises(LoadError, match="rules it out"):
        fetcher.fetch(f"{site.url}/a")


def test_requests_to_a_host_keep_their_distance(site: Site) -> None:
    for path in ("/a", "/b", "/c"):
        site.routes[path] = html(path)
    with WebFetcher(WebOptions(rate=5, allow_private=True)) as fetcher:
        for path in ("/a", "/b", "/c"):
            page(fetcher, site.url + path)
    times = [request.at for request in site.requests[1:]]
    assert times[1] - times[0] > 0.15
    assert times[2] - times[1] > 0.15


@pytest.mark.parametrize("wish", ["Crawl-delay: 0.3", "Request-rate: 10/3s"])
def test_a_sites_own_pace_is_kept(site: Site, fetcher: WebFetcher, wish: str) -> None:
    site.routes["/robots.txt"] = Reply(f"User-agent: *\n{wish}\nDisallow: /x\n".encode())
    site.routes["/a"] = html("a")
    for _ in range(2):
        page(fetcher, f"{site.url}/a")
    assert site.requests[2].at - site.requests[1].at > 0.25


def test_a_server_that_is_busy_is_asked_again_when_it_says(site: Site, fetcher: WebFetcher) -> None:
    replies = [Reply(status=503, headers={"Retry-After": "2"}), html("a")]
    site.routes["/a"] = lambda request: replies.pop(0)
    assert page(fetcher, f"{site.url}/a").path.read_bytes() == b"a"
    assert site.requests[2].at - site.requests[1].at > 1.8


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_server_that_asks_for_hours_is_left(site: Site, fetcher: WebFetcher, form: str) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
    site.routes["/a"] = Reply(status=429, headers={"Retry-After": "7200" if form == "seconds" else later})
    begun = time.monotonic()
    with pytest.raises(LoadError, match=r"429 Too Many Requests, and asks to wait 7[12]\d\d s"):
        fetcher.fetch(f"{site.url}/a")
    assert time.monotonic() - begun < 5
    assert site.paths() == ["/robots.txt", "/a"]


def test_attempts_end(site: Site) -> None:
    site.routes["/a"] = Reply(status=502)
    with (
        WebFetcher(WebOptions(rate=1000, allow_private=True, attempts=2)) as fetcher,
        pytest.raises(LoadError, match="502 Bad Gateway"),
    ):
        fetcher.fetch(f"{site.url}/a")
    assert site.paths() == ["/robots.txt", "/a", "/a"]


# --- sitemaps --------------------------------------------------------------------------------------------------------


def test_a_sitemap_lists_pages_each_once(site: Site, fetcher: WebFetcher) -> None:
    site.routes["/sitemap.xml"] = sitemap(f"{site.url}/a", f"{site.url}/b?x=1&amp;y=2", f"{site.url}/a#part")
    assert list(fetcher.sitemap(f"{site.url}/sitemap.xml")) == [f"{site.url}/a", f"{site.url}/b?x=1&y=2"]


def test_an_index_of_sitemaps_is_followed(site: Site, fetcher: WebFetcher) -> None:
    packed = gzip.compress(sitemap(f"{site.url}/b").body)
    site.routes["/index.xml"] = sitemap(
        *(f"{site.url}/{name}" for name in ("one.xml", "two.xml.gz", "none.xml", "page")), of="sitemap"
    )
    site.routes["/one.xml"] = sitemap(f"{site.url}/a", f"{site.url}/b")
    site.routes["/two.xml.gz"] = Reply(packed, headers={"Content-Type": "application/gzip"})
    site.routes["/page"] = html("<html><urlset>")
    assert list(fetcher.sitemap(f"{site.url}/index.xml")) == [
        Problem(f"{site.url}/none.xml", "the server answers 404 Not Found"),
        Problem(f"{site.url}/page", "is not a sitemap"),
        f"{site.url}/a",
        f"{site.url}/b",
    ]


def test_sitemaps_that_name_each_other_end(site: Site, fetcher: WebFetcher) -> None:
    for number in range(6):
        urls = [f"{site.url}/{other}.xml" for other in (0, number, number + 1)]
        site.routes[f"/{number}.xml"] = sitemap(*urls, of="sitemap")
    assert list(fetcher.sitemap(f"{site.url}/0.xml")) == [Problem(f"{site.url}/3.xml", "is a sitemap more than 3 deep")]


def test_pages_of_other_sites_are_left_out_and_counted(site: Site, fetcher: WebFetcher) -> None:
    others = [f"http://other.example/{number}" for number in range(3)]
    site.routes["/sitemap.xml"] = sitemap(*others, f"{site.url}/a", "ftp://127.0.0.1/b")
    assert list(fetcher.sitemap(f"{site.url}/sitemap.xml")) == [
        f"{site.url}/a",
        Problem("ftp://127.0.0.1/b", "is not an http or https address"),
        Problem(f"{site.url}/sitemap.xml", "lists 3 pages of another site, other.example: they are left out"),
    ]


def test_a_sitemap_with_entities_is_refused(site: Site, fetcher: WebFetcher) -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><urlset><url><loc>&b;</loc></url>'
    site.routes["/doctype.xml"] = Reply(f"{bomb}</urlset>".encode())
    site.routes["/bare.xml"] = Reply(b"<urlset><url><loc>http://127.0.0.1/&a;</loc></url></urlset>")
    with pytest.raises(LoadError, match="is not a sitemap"):
        list(fetcher.sitemap(f"{site.url}/doctype.xml"))
    problems = list(fetcher.sitemap(f"{site.url}/bare.xml"))
    assert [type(problem) for problem in problems] == [Problem]


def test_a_packed_sitemap_is_bounded(site: Site) -> None:
    urls = [f"http://127.0.0.1/{number}" for number in range(2000)]
    site.routes["/sitemap.xml.gz"] = Reply(gzip.compress(sitemap(*urls).body))
    with WebFetcher(WebOptions(rate=1000, allow_private=True, max_bytes=60_000, max_pages=5000)) as fetcher:
        *listed, problem = fetcher.sitemap(f"{site.url}/sitemap.xml.gz")
    assert problem == Problem(f"{site.url}/sitemap.xml.gz", "is a sitemap of more than 60,000 bytes")
    assert 0 < len(listed) < 2000


def test_pages_are_those_of_a_sitemap(site: Site, fetcher: WebFetcher) -> None:
    site.routes["/sitemap.xml"] = sitemap(*(f"{site.url}/{name}" for name in ("a", "b", "gone", "also-a")))
    site.routes["/a"] = html("a", ETag='"1"')
    site.routes["/b"] = lambda request: Reply(status=304 if request.headers.get("if-none-match") == '"2"' else 200)
    site.routes["/also-a"] = Reply(status=301, headers={"Location": "/a"})
    found = list(pages(fetcher, f"{site.url}/sitemap.xml", {f"{site.url}/b": 'etag: "2"'}))
    assert isinstance(found[0], Fetched)
    assert found[0].url == f"{site.url}/a"
    assert found[1:] == [
        NotModified(f"{site.url}/b"),
        Problem(f"{site.url}/gone", "the server answers 404 Not Found"),
    ]


def test_pages_are_the_one_at_an_address(site: Site, fetcher: WebFetcher) -> None:
    site.routes["/a"] = html("a")
    (found,) = pages(fetcher, f"{site.url}/a", {})
    assert isinstance(found, Fetched)
    assert list(pages(fetcher, f"{site.url}/b", {})) == [Problem(f"{site.url}/b", "the server answers 404 Not Found")]
    assert list(pages(fetcher, "http://me:pw@127.0.0.1/", {})) == [
        Problem("http://127.0.0.1/", "has a user name or password in it, which would end up in the index")
    ]


def test_pages_are_at_most_so_many(site: Site) -> None:
    site.routes["/sitemap.xml"] = sitemap(*(f"{site.url}/{number}" for number in range(10)))
    for number in range(10):
        site.routes[f"/{number}"] = html("page")
    with WebFetcher(WebOptions(rate=1000, allow_private=True, max_pages=3)) as fetcher:
        *found, problem = pages(fetcher, f"{site.url}/sitemap.xml", {})
    assert len(found) == 3
    assert isinstance(problem, Problem)
    assert "more than 3 pages" in problem.reason


def test_options_are_checked() -> None:
    with pytest.raises(ConfigError, match="rate is 0"):
        WebOptions(rate=0)
    with pytest.raises(ConfigError, match="timeout is -1"):
        WebOptions(timeout=-1)
    with pytest.raises(ConfigError, match="max_pages is 0"):
        WebOptions(max_pages=0)
