"""No statement of daily use reads or sorts more as the tables grow.

The statements are those of real use cases, recorded on their way to SQLite, so that a new one is
covered without being listed here. Each is planned with SQLite's default assumptions, as in the
field, where no table is ever analysed, and with the statistics of a million rows. And no database
index is kept in vain: without any one of them, some plan would be faulty.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from tests.database.statistics import ROWS, write_statistics
from tests.database.use_cases import index_and_search, work_through_the_queue
from tests.support.statements import Statements, statements_heard

from kodit.infrastructure.sqlalchemy.entities import (
    KEYWORD_HISTORY,
    METADATA,
    NODE_CURSORS,
    NODE_PACKS,
    NODES,
)
from kodit.infrastructure.vectors.pack_builder import refresh_pack

BIG = {table for table, rows in ROWS.items() if rows > 100}
"""The others have as many rows as there are indexes, or one."""

HISTORY = ("index_runs", "tasks", "task_attempts")
"""Tables of which no statement may read all rows of one index, or in one state."""

ACTIVE = (
    *("claim_order", "running_tasks", "tasks_in_back_off", "one_active_and_one_waiting_run"),
    *("unclean_files", "failed_runs", "unused_versions"),
)
"""Partial indexes of waiting, running or pending items: reading one completely is acceptable."""

NARROW = (
    *("rowid", "id", "path_id", "version_id", "run_id", "task_id", "snippet_id", "embedding_id"),
    "key",
)
"""Columns with few rows per value, so that rows found by them may be sorted."""

PARTIAL: Mapping[str, tuple[str, str]] = dict(
    sorted(
        (
            (str(index.name), (table.name, str(condition)))
            for table in METADATA.sorted_tables
            for index in table.indexes
            if (condition := index.dialect_options["sqlite"]["where"]) is not None
        ),
        key=lambda named: len(named[1][1]),
    )
)
"""The table and the condition of each partial index, the strictest last. A statement with that
condition should use it.
"""

EXCEPTIONS: Mapping[str, str] = {
    "WHERE NOT EXISTS (SELECT 1 FROM vectors WHERE vectors.embedding_id": "a migration, once",
    "WHERE NOT EXISTS (SELECT 1 FROM snippets WHERE snippets.enrichment_id": "a migration, once",
    "UPDATE files SET stale=? WHERE files.extracted_hash IS NOT NULL": "a migration, once",
    "SELECT index_runs.id, index_runs.state FROM index_runs WHERE state IN ('queued', 'running')": (
        "reads what waits and runs, and nothing that has ended"
    ),
    "SELECT 1 FROM former_versions LIMIT 1": "reads one row",
    "FROM index_runs ORDER BY index_runs.id DESC LIMIT": "reads the newest by key, and no further",
}
"""Acceptable plans, by a part of the statement, each with its reason."""

STATISTICS: Mapping[str, Callable[[sqlite3.Connection], object]] = {
    "none": lambda connection: None,
    "million": write_statistics,
}


class Heard:
    """All statements, and the database they were sent to."""

    def __init__(self, path: Path, statements: Statements) -> None:
        self.path = path
        self.statements = {
            sql: count
            for sql, count in statements.seen.items()
            if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", sql, re.IGNORECASE)
            and "sqlite_master" not in sql
        }


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Heard]:
    folder = tmp_path_factory.mktemp("plans")
    with pytest.MonkeyPatch.context() as patch, statements_heard(patch) as statements:
        index_and_search(folder)
        work_through_the_queue(folder / "data")
        refresh_pack(
            str(folder / "data" / "kodit.db"),
            str(folder / "data" / "vectors"),
            1,
            "code",
            "a model",
            report=lambda *_: None,
        )
    yield Heard(folder / "data" / "kodit.db", statements)


@pytest.fixture(scope="module")
def planners(
    heard: Heard, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, sqlite3.Connection]]:
    """A copy of the database for each set of statistics."""
    folder = tmp_path_factory.mktemp("planners")
    with ExitStack() as stack:
        connections = {}
        for name, write in STATISTICS.items():
            with closing(sqlite3.connect(heard.path)) as source:
                copy = stack.enter_context(closing(sqlite3.connect(folder / name)))
                source.backup(copy)
            write(copy)
            copy.close()  # statistics are read when a database is opened
            # SQLite does not plan an EXPLAIN again that is kept, even if the schema has changed.
            connections[name] = stack.enter_context(
                closing(sqlite3.connect(folder / name, cached_statements=0))
            )
        yield connections


@pytest.mark.parametrize("statistics", STATISTICS)
def test_no_statement_scans_or_sorts_a_big_table(
    heard: Heard, planners: Mapping[str, sqlite3.Connection], statistics: str
) -> None:
    """Nor does one read the whole history of an index."""
    bad = _faulty_plans(planners[statistics], heard.statements)
    assert {sql: plan for sql, plan in bad.items() if not _is_excepted(sql)} == {}


OF_SERVERS = {KEYWORD_HISTORY, NODE_CURSORS, NODE_PACKS, NODES}
"""Tables that stay empty on SQLite."""


@pytest.mark.parametrize(
    "index",
    sorted(
        str(index.name)
        for table in METADATA.sorted_tables
        for index in table.indexes
        if not index.unique  # the others are needed for what they keep apart
        and table not in OF_SERVERS
    ),
)
def test_every_index_is_needed(
    heard: Heard, planners: Mapping[str, sqlite3.Connection], index: str
) -> None:
    """Without it, a statement that uses it would read or sort what it should not."""
    lost = []
    for connection in planners.values():
        by_it = {
            sql: count
            for sql, count in heard.statements.items()
            if not _is_excepted(sql)
            and any(index in step.split() for step in _plan(connection, sql, count))
        }
        faulty_before = _faulty_plans(connection, by_it)
        connection.execute("SAVEPOINT with_it")
        connection.execute(f"DROP INDEX {index}")
        lost += [sql for sql in _faulty_plans(connection, by_it) if sql not in faulty_before]
        connection.execute("ROLLBACK TO with_it")
        connection.execute("RELEASE with_it")
    assert lost


def _is_excepted(sql: str) -> bool:
    return any(part in sql for part in EXCEPTIONS)


def _faulty_plans(
    connection: sqlite3.Connection, statements: Mapping[str, int]
) -> dict[str, list[str]]:
    """The plans that read or sort what they should not."""
    return {
        " ".join(sql.split()): plan
        for sql, count in statements.items()
        if (plan := faulty_plan(connection, sql, count))
    }


def faulty_plan(connection: sqlite3.Connection, sql: str, count: int) -> list[str]:
    """The plan of a statement, if it reads or sorts what it should not."""
    steps = _plan(connection, sql, count)
    tables = _tables_by_alias(sql)
    scans = [step for step in steps if _is_scan_of_much(step, tables)]
    sorts = any("TEMP B-TREE" in step and "DISTINCT" not in step for step in steps)
    searches = [step for step in steps if _is_wide_search(step, tables)]
    reads_history = any(
        tables.get(table, table) in HISTORY
        for table in map(_table_of, searches)
        if "LIMIT" not in sql
    )
    picks = any(_picks_from_history(step, sql, tables) for step in steps)
    misses = _misses_partial_index(sql, steps, tables)
    faulty = scans or reads_history or picks or misses or (sorts and searches)
    return steps if faulty else []


def _plan(connection: sqlite3.Connection, sql: str, count: int) -> list[str]:
    names = set(re.findall(r"(?<![\w:]):(\w+)", sql))
    values = dict.fromkeys(names, 1) if names else [1] * count
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


def _picks_from_history(step: str, sql: str, tables: Mapping[str, str]) -> bool:
    """Whether a step walks a history by its key, and a condition then drops any number of rows: it
    may walk to the end, whatever the limit is.
    """
    match = re.match(r"SEARCH (\w+) USING INTEGER PRIMARY KEY \(rowid[<>]\?\)", step)
    if match is None or tables.get(match[1], match[1]) not in HISTORY:
        return False
    (condition,) = re.findall(r"WHERE (.*?)(?: ORDER BY|$)", " ".join(sql.split()))[:1]
    return " AND " in condition


def _misses_partial_index(sql: str, steps: list[str], tables: Mapping[str, str]) -> bool:
    """Whether a statement has the condition of a partial index, and finds rows of that table by
    anything else than it or a selective key.
    """
    wanted = {
        table: name
        for name, (table, condition) in PARTIAL.items()
        if re.search(rf"WHERE.*(?<![\w.]){re.escape(condition)}(?!\w)", sql, re.DOTALL)
    }
    for step in steps:
        match = re.match(r"SEARCH (\w+) USING [^(]*(.*)", step)
        name = None if match is None else wanted.get(tables.get(match[1], match[1]))
        if match is None or name is None or name in step.split():
            continue
        if not any(f"{key}=?" in match[2].strip("()").split(" AND ") for key in NARROW):
            return True
    return False


def _table_of(step: str) -> str:
    return step.split()[1]


def _is_scan_of_much(step: str, tables: Mapping[str, str]) -> bool:
    match = re.match(r"SCAN (\w+)", step)
    return (
        match is not None
        and tables.get(match[1], match[1]) in BIG
        and not any(f"INDEX {name}" in step for name in ACTIVE)
    )


def _is_wide_search(step: str, tables: Mapping[str, str]) -> bool:
    """Whether a step may find any number of rows of a big table."""
    match = re.match(r"SEARCH (\w+) USING .*?\((.*)\)", step)
    if match is None or tables.get(match[1], match[1]) not in BIG:
        return False
    return not any(name in ACTIVE for name in step.split()) and not any(
        f"{name}=?" in match[2].split(" AND ") for name in NARROW
    )


def _tables_by_alias(sql: str) -> dict[str, str]:
    return {alias: table for table, alias in re.findall(r"(\w+) AS (\w+)", sql) if table in BIG}
