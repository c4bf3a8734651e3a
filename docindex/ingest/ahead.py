"""What a new index is about to read, so that reading begins while its stores are made.

Making them is mostly the import of LanceDB, which leaves a core idle.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import accumulate
from typing import TYPE_CHECKING

from docindex.errors import DocindexError
from docindex.ingest.discover import STDIN, discover
from docindex.ingest.found import is_remote
from docindex.ingest.plan import plan
from docindex.ingest.stamps import FileHashes, is_settled

if TYPE_CHECKING:
    from docindex.config import FirstIngest
    from docindex.ingest.found import FoundFile
    from docindex.protocols import LoaderRegistry
    from docindex.schema import Source

MOST_FILES = 32
MOST_BYTES = 2 << 20
"""About what one process parses in the meantime; what it had not begun with by then, several could share."""


def first_files(first: FirstIngest, loaders: Callable[[], LoaderRegistry]) -> list[Source]:
    """The files that an ingest into an empty index reads first; none where that takes more than a look.

    A file that has just been written is not among them, nor what comes after it: a change while the stores are made
    might not show.
    """
    if any(is_remote(source) or source == STDIN for source in map(str, first.sources)):
        return []
    try:
        with ExitStack() as stack:
            found = discover(first.sources, first.options, stack, most=MOST_FILES)
            found.files = list(_settled(found.files))
            todo = plan(found, (), FileHashes(), loaders, first.options)
    except DocindexError:  # which the ingest will tell
        return []
    return [file.source for file in todo.read]


def _settled(files: list[FoundFile]) -> Iterator[FoundFile]:
    now = time.time_ns()
    for file, size in zip(files, accumulate(file.bytes for file in files), strict=True):
        if size > MOST_BYTES or file.status is None or not is_settled([file.status], now):
            return
        yield file
