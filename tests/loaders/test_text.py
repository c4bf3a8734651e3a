from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.errors import LoadError
from docindex.loaders.decoding import clean, decode
from docindex.loaders.text import TextLoader
from docindex.schema import Source
from docindex.testing.loader_contract import LoaderContract

GERMAN = "Öffnen Sie das Gehäuse nicht. Die größte zulässige Höhe beträgt 2000 m."
FRENCH = "Le café est situé à côté de l'école. Où êtes-vous né? Ça coûte 10 francs."
ENGLISH = "Keep the sensor dry.\nThe accuracy is ±0.3 °C between -10 °C and 50 °C.\nMind the £20 café, ½ turn."
POLISH = "Zażółć gęślą jaźń. Proszę nie otwierać obudowy urządzenia, ponieważ może to spowodować uszkodzenie czujnika."
RUSSIAN = "Не открывайте корпус устройства. Датчик должен находиться в тени, на высоте двух метров."
JAPANESE = "センサーは日陰に設置してください。高さは二メートルが適切です。"


class TestTextLoader(LoaderContract):
    media_type = "text/plain"
    suffix = ".txt"

    def loader(self) -> TextLoader:
        return TextLoader()

    def write(self, path: Path) -> None:
        path.write_bytes("A title\r\n\r\nSome text – with\ttabs,\0 a bell \a and 機器.\r\n".encode())


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *((text, "utf-8") for text in (GERMAN, POLISH, RUSSIAN, JAPANESE)),
        *((text, "utf-8-sig") for text in (GERMAN, JAPANESE)),
        *((text, encoding) for text in (GERMAN, JAPANESE) for encoding in ("utf-16", "utf-32", "utf-16-le")),
        *((text, encoding) for text in (GERMAN, FRENCH, ENGLISH, "café") for encoding in ("latin-1", "cp1252")),
        (POLISH, "cp1250"),
        (POLISH, "iso8859-2"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
    ],
)
def test_any_encoding(load, text, encoding):
    assert load("a.txt", text.encode(encoding))[0].text == text


def test_big_endian_with_a_mark(load):
    assert load("a.txt", codecs.BOM_UTF16_BE + GERMAN.encode("utf-16-be"))[0].text == GERMAN


def test_an_encoding_that_shows_late_in_a_large_file(load):
    text = "plain words and nothing else\n" * 20_000 + FRENCH
    assert load("a.txt", text.encode("latin-1"))[0].text == text


def test_a_few_damaged_bytes_do_not_change_the_encoding(load):
    data = (RUSSIAN * 3).encode()
    text = load("a.txt", data[:101] + b"\xff" + data[102:])[0].text
    assert text.startswith(RUSSIAN[:40])
    assert text.count("\ufffd") <= 2


def test_line_ends_and_control_characters(load):
    raw = "one\r\ntwo\rthree\vfour\ffive\u2028six\x00\x07\x7f\x9b\ufeff \x1b[1;31mred\x1b[0m N\bNA\bAME\tend"
    assert load("a.txt", raw)[0].text == "one\ntwo\nthree\nfour\nfive\nsix red NAME\tend"


@pytest.mark.parametrize(
    "data",
    [b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, bytes(5000), b"\x7fELF" + bytes(200) + b"text" * 40],
)
def test_binary_content_is_refused(tmp_path, data):
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(LoadError, match="holds binary data"):
        list(TextLoader().load(Source("a.txt", tmp_path / "a.txt", "text/plain")))


def test_source_code_is_read_as_it_is(load):
    code = "def f():\n\n    return '|'  # a # b\n"
    for name, media_type in (("a.lua", "text/x-lua"), ("a.sql", "text/x-sql")):
        document = load(name, code)[0]
        assert (document.text, document.media_type, document.title) == (code, media_type, "")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Release notes\n\nText.", "Release notes"),
        ("\n Release notes \n=============\nText.", "Release notes"),
        ("The first sentence of a text.\n\nMore.", ""),
        ("first line\nsecond line\n", ""),
        ("one line only", ""),
        ("", ""),
    ],
)
def test_title_of_prose(load, text, title):
    assert load("a.txt", text)[0].title == title


def test_an_empty_file_is_an_empty_document(load):
    assert load("empty.txt", b"")[0].text == ""


@settings(deadline=None, max_examples=200)
@given(st.text())
def test_clean_text_is_stable_and_can_be_stored(text):
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert not set(cleaned) & set("\r\0\x1b\x08\ufeff")
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned


@settings(deadline=None, max_examples=200)
@given(st.text(st.characters(codec="utf-8")))
def test_utf8_is_always_recognised(text):
    source = Source("a.txt", Path("a.txt"), "text/plain")
    if "\0" not in text:
        assert decode(source, text.encode()) == clean(text.removeprefix("\ufeff"))


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=3000))
def test_any_bytes_give_text_or_a_load_error(data):
    try:
        text = decode(Source("a.txt", Path("a.txt"), "text/plain"), data)
    except LoadError:
        return
    assert clean(text) == text
