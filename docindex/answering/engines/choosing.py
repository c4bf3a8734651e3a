"""Which engine serves a question, and the engine that lets that one answer."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import cache

from docindex.answering.engines.asking import Choice, messages
from docindex.answering.engines.bridges import bridge_of
from docindex.answering.engines.decisions import By, Decided, Decider
from docindex.answering.engines.exam import Exam, engine_decision
from docindex.answering.engines.sides import sides_of
from docindex.answering.engines.splitting import split_question
from docindex.answering.piecewise import PiecewiseEngine
from docindex.answering.usage import Clock
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, AnswerStream, Engine
from docindex.schema import Response, TokenCounts

DEFAULT = "retriever"
"""What serves where nothing speaks for another engine, and where that one has no answer."""
TABLES = "tables"
CHOICES = (
    Choice(DEFAULT, "a fact, a definition or instructions, from the passages that fit best"),
    Choice("subquestions", "several questions in one, each of which is answered by itself"),
    Choice("multi-step", "a fact about something that has to be found out first"),
    Choice(TABLES, "counts, sums, averages and extremes over rows of tables"),
    Choice("summary", "a summary of a document or of what is said about a subject"),
    Choice("compare", "what two things or documents have in common and in what they differ"),
)
"""The engines that may be chosen of any index, as a model is told of them."""
GRAPH = Choice("graph", "how persons, places or things are connected with each other")
"""Where the index has a graph."""
HYDE = Choice("hyde", "the passages once more, where the words of the question find nothing")
"""For who may call several: it asks the model twice, so that the passages come first."""
FACTS = tuple(choice for choice in CHOICES if choice.name in (DEFAULT, TABLES))
"""Those that answer a single question: what engines ask that split a question or go on from an answer."""

_SUMMARY = re.compile(
    r"\bsummar(?:y|ies|i[sz]e[sd]?|i[sz]ing)\b|\bsum up\b|\b(?:an?|the) (?:overview|outline|recap|digest|gist)\b"
    r"|\b(?:main|key) (?:points|ideas|takeaways)\b|\btl;?dr\b|\bin a nutshell\b|^(?:outline|recap|overview)\b"
    r"|^what (?:is|are) .+ (?:all )?about\W*$",
    re.IGNORECASE,
)
_TABLES = re.compile(
    r"\bhow (?:many|much)\b|\b(?:total|sum|average|mean|median|altogether|together|count|prices?|costs?)\b"
    r"|(?<!\bat )\b(?:most|least|fewest)\b|\b(?:highest|lowest|maximum|minimum|largest|smallest)\b"
    r"|\b(?:warmest|coldest|hottest|wettest|driest|cheapest|dearest|longest|shortest|heaviest|lightest|latest|earliest)\b"
    r"|\bwhich (?:days?|rows?|months?|entries|records)\b|\b(?:sorted|ranked|grouped) by\b",
    re.IGNORECASE,
)
_GRAPH = re.compile(
    r"\bhow (?:is|are) .+ (?:related|connected|linked) (?:to|with)\b|\b(?:connection|relationship|link)s? between\b",
    re.IGNORECASE,
)


def engine_by_rule(question: str, names: Sequence[str], *, has_tables: Callable[[], bool]) -> str | None:
    """The engine among the names that the form of the question asks for; None where it may be any."""
    sides = sides_of(question)
    wanted: dict[str, Callable[[], bool]] = {
        "graph": lambda: _GRAPH.search(question) is not None,
        "summary": lambda: _SUMMARY.search(question) is not None,
        "compare": lambda: sides is not None and not sides.adjective,
        "subquestions": lambda: bool(split_question(question)),
        "multi-step": lambda: bridge_of(question) is not None,
        TABLES: lambda: _TABLES.search(question) is not None and has_tables(),
    }
    return next((name for name, fits in wanted.items() if name in names and fits()), None)


class ChoosingEngine(PiecewiseEngine):
    """Lets the engine answer that the question is for; where that has no answer, the passages do.

    The form of the question decides first, then the routes, then the model, and then it is the passages. The response's
    `route` names the engine that answered. Its answer comes one piece behind, for a refusal is kept back.
    """

    def __init__(
        self,
        engine_of: Callable[[str], Engine],
        *,
        choices: Sequence[Choice] = CHOICES,
        has_tables: Callable[[], bool],
        route: Callable[[str], str | None] | None = None,
        llm: LLM | None = None,
        prompts: Prompts = SHIPPED,
    ) -> None:
        """Puts the parts together.

        Args:
            engine_of: Makes the engine of a name; asked once a name. It knows `DEFAULT`, too.
            choices: The engines to choose among.
            has_tables: Whether there is any table to ask.
            route: The name of the engine that a semantic router gives a question; None where it has none.
            llm: Chooses where neither form nor route tells, if it is able to: it is asked once about questions whose
                engine is known. Otherwise the passages serve.
            prompts: What the model is asked with.
        """
        self._engine = cache(engine_of)
        self._choices = tuple(choices)
        self._has_tables = has_tables
        self._route = route
        self._decider = Decider(llm)
        self._exam = Exam(llm, choices, prompts)
        self._prompts = prompts

    def choose(self, question: str, *, cancel: threading.Event | None = None) -> Decided[str]:
        """The engine for a question."""
        names = [choice.name for choice in self._choices if choice.name != TABLES or self._has_tables()]
        name = engine_by_rule(question, names, has_tables=self._has_tables)
        if name is None and self._route is not None:
            name = self._route(question)
        if name is not None and name in names:
            return Decided(name, By.RULE, TokenCounts())
        able, spent = self._exam.sit(cancel=cancel)
        if not able:
            return Decided(DEFAULT, By.RULE, spent)
        choices = [choice for choice in self._choices if choice.name in names]
        prompt = messages("decide_engine", question, choices=choices, prompts=self._prompts)
        decided = self._decider.decide(engine_decision(names), prompt, lambda: DEFAULT, cancel=cancel)
        return replace(decided, tokens=spent + decided.tokens)

    def _answer(self, question: str, cancel: threading.Event | None) -> Generator[str, None, Response]:
        clock = Clock()
        decided = self.choose(question, cancel=cancel)
        name = decided.value
        spent = decided.tokens
        if name != DEFAULT:
            response = yield from self._unless_refused(self._engine(name).stream(question, cancel=cancel), clock)
            spent = spent + response.tokens
            name = DEFAULT if response.no_answer else name
        if name == DEFAULT:
            answer = self._engine(DEFAULT).stream(question, cancel=cancel)
            for piece in answer:
                clock.first_token()
                yield piece
            response = answer.response
            spent = spent + response.tokens
        timings = {**response.timings_ms, **clock.timings()}
        return replace(response, route=name, tokens=spent, timings_ms=timings)

    @staticmethod
    def _unless_refused(answer: AnswerStream, clock: Clock) -> Generator[str, None, Response]:
        """The answer's pieces, but for the one piece in which an engine says that it has none."""
        kept = ""
        for count, piece in enumerate(answer):
            if count:
                clock.first_token()
                yield kept
            kept = piece
        response = answer.response
        if not response.no_answer:
            clock.first_token()
            yield kept
        return response
