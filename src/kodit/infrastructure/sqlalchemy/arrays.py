"""Statements over many values or rows, which PostgreSQL takes as arrays.

A statement then has the same short text for any number of them, and is sent once. psycopg does not
cache what it makes of a text with more than 50 parameters, and sends each row of an `executemany`
by itself. Arrays are sent in their binary form (`%b`), which takes half as long to make.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Boolean, Float, Integer, LargeBinary, String
from sqlalchemy.types import TypeEngine

_KINDS_OF_COLUMNS: Mapping[type[TypeEngine[Any]], str] = {
    BigInteger: "bigint",
    Integer: "bigint",
    String: "text",  # also of limited ones: a cast to one would cut a value that is too long
    LargeBinary: "bytea",
    Boolean: "boolean",
    Float: "double precision",
}
_LIST = re.compile(r"(NOT )?IN \(%\(id_0\)s, %\(id_1\)s\)")
_PARAMETER = re.compile(r"%\((\w+)\)s(?:::[A-Z]+)?")
_ROWS = "given_rows"


def over_array(sql: str, kind: str) -> str:
    """A statement over the list `(id_0, id_1)` as one over the array `ids`, whose values are of
    this kind. Raises ValueError if it has no such list."""

    def replaced(found: re.Match[str]) -> str:
        return f"{'<> ALL' if found[1] else '= ANY'}(%(ids)b::{kind}[])"

    text, count = _LIST.subn(replaced, sql)
    if not count or "%(id_" in text:
        raise ValueError(f"no list of ids: {sql}")
    return text


def kind_of(column_type: TypeEngine[Any]) -> str:
    """The kind of the values of a column. Raises ValueError for a type that has no array here."""
    for one, kind in _KINDS_OF_COLUMNS.items():
        if isinstance(column_type, one):
            return kind
    raise ValueError(f"no array of {column_type!r}")


def over_rows(sql: str, kinds: Mapping[str, str]) -> str:
    """An INSERT or UPDATE of one row as one of many: each of its parameters in `kinds` is an array
    of values of that kind, which has one for each row. Returns no rows. Raises ValueError for
    another statement."""
    names = [name for name in kinds if f"%({name})s" in sql]

    def of_row(found: re.Match[str]) -> str:
        return f"{_ROWS}.{found[1]}" if found[1] in kinds else found[0]

    arrays = ", ".join(f"%({name})b::{kinds[name]}[]" for name in names)
    rows = f"unnest({arrays}) AS {_ROWS}({', '.join(names)})"
    head, _, tail = sql.partition(" RETURNING ")[0].partition(" VALUES (")
    if sql.startswith("INSERT INTO ") and tail:
        values, _, conflict = tail.rpartition(")")
        chosen = " ".join((head, "SELECT", _PARAMETER.sub(of_row, values), "FROM", rows))
        return f"{chosen} WHERE true{conflict}"
    setting, _, condition = sql.partition(" WHERE ")
    if sql.startswith("UPDATE ") and condition:
        changed, wanted = (_PARAMETER.sub(of_row, text) for text in (setting, condition))
        return f"{changed} FROM {rows} WHERE {wanted}"
    raise ValueError(f"no INSERT of values, and no UPDATE of a row: {sql}")
