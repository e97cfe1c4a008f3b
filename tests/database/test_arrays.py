"""Statements of one row as statements of many, for PostgreSQL."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    String,
    Text,
    select,
)
from sqlalchemy.engine import make_url
from sqlalchemy.types import TypeEngine

from kodit.infrastructure import sqlalchemy as adapters
from kodit.infrastructure.sqlalchemy.arrays import kind_of, over_array, over_rows
from kodit.infrastructure.sqlalchemy.file_entities import PATHS
from kodit.infrastructure.sqlalchemy.prepared import PreparedForMany

KINDS = {"a": "bigint", "b": "text"}
ROWS = "FROM unnest(%(a)b::bigint[], %(b)b::text[]) AS given_rows(a, b)"


@pytest.mark.parametrize(
    ("of_row", "of_rows"),
    [
        (
            "INSERT INTO t (a, b) VALUES (%(a)s::BIGINT, %(b)s::VARCHAR)",
            f"INSERT INTO t (a, b) SELECT given_rows.a, given_rows.b {ROWS} WHERE true",
        ),
        (
            "INSERT INTO t (a, b, c) VALUES (%(a)s, lower(%(b)s), %(c)s) "
            "ON CONFLICT DO NOTHING RETURNING t.id",
            f"INSERT INTO t (a, b, c) SELECT given_rows.a, lower(given_rows.b), %(c)s {ROWS} "
            "WHERE true ON CONFLICT DO NOTHING",
        ),
        (
            "UPDATE t SET b=%(b)s::VARCHAR, c=%(c)s WHERE t.a = %(a)s::BIGINT",
            " ".join(("UPDATE t SET b=given_rows.b, c=%(c)s", ROWS, "WHERE t.a = given_rows.a")),
        ),
    ],
)
def test_a_statement_over_rows(of_row: str, of_rows: str) -> None:
    """Values that are the same for all rows stay as they are."""
    assert over_rows(of_row, KINDS) == of_rows


@pytest.mark.parametrize(
    "statement", ["DELETE FROM t WHERE t.a = %(a)s", "UPDATE t SET a=%(a)s", "SELECT %(a)s"]
)
def test_other_statements_have_no_rows(statement: str) -> None:
    with pytest.raises(ValueError, match="no INSERT of values"):
        over_rows(statement, KINDS)


def test_a_statement_over_an_array() -> None:
    of_two = "a IN (%(id_0)s, %(id_1)s) AND (b NOT IN (%(id_0)s, %(id_1)s)) AND c = %(c)s"
    over = "a = ANY(%(ids)b::bytea[]) AND (b <> ALL(%(ids)b::bytea[])) AND c = %(c)s"
    assert over_array(f"SELECT 1 WHERE {of_two}", "bytea") == f"SELECT 1 WHERE {over}"


@pytest.mark.parametrize("condition", ["a = 1", "a IN (%(id_0)s, %(id_1)s) AND b = %(id_0)s"])
def test_other_statements_have_no_array(condition: str) -> None:
    with pytest.raises(ValueError, match="no list of ids"):
        over_array(f"SELECT 1 WHERE {condition}", "bigint")


@pytest.mark.parametrize(
    ("column_type", "kind"),
    [
        (Integer(), "bigint"),
        (BigInteger(), "bigint"),
        (String(3), "text"),
        (Text(), "text"),
        (LargeBinary(), "bytea"),
        (Boolean(), "boolean"),
        (Float(), "double precision"),
    ],
)
def test_the_kind_of_a_column(column_type: TypeEngine[object], kind: str) -> None:
    """An array of limited texts would cut off what is too long, instead of refusing it."""
    assert kind_of(column_type) == kind


def test_a_column_without_a_kind() -> None:
    with pytest.raises(ValueError, match="DateTime"):
        kind_of(DateTime())


def test_every_statement_over_a_list_of_ids_has_a_form_over_an_array() -> None:
    dialect = make_url("postgresql+psycopg://").get_dialect()()
    found = 0
    for module in pkgutil.iter_modules(adapters.__path__, f"{adapters.__name__}."):
        for one in vars(importlib.import_module(module.name)).values():
            if isinstance(one, PreparedForMany):
                made = one._prepare_over_array(int)
                made._compile(dialect)
                found += 1
    assert found > 60


def test_on_sqlite_no_type_is_kept_for_each_of_many_ids() -> None:
    """Of hundreds of parameters, in each statement and size."""
    ids = PreparedForMany(lambda ids: select(PATHS.c.path).where(PATHS.c.id.in_(ids)))
    prepared, _names = ids._prepare(500)
    assert prepared._compile(make_url("sqlite://").get_dialect()())._types == {}
