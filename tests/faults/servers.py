"""Databases for the parts of the proof: one private server, one prepared database, a copy for each part."""

import subprocess
from contextlib import closing
from pathlib import Path

import psycopg2

from tests import cluster, served


class Databases:
    """A private PostgreSQL server with a migrated database to copy."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = cluster.Server()
        self._root = self.server.url
        self._run("CREATE DATABASE prepared")
        served.manage(self.variables("prepared"), "migrate", "--verbosity", "0")

    def copy(self, name: str, *, tablespace: str = "") -> dict[str, str]:
        """Make a database and give the variables of processes that use it."""
        place = f" TABLESPACE {tablespace}" if tablespace else ""
        self._run(f"CREATE DATABASE {name} TEMPLATE prepared{place}")
        return self.variables(name)

    def make_tablespace(self, name: str, place: Path) -> None:
        """Let databases lie in a folder of the server's own user."""
        self._run(f"CREATE TABLESPACE {name} LOCATION '{place}'")

    def drop(self, name: str, *, tablespace: str) -> None:
        """Drop a database and the tablespace that it alone lies in."""
        self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self._run(f"DROP TABLESPACE {tablespace}")

    def dump(self, name: str) -> Path:
        """Make a backup of a database (pg_dump)."""
        path = self.folder / f"{name}.dump"
        self._tool("pg_dump", "--format=custom", f"--file={path}", f"--dbname={name}")
        return path

    def restore(self, dump: Path, name: str) -> dict[str, str]:
        """Restore a backup into a new database (pg_restore); give the variables of processes that use it."""
        self._run(f"CREATE DATABASE {name}")
        self._tool("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={name}", str(dump))
        return self.variables(name)

    def _tool(self, program: str, *arguments: str) -> None:
        server = ["--host=127.0.0.1", f"--port={self.server.port}", "--username=portal"]
        subprocess.run([cluster.find_binaries() / program, *server, *arguments], check=True)

    def variables(self, name: str) -> dict[str, str]:
        url = f"{self._root.rpartition('/')[0]}/{name}"
        return served.environment(self.folder, url)

    def _run(self, statement: str) -> None:
        with closing(psycopg2.connect(self._root)) as connection:
            connection.autocommit = True
            connection.cursor().execute(statement)
