"""Statements as text, run on a driver's cursor.

A parameter is written `:name`, as in SQLite. Texts use only SQL that both SQLite and PostgreSQL
accept, or have a form of their own for the latter. Two things are replaced for it here: `:name`,
and `LIKE`, which ignores the case of ASCII letters in SQLite; ILIKE does the same because all its
columns are compared by code points (`sqlalchemy/collation.py`).
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from typing import Any, Protocol

from kodit.infrastructure.sql.chunks import VALUES_PER_STATEMENT, in_chunks

Row = Sequence[Any]
Values = Sequence[int] | Sequence[bytes] | Sequence[str]

NOTHING: Mapping[str, Any] = {}

KINDS_OF_VALUES: Mapping[type, str] = {int: "bigint", bytes: "bytea", str: "text"}
"""PostgreSQL's types of the values of a list."""

ROWS_PER_FETCH = 64
"""Rows fetched at once, which costs half as much as fetching them one by one."""


_NAME = re.compile(r"(?<![:\w]):([a-z]\w*)")
_ARRAY = re.compile(r"%\((\w+)\)s(?=::\w+\[\])")


class Cursors(Protocol):
    """Provides the cursors of one connection, for as long as its transaction lasts."""

    @property
    def cursor(self) -> Any: ...

    @property
    def names_with_percent(self) -> bool:
        """Whether a parameter is written `%(name)s`."""
        ...

    def another_cursor(self) -> Any:
        """For reading a row while other statements run."""
        ...

    def streaming_cursor(self) -> Any:
        """For reading any number of rows, a few at a time, while other statements run."""
        ...


class Statement:
    """One statement; its parameters are single values, not lists."""

    def __init__(self, sql: str, *, postgresql: str | None = None) -> None:
        """`postgresql` is its text for that database, if it differs."""
        self.sql = sql
        self._postgresql = sql if postgresql is None else postgresql

    @cached_property
    def _with_percent(self) -> str:
        text = self._postgresql.replace(" LIKE ", " ILIKE ")
        named = _NAME.sub(r"%(\1)s", text.replace("%", "%%"))
        return _ARRAY.sub(r"%(\1)b", named)  # its binary form takes half as long to make

    def _for(self, driver: Cursors) -> str:
        return self._with_percent if driver.names_with_percent else self.sql

    def run(self, driver: Cursors, parameters: Mapping[str, Any] = NOTHING) -> Sequence[Row]:
        """All its rows."""
        cursor = driver.cursor
        cursor.execute(self._for(driver), parameters)
        rows: Sequence[Row] = cursor.fetchall()
        return rows

    def first(self, driver: Cursors, parameters: Mapping[str, Any] = NOTHING) -> Row | None:
        """The first row, if there is one; the others are not read."""
        with closing(driver.another_cursor()) as cursor:
            cursor.execute(self._for(driver), parameters)
            row: Row | None = cursor.fetchone()
            return row

    def stream(
        self, driver: Cursors, parameters: Mapping[str, Any] = NOTHING
    ) -> Generator[Row, None, None]:
        """Its rows one at a time, for callers that may stop early. At most `ROWS_PER_FETCH` of them
        are held in memory.
        """
        with closing(driver.streaming_cursor()) as cursor:
            cursor.execute(self._for(driver), parameters)
            while rows := cursor.fetchmany(ROWS_PER_FETCH):
                yield from rows


class StatementForMany:
    """A statement over a list of values, in place of `:ids` in its text. The text is made once for
    each power of two, and the list padded to it by repeating the last value. For PostgreSQL the
    list is one array.
    """

    def __init__(self, sql: str, *, postgresql: str | None = None) -> None:
        """`postgresql` is its text for that database, if it differs."""
        self._sql = sql
        self._postgresql = postgresql
        self._sizes: dict[int, tuple[Statement, Sequence[str]]] = {}
        self._over_arrays: dict[type, Statement] = {}

    def run(
        self, driver: Cursors, values: Values, parameters: Mapping[str, Any] = NOTHING
    ) -> Sequence[Row]:
        """All rows for these values; very many values are split over several statements."""
        rows: list[Row] = []
        for statement, named in self._parts(driver, values, parameters):
            rows += statement.run(driver, named)
        return rows

    def stream(
        self, driver: Cursors, values: Values, parameters: Mapping[str, Any] = NOTHING
    ) -> Iterator[Row]:
        """The same rows one at a time; see `Statement.stream`."""
        for statement, named in self._parts(driver, values, parameters):
            yield from statement.stream(driver, named)

    def _parts(
        self, driver: Cursors, values: Values, parameters: Mapping[str, Any]
    ) -> Iterator[tuple[Statement, Mapping[str, Any]]]:
        for some in in_chunks(values):
            if driver.names_with_percent:
                kind = type(some[0])
                over_array = self._over_arrays.get(kind) or self._make_over_array(kind)
                yield over_array, {"ids": list(some), **parameters}
                continue
            size = min(1 << (len(some) - 1).bit_length(), VALUES_PER_STATEMENT)
            statement, names = self._sizes.get(size) or self._make(size)
            named: dict[str, Any] = dict.fromkeys(names, some[-1])
            named.update(zip(names, some, strict=False))
            yield statement, {**named, **parameters} if parameters else named

    def _make_over_array(self, kind: type) -> Statement:
        text = self._sql if self._postgresql is None else self._postgresql
        array = f":ids::{KINDS_OF_VALUES[kind]}[]"
        text = text.replace(" NOT IN :ids", f" <> ALL({array})").replace(
            " IN :ids", f" = ANY({array})"
        )
        made = self._over_arrays[kind] = Statement(text)
        return made

    def of(self, size: int) -> Statement:
        """The statement for a list of this size."""
        return self._make(size)[0]

    def _make(self, size: int) -> tuple[Statement, Sequence[str]]:
        names = [f"id_{place}" for place in range(size)]
        listed = ", ".join(f":{name}" for name in names)
        texts = [
            None if text is None else text.replace(":ids", f"({listed})")
            for text in (self._sql, self._postgresql)
        ]
        made = self._sizes[size] = Statement(texts[0] or "", postgresql=texts[1]), names
        return made


class Parameters:
    """The parameters of a statement that is built from parts."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def of(self, value: Any) -> str:
        """The placeholder of a value in the text."""
        name = f"value_{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def of_all(self, values: Iterable[Any]) -> str:
        """A list of values, at least one."""
        return f"({', '.join(map(self.of, values))})"


def columns(table: str, names: Iterable[str]) -> str:
    """The columns of a table for a SELECT."""
    return ", ".join(f"{table}.{name}" for name in names)


_SMALL_LETTERS = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def lowered(text: str) -> str:
    """The text as SQL's `lower` returns it for a column: only ASCII letters are changed."""
    return text.translate(_SMALL_LETTERS)


def containing(text: str) -> str:
    """A text as part of a LIKE pattern with `ESCAPE '/'`."""
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")
