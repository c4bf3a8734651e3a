from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from docindex.loaders.registry import default_registry
from docindex.schema import Document, LoadOptions, Source

NO_OPTIONS = LoadOptions()

LoadFile = Callable[..., list[Document]]


@pytest.fixture
def load(tmp_path: Path) -> LoadFile:
    """Writes the content under the name and loads the file the way an ingest does."""
    registry = default_registry()

    def write_and_load(name: str, content: str | bytes, options: LoadOptions = NO_OPTIONS) -> list[Document]:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        media_type = registry.media_type_of(path)
        assert media_type is not None
        return list(registry.load(Source(name, path, media_type, options)))

    return write_and_load
