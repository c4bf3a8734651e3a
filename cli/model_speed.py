"""`docindex models plan`, `bench` and `optimize`: what language models take of this machine, and how fast they run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docindex.cli.options import JsonOption
from docindex.cli.output import print_json
from docindex.cli.progress import waiting
from docindex.cli.render import show_facts
from docindex.cli.screen import Cell, Column, Span
from docindex.cli.session import Session
from docindex.cli.terminal import open_screen
from docindex.config import DEFAULT_EMBEDDER, LLMConfig
from docindex.errors import QueryError

if TYPE_CHECKING:
    from docindex.llm.measuring import Speed
    from docindex.models.acquire import ModelStore

LanguageModel = Annotated[
    str | None,
    typer.Argument(
        metavar="[MODEL]",
        help="A name from `docindex models list`, or the path of a GGUF file; the default is the model that answers.",
        show_default=False,
    ),
]
ContextOption = Annotated[
    int | None,
    typer.Option("--context", metavar="TOKENS", min=256, max=1_048_576, help="The context window.", show_default=False),
]


def plan_model(
    ctx: typer.Context, model: LanguageModel = None, context: ContextOption = None, as_json: JsonOption = False
) -> None:
    """Says what a language model takes of this machine's memory, before it is loaded.

    Weights, KV cache, work space and the default embedder, against the memory that is free; with a GPU, how many
    layers it has room for. The work space is an estimate.

    Examples:
      docindex models plan
      docindex models plan ~/models/Qwen2.5-3B-Instruct-Q4_K_M.gguf --context 16384
    """
    from docindex.llm.planning import plan_memory
    from docindex.wiring.models import model_store

    session = Session.of(ctx)
    store = model_store(session.environment)
    path = _local_path(store, model or session.environment.llm)
    embedder = store.catalogue.find(DEFAULT_EMBEDDER).bytes
    plan = plan_memory(path, context_tokens=context, embedder_bytes=embedder)
    facts = {"model": str(path)} | asdict(plan) | {"total_bytes": plan.total_bytes, "fits": plan.fits}
    if as_json:
        print_json(facts)
        return
    screen = open_screen()
    rows: list[tuple[Cell, ...]] = [
        ("weights", plan.weights_bytes),
        (f"KV cache of {plan.context_tokens} tokens in f16", plan.cache_bytes),
        ("the same with keys in q8_0", plan.mixed_cache_bytes),
        ("the same all in q8_0", plan.small_cache_bytes),
        ("work space", plan.work_bytes),
        ("embedder", plan.embedder_bytes),
        ("in all, with f16", plan.total_bytes),
        ("free memory", plan.free_bytes),
        *((f"free on {gpu.name} ({gpu.description})", gpu.free_bytes) for gpu in plan.gpus),
    ]
    screen.table([Column("What"), Column("Size", "bytes")], rows)
    if plan.gpus:
        screen.line(f"{plan.gpu_layers} of {plan.layers} layers fit on the GPU.")
    if not plan.fits:
        screen.line(Span("It does not fit the memory: choose a shorter context or a smaller model.", "warn"))


def bench_models(
    ctx: typer.Context,
    models: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MODEL]...", help="Names or paths; the model that answers, when none is given."),
    ] = None,
    prompt: Annotated[int, typer.Option("--prompt", metavar="TOKENS", help="The length of the prompt.", min=16)] = 512,
    tokens: Annotated[int, typer.Option("--tokens", metavar="N", help="The length of the answer.", min=1)] = 32,
    as_json: JsonOption = False,
) -> None:
    """Measures how fast language models load, read a prompt and write an answer on this machine.

    The best of two runs counts, because whatever else runs here only slows it down.

    Examples:
      docindex models bench
      docindex models bench smollm2-135m-instruct ~/models/Qwen2.5-3B-Instruct-Q4_K_M.gguf
    """
    from docindex.llm.measuring import measure_speed
    from docindex.wiring.models import model_store, optimized_models

    session = Session.of(ctx)
    store = model_store(session.environment)
    measured: list[tuple[str, Speed]] = []
    for name in models or [session.environment.llm]:
        path = _local_path(store, name)
        path = optimized_models(store).find(path) or path
        config = LLMConfig(model=name, context_tokens=max(256, prompt + tokens))
        with waiting(f"Measuring {name}"):
            measured.append((name, measure_speed(path, config, prompt_tokens=prompt, tokens=tokens)))
    if as_json:
        print_json({"models": [{"name": name} | asdict(speed) for name, speed in measured]})
        return
    open_screen().table([Column("Model"), *_SPEED_COLUMNS], [(name, *_speed_cells(speed)) for name, speed in measured])


def optimize_model(
    ctx: typer.Context,
    model: LanguageModel = None,
    undo: Annotated[bool, typer.Option("--undo", help="Go back to the model as it is.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Keeps the form of a language model that runs fastest on this machine and says the same.

    The model is made into other number formats, and each is measured: how fast it answers, and how far its
    probabilities are from those of the model as it is. The fastest that loses nothing measurable is kept beside the
    models and used from then on. Takes a minute or more, and the disk space of the new file.

    Examples:
      docindex models optimize
      docindex models optimize --undo
    """
    from docindex.wiring.models import model_store, optimized_models

    session = Session.of(ctx)
    store = model_store(session.environment)
    name = model or session.environment.llm
    path = _local_path(store, name)
    screen = open_screen()
    if undo:
        undone = optimized_models(store).remove(path)
        if as_json:
            print_json({"model": name, "undone": undone})
        else:
            screen.line(f"{name} runs as it is." if undone else f"{name} ran as it is already.")
        return
    with waiting(f"Measuring the forms of {name}"):
        found = optimized_models(store).make(path, LLMConfig(model=name, context_tokens=1024), _unseen)
    forms: list[dict[str, Any]] = [
        {
            "name": form.name,
            "divergence": form.divergence,
            "as_good": form.as_good,
            "answer_seconds": form.answer_seconds,
        }
        | asdict(form.speed)
        for form in found.forms
    ]
    kept = str(found.path) if found.path else None
    if as_json:
        print_json({"model": name, "kept": found.best.name, "path": kept, "forms": forms})
        return
    columns = [Column("Form"), *_SPEED_COLUMNS, Column("Divergence"), Column("Answer, s")]
    rows = [
        (form.name, *_speed_cells(form.speed), f"{form.divergence:.5f}", f"{form.answer_seconds:.2f}")
        for form in found.forms
    ]
    screen.table(columns, rows)
    show_facts(screen, {"kept": found.best.name, "file": kept})


def _local_path(store: ModelStore, model: str) -> Path:
    """The file of a model that runs on this machine."""
    from docindex.llm.http_address import ServerAddress

    if ServerAddress.is_one(model):
        raise QueryError(
            "The model is behind a server, and takes nothing of this machine: name one of `docindex models list`, or "
            "give the path of a GGUF file."
        )
    return store.path(model, kind="llm")


_SPEED_COLUMNS = (
    Column("Size", "bytes"),
    Column("Load, s"),
    Column("Reads, tokens/s"),
    Column("Writes, tokens/s"),
    Column("First token, s"),
)


def _speed_cells(speed: Speed) -> tuple[Cell, ...]:
    return (
        speed.weights_bytes,
        f"{speed.load_seconds:.2f}",
        f"{speed.prefill_tokens:.0f}",
        f"{speed.decode_tokens:.0f}",
        f"{speed.first_token_seconds:.2f}",
    )


def _unseen(_: str) -> None:
    return
