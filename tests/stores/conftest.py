"""A PostgreSQL server of the tests' own, from the installed Debian package."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

SERVER_USER = "postgres"
NUMBERS = count(1)


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of an empty database, on a socket in a temporary folder."""
    programs = _programs()
    if programs is None:
        reason = "PostgreSQL is not installed: `apt-get install postgresql` brings initdb and pg_ctl"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    home = Path(tempfile.mkdtemp(prefix="docindex-pg-"))
    user: str | None = None
    if os.geteuid() == 0:  # the server refuses to run as root
        user = SERVER_USER
        account = pwd.getpwnam(user)
        os.chown(home, account.pw_uid, account.pw_gid)

    def call(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [programs / program, *arguments], user=user, cwd=home, stdout=subprocess.DEVNULL, timeout=60, check=False
        )
        if done.returncode:
            log = home / "log"
            pytest.fail(f"{program} failed:\n{log.read_text() if log.exists() else ''}")

    data = str(home / "data")
    call("initdb", "-D", data, "-A", "trust", "-U", "docindex", "-E", "UTF8", "--no-sync")
    options = f"-k {home} -c listen_addresses='' -c fsync=off -c max_connections=50"
    call("pg_ctl", "-D", data, "-w", "-l", str(home / "log"), "-o", options, "start")
    try:
        yield f"postgresql+psycopg://docindex@/postgres?host={home}"
    finally:
        call("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def postgres_url(postgres_server: str) -> Callable[[], str]:
    """Makes URLs, each of an empty schema."""
    from sqlalchemy import create_engine

    def new() -> str:
        schema = f"index{next(NUMBERS)}"
        engine = create_engine(postgres_server)
        with engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
        engine.dispose()
        return f"{postgres_server}&options=-csearch_path%3D{schema}"

    return new
