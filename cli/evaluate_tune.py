"""`docindex eval tune`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from docindex.cli.counting import show_count
from docindex.cli.evaluate_options import DataOption, QuestionsOption
from docindex.cli.models import bring_model
from docindex.cli.options import IndexOption, JsonOption
from docindex.cli.output import print_json
from docindex.cli.render_evaluation import show_tuning
from docindex.cli.screen import Screen, Span
from docindex.cli.session import Session
from docindex.cli.terminal import open_screen
from docindex.config import IndexConfig
from docindex.errors import ConfigError, IndexNotFoundError, QueryError

if TYPE_CHECKING:
    from docindex.evaluation.tuning import Task


def eval_tune(
    ctx: typer.Context,
    data: DataOption = None,
    questions: QuestionsOption = None,
    source: Annotated[
        list[Path] | None,
        typer.Option(
            "--source",
            metavar="PATH",
            help="With --questions: what the index was made of, to try other sizes of passages.",
            show_default=False,
        ),
    ] = None,
    index: IndexOption = None,
    work: Annotated[
        Path, typer.Option("--work", metavar="DIR", help="Keeps indexes and results, to go on after an interruption.")
    ] = Path("tuning"),
    chunk_tokens: Annotated[
        str | None,
        typer.Option(
            "--chunk-tokens", metavar="LIST", help="Sizes of passages to try.", show_default="128,200,256; that of -i"
        ),
    ] = None,
    dense_weight: Annotated[
        str, typer.Option("--dense-weight", metavar="LIST", help="Weights of the dense score to try.")
    ] = "0.5,0.6,0.7,0.8",
    k: Annotated[
        str | None,
        typer.Option("-k", metavar="LIST", help="Numbers of passages to try.", show_default="10,30,100; 10"),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="NAME", help="What decides.", show_default="ndcg@10; mrr@10 of questions"),
    ] = None,
    split: Annotated[
        str, typer.Option("--split", metavar="NAME", help="Only train: what is tuned on must not measure.")
    ] = "train",
    adopt: Annotated[
        bool,
        typer.Option("--adopt/--no-adopt", help="Write the best weight and k into the index, where that is enough."),
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Finds the size of passages, the weight of the dense score and k that serve best.

    Every combination is measured on the train split: qrels/train.tsv of --data, or the questions of --questions that
    belong to train (`docindex eval run --split test` measures on the others). No other judgements are looked at.

    The best weight is written into the index of --index, and so is the best k, if several were tried: it is how many
    passages `docindex search` gives without -k. Another size of passages needs another index: the one that was tried
    is in the working folder with the best settings, and the command that puts it in place is printed.

    Examples:
      docindex eval tune --data scifact --index scifact-index
      docindex eval tune --questions questions.jsonl --dense-weight 0.3,0.5,0.7,0.9
      docindex eval tune --questions questions.jsonl --source docs/ --chunk-tokens 128,200
    """
    from docindex.evaluation.adoption import adopt_settings
    from docindex.evaluation.metrics import parse_metric
    from docindex.evaluation.tasks import collection_task, question_task
    from docindex.evaluation.tuning import PASSAGES, Grid, index_path, require_train, tune

    if (data is None) == (questions is None):
        raise QueryError("Give a collection with --data DIR, or questions with --questions FILE.")
    if source and data is not None:
        raise QueryError("--source goes with --questions: a collection is made of its corpus.jsonl.")
    require_train(split)
    session = Session.of(ctx)
    # A collection has nothing to do with the index that commands use when none is given.
    path = session.index_path(index) if data is None else index
    known = None if path is None else _settings_of(session, path)
    now, k_now = known or (IndexConfig(), None)
    decides = parse_metric(metric or ("ndcg@10" if data is not None else "mrr@10"))
    task: Task
    if data is not None:
        task = collection_task(data, session.environment, decides)
        sizes = chunk_tokens or "128,200,256"
    elif questions is not None and path is not None and known is not None:
        task = question_task(questions, path, source or (), session.environment, decides)
        sizes = chunk_tokens or str(now.chunk_tokens)
    else:
        raise IndexNotFoundError(session.index_path(index))
    grid = Grid(
        chunk_tokens=_whole(sizes, "--chunk-tokens"),
        dense_weight=_numbers(dense_weight, "--dense-weight"),
        k=_whole(k, "-k") if k else PASSAGES if data is not None else (10,),
    )
    bring_model(session, now.embedder)
    with show_count("Reading") as on_count:
        tuning = tune(task, now, grid, decides.name, work, environment=session.environment, on_count=on_count)
    best, k_best = tuning.best.settings, tuning.best_k
    enough = path if known is not None and best.chunk_tokens == now.chunk_tokens else None
    same = best.dense_weight == now.dense_weight and k_best in (None, k_now)
    adopted = adopt and enough is not None and not same
    if adopted and enough is not None:
        adopt_settings(enough, dense_weight=best.dense_weight, k=k_best)
    made = index_path(work, best.chunk_tokens)
    if as_json:
        has_them = enough if adopted or same else None
        print_json(tuning.as_dict() | {"adopted": adopted, "index": str(has_them or made)})
        return
    screen = open_screen()
    show_tuning(screen, tuning)
    if enough is None:
        _offer(screen, made, path, replaces=known is not None)
    elif adopted:
        screen.line(Span("Adopted: ", "good"), f"the index at {enough} has the weight {best.dense_weight:g} now.")
        if k_best is not None:
            screen.line(f"docindex search gives {k_best} passages of it without -k.")
    elif same:
        screen.line(f"The index at {enough} has the best settings already.")
    else:
        screen.line(f"The index at {enough} was left as it is.")


def _offer(screen: Screen, made: Path, path: Path | None, *, replaces: bool) -> None:
    """Tells of the index with another size of passages, which only the user can put in the place of one."""
    screen.line("An index with these settings is at ", Span(str(made), "name"), ", ready for use.")
    if path is None:
        return
    place = shlex.quote(str(path))
    copy = f"cp -r {shlex.quote(str(made))} {place}"
    if replaces:
        screen.line("To put it in place, where tags, conversations and indexes on top stay with the old one:")
        screen.line(f"mv {place} {shlex.quote(f'{path}.before')} && {copy}", indent=2)
    else:
        screen.line("To put it in place:")
        screen.line(copy, indent=2)


def _settings_of(session: Session, path: Path) -> tuple[IndexConfig, int] | None:
    """What the index is built with, and how many passages a search gives; None where there is no index."""
    try:
        with session.open(path) as opened:
            return opened.config, opened.k
    except IndexNotFoundError:
        return None


def _whole(text: str, option: str) -> tuple[int, ...]:
    numbers = _numbers(text, option)
    if not all(number.is_integer() for number in numbers):
        _refuse(option, text)
    return tuple(map(int, numbers))


def _numbers(text: str, option: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        return _refuse(option, text)


def _refuse(option: str, text: str) -> NoReturn:
    raise ConfigError(f"{option} is {text!r}: give numbers with commas between them, such as 0.5,0.7 or 128,256.")
