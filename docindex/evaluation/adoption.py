"""Settings of an index that can be changed without building it anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from docindex.index import Index
from docindex.stores.lease import lease
from docindex.stores.manifest import read_manifest, write_manifest


def set_dense_weight(path: Path, weight: float) -> None:
    """Writes the share of the dense score in hybrid search into an index. Who has it open goes on with the old one.

    Raises:
        IndexNotFoundError: There is none.
        ConfigError: The weight is not from 0 to 1.
        LockedError: Another process is writing.
    """
    Index.open(path).close()  # which brings an older format up to date
    with lease(path):
        manifest = read_manifest(path)
        config = replace(manifest.config, dense_weight=weight)
        if config != manifest.config:
            write_manifest(path, replace(manifest, config=config))
