"""A file of routes is read strictly: each complaint has the line and says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.errors import ConfigError
from docindex.retrieval.routes import FILLS, Answer, Retrieve, filled
from docindex.retrieval.routes_file import read_routes
from docindex.retrieval.routes_stock import foreign_questions, stock_utterances

GOOD = """\
version: 1
fallback: a
slots:
  part: [wheel, brake]
routes:
  - name: a
    retrieve: {k: 3}
    utterances: [one thing, two things, "the {part}"]
  - name: b
    answer: Yes.
    description: says yes
    utterances: [four, five, six]
"""


def read(folder: Path, text: str):
    path = folder / "routes.yaml"
    path.write_text(text)
    return read_routes(path)


def test_a_good_file_is_read_whole(tmp_path: Path):
    routes = read(tmp_path, GOOD)
    assert routes.fallback == "a"
    assert routes["a"].action == Retrieve(k=3)
    assert routes["b"].action == Answer("Yes.")
    assert routes["b"].description == "says yes"
    assert routes.slots == {"part": ("wheel", "brake")}
    examples = list(routes.examples())
    assert [example.text for example in examples if example.route == 0][2:] in (
        ["the wheel", "the brake"],
        ["the brake", "the wheel"],
    )
    assert len({example.group for example in examples}) == 6
    assert sum(example.weight for example in examples) == pytest.approx(6)
    with pytest.raises(KeyError):
        routes["c"]


def test_stock_utterances_count_as_much_as_thirty_of_its_own(tmp_path: Path):
    routes = read(tmp_path, GOOD.replace("    description: says yes", "    stock: [courtesy, tasks]"))
    stock = [example for example in routes.examples() if example.text in routes["b"].stock]
    assert len(stock) > 100
    assert sum(example.weight for example in stock) == pytest.approx(30)


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("fallback: a", "fallbck: a", 2, "no key 'fallbck': the keys are version, fallback, slots, routes"),
        ("version: 1", "version: 9", 1, "version is 9, and this docindex reads 1"),
        ("version: 1", "version: one", 1, "version is not a whole number"),
        ("fallback: a", "fallback: z", 2, "no route is called 'z': give one of a, b"),
        ("fallback: a\n", "", 1, "the file has no 'fallback'"),
        ("{k: 3}", "{k: 0}", 7, "k is 0: give 1 or more"),
        ("{k: 3}", "{kk: 3}", 7, "retrieve has no key 'kk': the keys are index, engine, k, mode, filter"),
        ("{k: 3}", "{mode: fuzzy}", 7, "mode is 'fuzzy': give one of hybrid, dense, lexical"),
        ("{k: 3}", "much", 7, "retrieve is not a table"),
        ("answer: Yes.", "answer: Yes.\n    refuse: No.", 9, "both answer and refuse"),
        ("    answer: Yes.\n", "", 9, "'b' has nothing to do: give one of retrieve, answer, refuse, direct"),
        ("answer: Yes.", "answer:", 10, "answer is not a text"),
        ("answer: Yes.", "direct: please", 10, "write `direct: true`"),
        ("[four, five, six]", "[four, five]", 9, "too few utterances"),
        ("[four, five, six]", "four", 12, "utterances is not a list"),
        ("[four, five, six]", "[four, five, ONE  thing]", 12, "'ONE  thing' is an utterance of a already"),
        ("{part}", "{thing}", 8, "there is no slot 'thing'"),
        ("name: b", "name: a", 9, "there is a route 'a' already"),
        ("name: b", "name: b c", 9, "the name is 'b c'"),
        ("description: says yes", "stock: jokes", 11, "no utterances of the kind 'jokes': give one of courtesy"),
        ("answer: Yes.", "answer: Yes.\n    answer: No.", 11, "'answer' is given twice"),
        ("[wheel, brake]", "wheel", 4, "slot part is not a list"),
        ("routes:", "routes: [", 6, "not YAML"),
    ],
)
def test_mistakes_are_named_with_line_and_cure(tmp_path: Path, old: str, new: str, line: int, says: str):
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    message = str(caught.value)
    assert says in message
    found = int(message.removeprefix(str(tmp_path / "routes.yaml")).split(":")[1])
    assert found == line or "not YAML" in says
    assert message.endswith(".")


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a list\n", "just words", "a: &a [*a]"])
def test_what_is_no_file_of_routes_is_refused(tmp_path: Path, text: str):
    with pytest.raises(ConfigError):
        read(tmp_path, text)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="can't be read"):
        read_routes(tmp_path / "none.yaml")


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=200))
def test_no_text_makes_it_fall_over(tmp_path_factory, text: str):
    path = tmp_path_factory.mktemp("routes") / "routes.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ConfigError):
        read_routes(path)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text("abcd", min_size=1, max_size=3), min_size=1, max_size=30, unique=True), st.integers(1, 3))
def test_slots_are_filled_evenly_and_always_alike(words: list[str], places: int):
    pattern = " and ".join(["{w}"] * places) + " {other}"
    texts = filled(pattern, {"w": tuple(words)})
    assert texts == filled(pattern, {"w": tuple(words)})
    assert 1 <= len(texts) <= FILLS
    assert len(set(texts)) == len(texts)
    for text in texts:
        *filled_words, other = text.replace(" and ", " ").split()
        assert other == "{other}"
        assert set(filled_words) <= set(words)
    if places == 1:
        assert len(texts) == min(FILLS, len(words))


def test_what_ships_is_tidy():
    stock = stock_utterances()
    assert {"courtesy", "smalltalk", "abuse", "account", "tasks", "questions"} <= set(stock)
    texts = [text.casefold() for group in stock.values() for text in group]
    assert len(texts) == len(set(texts))
    fields = foreign_questions()
    assert sum(map(len, fields.values())) > 300
    assert min(map(len, fields.values())) >= 5
