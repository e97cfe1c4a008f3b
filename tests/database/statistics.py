"""What SQLite's ANALYZE would find in a database of a million rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

MILLION = 1_000_000
INDEXES = 100

ROWS: Mapping[str, int] = {
    "indexes": INDEXES,
    "files": MILLION,
    "paths": MILLION,
    "file_histories": MILLION,
    "stale_files": MILLION,
    "versions": MILLION,
    "former_versions": MILLION,
    "snippets": 10 * MILLION,
    "snippet_texts": 10 * MILLION,
    "keyword_changes": MILLION,
    "pending_snippets": MILLION,
    "embeddings": 10 * MILLION,
    "vectors": 20 * MILLION,
    "enrichments": 10 * MILLION,
    "index_runs": MILLION,
    "tasks": 5 * MILLION,
    "task_attempts": 6 * MILLION,
    "queue_pauses": 1,
    "alembic_version": 1,
}
ACTIVE = 1_000
"""Rows in a partial index of waiting or running items."""
FEW_VALUES: Mapping[str, int] = {
    **dict.fromkeys(("state", "status", "stage", "kind", "type", "op", "priority"), 5),
    **dict.fromkeys(("is_follow_up", "is_user_initiated", "run_has_started"), 2),
    "index_id": INDEXES,
    "deleted_at": 2,
    "ref": 2,
    "language": 30,
    "problem": 10,
}
"""The number of distinct values of a column; any other has roughly one for each row."""
ROWS_PER_VALUE: Mapping[str, int] = {
    "path_id": 10,
    "version_id": 10,
    "run_id": 5,
    "task_id": 2,
    "embedding_id": 2,
    "enrichment_id": 2,
    "text_id": 2,
    "change_set": 50,
}
ACTIVE_INDEXES = (
    *("claim_order", "running_tasks", "tasks_in_back_off", "one_active_and_one_waiting_run"),
    *("failed_runs", "unclean_files", "unused_versions"),
)


def write_statistics(connection: sqlite3.Connection) -> None:
    """Make the planner believe that the tables are this large, with contents as after years of
    use.
    """
    connection.execute("ANALYZE")
    connection.execute("DELETE FROM sqlite_stat1")
    for table, rows in ROWS.items():
        indexes = connection.execute(f"PRAGMA index_list({table})").fetchall()
        for _seq, index, *_flags in indexes:
            held = ACTIVE if index in ACTIVE_INDEXES else rows
            columns = [row[2] for row in connection.execute(f"PRAGMA index_info({index})")]
            statistics = " ".join(map(str, [held, *_rows_per_prefix(columns, held, rows)]))
            connection.execute(
                "INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", (table, index, statistics)
            )
        if not indexes:
            connection.execute("INSERT INTO sqlite_stat1 VALUES (?, NULL, ?)", (table, str(rows)))
    connection.commit()


def _rows_per_prefix(columns: list[str | None], held: int, rows: int) -> list[int]:
    """How many rows of an index agree in its first column, its first two, and so on."""
    agree, found = held, []
    for column in columns:
        name = column or "an expression"
        values = FEW_VALUES.get(name) or max(1, held // ROWS_PER_VALUE.get(name, 1))
        agree = max(1, min(agree, agree // values))
        found.append(agree)
    return found
