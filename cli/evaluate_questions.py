"""`docindex eval make` and `docindex eval answers`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from docindex.cli.counting import Counted, show_count
from docindex.cli.evaluate_options import (
    BaselineOption,
    MaxDropOption,
    NameOption,
    OutOption,
    PerQueryOption,
    question_split,
)
from docindex.cli.evaluate_results import finish
from docindex.cli.llm_settings import llm_config
from docindex.cli.models import bring_model
from docindex.cli.options import (
    IndexOption,
    JsonOption,
    MaxTokensOption,
    ModelOption,
    ModeOption,
    PromptsOption,
    RequireGpuOption,
)
from docindex.cli.output import counted, print_json
from docindex.cli.progress import waiting
from docindex.cli.screen import Span
from docindex.cli.session import Session
from docindex.cli.terminal import open_screen
from docindex.cli.writing import require_place
from docindex.errors import ConfigError, QueryError

if TYPE_CHECKING:
    from docindex.config import LLMConfig
    from docindex.evaluation.questions import Question
    from docindex.index import Index
    from docindex.prompts.files import Prompts

Way = Literal["heading", "sentence", "model"]


def eval_make(
    ctx: typer.Context,
    index: IndexOption = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write.")] = Path(
        "questions.jsonl"
    ),
    count: Annotated[int, typer.Option("-n", min=0, help="How many questions, spread over the documents.")] = 100,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            metavar="WAY",
            help="heading, sentence (telling words of one) or model (written by the language model). May be repeated.",
            show_default="heading and sentence",
        ),
    ] = None,
    foreign: Annotated[
        int, typer.Option("--foreign", metavar="N", min=0, help="Also so many that no document answers.")
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", help="Chooses among the documents.")] = 0,
    llm: ModelOption = None,
    prompts: PromptsOption = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Makes questions from the documents of the index, each with the place that answers it.

    A line of JSON a question: _id, text, kind, doc_id, start, end, answer. The answer is what the document holds from
    start to end, to the letter. The same seed makes the same questions, and the same question always has the same _id.

    Read some of them before you trust them: the default model is small, and --llm takes a better one.

    Examples:
      docindex eval make -n 200 --out questions.jsonl
      docindex eval make --by model --foreign 50 --llm ./my-model.gguf --out asked.jsonl
    """
    from docindex.evaluation.questions import check_places, write_questions
    from docindex.prompts.files import Prompts

    require_place(out)
    if out.exists() and not force:
        raise QueryError(f"{out} is there already: choose another --out, or add --force.")
    session = Session.of(ctx)
    ways = _ways(by or ("heading", "sentence"))
    asked_with = Prompts.of(prompts)
    config = llm_config(session, llm) if "model" in ways else None
    if config is not None:
        bring_model(session, config.model)
    kinds: Counter[str] = Counter()
    with (
        session.open(index) as opened,
        show_count("questions") as on_count,
    ):

        def checked() -> Iterator[Question]:
            for question in _made(session, opened, ways, count, foreign, seed, config, asked_with, on_count):
                kinds[question.kind] += 1
                on_count("questions", kinds.total(), count + foreign)
                yield from check_places([question], opened.document, str(out))

        write_questions(checked(), out)
    if as_json:
        print_json({"file": str(out), "questions": kinds.total(), "kinds": dict(kinds)})
        return
    screen = open_screen()
    of_what = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
    screen.line(f"{counted(kinds.total(), 'question')} ({of_what or 'none'}) in ", Span(str(out), "name"))
    if kinds.total() < count + foreign:
        screen.line(Span("The documents gave no more: add some, or other ways with --by.", "warn"))


def eval_answers(
    ctx: typer.Context,
    questions: Annotated[
        Path, typer.Option("--questions", metavar="FILE", help="Questions of `docindex eval make`.", show_default=False)
    ],
    index: IndexOption = None,
    split: Annotated[
        str | None,
        typer.Option("--split", metavar="NAME", help="A part of the questions: train or test.", show_default="all"),
    ] = None,
    count: Annotated[
        int | None, typer.Option("-n", min=1, help="Ask only so many of them.", show_default="all")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many passages the model may read.")] = 4,
    mode: ModeOption = "hybrid",
    llm: ModelOption = None,
    max_tokens: MaxTokensOption = None,
    require_gpu: RequireGpuOption = False,
    name: NameOption = None,
    out: OutOption = None,
    baseline: BaselineOption = None,
    max_drop: MaxDropOption = 0.01,
    per_query: PerQueryOption = False,
    as_json: JsonOption = False,
) -> None:
    """Asks questions and measures the answers, their citations, and what is refused.

    exact_match, f1 and contains compare an answer with the text that answers the question, where that is short.
    citation_precision is the share of the citations that are of the place that answers, citation_recall the share of
    the questions for which one is. false_refusal is the share of the questions with an answer that got none,
    false_answer the share of those without one that got one.

    Examples:
      docindex eval answers --questions questions.jsonl --out answers.json
      docindex eval answers --questions questions.jsonl -n 20 --baseline answers.json --max-drop 0.05
    """
    from docindex.evaluation.answers import evaluate_answers
    from docindex.evaluation.questions import check_places, read_questions, some_of
    from docindex.evaluation.run_files import TREC_SUFFIXES, write_evaluation

    if out is not None and out.suffix in TREC_SUFFIXES:
        raise QueryError(f"A TREC run can't hold answers: call {out} something with .json.")
    require_place(out)
    session = Session.of(ctx)
    part = question_split(split)
    asked = some_of(read_questions(questions, part), count)
    config = llm_config(session, llm, max_tokens=max_tokens, require_gpu=require_gpu)
    with session.open(index, llm=config) as opened:
        placed = check_places(asked, opened.document, str(questions))
        bring_model(session, config.model)
        with waiting("Loading the model"):
            engine = opened.engine(k=k, mode=mode)
        with show_count("questions") as on_count:
            evaluation = evaluate_answers(
                engine,
                placed,
                name=name or config.model,
                dataset=questions.name,
                split="" if part == "all" else part,
                settings={"model": config.model, "mode": mode, "k": k},
                on_count=on_count,
            )
    if out is not None:
        write_evaluation(evaluation, out)
    finish(evaluation, baseline, max_drop, per_query=per_query, as_json=as_json)


def _ways(given: Sequence[str]) -> list[Way]:
    """The ways in the order in which they are gone: the model, which takes long, comes last."""
    for name in given:
        if name not in get_args(Way):
            raise ConfigError(f"--by is {name!r}: give {', '.join(get_args(Way))}.")
    return [way for way in get_args(Way) if way in given]


def _made(
    session: Session,
    index: Index,
    ways: Sequence[Way],
    count: int,
    foreign: int,
    seed: int,
    config: LLMConfig | None,
    prompts: Prompts,
    on_count: Counted,
) -> Iterator[Question]:
    """The questions, way by way: what one can't give, the later ones make up for."""
    from docindex.evaluation.foreign import foreign_questions
    from docindex.evaluation.headings import heading_questions
    from docindex.evaluation.keywords import keyword_questions

    doc_ids = [record.doc_id for record in index.documents()]
    if not doc_ids:
        raise ConfigError(f"The index at {index.path} holds no documents: ingest some.")
    on_count("questions", 0, count + foreign)
    left = count
    for place, way in enumerate(ways):
        share = -(-left // (len(ways) - place))
        made: Iterator[Question] | list[Question]
        if way == "heading":
            made = heading_questions(doc_ids, index.document, share, seed=seed)
        elif way == "sentence":
            made = keyword_questions(doc_ids, index.document, share, seed=seed)
        else:
            made = _written(session, index, doc_ids, share, seed, config, prompts)
        for question in made:
            left -= 1
            yield question
    yield from foreign_questions(lambda text, k: index.search(text, k, "lexical"), foreign, seed=seed)


def _written(
    session: Session,
    index: Index,
    doc_ids: Sequence[str],
    count: int,
    seed: int,
    config: LLMConfig | None,
    prompts: Prompts,
) -> Iterator[Question]:
    from docindex.evaluation.writing import model_questions
    from docindex.wiring import open_llm

    if config is None:
        return
    llm = open_llm(config, session.environment)
    try:
        yield from model_questions(llm, doc_ids, index.document, count, seed=seed, prompts=prompts)
    finally:
        llm.close()
