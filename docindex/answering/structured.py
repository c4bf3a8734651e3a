"""Answers as data: the fields of a model class or a JSON schema, each borne out by a sentence of the sources."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from docindex.answering.citations import CitationList, Sources
from docindex.answering.evidence import Evidence
from docindex.answering.fields import FieldCheck, Kept, Nothing
from docindex.answering.filling import FilledForm, FormFiller, RefusedFormError
from docindex.answering.forms import as_form, field_lines
from docindex.answering.packing import Filling, fill, fits, is_short, parts_of
from docindex.answering.policy import AnswerPolicy
from docindex.answering.prompting import answer_prompt, fenced
from docindex.answering.usage import Clock, Usage
from docindex.errors import ConfigError, MissingDependencyError, QueryError, RequestCancelledError
from docindex.llm.schema_check import problems
from docindex.llm.schema_grammar import schema_grammar
from docindex.llm.schema_shape import refuse_unusable
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, Message, Retriever
from docindex.schema import Citation, Condition, Document, Hit, JsonValue, Query, SearchMode, TokenCounts

if TYPE_CHECKING:
    from pydantic import BaseModel

T = TypeVar("T")
M = TypeVar("M", bound="BaseModel")

LONGEST_FORM = 512
"""Tokens."""
_LONGEST_STRING = 200
_MOST_ITEMS = 20


@dataclass(frozen=True, slots=True)
class Structured(Generic[T]):
    """A filled-in form and what it rests on."""

    question: str
    value: T | None
    """None where a field that it can't do without is missing."""
    citations: Mapping[str, Citation]
    """For the path of each value, such as `author.name` or `parts[0]`, the sentence that bears it out."""
    no_answer: bool
    """There is no value."""
    missing: tuple[str, ...] = ()
    """The fields for want of which there is no value: not in the sources, or not as the model class takes them."""
    left_out: tuple[str, ...] = ()
    """The optional fields and list items that the language model gave and no source bears out, or that were cut off."""
    cut: bool = False
    """The form was longer than `max_tokens`: what came after that is missing or left out."""
    fields: JsonValue = None
    """The value as JSON."""
    hits: tuple[Hit, ...] = ()
    """What the prompt held, best first."""
    dropped: tuple[Hit, ...] = ()
    """Found, but left out: the context window was full."""
    tokens: TokenCounts = field(default_factory=TokenCounts)
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    model: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The form as `--json` prints it."""
        return {
            "question": self.question,
            "value": self.fields,
            "no_answer": self.no_answer,
            "missing": list(self.missing),
            "left_out": list(self.left_out),
            "cut": self.cut,
            "citations": {path: citation.as_dict() for path, citation in self.citations.items()},
            "hits": [hit.as_dict() for hit in self.hits],
            "dropped": [hit.node_id for hit in self.dropped],
            "tokens": asdict(self.tokens),
            "timings_ms": {name: round(value, 1) for name, value in self.timings_ms.items()},
            "model": self.model,
        }


class StructuredEngine:
    """Fills in forms from the hits of a retriever.

    The language model is held to the form by a grammar. What it fills in counts only where a sentence of the sources
    says it, to the character in the stored document.
    """

    def __init__(
        self,
        retriever: Retriever,
        llm: LLM,
        load_document: Callable[[str], Document | None],
        *,
        k: int = 4,
        mode: SearchMode = "hybrid",
        where: Condition | None = None,
        max_tokens: int = LONGEST_FORM,
        policy: AnswerPolicy | None = None,
        prompts: Prompts = SHIPPED,
    ) -> None:
        """Puts the parts together.

        Args:
            retriever: Finds passages; `k`, `mode` and `where` go into its query.
            llm: The model that fills in.
            load_document: A stored document by its id, to verify quotes against.
            k: How many passages the model reads.
            mode: How they are found.
            where: What they must be.
            max_tokens: The longest form, up to half of the context window.
            policy: The thresholds.
            prompts: What the model is asked with.

        Raises:
            ConfigError: `max_tokens` is no number of tokens.
        """
        if max_tokens < 1:
            raise ConfigError(f"max_tokens is {max_tokens}: give 1 or more.")
        self._retriever = retriever
        self._llm = llm
        self._load_document = load_document
        self._k = k
        self._mode: SearchMode = mode
        self._where = where
        self._max_tokens = min(max_tokens, llm.context_tokens // 2)
        self._policy = policy or AnswerPolicy()
        self._prompts = prompts

    def extract(self, question: str, model: type[M], *, cancel: threading.Event | None = None) -> Structured[M]:
        """An instance of a Pydantic model, filled in from the documents.

        What its own validators refuse is told to the language model, which may try twice more.

        Raises:
            MissingDependencyError: Pydantic is not installed.
            QueryError: The question is empty, or there is no room for it and the form; or the model is no class of
                Pydantic's, or has what no form can be made of.
            RequestCancelledError: `cancel` was set.
        """
        try:
            from pydantic import BaseModel, ValidationError
            from pydantic.errors import PydanticUserError
        except ImportError as error:
            raise MissingDependencyError("pydantic", "structured") from error
        _refuse_others(model, BaseModel)

        def validated(value: JsonValue) -> M:
            try:
                return model.model_validate_json(json.dumps(value))
            except ValidationError as error:
                raise RefusedFormError([(_path(each["loc"]), each["msg"]) for each in error.errors()]) from error

        try:
            schema = model.model_json_schema()
        except PydanticUserError as error:
            raise QueryError(
                f"{model.__name__} has what no form can ask for ({error.message}): leave it out."
            ) from error
        return self._filled(question, schema, validated, cancel)

    def extract_json(
        self, question: str, schema: Mapping[str, Any], *, cancel: threading.Event | None = None
    ) -> Structured[JsonValue]:
        """JSON by a JSON schema, filled in from the documents.

        Raises:
            QueryError: As for `extract`.
            RequestCancelledError: `cancel` was set.
        """

        def validated(value: JsonValue) -> JsonValue:
            if faults := list(problems(value, schema, schema)):
                raise RefusedFormError(faults)
            return value

        return self._filled(question, schema, validated, cancel)

    def _filled(
        self,
        question: str,
        schema: Mapping[str, Any],
        validated: Callable[[JsonValue], T],
        cancel: threading.Event | None,
    ) -> Structured[T]:
        if not question.strip():
            raise QueryError("The question is empty: ask something.")
        refuse_unusable(schema)
        clock, usage, form = Clock(), Usage(), as_form(schema)
        grammar = schema_grammar(form, longest=_LONGEST_STRING, most_items=_MOST_ITEMS, every_field=True)
        found = self._retriever.retrieve(Query(question, self._k, self._mode, self._where, cancel, usage.add))
        if cancel is not None and cancel.is_set():
            raise RequestCancelledError("The request was cancelled.")
        messages, packed = self._packed(question, form, found)
        load_document = cache(self._load_document)
        citations = CitationList(load_document)
        sources = Sources(question, packed.hits, load_document, self._policy)
        check = FieldCheck(Evidence(sources, packed.hits, load_document, self._policy), schema)
        filled: FilledForm[T] = FilledForm(Kept(Nothing.NOTHING), None, cut=False)
        if not sources.foreign:
            filler = FormFiller(self._llm, form, grammar, check, self._prompts, max_tokens=self._max_tokens)
            filled = filler.fill(messages, validated, usage, clock, cancel)
        kept, value = filled.kept, filled.value
        proofs = kept.proofs if value is not None else {}
        if not proofs:  # nothing but nulls and defaults
            kept, value = Kept(Nothing.NOTHING, missing=kept.missing, left_out=kept.left_out), None
        markers = {path: citations.cite(sentence, verified=True) for path, sentence in proofs.items()}
        cited = citations.as_tuple()
        return Structured(
            question=question,
            value=value,
            citations={path: cited[marker - 1] for path, marker in markers.items()},
            no_answer=value is None,
            missing=kept.missing,
            left_out=kept.left_out,
            cut=filled.cut,
            fields=None if isinstance(kept.value, Nothing) else kept.value,
            hits=packed.hits,
            dropped=tuple(hit for hit in found if hit.node_id not in {one.node_id for one in packed.hits}),
            tokens=usage.tokens,
            timings_ms=clock.timings(),
            model=self._llm.name,
        )

    def _packed(self, question: str, form: Mapping[str, Any], hits: Sequence[Hit]) -> tuple[list[Message], Filling]:
        """The prompt with as many of the best hits as fit beside the form, and these."""
        lines = [fenced(line) for line in field_lines(form, form)]
        task = self._prompts.render("form", {"question": question.strip(), "lines": lines})
        system = Message("system", self._prompts.render("form_system"))

        def prompt(chosen: Sequence[Hit]) -> list[Message]:
            return [system, answer_prompt(task, chosen, self._prompts)[-1]]

        def fit(chosen: Sequence[Hit]) -> bool:
            return is_short(self._llm, chosen) and fits(self._llm, prompt(chosen), self._max_tokens)

        if not fit(()):
            raise QueryError(
                f"The question and its form leave no room in the {self._llm.context_tokens} tokens of "
                f"{self._llm.name}: ask for fewer fields, or take a model with a larger context."
            )
        filling = fill(parts_of(hits), fit, self._k) if hits else Filling((), ())
        return prompt(filling.hits), filling


def _refuse_others(model: object, base: type) -> None:
    """Refuses what is no class of Pydantic models, such as a dataclass, a dictionary or an instance."""
    if not (isinstance(model, type) and issubclass(model, base)):
        name = model.__name__ if isinstance(model, type) else type(model).__name__
        raise QueryError(f"{name} is no Pydantic model: give a subclass of `pydantic.BaseModel`.")


def _path(location: Sequence[str | int]) -> str:
    """A place as Pydantic tells it, as a path."""
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path
