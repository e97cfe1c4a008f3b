"""Databases whose transactions accept the text of statements."""

from __future__ import annotations

from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from kodit.domain.ports.database import Database, Transaction
from kodit.infrastructure.sql.statements import Cursors


class ReadTransaction(Transaction, Protocol):
    """A transaction whose driver accepts the text of a statement."""

    @property
    def cursors(self) -> Cursors: ...

    @property
    def info(self) -> MutableMapping[Any, Any]:
        """Values cached for the file that its connection has opened."""
        ...


class ReadableDatabase(Database, Protocol):
    """Opens such transactions."""

    @property
    def address(self) -> str:
        """Where another process finds the database: the path of a file, or a URL, which may hold a
        password."""
        ...

    def read(self) -> AbstractContextManager[ReadTransaction]: ...
