"""What the scripts of the other systems share: the task they are given, the marks they set, the report they leave.

It runs in each system's own environment, so it imports nothing but the standard library.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import wraps
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, Protocol

K = 10
"""How many passages a search asks for."""

TEXT_FILES = (".txt",)
HTML_FILES = (".html", ".htm")
PDF_FILES = (".pdf",)

Step = Literal["ingest", "again", "open", "embed", "passages"]


@dataclass(frozen=True, kw_only=True)
class Task:
    """One process's work, as JSON in its only argument."""

    step: Step
    kind: Literal["records", "files"]
    data: str
    """A file of JSON Lines with `_id`, `title` and `text`, or a folder of PDF, HTML and text."""
    store: str
    """The folder that the system may write in."""
    model: str
    """A folder in the sentence-transformers layout."""
    query: str
    chunk_tokens: int
    overlap_tokens: int
    report: str
    """The file that this process writes when it has succeeded."""
    texts: tuple[str, ...] = ()
    """For the step "embed"."""

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    def records(self) -> Iterator[tuple[str, str]]:
        """Id and text of each record; the text is the title, a line feed and the body."""
        with Path(self.data).open(encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                yield record["_id"], f"{record['title']}\n{record['text']}"

    def files(self, suffixes: Sequence[str]) -> list[str]:
        """The absolute paths of the folder's files of such suffixes, in order."""
        found = (path for path in Path(self.data).rglob("*") if path.suffix.lower() in suffixes)
        return sorted(str(path) for path in found)

    def key(self, path: str) -> str:
        """What a file is called in the results of every system: its path below the folder."""
        return Path(path).relative_to(self.data).as_posix()


class Peer(Protocol):
    """A system under measurement, made of a task, before it has done anything."""

    packages: tuple[str, ...]
    settings: str
    """One line for the report: store, splitter, batch, and what finds out that nothing changed."""
    max_tokens: int
    """Where its model cuts a text."""

    def ingest(self) -> None:
        """Takes the whole corpus into an empty index, to where it can be searched."""
        ...

    def persist(self) -> None: ...

    def ingest_again(self) -> None:
        """The same ingest on the persisted index, and what it takes to persist the outcome."""
        ...

    def open(self) -> None:
        """Brings the persisted index back."""
        ...

    def search(self) -> list[str]:
        """The documents of the best passages, best first."""
        ...

    def embed(self, texts: Sequence[str]) -> list[list[float]]: ...

    def passages(self) -> Iterator[str]:
        """The texts that were given to the model."""
        ...


class Stopwatch:
    """Marks on the clock that all processes of a machine share, and the seconds spent in the embedding model."""

    def __init__(self) -> None:
        self.marks: dict[str, float] = {}
        self.embed_seconds = 0.0

    def mark(self, name: str) -> None:
        self.marks[name] = time.monotonic()
        print(name, flush=True)

    def watch(self, owner: type, method: str) -> None:
        """From now on counts the time spent in a method of a class."""
        plain: Callable[..., Any] = getattr(owner, method)

        @wraps(plain)
        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.monotonic()
            try:
                return plain(*args, **kwargs)
            finally:
                self.embed_seconds += time.monotonic() - started

        setattr(owner, method, timed)


def run(make: Callable[[Task], Peer], encoder: type) -> None:
    """Does the task that the command line gives, and writes its report.

    `encoder` is the class whose method `encode` is the embedding model at work.
    """
    given = json.loads(sys.argv[1])
    task = Task(**{**given, "texts": tuple(given["texts"])})
    watch = Stopwatch()
    watch.mark("imported")
    peer = make(task)
    watch.mark("set up")
    watch.watch(encoder, "encode")
    report: dict[str, Any] = {
        "versions": {name: version(name) for name in peer.packages},
        "settings": peer.settings,
        "max_tokens": peer.max_tokens,
    }
    if task.step == "ingest":
        peer.ingest()
        report["embed_seconds"] = watch.embed_seconds
        watch.mark("searchable")
        report["found"] = peer.search()
        watch.mark("searched")
        peer.persist()
        watch.mark("persisted")
    elif task.step == "again":
        peer.ingest_again()
        report["embed_seconds"] = watch.embed_seconds
        watch.mark("persisted")
    elif task.step == "open":
        peer.open()
        watch.mark("opened")
        report["found"] = peer.search()
        watch.mark("searched")
    elif task.step == "embed":
        report["vectors"] = peer.embed(task.texts)
    else:
        peer.open()
        report["passages"] = list(peer.passages())
    report["marks"] = watch.marks
    Path(task.report).write_text(json.dumps(report), encoding="utf-8")
