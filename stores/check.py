"""Every way in which the registry and the nodes can disagree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from docindex.errors import StoreError
from docindex.stores.lance import LanceNodes
from docindex.stores.search import NodeSearch
from docindex.stores.sql import CommitRow, DocumentRow, Registry

_TEXTS_AT_ONCE = 64


def find_problems(registry: Registry, nodes: LanceNodes, commit: CommitRow, dim: int) -> Iterator[str]:
    """One sentence a disagreement at a version; none when all is well."""
    try:
        search = NodeSearch(nodes.at(commit.nodes_version), dim)
    except StoreError as error:
        yield str(error)
        return
    seen: Counter[str] = Counter()
    owners: Counter[str] = Counter()
    for batch in search.scan(["node_id", "doc_id"]):
        seen.update(batch["node_id"].to_pylist())
        owners.update(batch["doc_id"].to_pylist())
    yield from (f"Node {node_id!r} is stored {count} times." for node_id, count in seen.items() if count > 1)
    missing_vectors = search.count("vector IS NULL")
    if missing_vectors:
        yield f"{missing_vectors} nodes have no vector."

    documents = nodes_counted = 0
    waiting: list[DocumentRow] = []
    for row in registry.documents(commit.version):
        record = row.record
        documents += 1
        nodes_counted += record.nodes
        found = owners.pop(record.doc_id, 0)
        if found != record.nodes:
            yield f"Document {record.doc_id!r} should have {record.nodes} nodes and has {found}."
        waiting.append(row)
        if len(waiting) == _TEXTS_AT_ONCE:
            yield from _text_problems(registry, search, waiting)
            waiting = []
    yield from _text_problems(registry, search, waiting)
    for doc_id, count in owners.items():
        yield f"{count} nodes belong to {doc_id!r}, which is no document of the index."
    yield from _count_problems(registry, commit, documents, nodes_counted)


def _count_problems(registry: Registry, commit: CommitRow, documents: int, nodes: int) -> Iterator[str]:
    sources = sum(1 for _ in registry.sources(commit.version, None))
    for name, recorded, counted in (
        ("documents", commit.documents, documents),
        ("nodes", commit.nodes, nodes),
        ("sources", commit.sources, sources),
    ):
        if recorded != counted:
            yield f"The last commit counts {recorded} {name}, and there are {counted}."


def _text_problems(registry: Registry, search: NodeSearch, rows: list[DocumentRow]) -> Iterator[str]:
    stored = registry.texts({row.text_hash for row in rows})
    texts: dict[str, str] = {}
    for row in rows:
        found = stored.get(row.text_hash)
        if found is None:
            yield f"The text of document {row.record.doc_id!r} is missing."
        elif not found.matches(row.text_hash):
            yield f"The text of document {row.record.doc_id!r} is damaged."
        else:
            texts[row.record.doc_id] = found.text
    for node in search.nodes_of_all(list(texts)):
        if texts[node.doc_id][node.start : node.end] != node.text:
            yield f"Node {node.node_id!r} differs from the text of its document at {node.start}-{node.end}."
