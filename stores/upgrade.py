"""From the first format of an index directory to the second, in which vectors have a table of their own.

The registry's migration comes first, then the new table and the commit that names it, and the new format number last.
Whatever of that an interrupted attempt has done, the next one starts from what the registry says.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from sqlalchemy import Engine, insert

from docindex.config import FORMAT_VERSION
from docindex.stores.changes import add_commit, forget
from docindex.stores.database import migrate, transaction
from docindex.stores.dense import build_vector_index
from docindex.stores.lance import TableVersion, WritableTable, scan
from docindex.stores.manifest import Manifest, write_manifest
from docindex.stores.parts import StoreParts, now
from docindex.stores.registry_rows import CommitRow
from docindex.stores.rows import VECTOR_COLUMNS, vector_schema, vectors_in, with_vectors
from docindex.stores.tables import pending


def needs_upgrade(manifest: Manifest) -> bool:
    """Whether an older docindex made the index."""
    return manifest.format_version < FORMAT_VERSION


def upgrade(path: Path, manifest: Manifest, engine: Engine) -> Manifest:
    """Brings the index up to date, and returns its manifest as it is then. The lease must be held."""
    migrate(engine)
    if not needs_upgrade(manifest):
        return manifest
    parts = StoreParts(path, manifest, engine, 0.0)
    head = parts.head()
    if head.vectors_table.number == 0:
        _move_vectors(parts, head)
    manifest = replace(manifest, format_version=FORMAT_VERSION)
    write_manifest(path, manifest)
    return manifest


def _move_vectors(parts: StoreParts, head: CommitRow) -> None:
    started = now()
    nodes = parts.nodes.writable(head.nodes_table.name)
    if nodes.version != head.nodes_table.number:
        nodes.go_back(head.nodes_table.number)
    shutil.rmtree(parts.vectors.folder("vectors"), ignore_errors=True)
    vectors = parts.vectors.create("vectors")
    waiting: Counter[str] = Counter()
    vectors.add(vector_schema(parts.dim), _batches(nodes, parts.dim, waiting))
    vectors.optimize()
    build_vector_index(vectors, parts.exact_below)
    nodes.drop_columns(["vector"])
    commit = replace(
        head,
        version=head.version + 1,
        kind="maintained",
        nodes_table=TableVersion(nodes.name, nodes.version, started),
        vectors_table=TableVersion(vectors.name, vectors.version, started),
        created_at=now(),
        embedded=vectors.count(),
    )
    with transaction(parts.engine) as connection:
        for doc_id, count in waiting.items():
            connection.execute(insert(pending).values(doc_id=doc_id, since=commit.version, until=None, nodes=count))
        add_commit(connection, commit)
        forget(connection, commit, now() + 1)  # older versions have no vectors table


def _batches(nodes: WritableTable, dim: int, waiting: Counter[str]) -> Iterator[pa.RecordBatch]:
    """The rows of the vectors table; `waiting` counts the nodes of each document that have none."""
    for batch in scan(nodes.table, [*VECTOR_COLUMNS, "vector"]):
        vectors = np.zeros((batch.num_rows, dim), np.float32)
        held = batch["vector"].is_valid().to_numpy(zero_copy_only=False)
        vectors[held] = vectors_in(batch.filter(pa.array(held)), dim)
        present = vectors.any(axis=1)
        waiting.update(batch.filter(pa.array(~present))["doc_id"].to_pylist())
        if present.any():
            yield with_vectors(batch.select(VECTOR_COLUMNS).filter(pa.array(present)), vectors[present], dim)
