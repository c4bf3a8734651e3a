"""Questions made from documents: whatever the document, the answer is in it to the letter."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import docindex.retrieval
from docindex import Environment, Index, LLMConfig
from docindex.evaluation import Question, check_places
from docindex.evaluation.foreign import FOREIGN, foreign_questions
from docindex.evaluation.headings import clean, heading_questions, sections_of
from docindex.evaluation.keywords import Sentence, keyword_questions, sentences_of
from docindex.evaluation.sampling import sample, spread
from docindex.evaluation.writing import answers_in, model_questions, openings_for, sound
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import Message
from docindex.retrieval.collapse import collapse
from docindex.schema import Document, Heading
from docindex.testing.scripted_llm import ScriptedLLM
from docindex.wiring import open_llm

BODY = " ".join(["It takes some words to make a section that a reader would look for."] * 2)


def manual() -> Document:
    parts = [
        (1, "1 Setting up the pump"),
        (2, "1.1 Notes"),
        (2, "1.2 Filling the tank with water"),
        (1, "2 Cleaning the pump"),
        (2, "2.1 Notes"),
        (2, "2.2 Empty"),
    ]
    text, headings = "", []
    for level, name in parts:
        headings.append(Heading(level, len(text), name))
        text += f"{name}\n\n" + ("" if "Empty" in name else f"{BODY}\n\n")
    return Document("manual", "manual.md", text, title="Pump manual", headings=tuple(headings))


def test_sections_end_where_the_next_heading_begins() -> None:
    document = manual()
    sections = list(sections_of(document))
    assert [section.path[-1] for section in sections] == [
        "Setting up the pump",
        "Notes",
        "Filling the tank with water",
        "Cleaning the pump",
        "Notes",
    ]
    assert all(document.text[section.start : section.end] == section.text for section in sections)
    assert sections[1].path == ("Pump manual", "Setting up the pump", "Notes")
    assert "Filling" not in sections[1].text


def test_a_heading_that_tells_little_gets_those_above_it() -> None:
    document = manual()
    questions = heading_questions(["manual"], lambda doc_id: document, 10)
    assert {question.text for question in questions} == {
        "Setting up the pump",
        "Setting up the pump Notes",
        "Filling the tank with water",
        "Cleaning the pump",
        "Cleaning the pump Notes",
    }
    assert check_places(questions, lambda doc_id: document, "made") == questions
    assert heading_questions(["manual"], lambda doc_id: document, 2) == heading_questions(
        ["manual"], lambda doc_id: document, 2
    )


def test_headings_that_nothing_tells_apart_are_left_out() -> None:
    twins = {name: Document(name, f"{name}.md", manual().text, headings=manual().headings) for name in ("a", "b")}
    assert heading_questions(list(twins), twins.get, 10) == []


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("## 3.2.1  Resetting   the device:", "Resetting the device"),
        ("Chapter 4 Networks", "Networks"),
        ("A.1 Licences", "Licences"),
        ("3D printing", "3D printing"),
        ("IV. Results", "Results"),
        ("Index", "Index"),
    ],
)
def test_headings_lose_their_numbers(heading: str, expected: str) -> None:
    assert clean(heading) == expected


def test_sentences_are_whole_and_of_running_text() -> None:
    text = (
        "# A heading that is long enough to be taken for a sentence\n\n"
        "1. Tighten the two bolts of the bracket to six newton metres.\n\n"
        "| Part | Needed for the whole of the work that is described. |\n\n"
        "Short.\n\nThe pump needs three litres of oil before it runs for the first time.\n"
    )
    found = [sentence.text for sentence in sentences_of(Document("d", "d", text))]
    assert found == [
        "Tighten the two bolts of the bracket to six newton metres.",
        "The pump needs three litres of oil before it runs for the first time.",
    ]


def test_keywords_are_telling_words_in_their_order() -> None:
    texts = {
        "oil": "The old pump needs three litres of mineral oil before the season begins.",
        "belt": "The old pump has a rubber belt, and the belt is changed before the season begins.",
        "mineral": "Mineral water has three litres to a bottle in the rubber works canteen.",
    }
    documents = {doc_id: Document(doc_id, doc_id, text) for doc_id, text in texts.items()}
    questions = {question.doc_id: question for question in keyword_questions(list(texts), documents.get, 3)}
    asked = questions["oil"].text.split()
    assert set(asked) < {"old", "pump", "three", "litres", "mineral", "season", "begins"}
    assert asked == sorted(asked, key=texts["oil"].index)
    assert "oil" not in questions["oil"].text.split()  # stands nowhere else: a search by words would find it at once
    assert check_places(list(questions.values()), documents.get, "made") == list(questions.values())


def test_a_sentence_that_stands_twice_is_no_question() -> None:
    text = "The old pump needs three litres of mineral oil before the season begins."
    documents = {name: Document(name, name, text) for name in "ab"}
    assert keyword_questions(["a", "b"], documents.get, 5) == []


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.sampled_from(
            [
                "The pump ",
                "runs. ",
                "\n\n",
                "# A head\n",
                "1. ",
                "| x |",
                "Größe 数据 ",
                "It holds 40 litres of oil in summer. ",
                "\r\n",
            ]
        ),
        max_size=30,
    ).map("".join)
)
def test_whatever_the_text_answers_stand_in_it(text: str) -> None:
    heads = tuple(Heading(1, at, "A head") for at in range(len(text)) if text.startswith("# A head", at))
    document = Document("d", "d.md", text, headings=heads)
    questions = [
        *heading_questions(["d"], lambda doc_id: document, 5),
        *keyword_questions(["d"], lambda doc_id: document, 5),
        *model_questions(ScriptedLLM("How many litres of oil does it hold in summer?"), ["d"], lambda _: document, 2),
    ]
    for question in questions:
        assert document.text[question.start : question.end] == question.answer
        assert question.answer.strip()


SENTENCE = Sentence("d", 10, "The station in Uppsala sends its readings every 16 seconds to the display unit.")


def test_what_may_be_asked_for() -> None:
    answers = [(answer.kind, answer.text) for answer in answers_in(SENTENCE)]
    assert answers == [("number", "16 seconds"), ("name", "Uppsala"), ("phrase", "the display unit")]
    assert all(
        SENTENCE.text[answer.start - 10 : answer.start - 10 + len(answer.text)] == answer.text
        for answer in answers_in(SENTENCE)
    )
    assert openings_for(answers_in(SENTENCE)[0]) == ["How long", "How many seconds"]
    assert [answer.text for answer in answers_in(Sentence("d", 0, "See part 3 on 2025-03-04 or 12.5 % of 70 °C."))] == [
        "12.5 %",
        "70 °C",
    ]


@pytest.mark.parametrize(
    ("question", "kept"),
    [
        ("How often does the station send its readings?", True),
        ("How many seconds lie between the readings of the station?", True),
        ("Does the station send readings every 16 seconds?", False),  # gives the answer away
        ("How much fuel does the truck need for the journey?", False),  # of something else
        ("What does the passage say about the station readings?", False),  # makes no sense alone
        ("The station sends its readings.", False),
        ("Readings?", False),
    ],
)
def test_questions_that_are_kept(question: str, kept: bool) -> None:
    assert sound(question, answers_in(SENTENCE)[0], SENTENCE.text) is kept


def test_the_models_questions_are_checked_and_spread() -> None:
    texts = {
        "a": "The station sends new readings every 16 seconds to the display.",
        "b": "The pump of the station needs 3 litres of oil in winter.",
    }
    documents = {doc_id: Document(doc_id, doc_id, text) for doc_id, text in texts.items()}
    llm = ScriptedLLM(
        "How long does the station wait between new readings?",
        "What is the meaning of life?",
    )
    made = list(model_questions(llm, ["a", "b"], documents.get, 2))
    assert [(question.kind, question.answer) for question in made] == [("model", "16 seconds")]
    assert len(llm.requests) == 2
    assert all("Answer: " in request[-1].content for request in llm.requests)


def test_the_model_is_asked_with_the_prompts_that_are_given(tmp_path: Path) -> None:
    document = Document("d", "d", "The pump of the station needs 3 litres of oil in winter.", title="Pumps")
    for prompts in (SHIPPED, own_prompts(tmp_path)):
        llm = ScriptedLLM("How many litres of oil does the pump of the station need?")
        (made,) = model_questions(llm, ["d"], lambda doc_id: document, 1, prompts=prompts)
        assert made.answer == "3 litres"
        (request,) = llm.requests
        assert request[-1] == Message("user", f"Document: Pumps\nPassage: {document.text}\nAnswer: 3 litres")
        shown = [(message.role, message.content.partition(":")[0]) for message in request[:-1]]
        if prompts is SHIPPED:
            assert [role for role, _ in shown] == ["system", "user", "assistant"]
        else:
            assert shown == [("system", "Ask.")]


def own_prompts(folder: Path) -> Prompts:
    """Another task, and no examples."""
    (folder / "eval_make_system.txt").write_text("Ask.")
    (folder / "eval_make_examples.txt").write_text("{# None. #}")
    return Prompts.of(folder)


def test_the_local_model_asks_for_what_it_is_shown() -> None:
    text = "The outdoor unit of the station sends new readings every 16 seconds."
    document = Document("d", "d", text, title="Weather station")
    llm = open_llm(LLMConfig(), Environment.read())
    try:
        made = list(model_questions(llm, ["d"], lambda doc_id: document, 1))
    finally:
        llm.close()
    for question in made:  # a small model may also write nothing that is worth keeping
        assert (question.answer, question.text[-1]) == ("16 seconds", "?")
        assert question.text.startswith(("How long", "How many seconds"))


def test_foreign_questions_are_those_that_no_passage_may_answer(index: Index, docs) -> None:
    (docs / "art.txt").write_text("The ceiling of the Sistine Chapel was painted by Michelangelo.\n")
    index.ingest(docs)

    def find(text: str, k: int):
        return collapse(index.search(text, k, "lexical"))

    made = list(foreign_questions(find, len(FOREIGN) + 5))
    assert len(made) == len(FOREIGN) - 1
    assert "Who painted the ceiling of the Sistine Chapel?" not in {question.text for question in made}
    assert not any(question.answerable for question in made)
    assert len({question.question_id for question in made}) == len(made)
    assert [q.text for q in foreign_questions(find, 3, seed=1)] != [q.text for q in foreign_questions(find, 3, seed=2)]


def test_foreign_questions_are_not_those_that_indexes_are_calibrated_with() -> None:
    assert len(set(FOREIGN)) == len(FOREIGN) >= 50
    folder = Path(docindex.retrieval.__file__).parent
    used = {line.strip().lower() for file in folder.glob("*.txt") for line in file.read_text("utf-8").splitlines()}
    assert used.isdisjoint(text.lower() for text in FOREIGN)


@settings(deadline=None, max_examples=50)
@given(
    st.dictionaries(st.sampled_from("abcde"), st.lists(st.integers(), max_size=6, unique=True)),
    st.integers(0, 20),
    st.integers(0, 3),
)
def test_questions_are_spread_over_the_documents(items: dict[str, list[int]], count: int, seed: int) -> None:
    chosen = spread({name: [(name, item) for item in found] for name, found in items.items()}, count, seed)
    assert len(chosen) == min(count, sum(map(len, items.values())))
    taken = [sum(name == other for other, _ in chosen) for name, found in items.items() if len(found) >= count]
    assert not taken or max(taken) - min(taken) <= 1


def test_of_many_documents_a_seeded_sample_is_looked_at() -> None:
    doc_ids = [f"d{number}" for number in range(1000)]
    chosen = sample(doc_ids, 50, seed=1)
    assert len(chosen) == 150
    assert chosen == sample(list(reversed(doc_ids)), 50, seed=1)
    assert chosen != sample(doc_ids, 50, seed=2)
    assert sample(["b", "a"], 50, seed=1) == ["a", "b"]


def test_a_question_without_a_place_is_left_as_it_is() -> None:
    foreign = Question(question_id="f", text="who?", kind="foreign")
    assert check_places([foreign], lambda doc_id: None, "made") == [foreign]
