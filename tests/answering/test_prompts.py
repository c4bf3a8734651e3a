"""Prompts of one's own: what may be in the folder, what is said of the rest, and that the model is asked with them."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.answering.alone import ModelEngine
from docindex.answering.chat import Chat
from docindex.answering.modes import synthesizer
from docindex.answering.prompting import (
    PromptTurn,
    answer_prompt,
    combine_prompt,
    direct_prompt,
    refine_prompt,
    rewrite_prompt,
)
from docindex.answering.routed import RoutedEngine
from docindex.answering.streams import LazyAnswer
from docindex.answering.structured import StructuredEngine
from docindex.errors import ConfigError
from docindex.prompts.files import SHIPPED, Prompts, shipped, write_shipped
from docindex.protocols import Message
from docindex.retrieval.routes import Direct
from docindex.schema import Document, Hit, Response, SynthesisMode
from docindex.testing.scripted_llm import ScriptedLLM

QUESTION = "How long is the warranty of the Nimbus R7?"
MODES: tuple[SynthesisMode, ...] = ("compact", "simple", "refine", "tree-summarise", "accumulate")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty one."""
    path = tmp_path / "prompts"
    path.mkdir()
    return path


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Prompts:
    """The shipped prompts as somebody's own."""
    folder = tmp_path_factory.mktemp("written") / "deep" / "prompts"
    assert sorted(path.name for path in write_shipped(folder)) == [prompt.file_name for prompt in shipped().values()]
    return Prompts.of(folder)


@pytest.fixture(scope="session")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Prompts:
    """Each prompt with its own name before it."""
    folder = tmp_path_factory.mktemp("marked")
    for name, prompt in shipped().items():
        (folder / prompt.file_name).write_text(f"MARK-{name}\n{prompt.text}")
    return Prompts.of(folder)


def marks(requests: Sequence[Sequence[Message]]) -> set[str]:
    """The prompts that requests were made with."""
    return {
        mark for messages in requests for message in messages for mark in re.findall(r"MARK-(\w+)", message.content)
    }


def own(folder: Path, text: str, name: str = "question") -> Prompts:
    (folder / f"{name}.txt").write_text(text)
    return Prompts.of(folder)


# --- the shipped ones -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", shipped())
def test_each_shipped_prompt_says_what_it_is_for_and_names_what_it_is_given(name: str):
    prompt = shipped()[name]
    assert re.fullmatch(r"[A-Z].{10,100}\.", prompt.purpose)
    comment = prompt.text.partition("#}")[0]
    plain = {"question", "answer"}
    assert all(f"`{variable}`" in comment for variable in prompt.variables - plain)
    assert not SHIPPED.own


def test_the_comments_reach_no_model(manual_hits: list[Hit]):
    for messages in (answer_prompt(QUESTION, manual_hits), refine_prompt(QUESTION, manual_hits, "So.")):
        assert all("{#" not in message.content and "Shows" not in message.content for message in messages)


@settings(deadline=None)
@given(st.text(), st.lists(st.text(), max_size=3))
def test_prompts_that_were_written_and_left_as_they_are_ask_the_same(
    written: Prompts, manual_hits: list[Hit], text: str, answers: list[str]
):
    assert written.version == SHIPPED.version
    turns = [PromptTurn(text, answer) for answer in answers]
    assert answer_prompt(text, manual_hits, written) == answer_prompt(text, manual_hits)
    assert refine_prompt(text, manual_hits, text, written) == refine_prompt(text, manual_hits, text)
    assert combine_prompt(text, answers, written) == combine_prompt(text, answers)
    assert direct_prompt(text, written) == direct_prompt(text)
    assert rewrite_prompt(text, turns, written) == rewrite_prompt(text, turns)


# --- a folder ---------------------------------------------------------------------------------------------------------


def test_one_file_takes_the_place_of_one_prompt(folder: Path, manual_hits: list[Hit]):
    prompts = own(folder, "Answer in rhymes.\n", "system")
    system, user = answer_prompt(QUESTION, manual_hits, prompts)
    assert system.content == "Answer in rhymes."
    assert user == answer_prompt(QUESTION, manual_hits)[1]


def test_hidden_files_and_a_byte_order_mark_do_no_harm(folder: Path):
    (folder / ".gitignore").write_text("*")
    (folder / "system.txt").write_text("Answer.", encoding="utf-8-sig")
    assert Prompts.of(folder).render("system") == "Answer."


def test_the_version_is_another_one_with_another_text(folder: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "docindex")
    first, again = own(folder, "Answer."), own(folder, "Answer.")
    other, elsewhere = own(folder, "Answer!"), own(folder, "Answer.", "system")
    assert first.version == again.version
    assert len({SHIPPED.version, first.version, other.version, elsewhere.version}) == 4
    assert f"Prompts {first.version}: question from {folder}." in caplog.messages


@given(st.text(max_size=60), st.text(max_size=60))
@settings(deadline=None)
def test_what_is_put_in_is_never_a_template(marked: Prompts, question: str, text: str):
    values = {"question": question, "answer": "", "sources": [{"heading": "", "tag": "", "text": text}]}
    shown = marked.render("question", values)
    for part in (question, text):
        assert part.strip() in shown
    calculated = marked.render("question", values | {"question": "{{ 7 * 6 }} {% raw %} {# so #}"})
    assert calculated.endswith("Question: {{ 7 * 6 }} {% raw %} {# so #}")


# --- what can't be used -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("questoin.txt", "did you mean question.txt?"),
        ("question.md", "did you mean question.txt?"),
        ("System.txt", "did you mean system.txt or "),
        ("question", "did you mean question.txt?"),
        ("rewrite_sytem.txt", "did you mean rewrite_system.txt"),
        ("LICENSE", "`docindex prompts` lists them."),
    ],
)
def test_a_file_of_another_name_is_an_error_that_names_the_near_ones(folder: Path, name: str, said: str):
    (folder / name).write_text("Answer.")
    with pytest.raises(ConfigError, match=f"^{re.escape(str(folder / name))} has the name of no prompt: ") as raised:
        Prompts.of(folder)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("{{ question }}\n{% for source in sources %}\n{{ source }}\n", 3, "endfor"),
        ("Hm.\n{{ question", 2, "unexpected end of template"),
        ("Hm.\n\n{{ question | shout }}", 3, "shout"),
        ("Hm.\n\n{{ qestion }}", 3, "'qestion' is not given to this prompt (did you mean question?)"),
        ("{% if password %}x{% endif %}", 1, "it is given answer, question, sources"),
        ("Hm.\n{% for each in sources %}\n{{ each.text }}{{ choices }}{% endfor %}", 3, "'choices' is not given"),
    ],
)
def test_what_is_no_template_or_wants_what_it_is_not_given_is_an_error_with_its_line(
    folder: Path, text: str, line: int, said: str
):
    with pytest.raises(ConfigError) as raised:
        own(folder, text)
    assert str(raised.value).startswith(f"{folder / 'question.txt'}, line {line}: ")
    assert said in str(raised.value)
    assert str(raised.value).endswith("; mend the line, or delete the file to have the shipped prompt.")


def test_a_prompt_that_is_given_nothing_says_so(folder: Path):
    with pytest.raises(ConfigError, match="'question' is not given to this prompt: it is given nothing"):
        own(folder, "{{ question }}", "system")


def test_what_a_template_makes_itself_is_known_to_it(folder: Path):
    text = "{% set all = question.split() %}{% for each in all %}{{ loop.index }} {{ each }} {% endfor %}{{ range(2) }}"
    assert own(folder, text).render("question", {"question": "a b"}) == "1 a 2 b range(0, 2)"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("Hm.\n{% for source in sources %}\n{{ source.titel }}\n{% endfor %}", 3, "titel"),
        ("Hm.\n\n{{ 1 / 0 }}", 3, "division by zero"),
        ("Hm.\n{{ question + 1 }}", 2, "concatenate"),
        ("{% include 'system.txt' %}", 1, "no loader"),
        ("{{ question.__class__.__mro__ }}", 1, "unsafe"),
        ("{{ '{0.__class__}'.format(question) }}", 1, "unsafe"),
        ("Hm.\n{{ sources.append(question) }}", 2, "unsafe"),
        ("{{ range(999999999) }}", 1, "Range too big"),
        ("{% macro again() %}{{ again() }}{% endmacro %}\n{{ again() }}", 1, "recursion"),
    ],
)
def test_what_can_not_be_filled_in_is_an_error_with_its_line(
    folder: Path, manual_hits: list[Hit], text: str, line: int, said: str
):
    prompts = own(folder, text)
    with pytest.raises(ConfigError, match=re.escape(said)) as raised:
        answer_prompt(QUESTION, manual_hits, prompts)
    assert str(raised.value).startswith(f"{folder / 'question.txt'}, line {line}: ")


def test_what_is_no_text_or_no_folder_is_an_error(folder: Path):
    (folder / "question.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"question\.txt can't be read as text"):
        Prompts.of(folder)
    for path in (folder / "question.txt", folder / "none"):
        with pytest.raises(ConfigError, match="is no folder that can be read"):
            Prompts.of(path)


def test_nothing_is_written_over(folder: Path):
    (folder / "notes").touch()
    for path in (folder, folder / "notes"):
        with pytest.raises(ConfigError, match="nothing is written over"):
            write_shipped(path)
    assert [path.name for path in folder.iterdir()] == ["notes"]


# --- who asks with them -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_each_way_to_make_an_answer_asks_with_them(
    mode: SynthesisMode, marked: Prompts, manual: Document, manual_hits: list[Hit]
):
    llm = ScriptedLLM("The Nimbus R7 is covered by a warranty of three years from the day of purchase.")
    made = synthesizer(mode, lambda: llm, {"manual": manual}.get, prompts=marked)
    hits = manual_hits * 3  # more than one prompt holds
    assert "three years" in made.synthesize(QUESTION, hits).response.answer
    assert all(marks([messages]) == {"system", "question"} for messages in llm.requests)
    assert (len(llm.requests) == 1) == (mode in ("compact", "simple"))


def test_the_tokens_of_a_longer_prompt_are_counted(folder: Path, manual: Document, manual_hits: list[Hit]):
    room = ScriptedLLM("x").count_tokens(answer_prompt(QUESTION, manual_hits)) + 20
    llm = ScriptedLLM("The Nimbus R7 is covered by a warranty of three years.", context_tokens=room)
    for prompts, dropped in ((SHIPPED, 0), (own(folder, "Answer well. " * 20, "system"), 1)):
        made = synthesizer("compact", lambda: llm, {"manual": manual}.get, max_tokens=20, prompts=prompts)
        assert len(made.synthesize(QUESTION, manual_hits).response.dropped) == dropped


def test_a_conversation_asks_with_them(marked: Prompts):
    class Echo:
        def stream(self, question: str, *, cancel: object = None) -> LazyAnswer:
            def pieces():
                yield question
                return Response(question, question, no_answer=False)

            return LazyAnswer(pieces())

    llm = ScriptedLLM("What does the warranty not cover?")
    chat = Chat(Echo(), llm, prompts=marked)
    chat.ask("How long is the warranty?")
    chat.ask("What does it not cover?")
    assert marks(llm.requests) == {"rewrite", "rewrite_system"}


def test_forms_ask_with_them(marked: Prompts, manual: Document, manual_hits: list[Hit]):
    llm = ScriptedLLM("no JSON", '{"years": 3}')
    retriever = SimpleNamespace(retrieve=lambda query: manual_hits)
    engine = StructuredEngine(retriever, llm, {"manual": manual}.get, prompts=marked)
    schema = {"type": "object", "properties": {"years": {"type": "integer"}}, "required": ["years"]}
    assert engine.extract_json(QUESTION, schema).value == {"years": 3}
    assert [marks([messages]) for messages in llm.requests] == [
        {"form_system", "form", "question"},
        {"form_system", "form", "form_again", "question"},
    ]


def test_a_model_that_answers_alone_is_asked_with_them(marked: Prompts):
    llm = ScriptedLLM("A poem.")
    router = SimpleNamespace(route=lambda question: SimpleNamespace(action=Direct(), route="chatter"))
    engine = RoutedEngine(router, lambda action: None, ModelEngine(lambda: llm, prompts=marked))
    assert engine.query("Write a poem.").answer == "A poem."
    assert marks(llm.requests) == {"direct_system"}
