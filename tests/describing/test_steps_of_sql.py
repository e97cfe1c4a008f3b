"""Statements of SQL, one by one."""

from __future__ import annotations

import pytest
from tests.describing.test_schemas import described, tables

CREATED = "create table carts (id int primary key, name text, n int default 1 unique not null);\n"
ID, NAME, N = "id int primary key", "name text", "n int not null unique default 1"
CARTS = [ID, NAME, N]
ONE = "unique (name, n) one"
BY_NAME = "index (name) by_name"


def after(statement: str) -> dict[str, list[str]]:
    return tables({"1.sql": f"{CREATED}{statement};\n"})


@pytest.mark.parametrize(
    ("statement", "carts"),
    [
        ("select 1", CARTS),
        ("truncate table carts", CARTS),
        ("comment on table carts is 'x'", CARTS),
        ("alter table carts add z int", [*CARTS, "z int"]),
        ("alter table if exists only carts add column if not exists z int", [*CARTS, "z int"]),
        ("alter table carts add (y int, z int)", [*CARTS, "y int", "z int"]),
        ("alter table carts add y int, add z int", [*CARTS, "y int", "z int"]),
        ("alter table carts add column unique_name int", [*CARTS, "unique_name int"]),
        ("alter table carts add key text", [*CARTS, "key text"]),
        ("alter table carts add column key text", [*CARTS, "key text"]),
        ("alter table carts add key (name)", [*CARTS, "index (name)"]),
        ("alter table carts add index by_name (name)", [*CARTS, BY_NAME]),
        ("alter table carts add unique (name)", [ID, "name text unique", N]),
        ("alter table carts add unique index one (name, n)", [*CARTS, ONE]),
        ("alter table carts add constraint one unique (name, n)", [*CARTS, ONE]),
        ("alter table carts add constraint one check (n > 1)", CARTS),
        ("alter table carts add primary key (name)", [ID, "name text primary key", N]),
        ("alter table carts add foreign key (name) references o", [ID, "name text → o", N]),
        (
            "alter table carts add constraint x foreign key (name) references others (a)",
            [ID, "name text → others.a", N],
        ),
        ("alter table carts drop name", [ID, N]),
        ("alter table carts drop column if exists name cascade", [ID, N]),
        ("alter table carts drop primary key", CARTS),
        ("alter table carts drop constraint name", CARTS),
        ("alter table carts drop foreign key name", CARTS),
        ("alter table carts drop check name", CARTS),
        ("alter table carts drop partition name", CARTS),
        ("alter table carts drop index one, add unique index one (name, n)", [*CARTS, ONE]),
        ("alter table carts add unique index one (name, n), drop index one", CARTS),
        ("alter table carts add unique index one (name, n), drop key one", CARTS),
        ("alter table carts add unique index one (name, n), drop constraint if exists one", CARTS),
        ("alter table carts rename name to title", [ID, "title text", N]),
        ("alter table carts rename column name to title", [ID, "title text", N]),
        ("alter table carts rename column name", CARTS),
        ("alter table carts rename constraint name to title", CARTS),
        ("alter table carts rename index name to title", CARTS),
        ("alter table carts modify name varchar(9)", [ID, "name varchar(9)", N]),
        ("alter table carts modify column name varchar(9)", [ID, "name varchar(9)", N]),
        ("alter table carts change name title varchar(9)", [ID, "title varchar(9)", N]),
        ("alter table carts change name name varchar(9)", [ID, "name varchar(9)", N]),
        ("alter table carts alter name type varchar(9)", [ID, "name varchar(9)", N]),
        ("alter table carts alter name set data type text using 'x'", CARTS),
        ("alter table carts alter column name set not null", [ID, "name text not null", N]),
        ("alter table carts alter n drop not null", [ID, NAME, "n int unique default 1"]),
        ("alter table carts alter n set default 2", [ID, NAME, "n int not null unique default 2"]),
        ("alter table carts alter n drop default", [ID, NAME, "n int not null unique"]),
        ("alter table carts alter name set statistics 100", CARTS),
        ("alter table carts alter n drop identity", CARTS),
        ("alter table carts alter n add generated always as identity", CARTS),
        ("alter table carts alter column name int not null", [ID, "name int not null", N]),
        ("create index on carts (name)", [*CARTS, "index (name)"]),
        ("create index by_name on only carts using hash (name)", [*CARTS, BY_NAME]),
        ("create unique index concurrently if not exists u on carts (n)", [*CARTS, "unique (n) u"]),
        ("create index by_name carts (name)", CARTS),
        ("create index by_name on carts (name); drop index by_name", CARTS),
        ("create index by_name on carts (name); drop index concurrently if exists by_name", CARTS),
        ("create index by_name on carts (name); drop index by_name on carts", CARTS),
        ("create index by_name on carts (name); drop index by_name on others", [*CARTS, BY_NAME]),
        ("create table if not exists carts (z int)", CARTS),
        ("create table carts (z int)", ["z int"]),
        ("create temporary table carts (z int)", CARTS),
        ("create trigger carts before insert on carts", CARTS),
        ("create type table as (z int)", CARTS),
        ("create procedure carts () as table", CARTS),
        ("create table carts partition of others for values in (1)", CARTS),
        ("create table carts like others", CARTS),
        ("create table carts", CARTS),
    ],
)  # fmt: skip
def test_a_statement(statement: str, carts: list[str]) -> None:
    """One that cannot be read, or changes no table, says nothing."""
    assert after(statement) == {"carts": carts}


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("drop table carts", []),
        ("drop view if exists carts", []),
        ("drop sequence carts", ["carts"]),
        ("create table x (a int); drop table x, carts", []),
        ("create table x (a int); drop table x carts", ["carts"]),
        ("alter table carts rename to baskets", ["baskets"]),
        ("alter table carts rename as baskets", ["baskets"]),
        ("rename table carts to baskets", ["baskets"]),
        ("rename table carts", ["carts"]),
        ("rename tables carts to baskets", ["carts"]),
        ("lock table carts to baskets", ["carts"]),
        ("create or replace view seen as select 1", ["carts", "seen"]),
        ("create materialized view if not exists seen as select 1", ["carts", "seen"]),
        ("create unlogged table x (a int)", ["carts", "x"]),
        ("create table x as select 1", ["carts", "x"]),
        (
            "create table x partition of carts default partition by list (cast(n as text))",
            ["carts"],
        ),
        ("create table x", ["carts"]),
    ],
)
def test_whole_tables(statement: str, names: list[str]) -> None:
    assert sorted(after(statement)) == names


def test_steps_after_a_renaming_in_the_same_statement() -> None:
    found = after("alter table carts rename to baskets, add z int")
    assert found == {"baskets": [*CARTS, "z int"]}


def test_views_are_not_tables() -> None:
    titles = [
        one.title for one in described({"1.sql": f"{CREATED}create view v as select 1;"}).parts
    ]
    assert titles == ["carts  (table, from SQL)", "v  (view, from SQL)"]


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("a int null", "a int"),
        ("a int not null null", "a int"),
        ("a int default (1 + 2) not null", "a int not null default (1 + 2)"),
        ("a int default now() unique", "a int unique default now()"),
        ("a int references b", "a int → b"),
        ("a int references s.b (c) on delete cascade", "a int → s.b.c"),
        ("a numeric(1, 2)", "a numeric(1, 2)"),
        ("a double precision", "a double precision"),
        ("a", "a"),
        ("a not null", "a not null"),
        ("`a b` int", "a b int"),
        ("[a] int", "a int"),
        ("a int generated always as (b * 2) stored", "a int"),
        ("a int collate x primary key", "a int primary key"),
        (f"a text default '{'x' * 80}'", f"a text default '{'x' * 59}"),
    ],
)
def test_a_column(text: str, column: str) -> None:
    assert tables({"1.sql": f"create table t ({text});"}) == {"t": [column]}


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("primary key (a, b)", ["a int primary key", "b int primary key"]),
        ("constraint x primary key (a)", ["a int primary key", "b int"]),
        ("primary key (z)", ["a int", "b int"]),
        ("unique (a)", ["a int unique", "b int"]),
        ("unique (z)", ["a int", "b int", "unique (z)"]),
        ("unique key x (a, b)", ["a int", "b int", "unique (a, b) x"]),
        ("unique index (a, b)", ["a int", "b int", "unique (a, b)"]),
        ("constraint x unique (a, b)", ["a int", "b int", "unique (a, b) x"]),
        ("fulltext key x (a)", ["a int", "b int", "index (a) x"]),
        ("spatial index (a)", ["a int", "b int", "index (a)"]),
        ("key x (a)", ["a int", "b int", "index (a) x"]),
        ("index (a)", ["a int", "b int", "index (a)"]),
        ("index text", ["a int", "b int", "index text"]),
        ("check (a > b)", ["a int", "b int"]),
        ("like other", ["a int", "b int"]),
        ("exclude using gist (a with =)", ["a int", "b int"]),
        ("foreign key (a, b) references o (x, y)", ["a int → o.x", "b int → o.y"]),
        ("foreign key (a, b) references o (x)", ["a int → o.x", "b int → o"]),
        ("foreign key (z) references o", ["a int", "b int"]),
        ("foreign key (a)", ["a int", "b int", "index (a)"]),
    ],
)
def test_a_constraint(text: str, rows: list[str]) -> None:
    assert tables({"1.sql": f"create table t (a int, b int, {text});"}) == {"t": rows}


@pytest.mark.parametrize(
    "text",
    ["-- migrate:down", "-- +goose Down", "-- +migrate Down", "--@undo", "-- rollback", "--down"],
)
def test_what_undoes_a_migration_is_left_out(text: str) -> None:
    assert after(f"\n{text} x\ndrop table carts") == {"carts": CARTS}
    whole = f"{text} x\ndrop table carts;\n-- migrate:up\n{CREATED}"
    assert tables({"1.sql": whole}) == {"carts": CARTS}
    assert [one.line for one in described({"1.sql": whole}).parts] == [4]
