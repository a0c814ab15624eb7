"""A PostgreSQL server of the tests' own, and the helpers of the unit tests."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from medrec_py.devnet import ports

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "index"))


def _program(name: str) -> str | None:
    """A program of PostgreSQL, which Debian keeps off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(found[-1]) if found else None)


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory) -> Iterator[str]:
    """The URL of a running server; it refuses to run as root, so root gives way to the user `postgres` or `nobody`."""
    initdb, server, control = _program("initdb"), _program("postgres"), _program("pg_ctl")
    if initdb is None or server is None or control is None:
        pytest.skip("No PostgreSQL on this machine.")
    folder = tmp_path_factory.mktemp("postgresql")
    options: dict[str, object] = {"capture_output": True, "text": True, "cwd": "/"}
    if os.getuid() == 0:
        owner = next(user for user in pwd.getpwall() if user.pw_name in ("postgres", "nobody"))
        # The folders above are readable by their maker only.
        folder = Path(tempfile.mkdtemp(prefix="medrec-postgresql-"))
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        options |= {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    try:
        port = ports.free_port()
        data = folder / "data"
        subprocess.run([initdb, "-D", data, "-U", "medrec", "-A", "trust", "-E", "UTF8"], check=True, **options)
        settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        subprocess.run(
            [control, "-D", data, "-w", "-l", folder / "log", "-o", settings, "start"], check=True, **options
        )
        try:
            yield f"postgresql://medrec@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([control, "-D", data, "-m", "immediate", "stop"], check=True, **options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(postgresql) -> str:
    """The URL of an empty database."""
    from sqlalchemy import create_engine, text

    engine = create_engine(postgresql.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS records"))
        connection.execute(text("CREATE DATABASE records"))
    engine.dispose()
    return postgresql.replace("/postgres", "/records") if postgresql.endswith("/postgres") else postgresql
