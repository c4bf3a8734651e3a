"""The writer's lease: one process changes an index at a time, and a dead one frees it by dying."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from docindex.errors import LockedError

LOCK_FILE = "writer.lock"
HOLDER_FILE = "writer.json"


@contextmanager
def lease(path: Path, wait_seconds: float = 0.0) -> Iterator[None]:
    """Holds the lease of the index in a directory. The operating system ends it with the process, however that ends.

    Raises:
        LockedError: Another holder has it, in this process or another, and still does after `wait_seconds`.
    """
    # Imported here, for an ingest that finds nothing to do takes no lease, and one in twenty of its milliseconds were
    # this import.
    from filelock import FileLock, Timeout

    # Not per thread: a writer may be closed by another thread than the one that opened it.
    lock = FileLock(path / LOCK_FILE, timeout=max(0.0, wait_seconds), thread_local=False)
    try:
        lock.acquire(poll_interval=0.05)
    except Timeout as error:
        raise LockedError(_holder(path)) from error
    try:
        _announce(path)
        yield
    finally:
        (path / HOLDER_FILE).unlink(missing_ok=True)
        lock.release()


def _announce(path: Path) -> None:
    started = datetime.now(UTC).isoformat(timespec="seconds")
    draft = path / f".{HOLDER_FILE}.{os.getpid()}"
    draft.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "started": started}), "utf-8")
    draft.replace(path / HOLDER_FILE)


def _holder(path: Path) -> str:
    try:
        said = json.loads((path / HOLDER_FILE).read_text("utf-8"))
        return f"process {said['pid']} on {said['host']} since {said['started']}"
    except (OSError, ValueError, KeyError):
        return "another process"  # it took the lease a moment ago, or has just let it go
