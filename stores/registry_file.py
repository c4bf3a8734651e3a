"""The registry's file, where it is an SQLite database in the index directory."""

from __future__ import annotations

from pathlib import Path

from docindex.errors import StoreError
from docindex.stores.sqlite_files import has_log

REGISTRY_FILE = "registry.db"
NO_REPAIR = (
    "`docindex check --repair` can't mend the registry itself; restore it from a copy, or ingest into a new index."
)


def check_length(file: Path) -> None:
    """Refuses an SQLite file that is shorter than it says, or none.

    Raises:
        StoreError: Names the file.
    """
    with file.open("rb") as opened:
        header = opened.read(100)
    page = int.from_bytes(header[16:18], "big")
    length = (65536 if page == 1 else page) * int.from_bytes(header[28:32], "big")
    if has_log(file):
        return
    if not header.startswith(b"SQLite format 3\0") or file.stat().st_size < length:
        raise StoreError(f"{file} is truncated or damaged: {NO_REPAIR}")
