"""Web pages in an index: a server's word that a page has not changed hides nothing that is still to be read."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from docindex import Index, IngestOptions, LoadOptions
from docindex.config import WebOptions
from docindex.schema import IngestReport

WEB = WebOptions(rate=1000.0, timeout=5.0, allow_private=True)
TEXT_ONLY = IngestOptions(wait="text", web=WEB)
RECORDS = [{"key": "ant", "text": "Ants carry leaves."}, {"key": "bee", "text": "Bees dance."}]
LINES = "\n".join(map(json.dumps, RECORDS))


class Site:
    """A web server that tells its pages apart by their bytes."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.sent: list[int] = []
        """The statuses of the answers about pages."""
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = site.pages.get(self.path)
                if body is None:
                    self.send_error(404)
                    return
                tag = f'"{hashlib.sha256(body.encode()).hexdigest()}"'
                status = 304 if self.headers["If-None-Match"] == tag else 200
                site.sent.append(status)
                self.send_response(status)
                self.send_header("ETag", tag)
                self.end_headers()
                if status == 200:
                    self.wfile.write(body.encode())

            def log_message(self, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> "Site":
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


def with_load(load: LoadOptions) -> IngestOptions:
    return IngestOptions(wait="text", web=WEB, load=load)


def ids(index: Index) -> set[str]:
    return {record.doc_id for record in index.documents()}


def counts(report: IngestReport) -> tuple[int, int, int]:
    return report.added, report.updated, report.unchanged


def test_a_page_that_was_read_is_not_sent_again_until_it_changes(index: Index, site: Site):
    site.pages["/a.txt"] = "Otters hold hands."
    assert counts(index.ingest(f"{site.url}/a.txt", options=TEXT_ONLY)) == (1, 0, 0)
    assert counts(index.ingest(f"{site.url}/a.txt", options=TEXT_ONLY)) == (0, 0, 1)
    assert site.sent == [200, 304]
    site.pages["/a.txt"] = "Otters hold stones."
    assert counts(index.ingest(f"{site.url}/a.txt", options=TEXT_ONLY)) == (0, 1, 0)
    assert index.search("stones", mode="lexical")


def test_what_could_not_be_read_of_a_page_is_told_again(index: Index, site: Site):
    site.pages["/a.jsonl"] = f"{LINES}\n{{broken"
    first = index.ingest(f"{site.url}/a.jsonl", options=TEXT_ONLY)
    assert len(first.failed) == 1
    again = index.ingest(f"{site.url}/a.jsonl", options=TEXT_ONLY)
    assert [problem.source for problem in again.failed] == [problem.source for problem in first.failed]
    assert again.unchanged == 2


def test_a_page_is_read_anew_with_other_options(index: Index, site: Site):
    url = f"{site.url}/a.jsonl"
    site.pages["/a.jsonl"] = LINES
    index.ingest(url, options=TEXT_ONLY)
    assert ids(index) == {f"{url}#1", f"{url}#2"}
    fields = with_load(LoadOptions(id_field="key", text_field="text"))
    index.ingest(url, options=fields)
    assert ids(index) == {"ant", "bee"}
    assert counts(index.ingest(url, options=fields)) == (0, 0, 2)
    assert site.sent == [200, 200, 304]


def test_a_record_that_was_deleted_comes_back(index: Index, site: Site):
    site.pages["/a.jsonl"] = LINES
    fields = with_load(LoadOptions(id_field="key", text_field="text"))
    index.ingest(f"{site.url}/a.jsonl", options=fields)
    index.delete("bee")
    index.ingest(f"{site.url}/a.jsonl", options=fields)
    assert ids(index) == {"ant", "bee"}


def test_a_page_that_another_stood_for_is_read_when_that_one_changes(index: Index, site: Site):
    site.pages |= {"/a.txt": "Otters hold hands.", "/b.txt": "Otters hold hands."}
    urls = [f"{site.url}/a.txt", f"{site.url}/b.txt"]
    assert len(index.ingest(*urls, options=TEXT_ONLY).duplicates) == 1
    site.pages["/a.txt"] = "Otters hold stones."
    index.ingest(*urls, options=TEXT_ONLY)
    assert ids(index) == set(urls)
