"""Several answers at once over one KV cache: continuous batching.

What all prompts begin with is read once and shared. Each step decodes one token of every answer that is being written
and, in what room is left, a piece of the prompts that are still being read. A request that finds no free sequence, or
no room in the cache, waits and joins when another ends.

The answers are those that each request gets alone, as far as llama.cpp allows. On a CPU it adds up attention in the
order of the cache's cells, so no cell is freed while somebody writes: the tokens of each sequence stay in their order.
And it takes another way for a single token in a long cache than for several, so nobody goes on alone there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from docindex.errors import ModelError
from docindex.llm.context import Row
from docindex.llm.prefixes import common_prefix
from docindex.llm.reply import Reply
from docindex.llm.sequence import LiveSequence
from docindex.protocols import Completion

SPARE_SEQUENCES = 2
"""Beside those of the requests and the one that they share: what is left behind, and company for the last one."""
_LONG_CACHE = 512
"""Cells from which on llama.cpp treats a single token in another way."""


@dataclass(frozen=True, slots=True)
class Request:
    """A prompt and the answer that is wanted."""

    prompt: list[int]
    reply: Reply

    @property
    def cells(self) -> int:
        """What it takes of the cache at most."""
        return len(self.prompt) + self.reply.max_tokens


@dataclass(slots=True)
class _Seat:
    """A request that has a sequence of the context."""

    number: int
    """Among the requests."""
    request: Request
    sequence: int
    cached: int
    tokens: list[int]
    """The prompt, and what was sampled."""
    decoded: int
    """How many of the tokens the cache holds."""
    text: str = ""

    @property
    def writing(self) -> bool:
        """The prompt but for its last token is in the cache."""
        return self.decoded >= len(self.request.prompt) - 1


class ParallelRun:
    """One run over a list of requests."""

    def __init__(self, live: LiveSequence, requests: Sequence[Request], check: Callable[[], None]) -> None:
        """Does nothing yet.

        Args:
            live: Holds what the prompts share, before, during and after the run.
            requests: Each of which fits the context.
            check: Called before each step; ends the run by raising.
        """
        self._live = live
        self._context = live.context
        self._check = check
        self._waiting = deque(enumerate(requests))
        self._seats: list[_Seat] = []
        self._alone = len(requests) == 1
        self._left, self._company = live.context.sequences - 1, live.context.sequences - 2
        self._free = deque(range(1, self._company))
        self._left_cells = 0
        """Of the cache, still taken by answers that are finished."""
        self._shared = 0
        self._done: dict[int, Completion] = {}

    def run(self) -> list[Completion]:
        """The answers in the order of the requests."""
        try:
            known = self._hold_shared()
            while self._waiting or self._seats:
                self._check()
                self._admit(known)
                self._step()
        finally:
            for sequence in (self._left, self._company, *(seat.sequence for seat in self._seats)):
                self._context.cut(sequence, 0)
        return [self._done[number] for number in sorted(self._done)]

    def _hold_shared(self) -> int:
        """Reads what all prompts begin with; returns how much of it need not be read."""
        prompts = [request.prompt for _, request in self._waiting]
        if not prompts:
            return 0
        first = prompts[0][:-1]  # each has a last token of its own to go on from
        shared = min(common_prefix(first, prompt[:-1]) for prompt in prompts)
        known = self._live.hold(first[:shared], self._check)
        self._shared = shared
        return known

    def _admit(self, known: int) -> None:
        """Seats those who wait, in their order, as long as there is room for all that they may write."""
        if not self._seats and self._left_cells:
            self._context.cut(self._left, 0)
            self._left_cells = 0
        room = self._context.context_tokens - self._shared - self._left_cells
        room -= sum(seat.request.cells - self._shared for seat in self._seats)
        while self._waiting and self._free and self._waiting[0][1].cells - self._shared <= room:
            number, request = self._waiting.popleft()
            room -= request.cells - self._shared
            sequence = self._free.popleft()
            donor, length = self._donor(request.prompt)
            if length:
                self._context.share(donor, sequence, length)
            cached = length if number or length > self._shared else known  # the first one reads what all share
            self._seats.append(_Seat(number, request, sequence, cached, list(request.prompt), length))

    def _donor(self, prompt: list[int]) -> tuple[int, int]:
        """The sequence that holds most of what the prompt begins with, and how much."""
        best, length = 0, self._shared
        for seat in self._seats:
            common = common_prefix(seat.tokens[: seat.decoded], prompt[:-1])
            if common > length:
                best, length = seat.sequence, common
        return best, length

    def _step(self) -> None:
        """Decodes one batch, and samples for those whose turn came."""
        rows: list[Row] = []
        sampled: list[tuple[int, _Seat]] = []
        for seat in sorted(self._seats, key=lambda seat: not seat.writing):  # nobody waits for another's prompt
            rows += self._next_rows(seat, self._context.batch_tokens - len(rows))
            if rows and rows[-1].wanted and rows[-1].sequence == seat.sequence:
                sampled.append((len(rows) - 1, seat))
        company = len(rows) == 1 and not self._alone and rows[0].position < _LONG_CACHE
        try:
            self._context.decode([*rows, Row(rows[0].token, 0, self._company, False)] if company else rows)
        except ModelError:
            self._live.forget()
            raise
        if company:
            self._context.cut(self._company, 0)
        for row, seat in sampled:
            token = seat.request.reply.sampler.choose(self._context.logits(row))
            seat.text += seat.request.reply.add(token)
            seat.tokens.append(token)
            if seat.request.reply.done:
                self._leave(seat)

    def _next_rows(self, seat: _Seat, room: int) -> Iterator[Row]:
        """What of a sequence goes into the batch.

        The last token of a prompt comes in a later batch than the rest, as in a request that is alone: then a single
        one gives the same logits bit by bit.
        """
        end = len(seat.tokens) if seat.writing else len(seat.request.prompt) - 1
        for at in range(seat.decoded, min(end, seat.decoded + room)):
            yield Row(seat.tokens[at], at, seat.sequence, at == len(seat.tokens) - 1)
            seat.decoded += 1

    def _leave(self, seat: _Seat) -> None:
        self._context.share(seat.sequence, self._left, seat.decoded)
        self._context.cut(seat.sequence, 0)
        self._left_cells += seat.request.cells - self._shared
        self._free.append(seat.sequence)
        self._seats.remove(seat)
        reply = seat.request.reply
        self._done[seat.number] = Completion(seat.text, len(seat.request.prompt), seat.cached, reply.tokens)
