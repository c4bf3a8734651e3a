"""LangChain: all documents stuffed into its own prompt for questions, and streamed from ChatLlamaCpp."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from answer_task import Task, Usage, run
from langchain_classic.chains.combine_documents import create_stuff_documents_chain
from langchain_classic.chains.question_answering.stuff_prompt import PROMPT_SELECTOR
from langchain_community.chat_models import ChatLlamaCpp
from langchain_core.documents import Document
from llama_watch import LlamaWatch, described, model_settings

BATCH = 512
"""llama.cpp's own default; that of ChatLlamaCpp is 8, and its documentation says to raise it."""


class LangChain:
    packages = ("langchain-core", "langchain-classic", "langchain-community", "llama-cpp-python")

    def __init__(self, task: Task) -> None:
        self.watch = LlamaWatch()
        llm = ChatLlamaCpp(
            model_path=task.model,
            temperature=0.0,
            max_tokens=task.max_tokens,
            n_ctx=task.context_tokens,
            n_batch=BATCH,
            model_kwargs=model_settings(task.threads, task.way),
            verbose=False,
        )
        self.chain = create_stuff_documents_chain(llm, PROMPT_SELECTOR.get_prompt(llm))
        self.settings = (
            "ChatLlamaCpp with n_batch=512; create_stuff_documents_chain with the prompt for questions that comes with "
            f"it for chat models; {described(task.way)}"
        )

    def answer(self, question: str, passages: Sequence[str], on_text: Callable[[str], None]) -> Usage:
        self.watch.begin()
        documents = [Document(page_content=passage) for passage in passages]
        for text in self.chain.stream({"context": documents, "question": question}):
            on_text(text)
        return self.watch.usage()


if __name__ == "__main__":
    run(LangChain)
