from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.chunking.sentences import split_sentences
from docindex.indices.sentences import read_sentence_vectors
from docindex.retrieval.grains import WINDOW, GrainRetriever, combine
from docindex.retrieval.hybrid import HybridRetriever
from docindex.schema import Query

QUESTIONS = ["how often must the oil be changed?", "apples in Kent", "what do filters do in the cold", "zebra"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_score_is_that_of_the_formula(library, question: str) -> None:
    snapshot, embedder = library.snapshot, library.embedder
    hits = GrainRetriever(library.now, embedder, 0.7).retrieve(Query(question, k=200))
    nodes = [hit.node for hit in hits]
    vector = embedder.embed([question], kind="query")[0]
    vectors = snapshot.vectors([node.node_id for node in nodes])
    cosines = vectors @ vector
    sentences = np.array([_best_sentence(embedder, node, vector) for node in nodes])
    bm25 = {match.node_id: match.score for match in snapshot.lexical(question, 500)}
    words = np.array([bm25.get(node.node_id, 0.0) for node in nodes]) / max(bm25.values(), default=1.0)
    own, together = np.zeros(len(nodes)), np.zeros(len(nodes))
    for place, node in enumerate(nodes):
        near = [
            other
            for other, candidate in enumerate(nodes)
            if candidate.doc_id == node.doc_id and abs(candidate.order - node.order) <= WINDOW
        ]
        mean = vectors[near].mean(axis=0)
        around = float(mean @ vector / np.linalg.norm(mean))
        own[place] = 0.7 * (cosines[place] + sentences[place] + around) / 3 + 0.3 * words[place]
        best = 0.7 * (cosines[near].max() + sentences[near].max() + around) / 3 + 0.3 * words[near].max()
        together[place] = best
    for place, hit in enumerate(hits):
        near = [
            other
            for other, candidate in enumerate(nodes)
            if candidate.doc_id == hit.doc_id and abs(candidate.order - hit.node.order) <= WINDOW
        ]
        leads = own[place] >= own[near].max() - 1e-9
        expected = together[near].max() if leads else own[place]
        assert hit.score == pytest.approx(expected, abs=5e-3)  # a sentence's vector is stored in bytes
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def _best_sentence(embedder, node, vector) -> float:
    texts = [node.text[start:end] for start, end in split_sentences(node.text)]
    return float((embedder.embed(texts, kind="passage") @ vector).max())


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.floats(0, 1))
@settings(deadline=None, max_examples=60)
def test_a_passage_never_falls_below_its_own_evidence(seed: int, size: int, weight: float) -> None:
    random = np.random.default_rng(seed)
    cosines, sentences, around, bm25 = random.uniform(-1, 1, (4, size))
    document = random.integers(0, 3, size)
    near = (document[:, None] == document) & (np.abs(np.arange(size)[:, None] - np.arange(size)) <= 2)
    scores = combine(cosines, sentences, around, bm25, near, weight)
    own = weight * (cosines + sentences + around) / 3 + (1 - weight) * bm25
    assert (scores >= own - 1e-12).all()
    leads = own >= np.where(near, own, -np.inf).max(axis=1)
    assert np.allclose(scores[~leads], own[~leads])


def test_alone_a_passage_has_its_own_evidence() -> None:
    scores = combine(np.array([0.6]), np.array([0.9]), np.array([0.6]), np.array([1.0]), np.ones((1, 1), bool), 0.7)
    assert scores == pytest.approx([0.7 * 0.7 + 0.3])


def test_sides_that_meet_in_one_document_are_added_up(library) -> None:
    """The words stand in one passage of the long document, the meaning in the next."""
    scores = combine(
        np.array([0.1, 0.8, 0.7]),
        np.array([0.1, 0.8, 0.7]),
        np.array([0.5, 0.5, 0.7]),
        np.array([1.0, 0.1, 0.6]),
        np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], bool),
        0.7,
    )
    assert int(scores.argmax()) == 1
    assert scores[1] == pytest.approx(0.7 * (0.8 + 0.8 + 0.5) / 3 + 0.3 * 1.0)
    assert scores[0] < scores[2]


def test_sentences_that_are_not_indexed_are_stood_for(library) -> None:
    passages = [node.node_id for record in library.snapshot.documents() for node in _nodes(library, record.doc_id)]
    held = read_sentence_vectors(library.snapshot, passages)
    assert held.keys() == set(passages)
    with library_without_sentences(library) as bare:
        hits = GrainRetriever(bare.now, bare.embedder, 0.7).retrieve(Query("salt in bread", k=3))
        assert hits[0].source == "bread.txt"
        plain = HybridRetriever(bare.now, bare.embedder, 0.7).retrieve(Query("salt in bread", k=3))
        assert plain[0].node == hits[0].node


def _nodes(library, doc_id: str):
    return [stored.node for stored in library.snapshot.nodes_of(doc_id)]


class library_without_sentences:  # noqa: N801 - read as a function
    """The same library in an older version, from before its sentences were indexed."""

    def __init__(self, library) -> None:
        from docindex import Environment, LLMConfig, wiring

        self._parts = wiring.open(library.path, LLMConfig(), Environment.read())
        oldest = [one for one in self._parts.store.versions() if one.embedded == library.snapshot.count()][-1]
        self.snapshot = self._parts.store.snapshot(oldest.version)
        assert self.snapshot.derived_count("sentences") == 0
        self.embedder = library.embedder

    def now(self):
        return self.snapshot

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        self._parts.close()
