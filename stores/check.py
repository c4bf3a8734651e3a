"""Every way in which the registry, the nodes and the vectors can disagree, and what is wrong with their indexes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from docindex.errors import StoreError
from docindex.stores.database import registry_damage
from docindex.stores.dense import VectorSearch, default_index
from docindex.stores.lance import LanceTables, expected_indexes, first_line
from docindex.stores.lancedb_api import LanceTable
from docindex.stores.registry_rows import CommitRow
from docindex.stores.search import NodeSearch
from docindex.stores.sql import Registry
from docindex.stores.survey import survey

_PROBES = 64
_WORD = re.compile(r"(?<!\w)\w{2,40}(?!\w)")
_WORDS_ASKED = 12


def find_problems(
    registry: Registry, nodes: LanceTables, vectors: LanceTables, commit: CommitRow, dim: int
) -> Iterator[str]:
    """One sentence a disagreement at a version; none when all is well."""
    if damage := registry_damage(registry.engine):
        yield damage
        return
    opened: list[LanceTable] = []
    for tables, version in ((nodes, commit.nodes_table), (vectors, commit.vectors_table)):
        try:
            opened.append(tables.at(version))
        except StoreError as error:
            yield str(error)
    if len(opened) < 2:
        return
    yield from survey(registry, commit, opened[0], opened[1], dim).problems
    for tables, table in ((nodes, opened[0]), (vectors, opened[1])):
        for column, why in unsound_indexes(tables, table).items():
            yield f"The index of {column!r} in the {tables.kind} table {why}."


def unsound_indexes(tables: LanceTables, table: LanceTable) -> dict[str, str]:
    """The columns whose index is missing or can't be used, and what is wrong with it."""
    found: dict[str, str] = {}
    present = {column: index.name for index in table.list_indices() for column in index.columns}
    rows = table.count_rows()
    for column in expected_indexes(tables.kind):
        if column not in present:
            found[column] = "is missing"
            continue
        try:
            statistics = table.index_stats(present[column])
            held = 0 if statistics is None else statistics.num_indexed_rows + statistics.num_unindexed_rows
            if held != rows:
                found[column] = f"covers {held} rows, and there are {rows}"
            else:
                _probe(table, column)
        except (ValueError, RuntimeError, OSError) as error:
            found[column] = f"can't be read ({first_line(error)})"
    if tables.kind == "nodes" and not found and (missed := _missed_by_words(table)):
        found["search_text"] = f"does not know the words of node {missed!r}"
    if tables.kind == "vectors" and default_index(table) is not None:
        try:
            dim = table.schema.field("vector").type.list_size
            VectorSearch(table, dim).dense(np.ones(dim, np.float32), 1)
        except (ValueError, RuntimeError, OSError) as error:
            found["vector"] = f"can't be read ({first_line(error)})"
    return found


def _probe(table: LanceTable, column: str) -> None:
    """Asks something that the index answers."""
    if column == "search_text":
        NodeSearch(table).lexical("probe", 1)
    elif column == "kv":
        table.count_rows("array_has(kv, '')")
    else:
        table.count_rows(f"{column} IN ('')")


def _missed_by_words(table: LanceTable) -> str | None:
    """A node, of some, that a search for its own first words does not find."""
    rows = table.count_rows()
    search = NodeSearch(table)
    step = max(1, rows // _PROBES)
    for start in range(0, rows, step):
        for row in table.search().select(["node_id", "search_text"]).offset(start).limit(1).to_arrow().to_pylist():
            words = " ".join(_WORD.findall(row["search_text"])[:_WORDS_ASKED])
            has_terms = words and list(table.tokenize(words, column="search_text"))
            if has_terms and not search.lexical(words, 1, among=[row["node_id"]]):
                return str(row["node_id"])
    return None
