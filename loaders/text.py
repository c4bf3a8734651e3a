"""Plain text, and whatever is read like it: notes, logs, configuration, source code."""

from __future__ import annotations

from collections.abc import Iterator

from docindex.loaders.decoding import read_text
from docindex.schema import Document, Source

_LONGEST_TITLE = 100


class TextLoader:
    """One document a file, the text as written. A short first line that stands alone is the title of prose."""

    def load(self, source: Source) -> Iterator[Document]:
        """The file as one document.

        Raises:
            LoadError: The file can't be read or does not hold text.
        """
        text = read_text(source)
        yield Document(
            doc_id=source.name,
            source=source.name,
            text=text,
            media_type=source.media_type,
            title=_title(text) if source.media_type == "text/plain" else "",
        )


def _title(text: str) -> str:
    first, _, rest = text.lstrip().partition("\n")
    first, below = first.strip(), rest.partition("\n")[0].strip()
    underlined = len(below) >= 3 and len(set(below)) == 1 and below[0] in "=-~*#_"
    stands_alone = underlined or (bool(rest) and not below)
    if stands_alone and len(first) <= _LONGEST_TITLE and not first.endswith((".", ",", ";", "!", "?", "{", "}")):
        return first
    return ""
