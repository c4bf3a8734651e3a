"""Both databases pass the store contract."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from docindex.config import IndexConfig
from docindex.protocols import IndexStore
from docindex.stores.commit import create_stores
from docindex.stores.manifest import Manifest
from docindex.testing.derived_contract import DerivedContract
from docindex.testing.store_contract import StoreContract
from docindex.testing.store_growth_contract import StoreGrowthContract
from docindex.testing.store_search_contract import StoreSearchContract


class TestSqlite(StoreContract, StoreSearchContract, StoreGrowthContract, DerivedContract):
    def make_store(self, path: Path, dim: int) -> IndexStore:
        return create_stores(path, Manifest(config=IndexConfig(), embedder="e", fingerprint="f", dim=dim))


@pytest.mark.postgres
class TestPostgres(StoreContract, StoreSearchContract, StoreGrowthContract, DerivedContract):
    @pytest.fixture(autouse=True)
    def _server(self, postgres_url: Callable[[], str]) -> None:
        self.new_url = postgres_url

    def make_store(self, path: Path, dim: int) -> IndexStore:
        config = IndexConfig(database=self.new_url())
        return create_stores(path, Manifest(config=config, embedder="e", fingerprint="f", dim=dim))
