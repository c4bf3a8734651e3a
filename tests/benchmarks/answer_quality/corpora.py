"""The documents that the questions are about: the sample's, and those of three Debian packages."""

from __future__ import annotations

import fnmatch
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from docindex import Index
from docindex.errors import LoadError
from docindex.loaders.registry import FormatRegistry, default_registry
from docindex.schema import Document, Source

DEBIAN = ("policy.html/ch-*.html", "policy.html/ap-*.html", "FAQ/*.en.html", "developers-reference/*.html")
"""The chapters. The packages hold the same text in other formats and on single pages too, which are left out: a copy of
the place that answers a question would count as a wrong citation."""
LEFT_OUT = ("*/index.*", "*/search.html", "developers-reference/developers-reference.html")


@dataclass(frozen=True, slots=True)
class Corpus:
    """A folder of documents, by the name that questions give it."""

    name: str
    folder: Path

    def open(self, path: Path) -> Index:
        """Its index at the path, made or brought up to date."""
        index = Index.open(path) if path.exists() else Index.create(path)
        report = index.ingest(self.folder)
        if report.failed:
            index.close()
            raise LoadError(str(self.folder), f"{report.failed[0].source} was not read: {report.failed[0].reason}")
        return index

    def loaded(self) -> Callable[[str], Document | None]:
        """Gives documents as the loaders read them, without an index."""
        registry = default_registry()
        files = (path for path in sorted(self.folder.rglob("*")) if path.is_file())
        documents = [document for path in files for document in self._load(path, registry)]
        return {document.doc_id: document for document in documents}.get

    def _load(self, path: Path, registry: FormatRegistry) -> list[Document]:
        media_type = registry.media_type_of(path)
        if media_type is None:
            return []
        source = Source(path.relative_to(self.folder).as_posix(), path, media_type)
        return [item for item in registry.load(source) if isinstance(item, Document)]


def gather_debian(folders: Sequence[Path], into: Path) -> Corpus:
    """The chapters copied from wherever below the folders the packages lie.

    Raises:
        LoadError: A package's documents are in none of the folders.
    """
    found = {
        name: path
        for folder in folders
        for path in sorted(folder.resolve().rglob("*.html"))
        if path.is_file() and not path.is_symlink() and _wanted(name := f"{path.parent.name}/{path.name}")
    }
    for pattern in DEBIAN:
        if not fnmatch.filter(found, pattern):
            raise LoadError(
                ", ".join(map(str, folders)),
                f"there is no {pattern}: unpack debian-policy, debian-faq and developers-reference there "
                "(`dpkg-deb -x PACKAGE.deb DIR`)",
            )
    for name, path in found.items():
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, into / name)
    return Corpus("debian", into)


def _wanted(name: str) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in DEBIAN) and not any(
        fnmatch.fnmatch(name, pattern) for pattern in LEFT_OUT
    )
