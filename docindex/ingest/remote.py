"""Sources that are no files: web pages and the rows of databases. Each is brought into a file, and goes on as one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from docindex.config import IngestOptions
from docindex.errors import DocindexError, LoadError
from docindex.ingest.found import Discovery, FoundFile
from docindex.ingest.web import Fetched, NotModified, WebFetcher, pages
from docindex.loaders.sql_rows import MEDIA_TYPE, SqlRows, SqlSource
from docindex.schema import Problem


class RemoteSources:
    """Brings what is named by an address. One fetcher serves all pages, so that hosts are not hurried by turns."""

    def __init__(
        self, options: IngestOptions, stack: ExitStack, known: Callable[[], Mapping[str, str]], found: Discovery
    ) -> None:
        """`stack` owns the files; `known` tells of the pages that need no reading unless they have changed."""
        self._options = options
        self._stack = stack
        self._known = known
        self._found = found
        self._fetcher: WebFetcher | None = None

    def bring(self, source: str) -> Iterator[FoundFile]:
        """The files of a web address, a sitemap or a database; what can't be had is told of in the discovery."""
        if source.startswith(("http://", "https://")):
            yield from self._pages(source)
        elif self._options.load.query is None:
            reason = "is neither a path nor a web address; of a database, choose the rows with --sql"
            self._found.failed.append(Problem(source, reason))
        else:
            yield from self._rows(source, self._options.load.query)

    def _pages(self, source: str) -> Iterator[FoundFile]:
        if self._fetcher is None:
            self._fetcher = self._stack.enter_context(WebFetcher(self._options.web))
        for page in pages(self._fetcher, source, self._known()):
            match page:
                case Problem():
                    self._found.failed.append(page)
                case NotModified():
                    self._found.not_modified.append(page.url)
                case Fetched():
                    yield FoundFile(
                        page.path,
                        page.url,
                        page.url,
                        source,
                        page.bytes,
                        page.modified_at,
                        media_type=page.media_type,
                        validator=page.validator,
                    )

    def _rows(self, url: str, query: str) -> Iterator[FoundFile]:
        rows = SqlSource(url, query)
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="docindex-rows-")))
        path = folder / "rows.jsonl"
        try:
            SqlRows().write(rows, path)
            location, name = rows.location, rows.label
        except DocindexError as error:
            reason = error.reason if isinstance(error, LoadError) else str(error)
            self._found.failed.append(Problem(error.source if isinstance(error, LoadError) else "the database", reason))
            return
        yield FoundFile(path, location, name, location, path.stat().st_size, None, media_type=MEDIA_TYPE)
