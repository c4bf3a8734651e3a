from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from docindex.errors import MissingDependencyError, ModelError, NoModelError
from docindex.models import sources
from docindex.models.acquire import ModelStore

pytest.importorskip("huggingface_hub")


class Hub(ThreadingHTTPServer):
    """Serves the files of one repository as a hub does, and remembers what was asked."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.asked: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        self.server.asked.append(self.path)
        data = self.server.files.get(self.path)
        if data is None:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("X-Repo-Commit", self.path.split("/")[4])
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, *message: object) -> None:
        return


@pytest.fixture
def hub(index, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    stem = "/someone/tiny/resolve/0123456789abcdef0123456789abcdef01234567/sub"
    files = {f"{stem}/{name}": data for name, data in index.content.items()} | {f"{stem}/tiny.gguf": index.gguf}
    server = Hub(files)
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def store(tmp_path: Path, catalogue) -> ModelStore:
    return ModelStore(tmp_path / "cache", catalogue=catalogue)


def test_comes_from_the_hub_where_the_index_lacks_it(store: ModelStore, hub: Hub, index) -> None:
    folder = store.path("tiny")
    assert {name: (folder / name).read_bytes() for name in index.content} == index.content
    assert store.installed("tiny")
    assert hub.asked


def test_the_index_comes_before_the_hub(store: ModelStore, hub: Hub, index) -> None:
    index.publish()
    store.path("tiny")
    assert hub.asked == []


def test_wrong_hash_from_the_hub(store: ModelStore, hub: Hub) -> None:
    for path in hub.files:
        hub.files[path] = hub.files[path][::-1]
    with pytest.raises(ModelError, match="SHA-256"):
        store.path("tiny-hub")
    assert not store.installed("tiny-hub")


def test_the_hub_lacks_it_too(store: ModelStore, hub: Hub) -> None:
    hub.files.clear()
    with pytest.raises(NoModelError, match=r"the model hub: .*models pull tiny-hub"):
        store.path("tiny-hub")


def test_offline_asks_nobody(tmp_path: Path, catalogue, hub: Hub) -> None:
    with pytest.raises(NoModelError):
        ModelStore(tmp_path / "cache", offline=True, catalogue=catalogue).path("tiny-hub")
    assert hub.asked == []


def test_without_huggingface_hub(store: ModelStore, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"docindex\[hub\]"):
        store.path("tiny-hub")
    with pytest.raises(NoModelError, match=r"ensurepip.*docindex\[hub\]"):
        store.path("tiny")
