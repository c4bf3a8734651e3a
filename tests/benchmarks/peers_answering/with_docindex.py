"""docindex: the query engine over a retriever that gives hits which the search has found before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from answer_task import Case, Task, Usage, run

from docindex import Environment, Hit, Index, LLMConfig
from docindex.config import AnswerOptions
from docindex.schema import Query

STATES_ON_DISK = 1 << 30


class GivenHits:
    """A retriever that has found already."""

    def __init__(self) -> None:
        self.hits: list[Hit] = []

    def retrieve(self, query: Query) -> list[Hit]:
        return self.hits[: query.k]


class Docindex:
    packages = ("docindex", "llama-cpp-python")

    def __init__(self, task: Task) -> None:
        on_disk = task.way == "disk"
        config = LLMConfig(
            model=task.model,
            context_tokens=task.context_tokens,
            max_tokens=task.max_tokens,
            threads=task.threads,
            state_disk_bytes=STATES_ON_DISK if on_disk else 0,
        )
        environment = Environment(models=Path(task.models), offline=True)
        index = Index.open(task.index, llm=config, environment=environment)
        self.found = {case.passages: _hits(index, case) for case in (task.warm_up, *task.cases)}
        self.retriever = GivenHits()
        self.engine = index.engine_over(
            self.retriever,
            index.document,
            k=max(len(case.passages) for case in task.cases),
            policy=index.policy(),
            answers=AnswerOptions(cache=False),  # or the answers of the last round would be found
        )
        self.settings = "the query engine with its default settings" + (
            f", but for state_disk_bytes={STATES_ON_DISK >> 20} MiB" if on_disk else ""
        )

    def answer(self, question: str, passages: Sequence[str], on_text: Callable[[str], None]) -> Usage:
        self.retriever.hits = self.found[tuple(passages)]
        stream = self.engine.stream(question)
        for text in stream:
            on_text(text)
        response = stream.response
        if not response.tokens.prompt:
            raise ValueError(f"the model was not asked {question!r}, which was refused")
        return Usage(
            first_token=response.timings_ms["first_token"] / 1000,
            prompt_tokens=response.tokens.prompt,
            cached_tokens=response.tokens.prompt_cached,
            answer_tokens=response.tokens.completion,
        )


def _hits(index: Index, case: Case) -> list[Hit]:
    """The hits whose texts the passages are.

    Raises:
        ValueError: The search finds others now.
    """
    hits = index.search(case.question, k=len(case.passages))
    if tuple(hit.text for hit in hits) != case.passages:
        raise ValueError(f"the search for {case.question!r} has found something else than before")
    return hits


if __name__ == "__main__":
    run(Docindex)
