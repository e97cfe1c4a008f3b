"""No statement of daily use reads, or sorts, more and more as the tables grow.

The statements are those that real use cases run, heard on their way to SQLite, so that a new one
is covered without being listed here. Each is planned by what SQLite assumes of tables that it knows
nothing of, as it does in the field, where nothing ever analyses them, and by the statistics of a
million rows.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from tests.database.statistics import ROWS, write_statistics
from tests.database.use_cases import index_and_search, work_through_the_queue
from tests.support.statements import Statements, statements_heard

from kodit.infrastructure.vectors.pack_builder import refresh_pack

BIG = {table for table, rows in ROWS.items() if rows > 100}
"""The others have as many rows as there are indexes, or one."""

HISTORY = ("index_runs", "tasks", "task_attempts")
"""Tables of which nothing may read all that belongs to one index, or is in one state."""

ACTIVE = (
    *("claim_order", "running_tasks", "tasks_in_back_off", "one_active_and_one_waiting_run"),
    *("stale_files", "unclean_files", "failed_runs"),
)
"""Partial indexes that hold what waits, runs or has to be done: to read all of one is fine."""

NARROW = ("rowid", "id", "file_id", "run_id", "task_id", "snippet_id", "embedding_id", "key")
"""Columns of which few rows have the same value, so that what is found by them may be sorted."""

EXCEPTIONS: Mapping[str, str] = {
    "WHERE NOT EXISTS (SELECT 1 FROM vectors WHERE vectors.embedding_id": "a migration, once",
    "WHERE NOT EXISTS (SELECT 1 FROM snippets WHERE snippets.enrichment_id": "a migration, once",
    "UPDATE files SET stale=? WHERE files.extracted_hash IS NOT NULL": "a migration, once",
    "FROM index_runs ORDER BY index_runs.id DESC LIMIT": "reads the newest by key, and no further",
}
"""Plans that may be as they are, by a part of the statement, each with its reason."""

STATISTICS: Mapping[str, Callable[[sqlite3.Connection], object]] = {
    "none": lambda connection: None,
    "million": write_statistics,
}


class Heard:
    """All statements, and the database they were given to."""

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


@pytest.mark.parametrize("statistics", STATISTICS)
def test_no_statement_scans_or_sorts_a_big_table(
    heard: Heard, statistics: str, tmp_path: Path
) -> None:
    """Nor does one read the whole history of an index."""
    copy = tmp_path / "kodit.db"
    with closing(sqlite3.connect(heard.path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        STATISTICS[statistics](target)
    with closing(sqlite3.connect(copy)) as connection:
        bad = {
            " ".join(sql.split()): plan
            for sql, count in heard.statements.items()
            if (plan := faulty_plan(connection, sql, count))
        }
    assert {
        sql: plan for sql, plan in bad.items() if not any(part in sql for part in EXCEPTIONS)
    } == {}


def faulty_plan(connection: sqlite3.Connection, sql: str, count: int) -> list[str]:
    """The plan of a statement, if it reads or sorts what it should not."""
    names = set(re.findall(r"(?<![\w:]):(\w+)", sql))
    values = dict.fromkeys(names, 1) if names else [1] * count
    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    tables = _tables_by_alias(sql)
    scans = [step for step in steps if _is_scan_of_much(step, tables)]
    sorts = any("TEMP B-TREE" in step and "DISTINCT" not in step for step in steps)
    searches = [step for step in steps if _is_wide_search(step, tables)]
    reads_history = "LIMIT" not in sql and any(
        tables.get(table, table) in HISTORY for table in map(_table_of, searches)
    )
    return steps if scans or reads_history or (sorts and searches) else []


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
