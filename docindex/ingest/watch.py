"""Which files change while somebody waits for it.

Folders are watched by the operating system's notifications, all that is below them; where there are none, by looking
again and again. Files that were named by themselves are looked at: what an editor saves is often a new file under the
old name, which a notification for the old one would miss.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from watchfiles import watch

from docindex.ingest.ignore import IGNORE_FILE

logger = logging.getLogger("docindex")

_LONGEST_BATCH = 10
"""After so many times the quiet time a batch ends, though changes go on."""
_POLL_SECONDS = 1.0
_POLL_SHARE = 10
"""Looking through large folders takes its time: it pauses for so many times as long."""

_State = tuple[int, ...]


def changes(
    roots: Sequence[Path],
    *,
    stop: threading.Event,
    index: Path | None = None,
    debounce_seconds: float = 0.3,
    polling: bool = False,
) -> Generator[frozenset[Path], None, None]:
    """The paths that have changed, batch after batch, until `stop` is set or Ctrl-C is pressed.

    The first batch comes at once and is empty: from then on no change is missed, also while nobody asks. A root may go
    and come back. Hidden files don't count, save files of rules on what to ignore.

    Args:
        roots: Folders and files. A path in a batch is a root or begins with one, as it is spelt here, made absolute.
        stop: Ends the waiting, within `debounce_seconds` or so.
        index: The folder of the index: what is in it does not count.
        debounce_seconds: A batch is what changes until it is quiet for so long.
        polling: Look through the folders every second, without the notifications of the operating system.
    """
    watched = tuple(dict.fromkeys(Path(os.path.normpath(root.absolute())) for root in roots))
    try:
        yield from _Watch(watched, index, stop, debounce_seconds, polling).batches()
    except KeyboardInterrupt:
        return


class _Watch:
    def __init__(
        self, roots: Sequence[Path], index: Path | None, stop: threading.Event, quiet: float, polling: bool
    ) -> None:
        self._roots = roots
        self._not_counted = tuple(_as_seen_below(roots, index)) if index else ()
        self._stop = stop
        self._quiet = quiet
        self._polling = polling
        if not polling and "microsoft" in os.uname().release.lower():
            self._poll_instead("the drives of Windows give none to Linux")

    def batches(self) -> Iterator[frozenset[Path]]:
        states = self._states()
        found: set[Path] = set()
        begun = False
        while not self._stop.is_set():
            # One round for each time that a folder comes or goes: notifications are of what was there at its beginning.
            for changed in self._changed([root for root, state in states.items() if _is_folder(state)]):
                before, states = states, self._states()
                moved = {root for root in self._roots if states[root] != before[root]}
                found |= moved | {path for path in changed if self._counts(path)}
                if any(_is_folder(before[root]) or _is_folder(states[root]) for root in moved):
                    break
                if found or not begun:
                    yield frozenset(found if begun else ())
                    found, begun = set(), True

    def _changed(self, folders: Sequence[Path]) -> Iterator[set[Path]]:
        """What changes in the folders; now and then nothing, so that the roots can be looked at."""
        if not folders:
            yield set()
            while not self._stop.wait(self._quiet):
                yield set()
            return
        if not self._polling:
            try:
                yield from self._notified(folders)
            except FileNotFoundError:  # it went between two looks
                self._stop.wait(self._quiet)
                yield set()
            except (OSError, RuntimeError) as error:
                self._poll_instead(str(error))
            if not self._polling:
                return
        missed = set(self._roots)
        for changed in self._polled(folders):
            yield changed | missed
            missed = set()

    def _notified(self, folders: Sequence[Path]) -> Iterator[set[Path]]:
        step = max(1, int(self._quiet * 1000))
        for batch in watch(
            *folders,
            watch_filter=None,
            debounce=_LONGEST_BATCH * step,
            step=step,
            rust_timeout=step,
            yield_on_timeout=True,
            stop_event=self._stop,
            force_polling=False,
            ignore_permission_denied=True,
        ):
            yield {Path(path) for _, path in batch}

    def _poll_instead(self, reason: str) -> None:
        self._polling = True
        logger.warning("There are no notifications of changes (%s): looking for them every second instead", reason)

    def _polled(self, folders: Sequence[Path]) -> Iterator[set[Path]]:
        before = _scanned(folders)
        yield set()
        while True:
            begun = time.monotonic()
            now = _scanned(folders)
            yield {Path(path) for path in before.keys() | now.keys() if before.get(path) != now.get(path)}
            before = now
            if self._stop.wait(max(_POLL_SECONDS, _POLL_SHARE * (time.monotonic() - begun))):
                return

    def _states(self) -> dict[Path, _State | None]:
        return {root: _state(root) for root in self._roots}

    def _counts(self, path: Path) -> bool:
        if any(path.is_relative_to(folder) for folder in self._not_counted):
            return False
        for root in self._roots:
            if path.is_relative_to(root):
                return path.name == IGNORE_FILE or not any(p.startswith(".") for p in path.relative_to(root).parts)
        return False


def _state(path: Path) -> _State | None:
    """What differs when the path stands for another folder, or the file for other bytes; None when nothing is there."""
    try:
        return _state_by(path.stat())
    except OSError:
        return None


def _state_by(status: os.stat_result) -> _State:
    if stat.S_ISDIR(status.st_mode):
        return (status.st_dev, status.st_ino)
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _scanned(folders: Sequence[Path]) -> dict[str, _State]:
    """The state of all that is below the folders, without what is hidden; links are followed, each folder once."""
    found: dict[str, _State] = {}
    waiting = [str(folder) for folder in folders]
    entered = {state for folder in folders if (state := _state(folder))}
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.name.startswith(".") and entry.name != IGNORE_FILE:
                    continue
                with contextlib.suppress(OSError):
                    state = found[entry.path] = _state_by(entry.stat())
                    if _is_folder(state) and state not in entered:
                        entered.add(state)
                        waiting.append(entry.path)
    return found


def _is_folder(state: _State | None) -> bool:
    return state is not None and len(state) == 2


def _as_seen_below(roots: Sequence[Path], folder: Path) -> Iterator[Path]:
    """The folder's paths under the roots, which may lead there by links."""
    yield Path(os.path.normpath(folder.absolute()))
    real = folder.resolve()
    for root in roots:
        if real.is_relative_to(root.resolve()):
            yield root / real.relative_to(root.resolve())
