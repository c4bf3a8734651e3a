"""Subtitles: what is said, in paragraphs, with the time at which it is said."""

from __future__ import annotations

import html
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from pysubs2 import SSAFile

from docindex.errors import LoadError
from docindex.loaders.decoding import read_text
from docindex.loaders.limits import check_file_size
from docindex.loaders.writing import DocumentWriter
from docindex.schema import Document, MetadataValue, Source

_PAGE_MS = 60_000
"""About how long a page is."""
_PAUSE_MS = 3_000
"""A silence after which a paragraph begins."""
_TOUCHING_MS = 100
"""Cues so close to each other may be one text that rolls up or grows."""
_PARAGRAPH = 600
"""Characters after which a paragraph ends with its sentence."""
_ROLLED_LINES = 4
"""How many lines a rolling caption shows at most."""

_BLOCK = re.compile(r"\n[ \t]*\n\s*")
_VTT_BLOCK = re.compile(r"\n\n+")
"""A line that holds a space ends no cue."""
_VTT_STAMP = r"(?:\d+:)?\d\d:\d\d\.\d{2,3}"
_VTT_TIMING = re.compile(rf"^[ \t]*{_VTT_STAMP}[ \t]+-->[ \t]+{_VTT_STAMP}.*$", re.MULTILINE)
_VTT_TIME = re.compile(rf"<{_VTT_STAMP}>")
_VTT_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?[ \t]+([^<>]+)>")
_VTT_HEADER = re.compile(r"\AWEBVTT(?:[ \t]+-?[ \t]*(?P<title>[^\n]*))?(?:\n(?P<fields>(?:[^\n]+(?:\n|\Z))*))?")
_ASS_EVENT = re.compile(r"^Dialogue:.*$", re.MULTILINE)
_ASS_TITLE = re.compile(r"^Title:[ \t]*(.+)$", re.MULTILINE)
_ASS_DRAWING = re.compile(r"\\p[1-9]")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_OVERRIDE = re.compile(r"\{[^{}]*\}")
_SPEECH = re.compile(r"[-\u2013\u2014][ \t]*(?=\S)|>>")
"""How the words of another speaker begin in the same cue."""
_ENDS = re.compile(r"[.!?\u2026\u3002\uff01\uff1f][\"')\]\u2019\u201d\u00bb]*\Z")


@dataclass(frozen=True, slots=True)
class _Cue:
    start: int
    """Milliseconds."""
    end: int
    speaker: str
    lines: tuple[str, ...]


class SubtitleLoader:
    """One document a file, of SubRip, WebVTT or SubStation Alpha.

    The text of the cues is joined into paragraphs, which end with a silence, a speaker, or after some sentences. What
    a rolling caption shows again is not repeated. About every minute a page begins, with the time as its label.
    """

    def load(self, source: Source) -> Iterator[Document]:
        """The file as one document.

        Raises:
            LoadError: The file can't be read, does not hold text, or has no cues.
        """
        check_file_size(source)
        text = read_text(source)
        cues = sorted(_cues(source, text), key=lambda cue: cue.start)
        if not cues and text.strip():
            raise LoadError(source.name, "has no lines with the times of subtitles: it is not SRT, VTT or ASS")
        writer = _Paragraphs()
        for cue in _without_repeats(cues):
            writer.add(cue)
        yield writer.document(source, _title(source, text), _metadata(text, cues))


def _cues(source: Source, text: str) -> Iterator[_Cue]:
    kind, plain = _prepared(text)
    try:
        with warnings.catch_warnings(action="ignore"):  # of fields that don't matter here
            events = SSAFile.from_string(plain, kind, keep_html_tags=True).events
    except (ValueError, TypeError, LookupError) as error:
        raise LoadError(source.name, f"has subtitles that can't be read ({error})") from error
    for event in events:
        if kind == "ass" and _ASS_DRAWING.search(event.text):
            continue
        shown = _OVERRIDE.sub("", event.text).replace(r"\h", " ").replace(r"\n", "\n").replace(r"\N", "\n")
        for speaker, lines in _voices(event.name.strip(), shown.split("\n")):
            yield _Cue(event.start, max(event.start, event.end), speaker, lines)


def _voices(speaker: str, lines: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The lines of a cue without their tags, those of each speaker together."""
    said: list[str] = []
    for line in lines:
        voice = _VTT_VOICE.match(line)
        if voice:
            if said:
                yield speaker, tuple(said)
            speaker, said = " ".join(html.unescape(voice[1]).split()), []
        words = " ".join(html.unescape(_TAG.sub("", line)).split())
        if words:
            said.append(words)
    if said:
        yield speaker, tuple(said)


def _prepared(text: str) -> tuple[str, str]:
    """The name of the format, and of the text what the parser understands of it."""
    if text.startswith("WEBVTT"):
        blocks = []
        for block in _VTT_BLOCK.split(text):
            timing = _VTT_TIMING.search(block)
            if timing and not block.startswith("NOTE"):
                blocks.append(timing[0] + _VTT_TIME.sub("", block[timing.end() :]))
        return "vtt", "\n\n".join(blocks)
    events = _ASS_EVENT.findall(text)
    if events and "-->" not in text:
        return "ass", "\n".join(events)
    return "srt", _BLOCK.sub("\n\n", text)


def _without_repeats(cues: Iterable[_Cue]) -> Iterator[_Cue]:
    """The cues without what the screen still shows of the one before: captions that roll up, grow or are layered."""
    shown: tuple[str, ...] = ()
    until = -_TOUCHING_MS - 1
    for cue in cues:
        lines = cue.lines
        if cue.start - until <= _TOUCHING_MS:
            lines = _new_lines(shown, lines)
            shown = (*shown, *cue.lines)[-_ROLLED_LINES:]
        else:
            shown = cue.lines
        until = max(until, cue.end)
        if lines:
            yield _Cue(cue.start, cue.end, cue.speaker, lines)


def _new_lines(shown: tuple[str, ...], lines: tuple[str, ...]) -> tuple[str, ...]:
    for count in range(min(len(shown), len(lines)), 0, -1):
        if shown[-count:] == lines[:count]:
            return lines[count:]
    if shown and lines[0].startswith(f"{shown[-1]} "):
        return (lines[0][len(shown[-1]) + 1 :], *lines[1:])
    return lines


class _Paragraphs:
    """Joins cues into paragraphs and pages."""

    def __init__(self) -> None:
        self._writer = DocumentWriter()
        self._pages = 0
        self._page_start = 0
        self._words: list[str] = []
        self._length = 0
        self._start = 0
        self._end = 0
        self._speaker = ""

    def add(self, cue: _Cue) -> None:
        """The next cue."""
        ended = bool(self._words) and _ENDS.search(self._words[-1]) is not None
        page_full = cue.start - self._page_start >= _PAGE_MS * (1 if ended else 2)
        long = ended and self._length >= _PARAGRAPH
        if cue.start - self._end >= _PAUSE_MS or cue.speaker != self._speaker or long or page_full:
            self._flush()
        if not self._words:
            self._start = cue.start
            if cue.speaker and cue.speaker != self._speaker:
                self._words.append(f"{cue.speaker}:")
            self._speaker = cue.speaker
        for line in cue.lines:
            starts_line = bool(self._length) and _SPEECH.match(line) is not None
            self._words.append(f"\n{line}" if starts_line else line)
            self._length += len(line)
        self._end = max(self._end, cue.end)

    def document(self, source: Source, title: str, metadata: dict[str, MetadataValue]) -> Document:
        """All of it."""
        self._flush()
        return self._writer.document(source, title=title, metadata=metadata)

    def _flush(self) -> None:
        if not self._words:
            return
        if not self._pages or self._start - self._page_start >= _PAGE_MS:
            self._pages += 1
            self._page_start = self._start
            self._writer.page(self._pages, _time(self._start))
        self._writer.paragraph(" ".join(self._words))
        self._words, self._length = [], 0


def _time(milliseconds: int) -> str:
    seconds = max(0, milliseconds) // 1000
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _title(source: Source, text: str) -> str:
    head = _VTT_HEADER.match(text)
    named = (head["title"] or "").strip() if head else ""
    script = None if head else _ASS_TITLE.search(text)
    return named or (script[1].strip() if script else "") or PurePosixPath(source.name).stem


def _metadata(text: str, cues: list[_Cue]) -> dict[str, MetadataValue]:
    found: dict[str, MetadataValue] = {}
    if cues:
        found["duration"] = round(max(cue.end for cue in cues) / 1000, 3)
    head = _VTT_HEADER.match(text)
    for line in (head["fields"] or "").split("\n") if head else ():
        name, _, value = line.partition(":")
        if name.strip().lower() == "language" and value.strip():
            found["language"] = value.strip()
    return found
