"""Statements that are compiled once and run on the driver's own cursor.

SQLAlchemy Core spends some 20 µs on a call that SQLite answers in 2, and the queue makes ten calls
per task. Parameters and results are the driver's plain values: numbers, text, None.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from functools import cached_property, partial
from operator import itemgetter
from sys import intern
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Delete,
    Dialect,
    Insert,
    Select,
    Table,
    Update,
    bindparam,
    insert,
    literal_column,
)
from sqlalchemy.types import TypeEngine

from kodit.infrastructure.sql.chunks import VALUES_PER_STATEMENT, in_chunks
from kodit.infrastructure.sql.statements import KINDS_OF_VALUES
from kodit.infrastructure.sqlalchemy.arrays import kind_of, over_array, over_rows

Statement = Select[*tuple[Any, ...]] | Insert | Update | Delete
Row = Sequence[Any]

_NOTHING: Mapping[str, Any] = {}

_ROWS_PER_FETCH = 64
"""Rows fetched at once, which costs half as much as fetching them one by one."""


def constant(value: str) -> ColumnElement[str]:
    """One of our words, written into the statement as a literal: SQLite cannot know that a
    parameter meets the condition of a partial index.
    """
    return literal_column(f"'{value}'")


class _Compiled:
    """A statement in the driver's form; `defaults` are the values that were written into it."""

    def __init__(
        self,
        sql: str,
        defaults: Mapping[str, Any],
        order: Sequence[str] | None,
        types: Mapping[str, TypeEngine[Any]],
        *,
        returns_rows: bool,
    ) -> None:
        """`types` are those of the columns of its parameters, by name, where it may run over rows
        at once.
        """
        self.sql = sql
        self.returns_rows = returns_rows
        self._types = types
        self._defaults = defaults
        # If the driver numbers its placeholders, they have names here, in that order.
        self._in_order = None if order is None else _picker(order)

    def arguments(self, parameters: Mapping[str, Any]) -> Any:
        named = {**self._defaults, **parameters} if self._defaults else parameters
        return named if self._in_order is None else self._in_order(named)

    def over_rows(self, rows: Sequence[Mapping[str, Any]]) -> tuple[str, Mapping[str, Any]]:
        """One statement for all these rows, and its parameters."""
        arrays = {name: [row[name] for row in rows] for name in self._types}
        return self._over_rows, {**self._defaults, **arrays}

    @cached_property
    def _over_rows(self) -> str:
        kinds = {name: kind_of(column_type) for name, column_type in self._types.items()}
        return over_rows(self.sql, kinds)


def _picker(names: Sequence[str]) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    """A function that returns the values of these names, as `itemgetter` does only for two or
    more.
    """
    return itemgetter(*names) if len(names) > 1 else lambda named: [named[name] for name in names]


class Driver:
    """The driver's cursor of a connection, for as long as its transaction lasts."""

    def __init__(self, connection: Connection) -> None:
        self.dialect = connection.dialect
        self.is_concurrent = self.dialect.name != "sqlite"
        """Whether other transactions may write at the same time, so that rows must be locked."""
        self.names_with_percent = self.is_concurrent
        self._connection = connection.connection
        self.cursor = self._connection.cursor()

    def keep(self, statement: str, values: Any) -> None:
        """Execute a statement, whose answer nobody needs, together with the next one."""
        connection: Any = self._connection.dbapi_connection
        connection.keep(statement, values)

    def another_cursor(self) -> Any:
        """For reading a row while other statements run."""
        return self._connection.cursor()

    def streaming_cursor(self) -> Any:
        """For reading any number of rows, a few at a time, while other statements run."""
        if not self.is_concurrent:
            return self._connection.cursor()
        connection: Any = self._connection.dbapi_connection
        return connection.streaming_cursor()


class Prepared:
    """One statement, whose parameters are `bindparam`s; single values, not lists."""

    def __init__(self, statement: Statement | Callable[[], Statement]) -> None:
        """A function makes the statement when it is compiled, and nothing else of it is kept: each
        of thousands of parameters is half a kilobyte of objects.
        """
        self._make = statement if callable(statement) else lambda: statement
        self._compiled: dict[str, _Compiled] = {}

    def run(self, driver: Driver, parameters: Mapping[str, Any] = _NOTHING) -> Sequence[Row]:
        """Run it once; returns its rows, if any."""
        compiled = self._compiled.get(driver.dialect.name) or self._compile(driver.dialect)
        if driver.is_concurrent and not compiled.returns_rows:
            driver.keep(compiled.sql, compiled.arguments(parameters))
            return []
        cursor = driver.cursor
        cursor.execute(compiled.sql, compiled.arguments(parameters))
        return cursor.fetchall() if compiled.returns_rows else []

    def stream(
        self, driver: Driver, parameters: Mapping[str, Any] = _NOTHING
    ) -> Generator[Row, None, None]:
        """Run it once; yields its rows one at a time, for callers that may stop early. At most
        `_ROWS_PER_FETCH` of them are held in memory.
        """
        compiled = self._compiled.get(driver.dialect.name) or self._compile(driver.dialect)
        with closing(driver.streaming_cursor()) as cursor:
            cursor.execute(compiled.sql, compiled.arguments(parameters))
            while rows := cursor.fetchmany(_ROWS_PER_FETCH):
                yield from rows

    def run_many(self, driver: Driver, rows: Iterable[Mapping[str, Any]]) -> int:
        """Run it for each set of parameters; returns how many rows it changed in all."""
        compiled = self._compiled.get(driver.dialect.name) or self._compile(driver.dialect)
        if driver.is_concurrent:
            rows = list(rows)
            if not rows:
                return 0
            driver.cursor.execute(*compiled.over_rows(rows))
        else:
            driver.cursor.executemany(compiled.sql, [compiled.arguments(row) for row in rows])
        changed: int = driver.cursor.rowcount
        return changed

    def _compile(self, dialect: Dialect) -> _Compiled:
        statement = self._make()
        made = statement.compile(dialect=dialect)
        order = made.positiontup if made.positional else None
        defaults = {name: bind.value for name, bind in made.binds.items() if not bind.required}
        compiled = self._compiled[dialect.name] = _Compiled(
            self._text(str(made)),
            defaults,
            order,
            # Not for SQLite, where a list of ids is hundreds of parameters.
            {name: bind.type for name, bind in made.binds.items() if bind.required}
            if order is None
            else {},
            returns_rows=statement.is_select or bool(made.effective_returning),
        )
        return compiled

    def _text(self, sql: str) -> str:
        return sql


class _OverArray(Prepared):
    """A statement over an array of values of this kind, in place of a list of two."""

    def __init__(self, statement: Callable[[], Statement], kind: str) -> None:
        super().__init__(statement)
        self._kind = kind

    def _text(self, sql: str) -> str:
        return over_array(sql, self._kind)


class PreparedForMany:
    """A statement over a list of ids, prepared once for each power of two; the list is padded to it
    by repeating the last id. For PostgreSQL the list is one array.
    """

    def __init__(self, make: Callable[[Sequence[BindParameter[int]]], Statement]) -> None:
        self._make = make
        self._sizes: dict[int, tuple[Prepared, Sequence[str]]] = {}
        self._over_arrays: dict[type, Prepared] = {}

    def run(
        self,
        driver: Driver,
        identifiers: Sequence[int] | Sequence[bytes] | Sequence[str],
        parameters: Mapping[str, Any] = _NOTHING,
    ) -> Sequence[Row]:
        """Run it for these ids; returns all its rows."""
        if len(identifiers) == 1:
            prepared, _names = self._sizes.get(1) or self._prepare(1)
            return prepared.run(driver, {"id_0": identifiers[0], **parameters})
        rows: list[Row] = []
        if driver.is_concurrent and identifiers:
            kind = type(identifiers[0])
            over = self._over_arrays.get(kind) or self._prepare_over_array(kind)
            for some in in_chunks(identifiers):
                rows += over.run(driver, {"ids": list(some), **parameters})
            return rows
        for some in in_chunks(identifiers):
            size = min(1 << (len(some) - 1).bit_length(), VALUES_PER_STATEMENT)
            prepared, names = self._sizes.get(size) or self._prepare(size)
            named = dict.fromkeys(names, some[-1])
            named.update(zip(names, some, strict=False))
            rows += prepared.run(driver, {**named, **parameters} if parameters else named)
        return rows

    def _prepare_over_array(self, kind: type) -> Prepared:
        make = partial(self._make, [bindparam("id_0"), bindparam("id_1")])
        over = self._over_arrays[kind] = _OverArray(make, KINDS_OF_VALUES[kind])
        return over

    def _prepare(self, size: int) -> tuple[Prepared, Sequence[str]]:
        names = [intern(f"id_{place}") for place in range(size)]
        prepared = Prepared(lambda: self._make([bindparam(name) for name in names]))
        self._sizes[size] = prepared, names
        return prepared, names


class InsertNew(Prepared):
    """An INSERT that leaves a row whose key exists as it is, and then returns nothing."""

    def _text(self, sql: str) -> str:
        # SQLAlchemy has a construct of its own for each database; both databases accept this.
        values, returning, columns = sql.partition(" RETURNING ")
        return f"{values} ON CONFLICT DO NOTHING{returning}{columns}"


def insert_columns(table: Table, *columns: str, kind: type[Prepared] = Prepared) -> Prepared:
    """An INSERT of rows with these columns."""
    return kind(insert(table).values({name: bindparam(name) for name in columns}))
