"""What is known of files without reading them. It belongs to the files as they are, and to no version of the index.

Whatever becomes of a commit, a stamp that was written stays true: it says that a file which looks like this has these
bytes. One that is missing costs a reading of the file.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, Engine, delete, exists, insert, select
from sqlalchemy.exc import SQLAlchemyError

from docindex.protocols import FileStamp
from docindex.stores.database import registry_error
from docindex.stores.tables import sources, stamps

_CHUNK = 500


def read_stamps(engine: Engine) -> list[FileStamp]:
    """All of them."""
    try:
        with engine.connect() as connection:
            rows = connection.execute(select(stamps)).all()
    except SQLAlchemyError as error:
        raise registry_error(error) from error
    return [FileStamp(row.location, row.state, row.bytes_hash, row.media_type) for row in rows]


def write_stamps(connection: Connection, new: Sequence[FileStamp]) -> None:
    """Adds stamps, each in the place of the one that the file had."""
    for start in range(0, len(new), _CHUNK):
        chunk = {stamp.location: stamp for stamp in new[start : start + _CHUNK]}
        drop_stamps(connection, chunk.keys())
        rows: list[dict[str, object]] = [
            {
                "location": stamp.location,
                "state": stamp.state,
                "bytes_hash": stamp.bytes_hash,
                "media_type": stamp.media_type,
            }
            for stamp in chunk.values()
        ]
        connection.execute(insert(stamps), rows)


def drop_stamps(connection: Connection, locations: Collection[str]) -> None:
    """Deletes those of some files."""
    left = list(locations)
    for start in range(0, len(left), _CHUNK):
        connection.execute(delete(stamps).where(stamps.c.location.in_(left[start : start + _CHUNK])))


def drop_unused_stamps(connection: Connection) -> None:
    """Deletes those of files that no version has that is kept."""
    connection.execute(delete(stamps).where(~exists().where(sources.c.location == stamps.c.location)))
