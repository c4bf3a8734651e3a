"""A new store for each test of a suite."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import pytest

from docindex.protocols import IndexStore
from docindex.testing.stored_texts import DIM


class StoreSuite(ABC):
    """What the suites for stores are made of: a subclass of them all makes the store that they try."""

    @abstractmethod
    def make_store(self, path: Path, dim: int) -> IndexStore:
        """A new, empty store in a folder that does not exist yet."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[IndexStore]:
        store = self.make_store(tmp_path / "index", DIM)
        yield store
        store.close()
