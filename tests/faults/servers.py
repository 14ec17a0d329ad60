"""Databases for the parts of the proof: one private server, one prepared database, a copy for each part."""

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

    def copy(self, name: str) -> dict[str, str]:
        """Make a database and give the variables of processes that use it."""
        self._run(f"CREATE DATABASE {name} TEMPLATE prepared")
        return self.variables(name)

    def variables(self, name: str) -> dict[str, str]:
        url = f"{self._root.rpartition('/')[0]}/{name}"
        return served.environment(self.folder, url)

    def _run(self, statement: str) -> None:
        with closing(psycopg2.connect(self._root)) as connection:
            connection.autocommit = True
            connection.cursor().execute(statement)
