"""What of a model's text is its answer and what its thought, told while the text comes."""

from __future__ import annotations

from enum import Enum

_BLOCKS = (
    ("<think>", "</think>"),  # DeepSeek, Qwen, GLM, MiniMax, Phi, Nemotron, Hunyuan, SmolLM
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),  # EXAONE
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),  # Seed-OSS
    ("<longcat_think>", "</longcat_think>"),
    ("[THINK]", "[/THINK]"),  # Magistral
    ("◁think▷", "◁/think▷"),  # Kimi
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Command
    ("<|begin_of_thought|>", "<|end_of_thought|>"),  # OpenThinker
    ("<|inner_prefix|>", "<|inner_suffix|>"),  # Apertus
    ("<|channel>thought", "<channel|>"),  # Gemma
    ("<|channel|>analysis<|message|>", "<|end|>"),  # gpt-oss
    ("<|start|>assistant<|channel|>analysis<|message|>", "<|end|>"),
    ("Here is my thought process:", "Here is my response:"),  # Granite
    ("Here's my thought process:", "Here's my response:"),
)
"""What opens and closes a thought, as public models spell it."""
_FRAMES = (
    ("<answer>", "</answer>"),  # Hunyuan
    ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
    ("<|begin_of_solution|>", "<|end_of_solution|>"),
    ("<|channel|>final<|message|>", "<|return|>"),
    ("<|start|>assistant<|channel|>final<|message|>", "<|return|>"),
)
"""What some put around the answer that follows."""
_CLOSES = dict(_BLOCKS)
_ENDS = dict(_FRAMES)
OPENINGS = tuple(_CLOSES)
CLOSINGS = tuple(dict.fromkeys(_CLOSES.values()))
FRAMES = tuple(_ENDS)


class Opening(Enum):
    """Who opens the thought."""

    MODEL = "model"
    """The model, if anyone, and always with a tag: nothing need be held back."""
    PROMPT = "prompt"
    """The prompt: the text begins inside of it."""
    UNSURE = "unsure"
    """One of them: what comes first is held back until a tag or the end tells."""


class _Part(Enum):
    UNSURE = 0
    THOUGHT = 1
    ANSWER = 2


def opening_of(template: str | None, turn: str | None = None) -> Opening | None:
    """Who opens the thoughts of a model; None where it has none.

    Args:
        template: The model's chat template.
        turn: What the rendered template has the assistant's turn begin with, where that is known.
    """
    if not any(tag in (template or "") for tag in (*OPENINGS, *CLOSINGS)):
        return None
    if turn is None:
        return Opening.UNSURE
    opened, closed = (max(turn.rfind(tag) for tag in tags) for tags in (OPENINGS, CLOSINGS))
    if opened > closed:
        return Opening.PROMPT
    return Opening.UNSURE if closed < 0 else Opening.MODEL


class AnswerFilter:
    """Lets only the answer through. How the text is cut into pieces makes no difference.

    Space between a thought and the answer goes, and so does what frames the answer. A text that ends in a thought has
    no answer; one that was held back and has no tag at all is an answer.
    """

    # No tag begins another one, or has another one anywhere but at its end: so a tag that is whole is the first one.

    def __init__(self, opening: Opening) -> None:
        self._part = {
            Opening.MODEL: _Part.ANSWER,
            Opening.PROMPT: _Part.THOUGHT,
            Opening.UNSURE: _Part.UNSURE,
        }[opening]
        self._tags: tuple[str, ...] = CLOSINGS if opening is Opening.PROMPT else OPENINGS
        self._held = ""
        self._fresh = opening is Opening.MODEL
        """Nothing was said since the text began, or a thought ended: space may be followed by a tag or a frame."""
        self._thought = False
        """There has been one."""

    @property
    def answers(self) -> bool:
        """Whether what comes is known to be the answer."""
        return self._part is _Part.ANSWER

    @property
    def unsure(self) -> bool:
        """Whether all of the text is held back."""
        return self._part is _Part.UNSURE

    @property
    def held(self) -> str:
        """What is held back."""
        return self._held

    def push(self, piece: str) -> str:
        """What the piece adds to the answer; often nothing."""
        self._held += piece
        answer = ""
        while True:
            if self._fresh and not self._begins():
                return answer
            match self._part:
                case _Part.UNSURE:
                    found = self._resolved()
                case _Part.THOUGHT:
                    found = self._thought_ends()
                case _Part.ANSWER:
                    found, said = self._answer_goes_on()
                    answer += said
            if not found:
                return answer

    def flush(self) -> str:
        """What was held back of the answer, once no more comes."""
        held, self._held = self._held, ""
        if self._part is _Part.THOUGHT:
            return ""
        return held.lstrip() if self._fresh and self._thought else held

    def _begins(self) -> bool:
        """Looks at what an answer begins with; False while that can't be told."""
        lead = self._held.lstrip()
        for tag in (*FRAMES, *OPENINGS):
            if lead.startswith(tag):
                self._held = lead[len(tag) :]
                if tag in _CLOSES:
                    self._think(tag)
                else:
                    self._tags = (*OPENINGS, _ENDS[tag])
                    self._thought = True  # space after the frame goes, too
                return not self._fresh or self._begins()
            if tag.startswith(lead):
                return False
        self._fresh = False
        if self._thought:
            self._held = lead
        return True

    def _resolved(self) -> bool:
        """Looks for the tag that tells what the text was until now."""
        lead = self._held.lstrip()
        if any(lead.startswith(frame) for frame in FRAMES):
            self._part, self._fresh = _Part.ANSWER, True
            return True
        at, tag = _first(self._held, (*OPENINGS, *CLOSINGS))
        if tag in _CLOSES and self._held[:at].strip():
            self._part, self._tags = _Part.ANSWER, OPENINGS
            return True
        if tag in _CLOSES:
            self._held = self._held[at + len(tag) :]
            self._think(tag)
        elif tag:
            self._answer(self._held[at + len(tag) :])
        return bool(tag)

    def _thought_ends(self) -> bool:
        at, tag = _first(self._held, self._tags)
        if not tag:
            self._held = self._held[len(self._held) - _begun(self._held, self._tags) :]
            return False
        self._answer(self._held[at + len(tag) :])
        return True

    def _answer_goes_on(self) -> tuple[bool, str]:
        at, tag = _first(self._held, self._tags)
        if not tag:
            at = len(self._held) - _begun(self._held, self._tags)
        said, self._held = self._held[:at], self._held[at + len(tag) :]
        if tag in _CLOSES:
            self._think(tag)
        return bool(tag), said

    def _think(self, tag: str) -> None:
        self._part, self._tags, self._fresh = _Part.THOUGHT, (_CLOSES[tag],), False

    def _answer(self, rest: str) -> None:
        self._part, self._tags, self._fresh, self._thought = _Part.ANSWER, OPENINGS, True, True
        self._held = rest


def _first(text: str, tags: tuple[str, ...]) -> tuple[int, str]:
    """Where the first of the tags is, and which; an empty one where there is none."""
    found = [(at, tag) for tag in tags if (at := text.find(tag)) >= 0]
    return min(found, default=(0, ""))


def _begun(text: str, tags: tuple[str, ...]) -> int:
    """The length of the longest end of the text that a tag begins with."""
    longest = max(map(len, tags)) - 1
    for length in range(min(len(text), longest), 0, -1):
        if any(tag.startswith(text[len(text) - length :]) and len(tag) > length for tag in tags):
            return length
    return 0
