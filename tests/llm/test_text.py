from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from docindex.llm.text import TextStream


def run(data: bytes, cuts: list[int], stop: list[str]) -> list[str]:
    stream = TextStream(stop)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    pieces = [stream.push(data[start:end]) for start, end in pairwise(edges)]
    return [*pieces, stream.flush()]


@given(text=st.text(max_size=40), cuts=st.lists(st.integers(0, 200), max_size=12))
def test_text_survives_any_cut_through_its_bytes(text: str, cuts: list[int]):
    data = text.encode("utf-8", "ignore")
    assert "".join(run(data, cuts, [])) == data.decode()


@given(
    text=st.text("abc é", max_size=30),
    stop=st.lists(st.text("abc é", min_size=1, max_size=4), max_size=3),
    cuts=st.lists(st.integers(0, 200), max_size=12),
)
def test_text_ends_before_the_first_stop_string_wherever_it_is_cut(text: str, stop: list[str], cuts: list[int]):
    pieces = run(text.encode(), cuts, stop)
    given_out = "".join(pieces)
    assert text.startswith(given_out)
    assert not any(word in given_out for word in stop)
    if not any(word in text for word in stop):
        assert given_out == text


def test_half_characters_are_never_shown():
    stream = TextStream()
    euro = "€".encode()
    assert [stream.push(euro[:1]), stream.push(euro[1:2]), stream.push(euro[2:])] == ["", "", "€"]
    assert stream.push(euro[:2]) == ""
    assert stream.flush() == ""


def test_bytes_that_are_no_text_leave_no_trace():
    stream = TextStream()
    assert stream.push(b"a\xff\xfeb") == "ab"


def test_what_may_be_a_stop_string_is_held_back_until_it_is_clear():
    stream = TextStream(["STOP"])
    assert stream.push(b"one ST") == "one "
    assert stream.push(b"ill ST") == "STill "
    assert stream.push(b"OP two") == ""
    assert stream.stopped
    assert stream.push(b"more") == ""
    assert stream.flush() == ""
