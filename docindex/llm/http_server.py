"""What a server of language models is and can do: asked once, when it is opened."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from docindex.config import HttpOptions
from docindex.errors import ConfigError, ModelError
from docindex.llm.http_address import ServerAddress
from docindex.llm.http_requests import NoSuchPathError, ServerRequests

Kind = Literal["llama-server", "vllm", "sglang", "ollama", "other"]

_OLLAMA_CONTEXT = 4096
"""What Ollama gives a model unless it is told otherwise, however much the model could take."""
_PROBE_SECONDS = 10.0
_RENAMED = (0, 11)
"""The version of vLLM whose `guided_grammar` is called otherwise."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model, as its server describes it."""

    kind: Kind
    name: str
    context_tokens: int | None = None
    """Of one request; None where the server does not say."""
    template: str | None = None
    """The chat template, where the server shows it."""
    version: tuple[int, ...] = ()

    def grammar_fields(self, grammar: str) -> dict[str, Any] | None:
        """What asks the server for an answer by a grammar; None where it knows no grammars."""
        match self.kind:
            case "llama-server":
                return {"grammar": grammar}
            case "vllm" if self.version and self.version < _RENAMED:
                return {"guided_grammar": grammar}
            case "vllm":
                return {"structured_outputs": {"grammar": grammar}}
            case "sglang":
                return {"ebnf": grammar}
            case _:
                return None

    @property
    def counts(self) -> bool:
        """Whether the server tells how many tokens a chat has."""
        return self.kind in ("llama-server", "vllm")


def served_model(address: ServerAddress, key: str | None, options: HttpOptions) -> ServedModel:
    """The model at an address. It is not waited for as long as for an answer.

    Raises:
        ConfigError: The address names no model and the server has several, or none.
        ModelError: The server can't be reached.
    """
    patient = replace(
        options,
        read_seconds=min(options.read_seconds, _PROBE_SECONDS),
        total_seconds=min(options.total_seconds, 3 * _PROBE_SECONDS),
    )
    requests = ServerRequests(address, key, patient)
    try:
        return _found(requests, address)
    finally:
        requests.close()


def _found(requests: ServerRequests, address: ServerAddress) -> ServedModel:
    listed = _listed(requests, address)
    name = address.model or _only(listed, address)
    entry = next((each for each in listed if each.get("id") == name), {})
    if found := _llama_server(requests, address, name):
        return found
    longest = _count(entry.get("max_model_len"))
    if longest and entry.get("owned_by") == "sglang":
        return ServedModel("sglang", name, longest)
    if longest:
        version = _get(requests, address, "/version").get("version", "")
        return ServedModel("vllm", name, longest, version=_version(version))
    return _ollama(requests, address, name) or ServedModel("other", name)


def _listed(requests: ServerRequests, address: ServerAddress) -> Sequence[dict[str, Any]]:
    try:
        listed = requests.json(address.within("/models"))
    except NoSuchPathError:
        return []
    models = listed.get("data") if isinstance(listed, dict) else None
    return [model for model in models or [] if isinstance(model, dict)]


def _only(listed: Sequence[dict[str, Any]], address: ServerAddress) -> str:
    names = [str(model["id"]) for model in listed if model.get("id")]
    if len(names) == 1:
        return names[0]
    choice = f"it has {', '.join(names[:8])}" if names else "it does not say what it has"
    raise ConfigError(f"{address} names no model, and {choice}: add #MODEL to the address.")


def _llama_server(requests: ServerRequests, address: ServerAddress, name: str) -> ServedModel | None:
    props = _get(requests, address, "/props")
    settings = props.get("default_generation_settings")
    if not isinstance(settings, dict):
        return None
    template = props.get("chat_template")
    shown = template if isinstance(template, str) else None
    return ServedModel("llama-server", name, _count(settings.get("n_ctx")), shown)


def _ollama(requests: ServerRequests, address: ServerAddress, name: str) -> ServedModel | None:
    shown = _get(requests, address, "/api/show", {"model": name})
    about = shown.get("model_info")
    if not isinstance(about, dict):
        return None
    trained = next((_count(value) for key, value in about.items() if key.endswith(".context_length")), None)
    parameters = shown.get("parameters")
    chosen = re.search(r"^num_ctx\s+(\d+)", parameters, re.MULTILINE) if isinstance(parameters, str) else None
    # Longer prompts would be cut without a word.
    context = int(chosen[1]) if chosen else min(trained or _OLLAMA_CONTEXT, _OLLAMA_CONTEXT)
    template = shown.get("template")
    return ServedModel("ollama", name, context, template if isinstance(template, str) else None)


def _get(requests: ServerRequests, address: ServerAddress, path: str, body: object = None) -> dict[str, Any]:
    """What one kind of server has at a path; nothing where it is of another kind."""
    try:
        told = requests.json(address.beside(path), body)
    except (NoSuchPathError, ModelError):
        return {}
    return told if isinstance(told, dict) else {}


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _version(text: object) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)", str(text))
    return (int(found[1]), int(found[2])) if found else ()
