from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from docindex import Environment, Index, LLMConfig, wiring
from docindex.chunking.sentences import split_sentences
from docindex.indices.sentences import KIND, SentenceVectors, best_sentences, read_sentence_vectors, sentence_vectors


def test_each_passage_has_the_vectors_of_its_sentences(docs: Path, tmp_path: Path) -> None:
    with Index.create(tmp_path / "index") as index:
        index.ingest(docs)
    parts = wiring.open(tmp_path / "index", LLMConfig(), Environment.read())
    embedder = parts.embedder()
    with parts.store.writer() as writer:
        assert SentenceVectors(embedder).refresh(writer, lambda _: None) == writer.snapshot.count() > 0
        assert SentenceVectors(embedder).refresh(writer, lambda _: None) == 0  # there is nothing left to do
    parts.close()

    parts = wiring.open(tmp_path / "index", LLMConfig(), Environment.read())  # as another process would
    snapshot = parts.store.snapshot()
    nodes = [one.node for record in snapshot.documents() for one in snapshot.nodes_of(record.doc_id)]
    held = read_sentence_vectors(snapshot, [node.node_id for node in nodes])
    for node in nodes:
        texts = [node.text[start:end] for start, end in split_sentences(node.text)]
        exact = embedder.embed(texts, kind="passage")
        assert held[node.node_id].shape == exact.shape
        assert (held[node.node_id] * exact).sum(axis=1).min() > 0.9999
    assert read_sentence_vectors(snapshot, ["no such node"]) == best_sentences(snapshot, [], exact[0]) == {}
    question = embedder.embed(["where do apples grow?"], kind="query")[0]
    best = best_sentences(snapshot, [*held, "no such node"], question)
    assert best == pytest.approx({key: float((vectors @ question).max()) for key, vectors in held.items()}, abs=1e-5)
    parts.close()


def test_an_edit_makes_the_sentences_of_that_document_anew(docs: Path, tmp_path: Path) -> None:
    with Index.create(tmp_path / "index") as index:
        index.ingest(docs)
        parts = index._parts
        embedder = parts.embedder()
        with parts.store.writer() as writer:
            SentenceVectors(embedder).refresh(writer, lambda _: None)
        (docs / "apple.txt").write_text("Pears grow on trees, too. They are eaten in autumn.\n")
        index.ingest(docs)
        with parts.store.writer() as writer:
            assert writer.snapshot.derived_count(KIND) == writer.snapshot.count() - 1
            assert SentenceVectors(embedder).refresh(writer, lambda _: None) == 1
            node = writer.snapshot.nodes_of("apple.txt")[0].node
            held = read_sentence_vectors(writer.snapshot, [node.node_id])[node.node_id]
        pears = embedder.embed(["Pears grow on trees, too."], kind="passage")[0]
        assert float(held[0] @ pears) > 0.9999


def test_what_is_said_twice_is_embedded_once(index: Index, tmp_path: Path) -> None:
    counted: list[int] = []

    class Counting:
        dim, max_tokens, fingerprint = 4, 100, "counting"

        def embed(self, texts, *, kind):
            counted.append(len(texts))
            return np.tile(np.array([1, 0, 0, 0], np.float32), (len(texts), 1))

        def token_offsets(self, text):
            return np.empty((0, 2), np.int32)

    (tmp_path / "a.txt").write_text("One thing. Another thing.\n")
    (tmp_path / "b.txt").write_text("Another thing. A third thing.\n")
    index.ingest(tmp_path / "a.txt", tmp_path / "b.txt")
    nodes = [stored.node for name in ("a.txt", "b.txt") for stored in index.nodes(name)]
    assert [len(vectors) for vectors in sentence_vectors(Counting(), nodes)] == [2, 2]
    assert counted == [3]
