"""The corpora, laid out once for all systems, and what is asked of them: a sentence of the document in the middle."""

from __future__ import annotations

import html
import json
import math
import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import pypdfium2
from peer import HTML_FILES, PDF_FILES, TEXT_FILES

SENTENCE_WORDS = range(12, 31)
LARGE_FILE = 400_000
"""Bytes: a trial with --limit leaves out larger files."""

_open_pdf = cast("Callable[[Path], Any]", pypdfium2.PdfDocument)
_GAPS = re.compile(r"\s+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_WORD = re.compile(r"[a-z]+")
_HIDDEN = re.compile(r"<(script|style|head)\b.*?</\1\s*>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """What is ingested, and the known-item query."""

    name: str
    kind: Literal["records", "files"]
    data: Path
    documents: int
    bytes: int
    """Of the files."""
    left_out: int
    """Files that were passed over for all systems: their text is not UTF-8, or they are empty."""
    query: str
    expected: str
    """The document that the sentence is from: a record's id, or a file's path below the folder."""


def records(folder: Path, home: Path, limit: int | None) -> Corpus:
    """A collection in BEIR's layout: its `corpus.jsonl`, whole or the first `limit` records."""
    lines = (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines()[:limit]
    data = home / folder.name / "corpus.jsonl"
    data.parent.mkdir(parents=True, exist_ok=True)
    data.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    texts = {record["_id"]: record["text"] for record in map(json.loads, lines)}
    expected, query = known_item(texts)
    return Corpus(
        name=folder.name,
        kind="records",
        data=data,
        documents=len(texts),
        bytes=data.stat().st_size,
        left_out=0,
        query=query,
        expected=expected,
    )


def files(folders: Sequence[Path], home: Path, limit: int | None) -> Corpus:
    """Copies of the PDF, HTML and text files below the folders, links resolved, each folder under its own name."""
    data = home / "documents"
    shutil.rmtree(data, ignore_errors=True)
    texts: dict[str, str] = {}
    left_out = size = 0
    for source, name in chosen(folders, limit):
        text = text_of(source)
        if text is None or not text.strip():
            left_out += 1
            continue
        target = data / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        size += target.stat().st_size
        texts[name] = text
    expected, query = known_item(texts)
    return Corpus(
        name="documents",
        kind="files",
        data=data,
        documents=len(texts),
        bytes=size,
        left_out=left_out,
        query=query,
        expected=expected,
    )


def chosen(folders: Sequence[Path], limit: int | None) -> list[tuple[Path, str]]:
    """The files to copy and their names below the new folder, in order of the names."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in (*PDF_FILES, *HTML_FILES, *TEXT_FILES) and path.is_file():
                below = path.relative_to(folder).with_suffix(path.suffix.lower()).as_posix()
                found[f"{folder.name}/{below}"] = path
    names = sorted(found)
    if limit is not None:
        names = [name for name in names if found[name].stat().st_size <= LARGE_FILE]
        names = names[:: max(1, math.ceil(len(names) / limit))]
    return [(found[name], name) for name in names]


def text_of(path: Path) -> str | None:
    """Roughly what a file says, to choose the query by; None when it is not UTF-8."""
    if path.suffix.lower() in PDF_FILES:
        with _open_pdf(path) as document:
            return "\n".join(page.get_textpage().get_text_range() for page in document)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
    if path.suffix.lower() in HTML_FILES:
        text = html.unescape(_TAG.sub(" ", _HIDDEN.sub(" ", text)))
    return text


def known_item(texts: Mapping[str, str]) -> tuple[str, str]:
    """A document and a sentence of it that no other document has, made of words that few others have.

    It is the document in the middle, or the nearest after it that has such a sentence. Sentences are compared by their
    words: another document may have the same one with other marks.
    """
    plain = {key: _GAPS.sub(" ", text).strip() for key, text in texts.items()}
    counts = Counter(word for text in plain.values() for word in set(_WORD.findall(text.lower())))
    worded = [_words(text) for text in plain.values()]
    keys = list(plain)
    for key in keys[len(keys) // 2 :]:
        sentences = [found for found in _SENTENCE_END.split(plain[key]) if is_plain_sentence(found)]
        sentences.sort(key=lambda sentence: rarity(sentence, counts, len(keys)), reverse=True)
        for sentence in sentences:
            if sum(_words(sentence) in text for text in worded) == 1:
                return key, sentence
    raise SystemExit("No document in the second half of the corpus has a sentence that could be asked for.")


def _words(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))


def is_plain_sentence(text: str) -> bool:
    words = text.split()
    letters = sum(word.strip(",.;:()").isalpha() for word in words)
    return len(words) in SENTENCE_WORDS and text[0].isupper() and text.endswith(".") and letters >= 0.9 * len(words)


def rarity(sentence: str, counts: Mapping[str, int], documents: int) -> float:
    """The mean inverse document frequency of its words."""
    words = _WORD.findall(sentence.lower())
    return sum(math.log(documents / counts[word]) for word in words) / len(words)
