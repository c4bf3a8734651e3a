"""What every Loader must do, as tests: subclass the suite, override `loader` and `write`, and pytest runs all of it.

```python
class TestMyLoader(LoaderContract):
    media_type = "text/x-mine"
    suffix = ".mine"

    @abstractmethod
    def loader(self) -> Loader:
        return MyLoader()

    @abstractmethod
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
from docindex.schema import Document, LoadOptions, Source

_FORBIDDEN = re.compile(r"[\r\0\ud800-\udfff]")


class LoaderContract(ABC):
    """Tests that hold for every loader."""

    media_type: str
    suffix: str
    options = LoadOptions()

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
        return list(self.loader().load(self.source(path)))

    def test_finds_documents_with_text(self, tmp_path: Path) -> None:
        documents = self.load(tmp_path)
        assert documents
        assert all(document.text.strip() for document in documents)

    def test_says_where_documents_come_from(self, tmp_path: Path) -> None:
        for document in self.load(tmp_path):
            assert document.source == f"folder/sample{self.suffix}"
            assert document.media_type == self.media_type

    def test_ids_are_unique_and_a_lone_document_has_the_name_of_its_file(self, tmp_path: Path) -> None:
        documents = self.load(tmp_path)
        ids = [document.doc_id for document in documents]
        assert all(ids)
        assert len(set(ids)) == len(ids)
        if len(documents) == 1 and self.options.id_field is None:
            assert ids[0] in (documents[0].source, f"{documents[0].source}#1")

    def test_text_is_clean(self, tmp_path: Path) -> None:
        for document in self.load(tmp_path):
            heads = [heading.text for heading in document.headings]
            for text in (document.text, document.title, document.doc_id, *heads):
                assert not _FORBIDDEN.search(text), repr(text)

    def test_pages_are_ordered_spans_of_the_text(self, tmp_path: Path) -> None:
        for document in self.load(tmp_path):
            end = 0
            for number, page in enumerate(document.pages, 1):
                assert page.number == number
                assert end <= page.start <= page.end <= len(document.text)
                end = page.end
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
