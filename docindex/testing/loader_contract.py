"""What every Loader must do, as tests: subclass the suite, override `loader` and `write`, and pytest runs all of it.

```python
class TestMyLoader(LoaderContract):
    media_type = "text/x-mine"
    suffix = ".mine"

    def loader(self) -> Loader:
        return MyLoader()

    def write(self, path: Path) -> None:
        path.write_text("a file of the format, with all that the loader can find in one")
```
"""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from docindex.errors import LoadError
from docindex.protocols import Loader
from docindex.schema import Column, Document, LoadOptions, Problem, Source, Unread

_FORBIDDEN = re.compile(r"[\r\0\ud800-\udfff]")


class LoaderContract(ABC):
    """Tests that hold for every loader."""

    media_type: str
    suffix: str
    options = LoadOptions()
    container = False
    """Its documents are those of files that lie in the file: they have names of their own below its name."""

    @abstractmethod
    def loader(self) -> Loader:
        """The loader under test."""

    @abstractmethod
    def write(self, path: Path) -> None:
        """Writes a file that the loader reads without an error, the same one each time."""

    def source(self, path: Path) -> Source:
        """The file as a source, under the name that it has in an ingested folder."""
        return Source(f"folder/{path.name}", path, self.media_type, self.options)

    def load(self, folder: Path) -> list[Document]:
        """The documents of the written file."""
        path = folder / f"sample{self.suffix}"
        self.write(path)
        return [item for item in self.loader().load(self.source(path)) if isinstance(item, Document)]

    def test_finds_documents_with_text(self, tmp_path: Path) -> None:
        documents = self.load(tmp_path)
        assert documents
        assert all(document.text.strip() for document in documents)

    def test_says_where_documents_come_from(self, tmp_path: Path) -> None:
        for document in self.load(tmp_path):
            name = f"folder/sample{self.suffix}"
            if self.container:
                assert document.source.startswith(name)
            else:
                assert document.source == name
                assert document.media_type == self.media_type

    def test_says_of_which_part_what_was_not_read(self, tmp_path: Path) -> None:
        path = tmp_path / f"sample{self.suffix}"
        self.write(path)
        for item in self.loader().load(self.source(path)):
            assert isinstance(item, Document | Problem | Unread)
            if not isinstance(item, Document):
                assert item.source.startswith(f"folder/sample{self.suffix}")
                assert item.reason

    def test_ids_are_unique_and_a_lone_document_has_the_name_of_its_file(self, tmp_path: Path) -> None:
        documents = self.load(tmp_path)
        ids = [document.doc_id for document in documents]
        assert all(ids)
        assert len(set(ids)) == len(ids)
        if len(documents) == 1 and self.options.id_field is None and not self.container:
            assert ids[0] in (documents[0].source, f"{documents[0].source}#1")

    def test_text_is_clean(self, tmp_path: Path) -> None:
        for document in self.load(tmp_path):
            heads = [heading.text for heading in document.headings]
            for text in (document.text, document.title, document.doc_id, *heads):
                assert not _FORBIDDEN.search(text), repr(text)

    def test_pages_are_ordered_spans_of_the_text(self, tmp_path: Path) -> None:
        for document in self.load(tmp_path):
            end = number = 0
            for page in document.pages:
                assert page.number > number
                assert end <= page.start <= page.end <= len(document.text)
                end, number = page.end, page.number
            if document.pages:
                outside = set(range(len(document.text))).difference(
                    *(range(page.start, page.end) for page in document.pages)
                )
                assert not "".join(document.text[at] for at in outside).strip()

    def test_headings_are_ordered_places_in_the_text(self, tmp_path: Path) -> None:
        for document in self.load(tmp_path):
            starts = [heading.start for heading in document.headings]
            assert starts == sorted(starts)
            for heading in document.headings:
                assert 0 <= heading.start < len(document.text)
                assert heading.level >= 1
                assert heading.text == heading.text.strip() != ""

    def test_tables_are_typed_and_their_rows_stand_in_the_text(self, tmp_path: Path) -> None:
        for document in self.load(tmp_path):
            end = 0
            for table in document.tables:
                assert end <= table.start <= table.end <= len(document.text)
                names = [column.name for column in table.columns]
                assert all(names)
                assert len(set(names)) == len(names)
                at = table.start
                for row in table.rows:
                    assert at <= row.start <= row.end <= table.end
                    assert row.number >= 1
                    assert len(row.cells) == len(table.columns)
                    assert all(map(_fits, table.columns, row.cells)), (table.columns, row.cells)
                    at = row.end
                end = table.end

    def test_metadata_has_values_that_can_be_stored(self, tmp_path: Path) -> None:
        for document in self.load(tmp_path):
            for name, value in document.metadata.items():
                assert isinstance(name, str)
                assert name.strip()
                assert isinstance(value, str | int | float | bool | datetime | tuple)
                if isinstance(value, datetime):
                    assert value.utcoffset() == timedelta(0)
                if isinstance(value, tuple):
                    assert all(isinstance(item, str) for item in value)

    def test_loading_twice_gives_the_same(self, tmp_path: Path) -> None:
        path = tmp_path / f"sample{self.suffix}"
        self.write(path)
        loader = self.loader()
        assert list(loader.load(self.source(path))) == list(loader.load(self.source(path)))
        assert list(self.loader().load(self.source(path))) == list(loader.load(self.source(path)))

    def test_loading_leaves_the_file_alone(self, tmp_path: Path) -> None:
        path = tmp_path / f"sample{self.suffix}"
        self.write(path)
        before = path.read_bytes()
        list(self.loader().load(self.source(path)))
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]

    def test_two_files_can_be_read_at_once(self, tmp_path: Path) -> None:
        path = tmp_path / f"sample{self.suffix}"
        self.write(path)
        loader = self.loader()
        pairs = list(zip(loader.load(self.source(path)), loader.load(self.source(path)), strict=True))
        assert pairs
        assert all(one == other for one, other in pairs)

    def test_garbage_is_a_load_error(self, tmp_path: Path) -> None:
        path = tmp_path / f"garbage{self.suffix}"
        path.write_bytes(b"".join(hashlib.sha256(bytes([number])).digest() for number in range(250)))
        with pytest.raises(LoadError) as caught:
            list(self.loader().load(self.source(path)))
        assert caught.value.source == f"folder/garbage{self.suffix}"

    def test_a_missing_file_is_a_load_error(self, tmp_path: Path) -> None:
        path = tmp_path / f"missing{self.suffix}"
        with pytest.raises(LoadError, match="can't be read: No such file") as caught:
            list(self.loader().load(self.source(path)))
        assert caught.value.source == f"folder/missing{self.suffix}"

    def test_a_folder_is_a_load_error(self, tmp_path: Path) -> None:
        path = tmp_path / f"folder{self.suffix}"
        path.mkdir()
        with pytest.raises(LoadError, match="can't be read"):
            list(self.loader().load(self.source(path)))


_TYPES: dict[str, type] = {
    "text": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "date": datetime,
}


def _fits(column: Column, cell: object) -> bool:
    if cell is None:
        return True
    if isinstance(cell, bool) and column.type != "boolean":
        return False
    if isinstance(cell, datetime) and cell.utcoffset() != timedelta(0):
        return False
    return isinstance(cell, _TYPES[column.type])
