"""Haystack: a pipeline of ChatPromptBuilder and LlamaCppChatGenerator, which streams to a callback."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from answer_task import Task, Usage, run
from haystack import Document, Pipeline
from haystack.components.builders import ChatPromptBuilder
from haystack.dataclasses import ChatMessage
from haystack_integrations.components.generators.llama_cpp import LlamaCppChatGenerator
from llama_watch import LlamaWatch, described, model_settings

TEMPLATE = """\
Use these documents, and nothing else, to answer the question.

Documents:
{% for document in documents %}{{ document.content }}
{% endfor %}
Question: {{ question }}
Answer:"""
"""It ships no prompt. In its documentation they are like this one: an order, the documents, the question."""


class Haystack:
    packages = ("haystack-ai", "llama-cpp-haystack", "llama-cpp-python")

    def __init__(self, task: Task) -> None:
        self.watch = LlamaWatch()
        self.pipeline = Pipeline()
        template = [ChatMessage.from_user(TEMPLATE)]
        self.pipeline.add_component("prompt", ChatPromptBuilder(template=template, required_variables="*"))
        generator = LlamaCppChatGenerator(
            model=task.model,
            n_ctx=task.context_tokens,
            model_kwargs=model_settings(task.threads, task.way),
            generation_kwargs={"max_tokens": task.max_tokens, "temperature": 0.0},
        )
        self.pipeline.add_component("llm", generator)
        self.pipeline.connect("prompt.prompt", "llm.messages")
        self.pipeline.warm_up()
        self.settings = (
            "Pipeline of ChatPromptBuilder, with a prompt like those of its documentation, and LlamaCppChatGenerator "
            f"with a streaming callback; {described(task.way)}"
        )

    def answer(self, question: str, passages: Sequence[str], on_text: Callable[[str], None]) -> Usage:
        self.watch.begin()
        documents = [Document(content=passage) for passage in passages]
        self.pipeline.run(
            {
                "prompt": {"documents": documents, "question": question},
                "llm": {"streaming_callback": lambda chunk: on_text(chunk.content)},
            }
        )
        return self.watch.usage()


if __name__ == "__main__":
    run(Haystack)
