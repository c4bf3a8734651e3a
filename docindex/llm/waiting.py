"""Who may use the model next: first come, first served."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from docindex.errors import ModelError, RequestCancelledError

_POLL_SECONDS = 0.05
"""How soon a waiting request sees that its event was set: an Event can't wake a Condition."""
_MOST_WAITING = 64


class WaitingLine:
    """A lock that is granted in the order in which it was asked for, and that a waiting request may give up on."""

    def __init__(self, most_waiting: int = _MOST_WAITING) -> None:
        self._most_waiting = most_waiting
        self._changed = threading.Condition()
        self._tickets: deque[object] = deque()
        """The first one holds the model."""
        self._closed = False
        self._when_free: Callable[[], None] | None = None

    def enter(self, cancel: threading.Event | None = None) -> object:
        """Waits for one's turn and returns the ticket to leave with.

        Raises:
            RequestCancelledError: `cancel` was set meanwhile.
            ModelError: The line was closed, or is as long as it may be.
        """
        ticket = object()
        with self._changed:
            if len(self._tickets) > self._most_waiting:
                raise ModelError(f"{self._most_waiting} requests wait for the model already: ask again in a while.")
            self._tickets.append(ticket)
            try:
                self._check(cancel)
                while self._tickets[0] is not ticket:
                    self._changed.wait(None if cancel is None else _POLL_SECONDS)
                    self._check(cancel)
            except BaseException:
                self._remove(ticket)
                raise
        return ticket

    def leave(self, ticket: object) -> None:
        """Lets the next one in."""
        with self._changed:
            self._remove(ticket)

    def close(self, when_free: Callable[[], None]) -> None:
        """Lets nobody in any more, and calls `when_free` once nobody is inside: now, or when the holder leaves."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._when_free = when_free
            self._finish_if_free()
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether `close` was called: the holder should leave soon."""
        return self._closed

    def _check(self, cancel: threading.Event | None) -> None:
        if self._closed:
            raise ModelError("The model is closed: open the index again to ask more.")
        if cancel is not None and cancel.is_set():
            raise RequestCancelledError("The request was cancelled while it waited for the model.")

    def _remove(self, ticket: object) -> None:
        self._tickets.remove(ticket)
        self._finish_if_free()
        self._changed.notify_all()

    def _finish_if_free(self) -> None:
        # Those who still stand in a closed line leave it one by one; the last of them ends it.
        if self._closed and not self._tickets and self._when_free is not None:
            when_free, self._when_free = self._when_free, None
            when_free()
