"""LlamaIndex: a compact response synthesizer, which is what its query engines answer with, over LlamaCPP."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from answer_task import Task, Usage, run
from llama_cpp.llama_chat_format import Jinja2ChatFormatter
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.llms.llama_cpp import LlamaCPP
from llama_watch import LlamaWatch, described, model_settings


class LlamaIndex:
    packages = ("llama-index-core", "llama-index-llms-llama-cpp", "llama-cpp-python")

    def __init__(self, task: Task) -> None:
        self.watch = LlamaWatch()
        self.llm = LlamaCPP(
            model_path=task.model,
            temperature=0.0,
            max_new_tokens=task.max_tokens,
            context_window=task.context_tokens,
            model_kwargs=model_settings(task.threads, task.way),
            messages_to_prompt=self.chat,
            completion_to_prompt=lambda completion: self.chat([ChatMessage(role="user", content=completion)]),
            verbose=False,
        )
        llama = self.llm._model
        self.template = Jinja2ChatFormatter(
            template=llama.metadata["tokenizer.chat_template"],
            eos_token=llama._model.token_get_text(llama.token_eos()),
            bos_token=llama._model.token_get_text(llama.token_bos()),
        )
        self.synthesizer = get_response_synthesizer(self.llm, response_mode=ResponseMode.COMPACT, streaming=True)
        self.settings = (
            "LlamaCPP with the chat template of the GGUF file; get_response_synthesizer, compact, streaming, with its "
            f"own question prompt; {described(task.way)}"
        )

    def chat(self, messages: Sequence[ChatMessage]) -> str:
        said = [{"role": message.role.value, "content": message.content} for message in messages]
        prompt: str = self.template(messages=said).prompt
        return prompt

    def answer(self, question: str, passages: Sequence[str], on_text: Callable[[str], None]) -> Usage:
        self.watch.begin()
        nodes = [NodeWithScore(node=TextNode(text=passage)) for passage in passages]
        for text in self.synthesizer.synthesize(question, nodes).response_gen:
            on_text(text)
        return self.watch.usage()


if __name__ == "__main__":
    run(LlamaIndex)
