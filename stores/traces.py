"""Traces of searches and answers, in an SQLite file of their own.

Searches write them while another process ingests, so they are no part of the registry, need no lease and belong to no
version. Where there is no such file, which is so until traces are switched on, asking costs a look at the file system.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

from docindex.errors import ConfigError, StoreError
from docindex.schema import Trace, TraceState, TraceSummary
from docindex.stores.side_file import SideFile, SideSchema, set_setting, setting
from docindex.stores.trace_rows import (
    SCHEMA,
    UPGRADES,
    delete_all_but,
    delete_before,
    insert_trace,
    read_summaries,
    read_trace,
)

logger = logging.getLogger("docindex.stores")

TRACES_FILE = "traces.db"
KEEP = 1000
"""How many traces are kept when nothing else is said."""

_SCHEMA = SideSchema("traces", SCHEMA, 2, (("on", 0), ("keep", KEEP), ("floor", 0)), UPGRADES)
_LAST_ID = 2**63 - 1


class TraceLog:
    """The traces of an index: switched on and off, read and pruned here. Any number of threads may use one.

    The switch is kept with the traces, so that it holds for every process. What is deleted is overwritten.
    """

    def __init__(self, folder: Path) -> None:
        """Those of the index in a folder; nothing is opened yet."""
        self.path = folder.absolute() / TRACES_FILE
        self._file = SideFile(self.path, _SCHEMA)
        self._warned = False

    # --- the switch --------------------------------------------------------------------------------------------------

    @property
    def is_on(self) -> bool:
        """Whether searches are traced; False, with a warning in the log, where that can't be told."""
        try:
            with self._file.reading(writable=True) as connection:
                return connection is not None and setting(connection, "on") == 1
        except StoreError as error:
            self._warn(error)
            return False

    def state(self) -> TraceState:
        """Whether traces are kept, how many at most, and how many there are."""
        with self._file.reading() as connection:
            if connection is None:
                return TraceState(on=False, keep=KEEP, kept=0)
            (kept,) = connection.execute("SELECT count(*) FROM traces").fetchone()
            return TraceState(setting(connection, "on") == 1, setting(connection, "keep"), kept)

    def switch_on(self, keep: int = KEEP) -> None:
        """Traces searches and answers from now on, in every process; the newest `keep` traces stay.

        Raises:
            ConfigError: `keep` is below 1.
            StoreError: The index's folder can't be written to.
        """
        if keep < 1:
            raise ConfigError(f"keep is {keep}: give 1 or more, or switch traces off.")
        self._file.make()
        with self._file.changing() as connection:
            if connection is None:
                raise FileNotFoundError(self.path)
            set_setting(connection, "on", 1)
            set_setting(connection, "keep", keep)
            delete_all_but(connection, keep)

    def switch_off(self) -> None:
        """Traces nothing any more. The traces that there are stay until they are pruned."""
        with self._file.changing() as connection:
            if connection is not None:
                set_setting(connection, "on", 0)

    # --- traces ------------------------------------------------------------------------------------------------------

    def add(self, trace: Trace) -> int | None:
        """Keeps a trace while they are on, and returns its id. Where that can't be done the log has a warning, once."""
        try:
            with self._file.changing() as connection:
                if connection is None:
                    return None
                if setting(connection, "on") != 1 or trace.version < setting(connection, "floor"):
                    return None
                trace_id = insert_trace(connection, trace)
                delete_all_but(connection, setting(connection, "keep"))
                return trace_id
        except StoreError as error:
            self._warn(error)
            return None

    def newest(self, limit: int | None = None) -> list[TraceSummary]:
        """The traces, newest first."""
        with self._file.reading() as connection:
            if connection is None:
                return []
            return read_summaries(connection, limit)

    def get(self, trace_id: int | None = None) -> Trace:
        """A trace by its id; the newest one without.

        Raises:
            StoreError: It is not kept.
        """
        with self._file.reading() as connection:
            wanted = None if trace_id is None else min(trace_id, _LAST_ID)
            found = None if connection is None else read_trace(connection, wanted)
        if found is None and trace_id is None:
            raise StoreError("No trace is kept: `docindex traces on` has searches traced from then on.")
        if found is None:
            raise StoreError(f"Trace {trace_id} is not kept: `docindex traces list` lists those that are.")
        return found

    def prune(self, keep: int | None = None, older_than: timedelta | None = None) -> int:
        """Deletes all but the newest `keep` traces, and those that are older; returns how many went."""
        pruned = 0
        with self._file.changing() as connection:
            if connection is not None and keep is not None:
                pruned += delete_all_but(connection, keep)
            if connection is not None and older_than is not None:
                pruned += delete_before(connection, datetime.now(UTC) - older_than)
        if pruned:
            self._file.shrink()
        return pruned

    def erase(self, version: int) -> None:
        """Leaves no byte of any trace, and takes none of a search that began at an older version of the index.

        Raises:
            StoreError: Another process is reading traces all along.
        """
        self._file.erase("traces", version)

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()

    def _warn(self, error: StoreError) -> None:
        if not self._warned:
            self._warned = True
            logger.warning("Searches are not traced: %s", error)
