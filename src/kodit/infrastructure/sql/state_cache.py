"""Values that depend on the database alone, cached with a connection until the database changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, MutableMapping
from functools import cached_property
from typing import Any, TypeVar, cast

from kodit.infrastructure.sql.statements import Cursors, Statement

T = TypeVar("T")

MOST_VALUES = 256
"""How many values a connection caches for one state of the database."""

_VERSION = Statement("PRAGMA data_version", postgresql="SELECT pg_current_snapshot()::text")
"""A value that differs if another connection has changed the database; on a server also if another
database was changed. It does not show what the connection itself has written."""


class StateCache:
    """Values by key, for one state of the database. For one thread at a time."""

    def __init__(self, version: object) -> None:
        self.version = version
        self._values: dict[Hashable, Any] = {}

    def get(self, key: Hashable, read: Callable[[], T]) -> T:
        """The value of a key, which `read` returns the first time. It must not be changed."""
        values = self._values
        try:
            return cast(T, values[key])
        except KeyError:
            value = read()
            if len(values) >= MOST_VALUES:
                values.clear()
            values[key] = value
            return value


class NoStateCache(StateCache):
    """For a transaction that writes: what it reads may differ at any time."""

    def __init__(self) -> None:
        super().__init__(None)

    def get(self, key: Hashable, read: Callable[[], T]) -> T:
        return read()


class Caches:
    """What one transaction may cache with its connection, in the connection's `info`. Both outlive
    it."""

    def __init__(
        self, driver: Cursors, info: MutableMapping[Any, Any], *, writes: bool = False
    ) -> None:
        self.info = info
        self._driver = driver
        self._writes = writes

    @cached_property
    def state(self) -> StateCache:
        """The values for the state of the database that the transaction sees. Its snapshot is taken
        here, if that was not done before."""
        if self._writes:
            return NoStateCache()
        ((version,),) = _VERSION.run(self._driver)
        cache: StateCache | None = self.info.get(__name__)
        if cache is None or cache.version != version:
            cache = self.info[__name__] = StateCache(version)
        return cache
