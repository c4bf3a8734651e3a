"""Questions that one's own documents most likely do not answer: what an engine must refuse.

They are other ones than those that an index is calibrated with, so that they measure what calibration is worth.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence

from docindex.answering.terms import STOPWORDS, stem
from docindex.evaluation.questions import Question, question_id_of
from docindex.schema import Hit

FOREIGN = (
    "Who painted the ceiling of the Sistine Chapel?",
    "What is the boiling point of ethanol at sea level?",
    "Which river flows through Budapest?",
    "How many keys does a concert piano have?",
    "In which year did the Berlin Wall fall?",
    "What do koalas eat?",
    "Who wrote the novel Middlemarch?",
    "How many moons does Mars have?",
    "Which city is the seat of government of Bolivia?",
    "Which gas do plants take in for photosynthesis?",
    "How long does a marathon runner have to run in kilometres?",
    "What colour is a ripe persimmon?",
    "Who was the first woman to fly solo across the Atlantic?",
    "Which spice is the most expensive by weight?",
    "How many players are on a rugby union team?",
    "What is the largest desert of Asia?",
    "Who composed the opera The Magic Flute?",
    "How long is the gestation of an elephant?",
    "What currency is used in Hungary?",
    "Which planet has the shortest year?",
    "How is sourdough bread leavened?",
    "Which strait parts Spain from Morocco?",
    "What is the tallest mountain in Africa?",
    "Who discovered penicillin?",
    "Which language is spoken in Suriname?",
    "How many bones does an adult human have?",
    "Which metal melts in the hand?",
    "Who plays the shark hunter in the film Jaws?",
    "How deep is the Mariana Trench?",
    "Which chess piece moves only diagonally?",
    "What does a sommelier do?",
    "How old do giant tortoises become?",
    "Which king of England had six wives?",
    "What are the ingredients of pesto?",
    "How far is the Moon from the Earth?",
    "Who laid out the gardens of Versailles?",
    "What is the national flower of Japan?",
    "How many squares are on a chessboard?",
    "Which ocean lies between Africa and Australia?",
    "What is a haiku?",
    "When did the Titanic sink?",
    "How fast can a cheetah run?",
    "Who sculpted the statue of David in Florence?",
    "What is the longest bone of the human body?",
    "Which country has the most volcanoes?",
    "How do bats find their way in the dark?",
    "What is the difference between a crocodile and an alligator?",
    "Who won the football World Cup in 1966?",
    "How many carats is pure gold?",
    "Which instrument measures earthquakes?",
    "What causes the northern lights?",
    "How is parmesan cheese made?",
    "Which mountain range separates Spain from France?",
    "Who wrote The Origin of Species?",
    "What is the speed of sound in water?",
    "How many colours are on the flag of South Africa?",
    "When was the printing press invented?",
    "Which animal is the largest rodent?",
    "What is the square root of 1,764?",
    "How long did the Hundred Years' War last?",
)

_LOOKED_AT = 5


def foreign_questions(find: Callable[[str, int], Sequence[Hit]], count: int, *, seed: int = 0) -> Iterator[Question]:
    """At most `count` of the questions, without those that a passage may answer.

    Args:
        find: Of a question and k, the passages that have the most of its words.
        count: How many are wanted.
        seed: Chooses among them.
    """
    order = list(FOREIGN)
    random.Random(seed).shuffle(order)  # noqa: S311 - no secret
    made = 0
    for text in order:
        if made == count:
            return
        if not any(_stems(text) <= _stems(f"{hit.title} {hit.node.full_text}") for hit in find(text, _LOOKED_AT)):
            made += 1
            yield Question(question_id=question_id_of("foreign", "", 0, text), text=text, kind="foreign")


def _stems(text: str) -> set[str]:
    words = (word.lower() for word in re.findall(r"\w+", text))
    return {stem(word) for word in words if word not in STOPWORDS}
