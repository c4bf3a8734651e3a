"""The index of a collection in BEIR's layout: made when there is none, and brought up to date when there is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from docindex.config import Environment, IndexConfig, IngestOptions
from docindex.errors import ConfigError, IndexNotFoundError, LoadError
from docindex.evaluation.dataset import Dataset
from docindex.index import Index
from docindex.protocols import OnProgress
from docindex.schema import LoadOptions

CORPUS = "corpus.jsonl"
FIELDS = LoadOptions(id_field="_id", title_field="title", text_field="text")


@dataclass(frozen=True, slots=True)
class Collection:
    """A dataset's index, open."""

    index: Index
    missing: int
    """How many documents are relevant to a query, and not in the index: no search can find them."""


def open_collection(
    data: Path,
    dataset: Dataset,
    path: Path,
    *,
    config: IndexConfig | None = None,
    environment: Environment | None = None,
    on_progress: OnProgress | None = None,
) -> Collection:
    """The index at a path with the documents of a collection, for the caller to close.

    Where there is none, it is made of `corpus.jsonl`; an index of that file is brought up to date, which costs a hash
    when it is. Any other index is taken as it is, if it holds documents that the queries ask for.

    Args:
        data: The folder of the collection.
        dataset: What it is measured by.
        path: Where the index is or is to be.
        config: Of an index that is to be made.
        environment: Of this process.
        on_progress: Hears how far building is.

    Raises:
        ConfigError: The index holds none of the documents that are relevant to a query.
        LoadError: The collection can't be read.
    """
    corpus = data / CORPUS
    index = _open_or_create(path, corpus, config, environment)
    try:
        _bring_up_to_date(index, corpus, on_progress)
        missing = _missing(index, dataset)
    except BaseException:
        index.close()
        raise
    return Collection(index, missing)


def _open_or_create(path: Path, corpus: Path, config: IndexConfig | None, environment: Environment | None) -> Index:
    try:
        return Index.open(path, environment=environment)
    except IndexNotFoundError:
        if not corpus.is_file():
            raise LoadError(str(corpus), "is missing: put the documents there, or give --index their index") from None
        return Index.create(path, config, environment=environment)


def _bring_up_to_date(index: Index, corpus: Path, on_progress: OnProgress | None) -> None:
    if not _is_of(index, corpus):
        return
    report = index.ingest(corpus, options=IngestOptions(load=FIELDS), on_progress=on_progress)
    if report.failed:
        raise LoadError(report.failed[0].source, report.failed[0].reason)


def _missing(index: Index, dataset: Dataset) -> int:
    wanted = dataset.relevant_documents()
    missing = wanted - {record.doc_id for record in index.documents()}
    if wanted and len(missing) == len(wanted):
        raise ConfigError(
            f"The index at {index.path} holds none of the documents that the queries of {dataset.name} ask for: "
            "give --index a new folder, and it is made."
        )
    return len(missing)


def _is_of(index: Index, corpus: Path) -> bool:
    """Whether the index is one of this corpus, or still empty."""
    first = next(iter(index.documents()), None)
    return corpus.is_file() and (first is None or first.location == corpus.resolve().as_posix())
