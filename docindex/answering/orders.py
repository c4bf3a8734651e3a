"""Orders: sentences of a document that speak to a language model rather than to a reader.

They are recognised by what they say, in English and for the commonest one in a few other languages. Where the words are
also those of manuals ("if you ignore these instructions", "reply with Y") they are let pass: the checks of the answer's
sentences come after.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from docindex.answering.fencing import SHAPELESS
from docindex.chunking.sentences import split_sentences
from docindex.schema import Hit

_BEGINS = r"(?:^\W{0,8}|[-–—•.!?:;,*>\])]\s*|\b(?:please|now|and|then|must|should|shall|will|to)\s+)"
_SMALL = (
    r"(?:(?:all|any|every|everything|of|the|your|my|other|these|those|previous|prior|above|earlier|preceding|former"
    r"|system|in)\s+)"
)
_AI = r"(?:(?-i:AI)|language models?|LLMs?|chat ?bots?)"

_ORDER = re.compile(
    "|".join(
        (
            # Do not do what you were told
            _BEGINS + rf"(?:ignore|disregard|forget)\s+{_SMALL}{{0,4}}(?:all|any|every|previous|prior|above|earlier"
            rf"|preceding|former|your|system)\s+{_SMALL}{{0,4}}(?:instructions?|prompts?|guidelines|directives)\b",
            _BEGINS + rf"(?:ignore|disregard|forget)\s+{_SMALL}{{1,4}}(?:sources|context|documents|passages)\b",
            r"\b(?:your|these are your|my) new (?:instructions?|orders?|task|role|rules?|goal|objective|prompt)\b",
            r"^\W{0,8}new (?:instructions?|orders?|task|rules?)\s*:",
            r"\byour (?:only|real|true|sole) (?:task|job|goal|purpose) (?:is|now)\b",
            # Be someone else
            r"\byou (?:are|act|will act) (?:now |no longer |as )?(?:an? |the )?(?:\w+ ){0,2}"
            rf"(?:{_AI}|AI assistant|DAN|helpful assistant)\b",
            r"\bas an AI(?: language)?(?: model| assistant)?, you\b",
            r"\b(?:note|message|instructions?|notice|attention|important|dear|hey|hello|hi|warning)\b[^.!?]{0,24}?"
            rf"\b{_AI}\b(?:[^.!?]{{0,30}}[:,!]|\s*$)",
            r"^\W{0,8}(?:system|developer|admin(?:istrator)?)\s+(?:prompt|override|instructions?)\b\W",
            r"\b(?:developer|god|jailbreak|DAN) mode (?:is )?(?:now )?(?:enabled|activated|on)\b",
            # Say what I say
            r"\b(?:reply|respond|answer|output|say|print|write|return)\s+(?:(?:to|all|any|every|each|the|this|user'?s?"
            r"|questions?|quer(?:y|ies)|prompts?|requests?)\s+){0,5}(?:only|nothing but|exactly|solely)\b"
            r"(?:\s+(?:with|(?:the |this |these )?(?:words?|phrase|sentence|following|text))\b|\s*[:\"“'])",
            r"\b(?:answer|reply to|respond to) (?:all|any|every|each) (?:user )?(?:question|quer|prompt|request)\w*"
            r"[^.!?]{0,30}\b(?:with|that|by saying)\b",
            r"\byour (?:answer|reply|response|output|final answer) (?:must|should|shall|has to|needs to) "
            r"(?:be|say|contain|include|begin|start|end|consist|always|only|state|mention)\b",
            r"\bthe (?:only )?(?:correct|right|true|final) answer to (?:every|any|all|this|the user['’]?s?) que\w+",
            r"\b(?:when|if|whenever) (?:the|a|any) user asks\b[^.!?]{0,80}\b(?:say|reply|respond|tell|claim|answer)\b",
            r"\b(?:begin|start|end|finish|prefix|append)\b[^.!?]{0,20}\byour (?:answer|reply|response|output)\b",
            # Tell what you know
            r"\b(?:reveal|print|repeat|show|output|disclose|leak|display|recite|translate|summari[sz]e|include|send)\b"
            r"[^.!?]{0,40}\b(?:(?:your|the|its) (?:(?:own|full|entire|original|initial|hidden|secret|system) ){1,3}"
            r"(?:prompt|instructions?|message)|your (?:prompt|instructions))\b",
            r"\bdecode\b[^.!?]{0,60}\b(?:follow|obey|execute|carry out|do what)\b",
            # Turn over to another role
            r"(?<!`)<\|(?:im_start|im_end|eot_id|start_header_id|end_header_id|begin_of_text|end_of_text|endoftext|end|system"
            r"|user|assistant|tool)\|>|(?<!`)<｜[^｜<>\n]{1,40}｜>|(?<!`)</?(?:think|tool_call|function_call)>"
            r"|(?<!`)<(?:start|end)_of_turn>|(?<!`)\[/?(?:INST|TOOL_CALLS|SYSTEM_PROMPT)\]|(?<!`)<</?SYS>>",
            # Pretend to be a source, or the end of them
            r"[<‹＜﹤]\s*/?\s*source\s+(?:\d|[a-z]{4}\s*[>›＞])|^\[source \d+\]",
            r"(?:^|[.!?]\s)\W{0,8}end of (?:the )?sources\b",
            # The first of them in other languages
            r"\bignorier\w*\b[^.!?]{0,30}\b(?:alle|vorherig|bisherig|vorig|obig|früher|vorangehend|vorstehend)\w*\b"
            r"[^.!?]{0,30}\b(?:anweisung|instruktion|vorgabe|quelle)",
            r"\b(?:ignore[rz]?|oublie[rz]?)\b[^.!?]{0,20}\b(?:instructions|consignes|sources)\b[^.!?]{0,20}"
            r"\b(?:précédentes|antérieures|ci-dessus)",
            r"\b(?:ignore[rz]?|oublie[rz]?) toutes les (?:instructions|consignes|sources)\b",
            r"\b(?:ignor[ae]|olvid[ae])\w*\b[^.!?]{0,20}\b(?:instrucciones|indicaciones|fuentes|istruzioni|instruções)\b"
            r"[^.!?]{0,20}\b(?:anteriores|previas|precedenti|prévias)\b",
            r"игнорир\w+[^.!?]{0,30}(?:инструкц|указан)",
            r"忽略.{0,10}(?:之前|以上|所有|先前|上述).{0,10}(?:指令|指示|说明|提示)",
            r"(?:以前|上記|これまで|前)の.{0,8}(?:指示|命令).{0,6}無視",
        )
    ),
    re.IGNORECASE | re.MULTILINE,
)
_PARAGRAPH = re.compile(r"\n[ \t]*\n")


@lru_cache(maxsize=256)
def orders(text: str) -> tuple[tuple[int, int], ...]:
    """The start and end of each stretch that begins with an order: it goes on to the end of its paragraph."""
    seen = text
    places: Sequence[int] = range(len(text))
    if SHAPELESS.search(text):
        places = [place for place, character in enumerate(text) if not SHAPELESS.match(character)]
        seen = "".join(text[place] for place in places)
    matches = [(places[_first_word(match)], places[match.end() - 1] + 1) for match in _ORDER.finditer(seen)]
    if not matches:
        return ()
    beginnings = [start for start, _ in split_sentences(text)]
    found: list[tuple[int, int]] = []
    for start, end in matches:
        if found and start < found[-1][1]:
            continue
        first = max((beginning for beginning in beginnings if beginning <= start), default=0)
        paragraph = _PARAGRAPH.search(text, end)
        found.append((first, paragraph.start() if paragraph else len(text)))
    return tuple(found)


def cleared(hit: Hit) -> Hit:
    """The hit with spaces for the orders in its text, and none in what stands above it."""
    node = hit.node
    headings = tuple(map(without_orders, node.headings))
    node = replace(node, text=blanked(node.text), headings=headings, context=without_orders(node.context))
    return replace(hit, node=node, title=without_orders(hit.title))


def _first_word(match: re.Match[str]) -> int:
    """Where a match says something: in front of that may be the end of the sentence before.

    A token of signs alone, such as `<｜-｜>`, begins where it stands.
    """
    return match.start() + next((at for at, character in enumerate(match.group()) if character.isalnum()), 0)


def without_orders(text: str) -> str:
    """The text as it is shown to a model or a reader: dots where an order stood."""
    for start, end in reversed(orders(text)):
        text = f"{text[:start]}[…]{text[end:]}"
    return text


def blanked(text: str) -> str:
    """The text with spaces for its orders: what is left stands where it stood."""
    for start, end in orders(text):
        text = text[:start] + " " * (end - start) + text[end:]
    return text
