"""Add database indexes for runs, tasks, snippets and files"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("runs_by_rank", "index_runs", ["index_id", "is_follow_up", sa.text("id DESC")])
    op.create_index("runs_by_state", "index_runs", ["state", "id"])
    _create_partial("failed_runs", "index_runs", ["index_id"], "state = 'failed'")
    _create_partial("runs_by_end", "index_runs", ["finished_at", "id"], "finished_at IS NOT NULL")
    op.drop_index("running_tasks", table_name="tasks")
    _create_partial("running_tasks", "tasks", ["state", "type"], "state = 'running'")
    _create_partial(
        "tasks_in_back_off", "tasks", ["available_at"], "state = 'ready' AND available_at > 0"
    )
    op.drop_index("snippets_of_index", table_name="snippets")
    op.create_index("snippets_of_index", "snippets", ["index_id", "state", "kind"])
    _create_partial(
        "files_with_problem",
        "files",
        ["index_id", "problem", "language", "status"],
        "problem IS NOT NULL",
    )


def downgrade() -> None:
    op.drop_index("files_with_problem", table_name="files")
    op.drop_index("snippets_of_index", table_name="snippets")
    op.create_index("snippets_of_index", "snippets", ["index_id", "state"])
    op.drop_index("tasks_in_back_off", table_name="tasks")
    op.drop_index("running_tasks", table_name="tasks")
    _create_partial("running_tasks", "tasks", ["type"], "state = 'running'")
    for name in ("runs_by_end", "failed_runs", "runs_by_state", "runs_by_rank"):
        op.drop_index(name, table_name="index_runs")


def _create_partial(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
