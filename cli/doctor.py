"""`docindex doctor`: what this machine and this installation can do."""

from __future__ import annotations

import os
import platform
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docindex.cli.llm_settings import llm_config
from docindex.cli.models import bring_model, open_store
from docindex.cli.options import IndexOption, JsonOption, ModelOption
from docindex.cli.output import print_json
from docindex.cli.progress import waiting
from docindex.cli.render import show_facts
from docindex.cli.screen import Span
from docindex.cli.session import FAILED, Session
from docindex.cli.terminal import open_screen
from docindex.config import DEFAULT_MODELS
from docindex.errors import DocindexError, IndexNotFoundError, ModelError

if TYPE_CHECKING:
    from docindex.models.acquire import ModelStore

PACKAGES = ("docindex", "lancedb", "llama-cpp-python", "onnxruntime", "pyarrow", "pypdf", "pypdfium2", "sqlalchemy")


def doctor(
    ctx: typer.Context,
    index: IndexOption = None,
    load: Annotated[
        bool, typer.Option("--load", help="Load the language model, and say what really ran on a GPU.")
    ] = False,
    llm: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Says what this machine and this installation can do, and whether the index is sound.

    Versions, cores and memory, models and where they are kept, what llama.cpp and ONNX Runtime were built for. The
    exit code is 1 when something is wrong. Nothing is downloaded, unless --load needs the model.

    Examples:
      docindex doctor
      docindex doctor --load --json
    """
    session = Session.of(ctx)
    problems: list[str] = []
    facts: dict[str, Any] = {
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
        "machine": _machine(),
        "models": _models(open_store(session)),
        "llama_cpp": _llama_cpp(problems),
        "onnxruntime": _onnxruntime(problems),
        "index": _index(session, session.index_path(index), problems),
    }
    if load:
        facts["llm"] = _loaded(session, llm)
    facts["problems"] = problems
    if as_json:
        print_json(facts)
    else:
        screen = open_screen()
        show_facts(screen, {name: value for name, value in facts.items() if name != "problems"})
        for problem in problems:
            screen.line(Span(problem, "bad"))
        screen.line(Span("Something is wrong.", "bad") if problems else Span("All is well.", "good"))
    if problems:
        raise typer.Exit(FAILED)


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _machine() -> dict[str, Any]:
    pages, page_bytes = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "system": platform.platform(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": pages * page_bytes,
    }


def _models(store: ModelStore) -> dict[str, Any]:
    here = [spec.name for spec in store.catalogue.models if store.installed(spec.name)]
    return {
        "cache": str(store.cache),
        "offline": store.offline,
        "present": here,
        "missing": [name for name in DEFAULT_MODELS if name not in here],
    }


def _llama_cpp(problems: list[str]) -> dict[str, Any] | None:
    from docindex.llm.build import llama_build

    try:
        build = llama_build()
    except ModelError as error:
        problems.append(str(error))
        return None
    return {"gpu_build": build.gpu, "system": build.system}


def _onnxruntime(problems: list[str]) -> dict[str, Any] | None:
    from docindex.embedding.runtime import available_providers

    try:
        return {"providers": available_providers()}
    except ModelError as error:
        problems.append(str(error))
        return None


def _index(session: Session, path: Path, problems: list[str]) -> dict[str, Any] | None:
    try:
        with session.open(path) as index:
            problems.extend(index.check())
            state = index.status()
    except IndexNotFoundError:
        return None
    except DocindexError as error:
        problems.append(str(error))
        return {"path": str(path)}
    return {name: state[name] for name in ("path", "version", "documents", "nodes")}


def _loaded(session: Session, model: str | None) -> dict[str, Any]:
    from docindex.llm.http_address import ServerAddress
    from docindex.wiring import open_llm, open_local_llm

    config = llm_config(session, model)
    bring_model(session, config.model)
    if ServerAddress.is_one(config.model):
        with waiting("Asking the server"), closing(open_llm(config, session.environment)) as remote:
            return {"model": remote.name, "context_tokens": remote.context_tokens}
    with waiting("Loading the model"), open_local_llm(config, session.environment) as loaded:
        return {"model": loaded.name} | loaded.device.as_dict()
