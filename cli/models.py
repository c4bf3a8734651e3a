"""`docindex models ...`, and the model that a command needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docindex.cli.groups import add_group
from docindex.cli.model_speed import bench_models, optimize_model, plan_model
from docindex.cli.options import JsonOption
from docindex.cli.output import print_json, readable_bytes
from docindex.cli.progress import show_progress
from docindex.cli.render import show_facts
from docindex.cli.screen import Column
from docindex.cli.session import Session
from docindex.cli.terminal import open_screen
from docindex.config import DEFAULT_MODELS

if TYPE_CHECKING:
    from docindex.models.acquire import ModelStore
    from docindex.models.catalogue import ModelSpec

ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="A name from `docindex models list`.", show_default=False)
]


def bring_model(session: Session, model: str) -> None:
    """Downloads a model that is missing with progress, which the library would do in silence."""
    from docindex.llm.http_address import ServerAddress

    if ServerAddress.is_one(model):
        return
    store = open_store(session)
    if store.catalogue.get(model) is None or store.installed(model):
        store.path(model)
        return
    with show_progress("Looking for the model") as on_progress:
        store.path(model, on_progress)


def open_store(session: Session) -> ModelStore:
    """The models of this machine."""
    from docindex.wiring import model_store

    return model_store(session.environment)


def list_models(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Lists the models that docindex knows by name.

    A model is downloaded and verified when it is first needed. Any other GGUF file can be used by its path.

    Examples:
      docindex models list
      docindex models list --json
    """
    store = open_store(Session.of(ctx))
    if as_json:
        print_json({"models": [_facts(store, spec) for spec in store.catalogue.models]})
        return
    columns = [Column("Model"), Column("Kind"), Column("Size", "bytes"), Column("Licence"), Column("Here")]
    rows = [
        (spec.name, spec.kind, spec.bytes, spec.licence, "yes" if store.installed(spec.name) else "no")
        for spec in store.catalogue.models
    ]
    open_screen().table(columns, rows)


def pull_models(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="MODEL", help="Names from `docindex models list`; without any, the two defaults."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Brings models onto this machine, and verifies them.

    A model that is here already is hashed again, and what is damaged is replaced. Afterwards docindex works offline.

    Examples:
      docindex models pull
      docindex models pull all-minilm-l6-v2
    """
    store = open_store(Session.of(ctx))
    chosen = names or DEFAULT_MODELS
    paths: dict[str, str] = {}
    for name in chosen:
        with show_progress("Looking for the model") as on_progress:
            paths[name] = str(store.pull(name, on_progress))
    if as_json:
        print_json({"models": [{"name": name, "path": path} for name, path in paths.items()]})
        return
    screen = open_screen()
    for name, path in paths.items():
        screen.line(f"{name}: {path}")


def model_path(ctx: typer.Context, name: ModelArgument, as_json: JsonOption = False) -> None:
    """Prints where a model is, or would be, in the cache.

    It is the folder of the model or, where the model is one, its GGUF file. Nothing is downloaded: when the model is
    missing, the exit code is 1 and the message says how to get it.

    Examples:
      docindex models path smollm2-135m-instruct
      ls "$(docindex models path all-minilm-l6-v2)"
    """
    from docindex.errors import NoModelError

    store = open_store(Session.of(ctx))
    if not store.installed(name):
        raise NoModelError(f"The model {name} is not in {store.cache}: run `docindex models pull {name}`.")
    path = str(store.path(name))
    if as_json:
        print_json({"name": name, "path": path})
    else:
        open_screen().line(path)


def model_info(ctx: typer.Context, name: ModelArgument, as_json: JsonOption = False) -> None:
    """Shows what is known of a model: licence, sizes, files with their hashes, where it comes from.

    Examples:
      docindex models info all-minilm-l6-v2
    """
    store = open_store(Session.of(ctx))
    facts = _facts(store, store.catalogue.find(name))
    if as_json:
        print_json(facts)
        return
    screen = open_screen()
    files = facts.pop("files")
    show_facts(screen, facts)
    for file in files:
        screen.line(f"{file['name']}: {readable_bytes(file['bytes'])}, sha256 {file['sha256']}", indent=2)


def add_model_commands(app: typer.Typer, *, rich: bool) -> None:
    """Adds the group to the app."""
    commands: dict[str, Callable[..., None]] = {
        "list": list_models,
        "pull": pull_models,
        "path": model_path,
        "info": model_info,
        "plan": plan_model,
        "bench": bench_models,
        "optimize": optimize_model,
    }
    add_group(app, "models", "Lists, brings, verifies and tunes models.", commands, panel="Look after", rich=rich)


def _facts(store: ModelStore, spec: ModelSpec) -> dict[str, Any]:
    package, hub = spec.package, spec.hub
    return {
        "name": spec.name,
        "kind": spec.kind,
        "description": spec.description,
        "licence": spec.licence,
        "parameters": spec.parameters,
        "bytes": spec.bytes,
        "installed": store.installed(spec.name),
        "path": str(store.folder(spec.name)),
        "package": f"{package.name}=={package.version}" if package else None,
        "hub": f"{hub.repo}@{hub.revision}" if hub else None,
        "files": [{"name": file.name, "bytes": file.bytes, "sha256": file.sha256} for file in spec.files],
    }
