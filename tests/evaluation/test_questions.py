import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.errors import ConfigError, LoadError
from docindex.evaluation import Question, check_places, evaluate_passages, read_questions, write_questions
from docindex.evaluation.questions import some_of
from docindex.schema import Document, Hit, Node, Scores

TEXT = "Bees dance. A hive holds forty thousand of them. Bees sleep at night."
PLACED = Question(question_id="1", text="how many bees", doc_id="bees", start=12, end=48, answer=TEXT[12:48])
FOREIGN = Question(question_id="2", text="who wrote it?", kind="foreign")


def load(doc_id: str) -> Document | None:
    return Document("bees", "bees.txt", TEXT) if doc_id == "bees" else None


def test_questions_come_back_from_their_file(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    assert write_questions([PLACED, FOREIGN], path) == 2
    assert read_questions(path) == [PLACED, FOREIGN]
    assert json.loads(path.read_text().splitlines()[1]) == {
        "_id": "2",
        "text": "who wrote it?",
        "kind": "foreign",
        "doc_id": None,
    }


@settings(deadline=None, max_examples=50)
@given(st.text(min_size=1, max_size=20))
def test_a_questions_split_never_changes(question_id: str) -> None:
    question = Question(question_id=question_id, text="x")
    assert question.split == Question(question_id=question_id, text="another").split


def test_splits_part_the_questions(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    write_questions((Question(question_id=str(number), text="x") for number in range(300)), path)
    train, test = read_questions(path, "train"), read_questions(path, "test")
    assert len(train) + len(test) == 300
    assert not {question.question_id for question in train} & {question.question_id for question in test}
    assert 150 < len(train) < 210


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2 is not JSON"),
        ('{"_id": "1", "text": "again"}', "line 2: the id '1' is there already"),
        ('{"text": "no id"}', 'a question has an "_id" and a "text"'),
        ('{"_id": "9", "text": " "}', 'a question has an "_id" and a "text"'),
        ('{"_id": "9", "text": "x", "kind": "riddle"}', '"kind" is one of'),
        ('{"_id": "9", "text": "x", "doc_id": "d"}', "are whole numbers"),
        ('{"_id": "9", "text": "x", "doc_id": "d", "start": 3, "end": 3, "answer": ""}', '"answer" is the text'),
        ('{"_id": "9", "text": "x", "doc_id": "d", "start": 3, "end": 9, "answer": "short"}', '"answer" is the text'),
    ],
)
def test_a_bad_question_names_its_line(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(f'{{"_id": "1", "text": "fine"}}\n{line}\n')
    with pytest.raises(LoadError) as caught:
        read_questions(path)
    assert said in str(caught.value)
    assert "line 2" in str(caught.value)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").touch()
    with pytest.raises(ConfigError, match="holds no question: make some"):
        read_questions(tmp_path / "none.jsonl")


def test_places_are_checked_to_the_letter() -> None:
    assert check_places([PLACED, FOREIGN], load, "file") == [PLACED, FOREIGN]
    moved = Question(question_id="1", text="x", doc_id="bees", start=0, end=36, answer=PLACED.answer)
    assert check_places([moved], load, "file")[0].start == 12
    for wrong in ("Bees", "Wasps"):  # in the document twice, and never
        lost = Question(question_id="1", text="x", doc_id="bees", start=1, end=1 + len(wrong), answer=wrong)
        with pytest.raises(LoadError, match="does not hold its answer"):
            check_places([lost], load, "file")
    with pytest.raises(LoadError, match="holds no document 'gone'"):
        check_places([Question(question_id="1", text="x", doc_id="gone", end=1, answer="x")], load, "file")


def hit(rank: int, start: int, end: int, doc_id: str = "bees") -> Hit:
    node = Node(f"{doc_id}-{start}", doc_id, 0, start, end, TEXT[start:end])
    return Hit(rank, 1 / rank, Scores(), node, doc_id)


def test_a_passage_is_right_when_it_shares_text_with_the_place() -> None:
    found = evaluate_passages(lambda text, k: [hit(1, 0, 12), hit(2, 47, 70), hit(3, 12, 48)], [PLACED, FOREIGN])
    assert (found.kind, len(found.results)) == ("passages", 1)  # nothing can be found for a foreign question
    assert found.results[0].first_relevant() == 2
    assert found.values("mrr@10") == {"1": 0.5}
    assert found.values("hit@1") == {"1": 0.0}
    elsewhere = evaluate_passages(lambda text, k: [hit(1, 12, 48, "other")], [PLACED])
    assert elsewhere.values("hit@10") == {"1": 0.0}


def test_some_of_the_questions_are_of_every_kind_and_always_the_same() -> None:
    kinds = ("heading", "sentence", "foreign")
    questions = [Question(question_id=f"{kind}{n}", text="x", kind=kind) for kind in kinds for n in range(40)]
    chosen = some_of(questions, 30)
    assert len(chosen) == 30
    assert {question.kind for question in chosen} == set(kinds)
    assert chosen == [question for question in questions if question in chosen]
    assert set(some_of(questions, 10)) <= set(chosen)
    assert some_of(questions, None) == questions
