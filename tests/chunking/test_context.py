from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.chunking.context import context_line, context_parts


def words(text: str) -> list[int]:
    """Ends of tokens: one a word."""
    ends, place = [], 0
    for word in text.split():
        place = text.index(word, place) + len(word)
        ends.append(place)
    return ends


def test_title_and_path_are_joined() -> None:
    parts = context_parts("Guide", ("Install", "On  Linux\n"), words, most=32)
    assert parts == ("Guide", "Install", "On Linux")
    assert context_line(parts, "Run it.") == "Guide > Install > On Linux"


def test_a_title_that_is_the_first_heading_stands_once() -> None:
    assert context_parts("The guide", ("the Guide.", "Install"), words, most=32) == ("the Guide.", "Install")


def test_what_the_text_begins_with_is_left_out() -> None:
    parts = ("Guide", "Install `pip`")
    assert context_line(parts, "## Install pip\n\nRun it.") == "Guide"
    assert context_line(parts, "**Guide**\n\nRead it.") == "Install `pip`"
    assert context_line(("Guide",), "Guide: how to read it") == ""
    assert context_line((), "text") == ""


def test_outer_headings_go_first() -> None:
    parts = context_parts("one two", ("three four", "five six", "seven eight"), words, most=5)
    assert parts == ("one two", "seven eight")
    assert context_parts("one two three four", ("five",), words, most=4) == ("one two", "five")
    assert context_parts("one two three four", ("a b c d e f",), words, most=5) == ("one two", "a b")
    assert context_parts("one two three four", (), words, most=3) == ("one two three",)


@settings(deadline=None, max_examples=200)
@given(st.text("ab \n>", max_size=30), st.lists(st.text("cd e", max_size=30), max_size=4), st.integers(0, 12))
def test_the_header_keeps_to_its_length(title: str, path: list[str], most: int) -> None:
    parts = context_parts(title, path, words, most=most)
    assert len(words(" > ".join(parts))) <= most
    assert all(parts)
