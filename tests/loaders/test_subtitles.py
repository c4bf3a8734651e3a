from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docindex.errors import LoadError
from docindex.loaders.subtitles import SubtitleLoader
from docindex.schema import Document, Source
from docindex.testing.loader_contract import LoaderContract

SRT = """\
1
00:00:01,000 --> 00:00:03,000
<i>The wind gauge</i>
stands {\\an8}on the roof.

2
00:00:03,200 --> 00:00:05,000
- Who reads it?
- I do, <font color="red">daily</font>.

3
00:00:09,000 --> 00:00:11,500
Later, it &amp; the vane rust.

4
00:01:20,000 --> 00:01:22,000
ANN: Oil them.
"""

VTT = """\
WEBVTT - The talk
Kind: captions
Language: en

STYLE
::cue { color: red }

NOTE
Not to be read 00:00:00.000 --> 00:00:01.000

intro
00:00.500 --> 00:02.000 align:start
<v.loud Ann Lee>Good <c.yellow>evening</c>.

00:02.000 --> 00:03.000
<v Ann Lee>Sit down.

00:03.000 --> 01:00:04.000
<v Bob>Thanks,
all.
"""

ASS = """\
[Script Info]
Title: The film
[V4+ Styles]
Format: Name, Fontname
Style: Default,Arial,twenty
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,Second,\\Nwith a comma.
Comment: 0,0:00:00.00,0:00:06.00,Default,,0,0,0,,a remark
Dialogue: 0,0:00:01.00,0:00:02.00,Default,Eve,0,0,0,,{\\b1}First{\\b0}.
Dialogue: 1,0:00:01.00,0:00:02.00,Default,Eve,0,0,0,,{\\blur3}First.
Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\p1}m 0 0 l 1 1{\\p0}
"""


class TestSubtitleLoader(LoaderContract):
    media_type = "application/x-subrip"
    suffix = ".srt"

    def loader(self) -> SubtitleLoader:
        return SubtitleLoader()

    def write(self, path: Path) -> None:
        path.write_text(SRT)


@pytest.fixture
def read(tmp_path: Path):
    def write_and_load(content: str | bytes, name: str = "talk.srt") -> Document:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        (document,) = SubtitleLoader().load(Source(name, path, "text/x-subtitles"))
        return document

    return write_and_load


def _cues(*cues: tuple[float, float, str]) -> str:
    stamp = "{:02}:{:02}:{:06.3f}"
    times = [[stamp.format(int(at // 3600), int(at // 60 % 60), at % 60) for at in cue[:2]] for cue in cues]
    return "\n\n".join(
        f"{number}\n{start.replace('.', ',')} --> {end.replace('.', ',')}\n{cue[2]}"
        for number, (cue, (start, end)) in enumerate(zip(cues, times, strict=True), 1)
    )


def test_cues_become_paragraphs(read):
    document = read(SRT)
    assert document.text == (
        "The wind gauge stands on the roof.\n- Who reads it?\n- I do, daily.\n\n"
        "Later, it & the vane rust.\n\n"
        "ANN: Oil them."
    )
    assert document.title == "talk"
    assert document.metadata == {"duration": 82.0}


def test_pages_are_labelled_with_the_time(read):
    document = read(SRT)
    assert [(page.number, page.label) for page in document.pages] == [(1, "00:00:01"), (2, "00:01:20")]
    assert document.text[document.pages[1].start :] == "ANN: Oil them."


def test_webvtt_with_speakers_notes_and_styles(read):
    document = read(VTT, "talk.vtt")
    assert document.text == "Ann Lee: Good evening. Sit down.\n\nBob: Thanks, all."
    assert document.title == "The talk"
    assert document.metadata == {"duration": 3604.0, "language": "en"}


def test_substation_alpha_in_the_order_of_time(read):
    document = read(ASS, "film.ass")
    assert document.text == "Eve: First.\n\nSecond, with a comma."
    assert document.title == "The film"


def test_captions_that_roll_up_are_read_once(read):
    rolling = """\
WEBVTT

00:00:00.000 --> 00:00:02.000
{space}
the<00:00:00.480><c> first</c><00:00:00.960><c> line</c>

00:00:02.000 --> 00:00:02.010
the first line
{space}

00:00:02.010 --> 00:00:04.000
the first line
and<00:00:03.000><c> the</c> second

00:00:04.000 --> 00:00:06.000
and the second
and the second of all
"""
    assert read(rolling.replace("{space}", " "), "a.vtt").text == "the first line and the second and the second of all"


def test_captions_that_grow_are_read_once(read):
    assert read(_cues((0, 1, "Come"), (1, 2, "Come to"), (2, 3, "Come to me"))).text == "Come to me"


def test_what_is_said_again_later_is_kept(read):
    assert read(_cues((0, 1, "No."), (1.5, 2, "No."), (6, 7, "No."))).text == "No. No.\n\nNo."


def test_long_speech_is_cut_at_sentences(read):
    cues = [
        (at, at + 1.9, f"Sentence number {at} goes on and" if at % 4 else f"on to {at}.") for at in range(0, 300, 2)
    ]
    document = read(_cues(*cues))
    assert [page.label for page in document.pages] == ["00:00:00", "00:01:02", "00:02:02", "00:03:02", "00:04:02"]
    assert all(document.text[page.start : page.end].endswith((".", "and")) for page in document.pages)
    paragraphs = document.text.split("\n\n")
    assert max(map(len, paragraphs)) < 700
    assert all(paragraph.endswith(".") for paragraph in paragraphs[:-1])


def test_speech_without_an_end_has_pages_too(read):
    document = read(_cues(*((at, at + 2, f"word {at}") for at in range(0, 400, 2))))
    assert [page.label for page in document.pages] == ["00:00:00", "00:02:00", "00:04:00", "00:06:00"]


def test_an_encoding_of_old(read):
    text = "1\n00:00:01,000 --> 00:00:02,000\nGrößere Türen öffnen sich für die Gäste.\n"
    assert read(text.encode("cp1252")).text == "Größere Türen öffnen sich für die Gäste."


def test_an_empty_file_has_no_text(read):
    assert read("").text == ""


@pytest.mark.parametrize("text", ["Just a letter.", "WEBVTT\n\nNOTE\nnothing\n", "Dialogue: 0,a,b,c,d,e,f,g,h,i"])
def test_other_text_is_a_load_error(read, text):
    with pytest.raises(LoadError, match="subtitles"):
        read(text)


@pytest.mark.parametrize("line", ["<a", "{", "<", "\n", " \n", "&", "1\n", "00:00:01,000 --> ", "{\\p1}"])
def test_no_line_takes_long(read, line):
    started = time.process_time()
    assert read("1\n00:00:01,000 --> 00:00:02,000\nfirst" + line * 100_000).text.startswith("first")
    assert time.process_time() - started < 2


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from((SRT, VTT, ASS)), st.lists(st.tuples(st.integers(0, 700), st.text(max_size=4)), max_size=6))
def test_damage_is_read_or_a_load_error(read, text, changes):
    for at, put in changes:
        text = text[:at] + put + text[at + 2 :]
    try:
        document = read(text.encode("utf-8", "replace"))
    except LoadError:
        return
    assert "-->" in text or "Dialogue" in text or not document.text
