"""Records every statement of any connection to SQLite while real code runs."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest


class Statements:
    """The recorded statements, each once, with placeholders for their parameters. SQLite's own
    trace has the values filled in, and such statements are planned differently.
    """

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}
        self.count = 0
        self.threads: set[int] = set()
        self.connections: list[sqlite3.Connection] = []

    def hear(self, sql: str, parameters: Any) -> None:
        """A statement is about to run."""
        self.seen.setdefault(sql, _size(parameters))
        self.count += 1
        self.threads.add(threading.get_ident())

    @contextmanager
    def steps_counted(self) -> Iterator[list[int]]:
        """Count the steps of SQLite's virtual machine on all open connections: the reproducible
        cost of a statement. The count is available at the end of the block.
        """
        steps = 0
        result: list[int] = []

        def step() -> int:
            nonlocal steps
            steps += 1
            return 0

        for connection in self.connections:
            connection.set_progress_handler(step, 1)
        try:
            yield result
        finally:
            result.append(steps)
            for connection in self.connections:
                connection.set_progress_handler(None, 1)


def _size(parameters: Any) -> int:
    return len(parameters) if hasattr(parameters, "__len__") else 0


@contextmanager
def statements_heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Statements]:
    """Record every connection that is opened in the block."""
    heard = Statements()

    class Cursor(sqlite3.Cursor):
        def execute(self, sql: str, parameters: Any = (), /) -> Any:
            heard.hear(sql, parameters)
            return super().execute(sql, parameters)

        def executemany(self, sql: str, parameters: Iterable[Any], /) -> Any:
            rows = list(parameters)
            if rows:
                heard.hear(sql, rows[0])
            return super().executemany(sql, rows)

    class Connection(sqlite3.Connection):
        def cursor(self, factory: Any = Cursor) -> Any:
            return super().cursor(factory)

        def close(self) -> None:
            if self in heard.connections:
                heard.connections.remove(self)
            super().close()

    connect = sqlite3.connect

    def listening(*arguments: Any, **options: Any) -> Any:
        connection = connect(*arguments, **{"factory": Connection} | options)
        heard.connections.append(connection)
        return connection

    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", listening)
        patched.setattr(sqlite3.dbapi2, "connect", listening)
        yield heard
