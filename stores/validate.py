"""What a commit refuses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from docindex.errors import StoreError
from docindex.protocols import ChangeSet, DocumentChange, NodeVectors
from docindex.schema import DerivedRecord


def is_empty(changes: ChangeSet) -> bool:
    """Whether there is nothing to write."""
    given = changes.vectors is not None and len(changes.vectors.node_ids)
    content = changes.documents or changes.delete_documents or changes.sources or changes.delete_sources or given
    indexes = changes.derived or changes.delete_derived or changes.define_indexes or changes.drop_indexes
    return not (content or indexes)


def check_changes(changes: ChangeSet, dim: int) -> None:
    """Refuses what contradicts itself or can't be stored, before anything is written.

    Raises:
        StoreError: Says which document and what about it.
    """
    doc_ids: set[str] = set()
    node_ids: set[str] = set()
    for change in changes.documents:
        doc_id = change.document.doc_id
        if doc_id in doc_ids:
            raise StoreError(f"Document {doc_id!r} comes twice in one commit: give each document an id of its own.")
        doc_ids.add(doc_id)
        _check_document(change, dim)
        for node in change.nodes:
            if node.node_id in node_ids:
                raise StoreError(f"Node {node.node_id!r} of {doc_id!r} comes twice in one commit.")
            node_ids.add(node.node_id)
    for source in changes.sources:
        _check_text(source.name, "location", source.location)
        _check_text(source.name, "name", source.name)
        _check_text(source.name, "twin", source.same_as or "")
    if changes.vectors is not None:
        _check_vectors(changes.vectors, dim)
    _check_derived(changes.derived, dim)


def _check_document(change: DocumentChange, dim: int) -> None:
    document = change.document
    for what, value in (("id", document.doc_id), ("source", document.source), ("location", change.location)):
        _check_text(document.doc_id, what, value)
    for name, held in document.metadata.items():
        _check_text(document.doc_id, "metadata field", name)
        _check_unicode(document.doc_id, name, "".join(held) if isinstance(held, tuple) else str(held))
    for what, parts in (
        ("text", (document.text, document.title, document.media_type)),
        ("node", (node.context + "".join(node.headings) + (node.page_label or "") for node in change.nodes)),
    ):
        _check_unicode(document.doc_id, what, "".join(parts))
    if change.vectors.shape != (len(change.nodes), dim):
        raise StoreError(
            f"{document.doc_id!r} has {len(change.nodes)} nodes and vectors of shape {change.vectors.shape}: "
            f"({len(change.nodes)}, {dim}) is needed."
        )
    if not np.isfinite(change.vectors).all():
        raise StoreError(f"A vector of {document.doc_id!r} holds a value that is not finite: embed it again.")
    for node in change.nodes:
        if node.doc_id != document.doc_id or document.text[node.start : node.end] != node.text:
            raise StoreError(
                f"Node {node.node_id!r} is not the text of {document.doc_id!r} at {node.start}-{node.end}."
            )


def _check_derived(derived: Sequence[DerivedRecord], dim: int) -> None:
    seen: set[tuple[str, str]] = set()
    for record in derived:
        name = f"{record.kind}/{record.key}"
        if (record.kind, record.key) in seen:
            raise StoreError(f"The index record {name!r} comes twice in one commit.")
        seen.add((record.kind, record.key))
        if not record.documents:
            raise StoreError(f"The index record {name!r} is made from no document: name the ones that it goes with.")
        for what, value in (("kind", record.kind), ("key", record.key), ("terms", "".join(record.terms))):
            _check_text(name, what, value)
        if record.vector is not None and (record.vector.shape != (dim,) or not np.isfinite(record.vector).all()):
            raise StoreError(f"The vector of the index record {name!r} is not one of {dim} finite numbers.")


def _check_vectors(given: NodeVectors, dim: int) -> None:
    if given.vectors.shape != (len(given.node_ids), dim):
        raise StoreError(
            f"{len(given.node_ids)} nodes come with vectors of shape {given.vectors.shape}: "
            f"({len(given.node_ids)}, {dim}) is needed."
        )
    if len(set(given.node_ids)) < len(given.node_ids):
        raise StoreError("A node gets two vectors in one commit: give it one.")
    if not np.isfinite(given.vectors).all():
        raise StoreError("A vector holds a value that is not finite: embed its node again.")
    if not given.vectors.any(axis=1).all():
        raise StoreError("A vector is all zeros, which stands for none: leave its node out.")


def _check_text(owner: str, what: str, value: str) -> None:
    _check_unicode(owner, what, value)
    if "\0" in value:
        raise StoreError(f"The {what} of {owner!r} holds a NUL character, which no database takes: leave it out.")


def _check_unicode(owner: str, what: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise StoreError(f"The {what} of {owner!r} holds a lone surrogate: decode it as valid Unicode.") from error
