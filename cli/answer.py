"""`docindex query` and `docindex chat`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docindex.cli.answering import (
    CacheOption,
    DatabaseOption,
    DocumentOption,
    EngineOption,
    EntailmentOption,
    LeastEntailmentOption,
    SentencesOption,
    StepsOption,
    StrictOption,
    SynthesisOption,
    answer_options,
)
from docindex.cli.llm_settings import LlmSetOption, llm_config
from docindex.cli.models import bring_model
from docindex.cli.opening_indexes import open_indexes
from docindex.cli.options import (
    AtOption,
    FilterOption,
    IndexesOption,
    JsonOption,
    MaxTokensOption,
    ModelOption,
    ModeOption,
    PromptsOption,
    RequireGpuOption,
    is_given,
)
from docindex.cli.output import print_json, print_json_line
from docindex.cli.progress import waiting
from docindex.cli.render import show_sources
from docindex.cli.retrieving import (
    ExpandOption,
    RerankOption,
    SetOption,
    TransformOption,
    ViaOption,
    WindowOption,
    retrieval_options,
)
from docindex.cli.screen import Screen, Span
from docindex.cli.session import NO_ANSWER, Session, interruptible
from docindex.cli.terminal import open_screen
from docindex.config import AnswerOptions, LLMConfig
from docindex.errors import QueryError
from docindex.schema import MemoryKind, Response

if TYPE_CHECKING:
    from docindex.protocols import AnswerStream, Engine
    from docindex.searchable import Searchable

LEAVE = ("/quit", "/exit")
_NOT_OF_FORMS = ("synthesis", "entailment", "least_entailment", "steps", "sentences", "document", "database")


def query(
    ctx: typer.Context,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What to answer.", show_default=False)],
    index: IndexesOption = None,
    llm: ModelOption = None,
    engine: EngineOption = "retriever",
    synthesis: SynthesisOption = "compact",
    strict: StrictOption = False,
    entailment: EntailmentOption = False,
    least_entailment: LeastEntailmentOption = 0.0,
    steps: StepsOption = 4,
    sentences: SentencesOption = 5,
    document: DocumentOption = None,
    database: DatabaseOption = None,
    stream: Annotated[
        bool, typer.Option("--stream/--no-stream", help="Print the answer while it is written, or when it is whole.")
    ] = True,
    k: Annotated[int, typer.Option("-k", min=1, help="How many passages the model may read.")] = 4,
    mode: ModeOption = "hybrid",
    filter: FilterOption = None,  # noqa: A002 - the option's name
    via: ViaOption = "passages",
    expand: ExpandOption = "none",
    window: WindowOption = 0,
    transform: TransformOption = None,
    rerank: RerankOption = None,
    settings: SetOption = None,
    routes: Annotated[
        Path | None,
        typer.Option(
            "--routes",
            metavar="FILE",
            help="A YAML file of routes: one embedding decides whether the question is looked up, and where.",
            show_default=False,
        ),
    ] = None,
    false_refusals: Annotated[
        float | None,
        typer.Option(
            "--false-refusals",
            help="The share of questions with an answer that may be refused for the scores of their passages; a higher "
            "one refuses more of the foreign questions, too.",
            show_default="0.05",
        ),
    ] = None,
    max_tokens: MaxTokensOption = None,
    require_gpu: RequireGpuOption = False,
    llm_set: LlmSetOption = None,
    cache: CacheOption = True,
    prompts: PromptsOption = None,
    schema: Annotated[
        Path | None,
        typer.Option(
            "--schema",
            metavar="FILE",
            help="A JSON schema: the answer is JSON of that form, each field with the sentence that says so. "
            "--max-tokens is 512 then, if it is not given, and --strict goes without saying.",
            show_default=False,
        ),
    ] = None,
    at: AtOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answers a question from the documents, with citations.

    The local model reads the passages that fit best. Each quote is looked up in the stored text, and marked where it
    is not there. When the documents do not hold the answer, the answer says so, and the exit code is 4.

    Examples:
      docindex query "How do I reset the device?"
      docindex query "Who signed the contract?" --filter "source CONTAINS 'contract'" --json
      docindex query "What does the warranty cover?" --llm ./my-model.gguf --max-tokens 400
      docindex query "How much rain fell in March?" --engine tables
      docindex query "Summarise the user manual." --engine summary --sentences 8
      docindex query "Thanks a lot!" --routes routes.yaml
      docindex query "How long is the warranty?" --schema warranty.json
    """
    answers = answer_options(
        synthesis, strict, entailment, least_entailment, steps, sentences, document, database, cache, prompts
    )
    options = retrieval_options(via, expand, window, transform, rerank, settings)
    from docindex.index import Index

    session = Session.of(ctx)
    config = llm_config(session, llm, max_tokens=max_tokens, require_gpu=require_gpu, settings=llm_set)
    if routes is not None and engine != "retriever":
        raise QueryError("--engine goes without --routes: write it into the file, as `engine` of a route.")
    if routes is not None and filter is not None:
        raise QueryError("--filter goes without --routes: write the condition into the file, as `filter` of a route.")
    if schema is not None:
        if routes is not None or engine != "retriever":
            raise QueryError("--schema goes without --engine and --routes: the form is filled in from passages.")
        for option in _NOT_OF_FORMS:
            if is_given(ctx, option):
                name = option.replace("_", "-")
                raise QueryError(f"--{name} goes without --schema: it says how answers in words are made.")
        form = _schema_in(schema)
        with _open(session, index, config, at) as opened:
            if not isinstance(opened, Index):
                raise QueryError("--schema goes with one index: give one --index.")
            with waiting("Searching and reading"):
                filled = opened.extract_json(
                    question,
                    form,
                    k=k,
                    mode=mode,
                    filter=filter,
                    options=options,
                    false_refusals=false_refusals,
                    max_tokens=max_tokens,
                    prompts=prompts,
                )
        print_json(filled.as_dict())
        raise typer.Exit(NO_ANSWER if filled.no_answer else 0)
    asks_model = routes is not None or answers.asks_model(engine) or (options is not None and options.asks_model)
    with _open(session, index, config, at, bring=asks_model) as opened, ExitStack() as stack:
        with waiting("Loading the model" if asks_model else "Opening the index"):
            if routes is None:
                answering: Engine = opened.engine(
                    engine,
                    k=k,
                    mode=mode,
                    filter=filter,
                    options=options,
                    false_refusals=false_refusals,
                    answers=answers,
                )
            else:
                from docindex.routed import RoutedIndex

                if not isinstance(opened, Index):
                    raise QueryError(
                        "--routes goes with one index: the file names further ones, as `index` of a route."
                    )
                routed = RoutedIndex(
                    opened,
                    routes,
                    k=k,
                    mode=mode,
                    options=options,
                    false_refusals=false_refusals,
                    answers=answers,
                    environment=session.environment,
                )
                answering = stack.enter_context(routed).engine()
        if as_json:
            response = answering.query(question)
            print_json(response.as_dict())
        elif stream:
            response = _show_stream(open_screen(), answering.stream(question))
        else:
            with waiting("Searching and reading"):
                response = answering.query(question)
            _show_whole(open_screen(), response)
    raise typer.Exit(NO_ANSWER if response.no_answer else 0)


def chat(
    ctx: typer.Context,
    index: IndexesOption = None,
    llm: ModelOption = None,
    max_tokens: MaxTokensOption = None,
    require_gpu: RequireGpuOption = False,
    llm_set: LlmSetOption = None,
    conversation: Annotated[
        str | None,
        typer.Option(
            "--conversation",
            "-c",
            metavar="NAME",
            help="Keep the talk in the index under this name, and go on with what is kept of it.",
            show_default=False,
        ),
    ] = None,
    memory: Annotated[
        MemoryKind,
        typer.Option(
            "--memory",
            help="What follow-ups may lean on: the last turns, a summary of the older ones too, or the turns that are "
            "most alike.",
        ),
    ] = "recent",
    prompts: PromptsOption = None,
    as_json: JsonOption = False,
) -> None:
    r"""Talks about the documents: each question may refer to what was said before.

    On a terminal, ends with Ctrl-D or /quit; Ctrl-C stops an answer. In a pipe, each line is a question; --json prints
    a line of JSON for each. With a name, `docindex conversations` lists, shows and deletes what was said.

    Examples:
      docindex chat
      docindex chat --conversation warranty
      printf 'What is covered?\nFor how long?\n' | docindex chat --json
    """
    session = Session.of(ctx)
    config = llm_config(session, llm, max_tokens=max_tokens, require_gpu=require_gpu, settings=llm_set)
    with _open(session, index, config) as opened:
        with waiting("Loading the model"):
            talk = opened.chat(conversation=conversation, memory=memory, answers=AnswerOptions(prompts=prompts))
        screen = open_screen()
        interactive = sys.stdin.isatty() and sys.stdout.isatty()
        for question in _typed_questions(screen) if interactive else _piped_questions():
            if as_json:
                print_json_line(talk.ask(question).as_dict())
                continue
            try:
                with interruptible():
                    _show_stream(screen, talk.stream(question))
            except (KeyboardInterrupt, QueryError) as stop:
                if not interactive:
                    raise
                screen.line()
                screen.line(Span(str(stop) or "Stopped.", "dim"))
            sys.stdout.flush()


@contextmanager
def _open(
    session: Session, paths: Sequence[Path] | None, config: LLMConfig, at: str | None = None, *, bring: bool = True
) -> Iterator[Searchable]:
    """The index or indexes; with `bring`, the local model is there, too."""
    with open_indexes(session, paths, at, config) as index:
        if bring:
            bring_model(session, config.model)
        yield index


def _show_stream(screen: Screen, answer: AnswerStream) -> Response:
    pieces = iter(answer)
    with waiting("Searching and reading"):
        first = next(pieces, "")
    screen.stream(chain([first], pieces))
    show_sources(screen, answer.response)
    return answer.response


def _schema_in(path: Path) -> dict[str, Any]:
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise QueryError(f"{path} can't be read as JSON ({error}): give a file with a JSON schema.") from error
    if not isinstance(schema, dict):
        raise QueryError(f"{path} holds no JSON schema: give an object.")
    return schema


def _show_whole(screen: Screen, response: Response) -> None:
    screen.stream([response.answer])
    show_sources(screen, response)


def _piped_questions() -> Iterator[str]:
    return (line.strip() for line in sys.stdin if line.strip())


def _typed_questions(screen: Screen) -> Iterator[str]:
    import readline  # noqa: F401 - gives input() a history and editing

    screen.line(Span("Ask about the documents. Ctrl-D ends.", "dim"))
    while True:
        try:
            question = input("› ").strip()
        except EOFError:
            screen.line()
            return
        if question in LEAVE:
            return
        if question:
            yield question
