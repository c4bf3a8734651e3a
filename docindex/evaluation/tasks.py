"""What settings are tuned on: the train split of a collection, or the train part of one's own questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from docindex.config import Environment, IndexConfig, IngestOptions
from docindex.errors import ConfigError, IndexNotFoundError
from docindex.evaluation.collection import open_collection
from docindex.evaluation.counting import OnCount
from docindex.evaluation.dataset import Dataset, load_dataset
from docindex.evaluation.metrics import DOCUMENT_METRICS, PASSAGE_METRICS, Metric
from docindex.evaluation.passages import evaluate_passages, index_find
from docindex.evaluation.questions import Question, check_places, fingerprint_of, read_questions
from docindex.evaluation.results import Evaluation
from docindex.evaluation.retrieval import evaluate, index_search
from docindex.evaluation.tuning import TRAIN, Settings
from docindex.evaluation.working import CopyNote, forget_copy, same_settings
from docindex.index import Index
from docindex.protocols import OnProgress


@dataclass(frozen=True, slots=True)
class CollectionTask:
    """A collection in BEIR's layout, by the documents that its train split judges."""

    data: Path
    dataset: Dataset
    environment: Environment
    metrics: tuple[Metric, ...] = DOCUMENT_METRICS

    @property
    def fingerprint(self) -> str:
        """Of the queries and judgements."""
        return self.dataset.fingerprint

    def build(self, path: Path, config: IndexConfig, on_progress: OnProgress) -> Index:
        """The index of the collection."""
        return open_collection(
            self.data, self.dataset, path, config=config, environment=self.environment, on_progress=on_progress
        ).index

    def measure(self, index: Index, settings: Settings, on_count: OnCount) -> Evaluation:
        """The ranking of documents by k passages."""
        search = index_search(index, passages=1)
        return evaluate(search, self.dataset, k=settings.k, metrics=self.metrics, on_count=on_count)


@dataclass(frozen=True, slots=True)
class QuestionTask:
    """Questions with places, by the passages that meet them."""

    path: Path
    """The file of the questions."""
    questions: Sequence[Question]
    sources: tuple[Path, ...]
    """What the index was made of; without them, only sizes of passages can be tried that there is an index of."""
    origin: Path
    """The index that the questions were made from."""
    environment: Environment
    metrics: tuple[Metric, ...] = PASSAGE_METRICS

    @property
    def fingerprint(self) -> str:
        """Of the questions and their places."""
        return fingerprint_of(self.questions)

    def build(self, path: Path, config: IndexConfig, on_progress: OnProgress) -> Index:
        """The index of the sources, or a copy of the index that there is."""
        index = self._open_or_make(path, config, on_progress)
        try:
            if self.sources:
                index.ingest(*self.sources, options=IngestOptions(), on_progress=on_progress)
            check_places(self.questions, index.document, str(self.path))
        except BaseException:
            index.close()
            raise
        return index

    def measure(self, index: Index, settings: Settings, on_count: OnCount) -> Evaluation:
        """The places that k passages meet."""
        return evaluate_passages(
            index_find(index),
            self.questions,
            k=settings.k,
            metrics=self.metrics,
            dataset=self.path.name,
            split=TRAIN,
            on_count=on_count,
        )

    def _open_or_make(self, path: Path, config: IndexConfig, on_progress: OnProgress) -> Index:
        if not self.sources:
            return self._copy(path, config, on_progress)
        forget_copy(path)
        try:
            return Index.open(path, environment=self.environment)
        except IndexNotFoundError:
            return Index.create(path, config, environment=self.environment)

    def _copy(self, path: Path, config: IndexConfig, on_progress: OnProgress) -> Index:
        with Index.open(self.origin, environment=self.environment) as origin, TemporaryDirectory() as folder:
            if origin.config.chunk_tokens != config.chunk_tokens:
                raise ConfigError(
                    f"The index at {self.origin} has passages of {origin.config.chunk_tokens} tokens: to try "
                    f"{config.chunk_tokens}, give --source the files that it was made of."
                )
            if not same_settings(origin.config, config):
                raise ConfigError(f"The index at {self.origin} has other settings: give --source its files.")
            note = CopyNote(path, self.origin, origin.status()["version"])
            if note.is_current():
                return Index.open(path, environment=self.environment)
            bundle = Path(folder) / "origin.bundle"
            origin.export(bundle)
            note.begin()
            index = Index.from_bundle(bundle, path, environment=self.environment, on_progress=on_progress)
            note.finish()
            return index


def collection_task(data: Path, environment: Environment, decides: Metric | None = None) -> CollectionTask:
    """The task of a folder in BEIR's layout; it reads qrels/train.tsv and no other judgements."""
    return CollectionTask(data, load_dataset(data, TRAIN), environment, _with(DOCUMENT_METRICS, decides))


def question_task(
    path: Path,
    origin: Path,
    sources: Sequence[Path],
    environment: Environment,
    decides: Metric | None = None,
) -> QuestionTask:
    """The task of a file of questions: of those that belong to its train part and have an answer."""
    questions = [question for question in read_questions(path, TRAIN) if question.answerable]
    if not questions:
        raise ConfigError(f"{path} has no question with an answer in its train part: make more of them.")
    return QuestionTask(path, questions, tuple(sources), origin, environment, _with(PASSAGE_METRICS, decides))


def _with(metrics: tuple[Metric, ...], decides: Metric | None) -> tuple[Metric, ...]:
    return metrics if decides is None or decides in metrics else (*metrics, decides)
