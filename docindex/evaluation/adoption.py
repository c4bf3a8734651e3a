"""Settings of an index that can be changed without building it anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from docindex.index import Index
from docindex.stores.lease import lease
from docindex.stores.manifest import read_manifest, write_manifest


def adopt_settings(path: Path, *, dense_weight: float, k: int | None = None) -> None:
    """Writes settings of search into an index. Who has it open goes on with the old ones.

    Args:
        path: The folder of the index.
        dense_weight: The share of the dense score in hybrid search.
        k: How many passages a search gives that names no number; None leaves that as it is.

    Raises:
        IndexNotFoundError: There is none.
        ConfigError: The weight is not from 0 to 1.
        LockedError: Another process is writing.
    """
    Index.open(path).close()  # which brings an older format up to date
    with lease(path):
        manifest = read_manifest(path)
        config = replace(manifest.config, dense_weight=dense_weight)
        adopted = replace(manifest, config=config, k=k or manifest.k)
        if adopted != manifest:
            write_manifest(path, adopted)
