"""Hears every statement that any connection to SQLite is given while real code runs."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest


class Statements:
    """The statements heard, each once, as they were given: with places for their parameters. What
    SQLite's own trace tells has the values written in, and is planned in another way."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}
        self.count = 0
        self.threads: set[int] = set()

    def hear(self, sql: str, parameters: Any) -> None:
        """A statement is about to run."""
        self.seen.setdefault(sql, _size(parameters))
        self.count += 1
        self.threads.add(threading.get_ident())


def _size(parameters: Any) -> int:
    return len(parameters) if hasattr(parameters, "__len__") else 0


@contextmanager
def statements_heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Statements]:
    """Listen to every connection that is opened in the block."""
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

    connect = sqlite3.connect

    def listening(*arguments: Any, **options: Any) -> Any:
        return connect(*arguments, **{"factory": Connection} | options)

    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", listening)
        patched.setattr(sqlite3.dbapi2, "connect", listening)
        yield heard
