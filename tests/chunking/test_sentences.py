import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.chunking.sentences import Strength, find_breaks, split_sentences


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    "expected",
    [
        ["It rains.", "The sun shines!", "Does it?", "Yes."],
        ["Dr. Smith met Mrs. Jones at St. Mary's.", "They talked."],
        ["Written by J. R. R. Tolkien and C. S. Lewis.", "Both taught."],
        ["It lacks vitamin C.", "The dose was 3.14 mg, e.g. in Fig. 3.", "Next."],
        ["See No. 5 for details.", "I said no.", "We left on Jan. 5."],
        ["The U.S. Army left the U.S.", "It was cold."],
        ["We met at 5 p.m.", "The sun set."],
        ["He holds a Ph.D. in physics.", "Smith et al. Proved it."],
        ["Acme Inc. makes pumps, valves, etc. for ships.", "The rest is bought."],
        ['"Stop!" he said.', '"Why?"', "She left."],
        ["“Really?” asked Ann.", "“Yes.”", "(It was so.)", "Done."],
        ["This is known.[12]", "That is not.[3, 4–6]", "So it goes."],
        ["Wait... what?", "And then…", "Nothing."],
        ["Open example.org/a.b?c=d or run file.exe now.", "Version 2.0.1 is out."],
        ["Hard-wrapped text\ngoes on in the\nnext line.", "Here it ends."],
        ["What?!", "No way!!", "1990 was good."],
        ["“¿Qué?”", "¿No?", "Sí."],
        ["iPhones sell.", "Über alles.", "Élan."],
    ],
)
def test_sentences_of_western_scripts(expected: list[str]) -> None:
    assert sentences(" ".join(expected)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("机器启动。它休息！会响吗？「会。」好", ["机器启动。", "它休息！", "会响吗？", "「会。」", "好"]),
        ("تبدأ الآلة. هل تطن؟ نعم.", ["تبدأ الآلة.", "هل تطن؟", "نعم."]),
        ("यह चलता है। वह रुकता है।", ["यह चलता है।", "वह रुकता है।"]),
    ],
)
def test_sentences_of_other_scripts(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_structure_ends_sentences_without_full_stops() -> None:
    text = (
        "# A heading\nText under it\n\nNew paragraph\r\n\r\nAnother\n- first item\n  goes on\n- second. With two\n"
        "1. Press the button. 2. Let go.\n(a) one\n| a | b |\n|---|---|\n| c | d |\nafter the table\f next page\n"
        "> quoted"
    )
    assert sentences(text) == [
        "# A heading",
        "Text under it",
        "New paragraph",
        "Another",
        "- first item\n  goes on",
        "- second.",
        "With two",
        "1. Press the button.",
        "2. Let go.",
        "(a) one",
        "| a | b |",
        "|---|---|",
        "| c | d |",
        "after the table",
        "next page",
        "> quoted",
    ]


def test_breaks_have_the_strength_of_what_they_part() -> None:
    text = "One. Two\nwraps\n- item\n\nParagraph."
    assert find_breaks(text) == [
        (5, Strength.SENTENCE),
        (9, Strength.LINE),
        (15, Strength.ITEM),
        (23, Strength.PARAGRAPH),
    ]


SNIPPETS = st.sampled_from(
    [
        *".!?…。！\"')]}»*_ \n\r\t\f\u2028\u2029\u3000-#|>1aZßñ中\u0301",
        "e.g.",
        "Mr.",
        "[1]",
        "\r\n",
        "- ",
        "1. ",
        "U.S.",
    ]
)


@settings(deadline=None, max_examples=300)
@given(st.lists(SNIPPETS | st.characters(), max_size=60).map("".join))
def test_sentences_are_trimmed_in_order_and_hold_everything(text: str) -> None:
    spans = split_sentences(text)
    last = 0
    for start, end in spans:
        assert last <= start < end
        assert not text[last:start].strip()
        assert text[start:end] == text[start:end].strip()
        last = end
    assert not text[last:].strip()
    places = [place for place, _ in find_breaks(text)]
    assert places == sorted(set(places))
    assert all(0 < place < len(text) for place in places)


@pytest.mark.parametrize(
    "unit",
    [
        ".",
        " ",
        "\n",
        '."',
        ". ",
        "a",
        ".[1",
        "a.",
        "A. ",
        "x\n",
        " \n",
        "\r\n \r",
        "e.g. ",
        "((",
        ".)",
        "”.",
        "| ",
        "- ",
    ],
)
def test_time_is_linear_in_the_text(unit: str) -> None:
    text = unit * (500_000 // len(unit))
    began = time.process_time()
    split_sentences(text)
    assert time.process_time() - began < 10  # below 1 s; quadratic time would be hours
