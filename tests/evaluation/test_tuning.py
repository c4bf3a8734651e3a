import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from docindex import Index, IndexConfig
from docindex.config import Environment
from docindex.errors import ConfigError, LockedError
from docindex.evaluation import Evaluation, load_dataset
from docindex.evaluation.adoption import adopt_settings
from docindex.evaluation.counting import OnCount
from docindex.evaluation.keywords import keyword_questions
from docindex.evaluation.metrics import Metric, parse_metric
from docindex.evaluation.questions import write_questions
from docindex.evaluation.tasks import CollectionTask, collection_task, question_task
from docindex.evaluation.tuning import Grid, Settings, index_path, require_train, tune
from docindex.evaluation.working import require_settings
from docindex.stores.lease import lease
from docindex.stores.manifest import Manifest, read_manifest, write_manifest

GRID = Grid(chunk_tokens=(64,), dense_weight=(0.0, 0.7), k=(3,))
CONFIG = IndexConfig(chunk_tokens=200)


@dataclass(frozen=True)
class CountedTask:
    """A task that says what it is asked for, and breaks off when it is told to."""

    inner: CollectionTask
    measured: list[Settings] = field(default_factory=list)
    breaks_after: int = 1000

    @property
    def fingerprint(self) -> str:
        return self.inner.fingerprint

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return self.inner.metrics

    def build(self, path: Path, config: IndexConfig, on_progress) -> Index:
        return self.inner.build(path, config, on_progress)

    def measure(self, index: Index, settings: Settings, on_count: OnCount) -> Evaluation:
        if len(self.measured) == self.breaks_after:
            raise KeyboardInterrupt
        assert index.config.chunk_tokens == settings.chunk_tokens
        assert index.config.dense_weight == settings.dense_weight
        self.measured.append(settings)
        return self.inner.measure(index, settings, on_count)


def test_every_combination_is_measured_once_even_over_an_interruption(collection: Path, tmp_path: Path) -> None:
    task = collection_task(collection, Environment.read())
    cut_off = CountedTask(task, breaks_after=2)
    heard: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        tune(cut_off, CONFIG, GRID, "ndcg@10", tmp_path, on_count=lambda what, done, total: heard.append(what))
    rest = CountedTask(task)
    tuning = tune(rest, CONFIG, GRID, "ndcg@10", tmp_path)
    assert len(cut_off.measured) + len(rest.measured) == 2 * 2  # the size that is used now is tried, too
    assert not set(cut_off.measured) & set(rest.measured)
    again = CountedTask(task)
    assert tune(again, CONFIG, GRID, "ndcg@10", tmp_path) == tuning
    assert again.measured == []
    assert any(what.startswith("queries: chunk 64") for what in heard)
    assert len({trial.settings for trial in tuning.trials}) == 4

    means = {trial.settings: trial.evaluation.mean("ndcg@10") for trial in tuning.trials}
    assert means[tuning.best.settings] == max(means.values())
    assert tuning.now.settings == Settings(chunk_tokens=200, dense_weight=0.7, k=tuning.best.settings.k)
    assert tuning.difference.mean == pytest.approx(means[tuning.best.settings] - means[tuning.now.settings])
    assert means[Settings(chunk_tokens=200, dense_weight=0.0, k=3)] < means[tuning.now.settings]
    with Index.open(index_path(tmp_path, tuning.best.settings.chunk_tokens)) as index:
        assert index.config.dense_weight == tuning.best.settings.dense_weight
        assert index.k == 10  # one k was tried, so none was chosen
    document = json.loads(json.dumps(tuning.as_dict()))
    assert (document["split"], len(document["trials"])) == ("train", 4)


def test_equal_combinations_leave_things_as_they_are_and_ask_for_less(collection: Path, tmp_path: Path) -> None:
    task = collection_task(collection, Environment.read())
    tuning = tune(task, CONFIG, Grid(chunk_tokens=(200,), dense_weight=(0.69, 0.71), k=(8, 10)), "ndcg@10", tmp_path)
    assert {trial.evaluation.mean("ndcg@10") for trial in tuning.trials} == {tuning.best.evaluation.mean("ndcg@10")}
    assert tuning.best.settings == Settings(chunk_tokens=200, dense_weight=0.7, k=8)
    assert not tuning.difference.excludes_zero
    with Index.open(index_path(tmp_path, 200)) as index:
        assert (index.config.dense_weight, index.k) == (0.7, 8)


def test_a_changed_collection_is_measured_anew(collection: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    (folder / "qrels").mkdir(parents=True)
    for name in ("corpus.jsonl", "queries.jsonl", "qrels/train.tsv"):
        (folder / name).write_text((collection / name).read_text())
    grid = Grid(chunk_tokens=(200,), dense_weight=(0.7,), k=(3,))
    tune(collection_task(folder, Environment.read()), CONFIG, grid, "ndcg@10", tmp_path / "work")
    with (folder / "corpus.jsonl").open("a") as corpus:
        corpus.write('{"_id": "wasps", "title": "", "text": "Wasps build nests of paper."}\n')
    task = CountedTask(collection_task(folder, Environment.read()))
    tune(task, CONFIG, grid, "ndcg@10", tmp_path / "work")
    assert len(task.measured) == 1


def test_the_metric_that_decides_is_measured_or_refused_before_anything_is_built(
    collection: Path, tmp_path: Path
) -> None:
    grid, work = Grid(chunk_tokens=(200,), dense_weight=(0.7,), k=(3,)), tmp_path / "work"
    plain = CountedTask(collection_task(collection, Environment.read()))
    with pytest.raises(ConfigError, match="ndcg@5 is not measured: choose one of ndcg@10"):
        tune(plain, CONFIG, grid, "ndcg@5", work)
    assert not work.exists()
    tune(plain, CONFIG, grid, "ndcg@10", work)
    deciding = CountedTask(collection_task(collection, Environment.read(), parse_metric("ndcg@5")))
    tuning = tune(deciding, CONFIG, grid, "ndcg@5", work)
    assert 0 < tuning.best.evaluation.mean("ndcg@5") <= 1
    assert len(deciding.measured) == 1  # what is stored lacks the metric
    again = CountedTask(collection_task(collection, Environment.read()))
    tune(again, CONFIG, grid, "ndcg@10", work)
    assert again.measured == []


def test_only_the_train_split_is_looked_at(collection: Path, tmp_path: Path) -> None:
    task = collection_task(collection, Environment.read())
    assert set(task.dataset.judgements) == {"q1", "q2", "q3", "q4", "q5"}
    assert task.dataset == load_dataset(collection, "train")
    require_train("train")
    for split in ("test", "dev", "all"):
        with pytest.raises(ConfigError, match="tuned on the split train, and not on"):
            require_train(split)
    for name in ("queries.jsonl", "corpus.jsonl"):
        (tmp_path / name).write_text((collection / name).read_text())
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text((collection / "qrels" / "test.tsv").read_text())
    with pytest.raises(ConfigError, match="no split 'train'"):
        collection_task(tmp_path, Environment.read())


def test_what_is_out_of_range_is_refused_before_anything_is_built(collection: Path, tmp_path: Path) -> None:
    task = collection_task(collection, Environment.read())
    for grid in (Grid(chunk_tokens=(4,)), Grid(dense_weight=(1.5,))):
        with pytest.raises(ConfigError):
            tune(task, CONFIG, grid, "ndcg@10", tmp_path / "work")
    for values in ({"k": (0,)}, {"k": ()}, {"dense_weight": ()}):
        with pytest.raises(ConfigError):
            Grid(**values)
    assert not (tmp_path / "work").exists()


def test_settings_are_written_under_the_lease_and_nothing_else_changes(index: Index, docs: Path) -> None:
    index.ingest(docs)
    before = json.loads((index.path / "docindex.json").read_text())
    with lease(index.path), pytest.raises(LockedError):
        adopt_settings(index.path, dense_weight=0.4)
    adopt_settings(index.path, dense_weight=0.4)
    after = json.loads((index.path / "docindex.json").read_text())
    config = after.pop("config")
    assert config == before.pop("config") | {"dense_weight": 0.4}
    assert after == before
    adopt_settings(index.path, dense_weight=0.4, k=30)
    assert json.loads((index.path / "docindex.json").read_text()) == after | {"config": config, "k": 30}
    with pytest.raises(ConfigError, match="dense_weight"):
        adopt_settings(index.path, dense_weight=1.2)
    adopt_settings(index.path, dense_weight=0.4)
    with Index.open(index.path) as again:
        assert again.config.dense_weight == 0.4
        assert again.k == 30
        assert again.search("oil", k=1)[0].doc_id == "sub/engine.txt"


def test_questions_are_tuned_on_a_copy_of_the_index(index: Index, docs: Path, tmp_path: Path) -> None:
    index.ingest(docs)
    doc_ids = [record.doc_id for record in index.documents()]
    file = tmp_path / "questions.jsonl"
    questions = keyword_questions(doc_ids, index.document, 10)
    named = [replace(question, question_id=f"question {number}") for number, question in enumerate(questions * 4)]
    write_questions(named, file)
    before = (index.path / "docindex.json").read_text()
    task = question_task(file, index.path, (), Environment.read())
    assert 0 < len(task.questions) < len(named)
    assert all(question.split == "train" for question in task.questions)
    grid = Grid(chunk_tokens=(200,), dense_weight=(0.3,), k=(2,))
    tuning = tune(task, index.config, grid, "hit@1", tmp_path / "work")
    assert len(tuning.trials) == 2
    assert (index.path / "docindex.json").read_text() == before
    with pytest.raises(ConfigError, match="give --source"):
        tune(task, index.config, Grid(chunk_tokens=(64,), dense_weight=(0.3,), k=(2,)), "hit@1", tmp_path / "work")
    sourced = question_task(file, index.path, [docs], Environment.read())
    wider = tune(
        sourced, index.config, Grid(chunk_tokens=(64,), dense_weight=(0.7,), k=(2,)), "hit@1", tmp_path / "sourced"
    )
    assert {trial.settings.chunk_tokens for trial in wider.trials} == {64, 200}


@pytest.mark.parametrize("other", [{"overlap_tokens": 8}, {"levels": (400,)}, {"embedder": "another"}])
def test_a_working_folder_of_other_settings_is_refused(collection: Path, tmp_path: Path, other: dict) -> None:
    grid = Grid(chunk_tokens=(200,), dense_weight=(0.5,), k=(3,))
    manifest = Manifest(config=replace(CONFIG, **other), embedder="e", fingerprint="f", dim=2)
    path = index_path(tmp_path, 200)
    path.mkdir()
    write_manifest(path, manifest)
    with pytest.raises(ConfigError, match=r"chunk-200 was built with other settings: give another --work"):
        tune(collection_task(collection, Environment.read()), CONFIG, grid, "ndcg@10", tmp_path)
    require_settings(path, replace(manifest.config, dense_weight=0.1, database="sqlite:///x"))


def test_a_copy_follows_its_index(index: Index, docs: Path, tmp_path: Path) -> None:
    index.ingest(docs)
    file, work = tmp_path / "questions.jsonl", tmp_path / "work"
    made = keyword_questions([record.doc_id for record in index.documents()], index.document, 4)
    write_questions([replace(one, question_id=f"{number}") for number, one in enumerate(made * 6)], file)
    grid = Grid(chunk_tokens=(200,), dense_weight=(0.7,), k=(2,))

    def tuned() -> set[str]:
        task = question_task(file, index.path, (), Environment.read())
        tune(task, index.config, grid, "hit@1", work)
        with Index.open(index_path(work, 200)) as copy:
            return {record.doc_id for record in copy.documents()}

    before = tuned()
    first = read_manifest(index_path(work, 200)).index_id
    assert tuned() == before
    assert read_manifest(index_path(work, 200)).index_id == first
    (docs / "wasps.txt").write_text("Wasps build nests of paper.")
    index.ingest(docs)
    assert tuned() == before | {"wasps.txt"}
    note = work / "chunk-200.origin.json"
    note.write_text(note.read_text().replace(json.loads(note.read_text())["path"], "/elsewhere"))
    assert tuned() == before | {"wasps.txt"}
    note.unlink()
    with pytest.raises(ConfigError, match="is no copy of the index at"):
        tuned()
