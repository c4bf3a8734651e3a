"""Routes decide by meaning and form; what the file does not cover falls back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from docindex import Index
from docindex.config import DEFAULT_EMBEDDER, Environment
from docindex.errors import QueryError
from docindex.protocols import Embedder
from docindex.retrieval.router import Router
from docindex.retrieval.router_vectors import cached_vectors, vectors_file
from docindex.retrieval.router_words import Familiarity, words_in, words_of
from docindex.retrieval.routes import Answer, Direct, Refuse, Retrieve
from docindex.retrieval.routes_file import read_routes
from docindex.testing.fakes import HashingEmbedder
from docindex.wiring import open_embedder

ROOT = Path(__file__).parents[2]
ROUTES = """\
version: 1
fallback: search
slots:
  part: [engine, wheel, brake, seat, lamp, pedal, horn]
routes:
  - name: search
    retrieve: {k: 7, mode: lexical, filter: "page < 3"}
    utterances: ["How heavy is the {part}?", "Which {part} does it have?", "What is the {part} made of?"]
  - name: repair
    retrieve:
    utterances: ["How do I repair the {part}?", "How do I change the {part}?", "Help me fix the {part}."]
  - name: greeting
    answer: Hello.
    stock: courtesy
  - name: chat
    direct: true
    utterances: ["Who are you?", "What is your name?", "Tell me a joke."]
  - name: rude
    refuse: No.
    stock: [abuse]
    utterances: [You are a fool.]
"""


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return open_embedder(DEFAULT_EMBEDDER, Environment.read())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "routes.yaml"
    path.write_text(ROUTES)
    return path


class CountingEmbedder(HashingEmbedder):
    """Counts what it embeds."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def embed(self, texts, *, kind):
        self.texts += texts
        return super().embed(texts, kind=kind)


def test_what_is_said_goes_to_its_route_with_its_action(file: Path, embedder: Embedder):
    router = Router.open(file, embedder)
    wanted = {
        "how heavy is the gearbox": ("search", Retrieve(k=7, mode="lexical", filter="page < 3")),
        "how would I repair a gearbox": ("repair", Retrieve()),
        "hi there, good morning": ("greeting", Answer("Hello.")),
        "what may I call you, what is your name": ("chat", Direct()),
        "you stupid idiot": ("rude", Refuse("No.")),
    }
    for text, (name, action) in wanted.items():
        decision = router.route(text)
        assert (decision.route, decision.action) == (name, action), text
        assert not decision.fell_back
        assert 0 < decision.margin <= decision.score <= 1
        assert decision.runner_up != name


def test_what_is_like_nothing_falls_back(file: Path, embedder: Embedder):
    file.write_text(ROUTES.partition("  - name: greeting")[0])
    decision = Router.open(file, embedder).route("zxq wvut 77 pqlm")
    assert decision.fell_back
    assert decision.route == "search"
    assert decision.margin == 0
    assert decision.runner_up == "repair"
    assert decision.as_dict()["action"]["do"] == "retrieve"


def test_an_utterance_of_the_file_goes_where_the_file_says(file: Path, embedder: Embedder):
    router = Router.open(file, embedder)
    routes = router.routes.routes
    sure = [router.route(example.text).route == routes[example.route].name for example in router.routes.examples()]
    assert np.mean(sure) > 0.97
    assert 0.5 < router.left_out_accuracy <= 1


def test_empty_utterances_are_refused(file: Path):
    with pytest.raises(QueryError, match="say something"):
        Router.open(file, HashingEmbedder()).route(" \n")


@pytest.mark.parametrize("text", ["a", "?", "\ud800", "ß" * 5000, "今天天气怎么样", "x" * 3])
def test_any_text_goes_somewhere(file: Path, text: str):
    decision = Router.open(file, HashingEmbedder()).route(text)
    assert decision.route in {"search", "repair", "greeting", "chat", "rude"}


def test_fitting_again_decides_the_same(file: Path):
    embedder = HashingEmbedder()
    first, second = Router.open(file, embedder), Router.fit(read_routes(file), embedder)
    for text in ("fix the wheel", "hello you", "who is it"):
        assert first.route(text) == second.route(text)


def test_vectors_are_kept_beside_the_file_and_only_new_ones_are_made(file: Path):
    first = CountingEmbedder()
    Router.open(file, first)
    assert vectors_file(file).is_file()
    again = CountingEmbedder()
    Router.open(file, again)
    assert again.texts == []
    file.write_text(ROUTES.replace("Tell me a joke.", "Sing a song."))
    edited = CountingEmbedder()
    Router.open(file, edited)
    assert edited.texts == ["Sing a song."]


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not a zip", b"\x80\x04K\x01."])
def test_a_damaged_file_of_vectors_is_made_anew(tmp_path: Path, damage: bytes):
    kept = tmp_path / "kept.npz"
    kept.write_bytes(damage)
    embedder = CountingEmbedder()
    vectors = cached_vectors(["one", "two"], embedder, kept)
    assert np.array_equal(vectors, HashingEmbedder().embed(["one", "two"], kind="query"))
    assert np.array_equal(cached_vectors(["two"], CountingEmbedder(), kept), vectors[1:])
    assert embedder.texts == ["one", "two"]


def test_vectors_of_another_embedder_are_not_taken(tmp_path: Path):
    kept = tmp_path / "kept.npz"
    cached_vectors(["one"], HashingEmbedder(dim=64), kept)
    assert cached_vectors(["one"], HashingEmbedder(dim=32), kept).shape == (1, 32)


def test_a_folder_that_can_not_be_written_is_no_error(tmp_path: Path):
    assert cached_vectors(["one"], HashingEmbedder(), tmp_path / "missing" / "kept.npz").shape == (1, 256)


def test_words_tell_what_the_documents_are_about(example_index: Index):
    known = words_of(
        stored.node.full_text for record in example_index.documents() for stored in example_index.nodes(record.doc_id)
    )
    assert {"funnel", "firmware"} <= known
    seen = Familiarity.of(known, ["the funnel of the gauge", "an opera by Verdi", "how do I"])
    at_home, abroad = seen.matrix(["clean the funnel", "sing an aria in Verona"])
    assert at_home[0] > abroad[0]
    assert at_home[2] < abroad[2]


def test_the_words_of_an_index_are_those_of_its_passages(example_index: Index):
    snapshot = example_index._snapshot()
    assert words_in(snapshot) == words_of(
        stored.node.full_text for record in snapshot.documents() for stored in snapshot.nodes_of(record.doc_id)
    )


def test_the_example_routes_serve_the_example_documents(example_index: Index, embedder: Embedder):
    """The held-out utterances of the benchmark; the figure in docs/routing.md is 0.97."""
    router = Router.fit(read_routes(ROOT / "examples" / "routes.yaml"), embedder, words_in(example_index._snapshot()))
    lines = (ROOT / "tests" / "benchmarks" / "data" / "router_utterances.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) >= 200
    taught = {" ".join(example.text.lower().split()) for example in router.routes.examples()}
    assert taught.isdisjoint(" ".join(row["text"].lower().split()) for row in rows)
    assert np.mean([router.route(row["text"]).route == row["route"] for row in rows]) >= 0.95
