"""Finding the settings that serve a collection best: every combination is measured on its train split.

What has been built and measured is kept in a working folder, so that an interrupted search goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from docindex.config import Environment, IndexConfig
from docindex.errors import ConfigError, LoadError
from docindex.evaluation.adoption import adopt_settings
from docindex.evaluation.bootstrap import Interval, paired_difference
from docindex.evaluation.counting import OnCount, unheard
from docindex.evaluation.metrics import Metric
from docindex.evaluation.results import Evaluation
from docindex.evaluation.run_files import read_evaluation, write_evaluation
from docindex.evaluation.working import require_settings
from docindex.index import Index
from docindex.protocols import OnProgress
from docindex.schema import Progress
from docindex.stores.manifest import read_manifest

TRAIN: Literal["train"] = "train"
CHUNK_TOKENS = (128, 200, 256)
DENSE_WEIGHTS = (0.5, 0.6, 0.7, 0.8)
PASSAGES = (10, 30, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One combination."""

    chunk_tokens: int
    dense_weight: float
    k: int
    """How many passages are asked for a query."""

    @property
    def name(self) -> str:
        """What it is called in tables and as a file."""
        return f"chunk {self.chunk_tokens}, weight {self.dense_weight:g}, k {self.k}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The values that are combined."""

    chunk_tokens: tuple[int, ...] = CHUNK_TOKENS
    dense_weight: tuple[float, ...] = DENSE_WEIGHTS
    k: tuple[int, ...] = PASSAGES

    def __post_init__(self) -> None:
        for name in ("chunk_tokens", "dense_weight", "k"):
            if not getattr(self, name):
                raise ConfigError(f"There is no value of {name} to try: give one or more.")
        if min(self.k) < 1:
            raise ConfigError(f"k is {min(self.k)}: give 1 or more.")

    def including(self, config: IndexConfig) -> Grid:
        """The grid with the values that an index has now among them."""
        return Grid(
            chunk_tokens=tuple(sorted({*self.chunk_tokens, config.chunk_tokens})),
            dense_weight=tuple(sorted({*self.dense_weight, config.dense_weight})),
            k=tuple(sorted(set(self.k))),
        )


@dataclass(frozen=True, slots=True)
class Trial:
    """A combination, and what it was measured to be worth."""

    settings: Settings
    evaluation: Evaluation
    """Without rankings."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a search for settings found."""

    metric: str
    trials: tuple[Trial, ...]
    best: Trial
    now: Trial
    """The settings that the index has, with the best k."""
    difference: Interval
    """The best one's metric minus that of the settings now, with both on the same queries."""

    @property
    def best_k(self) -> int | None:
        """The best number of passages; None where only one was tried."""
        return self.best.settings.k if len({trial.settings.k for trial in self.trials}) > 1 else None

    def as_dict(self) -> dict[str, Any]:
        """The outcome as `--json` prints it."""
        return {
            "metric": self.metric,
            "split": TRAIN,
            "best": self._listed(self.best),
            "now": self._listed(self.now),
            "difference": self.difference.as_dict(),
            "trials": [self._listed(trial) for trial in self.trials],
        }

    def _listed(self, trial: Trial) -> dict[str, Any]:
        settings, half = trial.settings, trial.evaluation.milliseconds(0.5)
        return {
            "chunk_tokens": settings.chunk_tokens,
            "dense_weight": settings.dense_weight,
            "k": settings.k,
            "metrics": {name: trial.evaluation.interval(name).as_dict() for name in trial.evaluation.metrics},
            "ms": {"p50": None if half is None else round(half, 2)},
        }


class Task(Protocol):
    """What settings are tried on."""

    @property
    def fingerprint(self) -> str:
        """Of the queries and judgements."""
        ...

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What is measured."""
        ...

    def build(self, path: Path, config: IndexConfig, on_progress: OnProgress) -> Index:
        """The index with these settings, made or brought up to date, open."""
        ...

    def measure(self, index: Index, settings: Settings, on_count: OnCount) -> Evaluation:
        """The index as it is, measured on the train split."""
        ...


def tune(
    task: Task,
    config: IndexConfig,
    grid: Grid,
    metric: str,
    work: Path,
    *,
    environment: Environment | None = None,
    on_count: OnCount = unheard,
) -> Tuning:
    """Measures every combination of a grid, and the settings of `config` with them.

    Args:
        task: What they are tried on.
        config: The settings now; what the grid does not name stays as it is in them.
        grid: The values to combine.
        metric: What decides, such as "ndcg@10". Where two combinations are equal in it, the one of fewer passages wins.
        work: A folder for indexes and results, used again when it holds those of an interrupted search.
        environment: Of this process.
        on_count: Hears of passages that are embedded, and of queries.

    Raises:
        ConfigError: The task does not measure the metric, a value is out of range, or an index in the working folder
            was built with other settings.
    """
    measured = [known.name for known in task.metrics]
    if metric not in measured:
        raise ConfigError(f"{metric} is not measured: choose one of {', '.join(measured)}.")
    config = replace(config, database=None)
    grid = grid.including(config)
    for value in grid.chunk_tokens:  # refuses what is out of range or in the way before hours have gone by
        require_settings(index_path(work, value), _config(config, value))
    for weight in grid.dense_weight:
        replace(config, dense_weight=weight)
    trials: list[Trial] = []
    for chunk_tokens in grid.chunk_tokens:
        trials += _try_size(task, _config(config, chunk_tokens), grid, work, environment, on_count)

    def worth(trial: Trial) -> tuple[float, int, bool, bool]:
        same_size = trial.settings.chunk_tokens == config.chunk_tokens
        same_weight = trial.settings.dense_weight == config.dense_weight
        return round(trial.evaluation.mean(metric), 9), -trial.settings.k, same_size, same_weight

    best = max(trials, key=worth)
    now = next(
        trial
        for trial in trials
        if trial.settings == replace(best.settings, chunk_tokens=config.chunk_tokens, dense_weight=config.dense_weight)
    )
    difference = paired_difference(best.evaluation.values(metric), now.evaluation.values(metric))
    tuning = Tuning(metric, tuple(trials), best, now, difference)
    adopt_settings(
        index_path(work, best.settings.chunk_tokens), dense_weight=best.settings.dense_weight, k=tuning.best_k
    )
    return tuning


def index_path(work: Path, chunk_tokens: int) -> Path:
    """Where the index with passages of such a size is in a working folder."""
    return work / f"chunk-{chunk_tokens}"


def require_train(split: str) -> None:
    """Lets the train split pass, and nothing else.

    Raises:
        ConfigError: It is another one.
    """
    if split != TRAIN:
        raise ConfigError(
            f"Settings are tuned on the split train, and not on {split}: "
            "what is tuned on the questions that measure it is worth nothing. Leave --split out."
        )


def _try_size(
    task: Task, config: IndexConfig, grid: Grid, work: Path, environment: Environment | None, on_count: OnCount
) -> list[Trial]:
    path = index_path(work, config.chunk_tokens)
    path.parent.mkdir(parents=True, exist_ok=True)
    with task.build(path, config, _embedding(config.chunk_tokens, on_count)) as index:
        version = f"{index.status()['version']} of {read_manifest(path).index_id}"
    trials: list[Trial] = []
    for weight in grid.dense_weight:
        missing: list[tuple[Settings, Path]] = []
        for k in grid.k:
            settings = Settings(chunk_tokens=config.chunk_tokens, dense_weight=weight, k=k)
            file = work / "trials" / f"{config.chunk_tokens}-{weight:g}-{k}.json"
            known = _known(file, task, version)
            if known is not None:
                trials.append(Trial(settings, known))
            else:
                missing.append((settings, file))
        if missing:
            adopt_settings(path, dense_weight=weight)
            with Index.open(path, environment=environment) as index:
                trials += [_measured(task, index, settings, file, version, on_count) for settings, file in missing]
    return trials


def _measured(task: Task, index: Index, settings: Settings, file: Path, version: str, on_count: OnCount) -> Trial:
    def counted(what: str, done: int, total: int) -> None:
        on_count(f"{what}: {settings.name}", done, total)

    evaluation = task.measure(index, settings, counted)
    evaluation = replace(
        evaluation,
        name=settings.name,
        settings={
            "chunk_tokens": settings.chunk_tokens,
            "dense_weight": settings.dense_weight,
            "k": settings.k,
            "version": version,
        },
        results=tuple(replace(result, ranking=()) for result in evaluation.results),
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    write_evaluation(evaluation, file)
    return Trial(settings, evaluation)


def _known(file: Path, task: Task, version: str) -> Evaluation | None:
    """A trial that was measured before by the same metrics, on the same questions with the same documents."""
    try:
        known = read_evaluation(file)
    except LoadError:
        return None
    same = known.fingerprint == task.fingerprint and known.settings.get("version") == version
    return known if same and {metric.name for metric in task.metrics} <= set(known.metrics) else None


def _config(config: IndexConfig, chunk_tokens: int) -> IndexConfig:
    overlap = min(config.overlap_tokens, chunk_tokens // 2)
    return replace(config, chunk_tokens=chunk_tokens, overlap_tokens=overlap)


def _embedding(chunk_tokens: int, on_count: OnCount) -> Callable[[Progress], None]:
    def hear(progress: Progress) -> None:
        if progress.nodes_total:
            on_count(f"passages embedded: chunk {chunk_tokens}", progress.nodes, progress.nodes_total)

    return hear


def winners(tuning: Tuning, count: int) -> Sequence[Trial]:
    """The best trials, the best one first."""
    return sorted(tuning.trials, key=lambda trial: -trial.evaluation.mean(tuning.metric))[:count]
