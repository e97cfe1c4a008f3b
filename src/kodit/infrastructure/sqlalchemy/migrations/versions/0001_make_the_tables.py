"""Create the tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "embeddings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("index_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
        sqlite_autoincrement=True,
    )
    op.create_index("embeddings_of_index", "embeddings", ["index_id"], unique=False)

    op.create_table(
        "enrichments",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("index_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
        sqlite_autoincrement=True,
    )
    op.create_index("enrichments_of_index", "enrichments", ["index_id"], unique=False)

    op.create_table(
        "index_runs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("index_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("is_follow_up", sa.Boolean(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'superseded')",
            name="state_is_known",
        ),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "one_active_and_one_waiting_run",
        "index_runs",
        ["index_id", "is_follow_up"],
        unique=True,
        sqlite_where=sa.text("state IN ('queued', 'running')"),
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_index("runs_of_index", "index_runs", ["index_id", "id"], unique=False)

    op.create_table(
        "indexes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("include", sa.Text(), nullable=False),
        sa.Column("exclude", sa.Text(), nullable=False),
        sa.Column("credentials", sa.Text(), nullable=True),
        sa.Column("commit_id", sa.String(length=64), nullable=True),
        sa.Column("history_commit_id", sa.String(length=64), nullable=True),
        sa.Column("scanned_at_ns", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.Text(), nullable=False),
        sa.Column("keyword_generation", sa.String(length=64), nullable=True),
        sa.Column("code_model", sa.Text(), nullable=True),
        sa.Column("text_model", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('git', 'folder')", name="kind_is_known"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "one_index_per_source", "indexes", ["kind", "location", "ref", "deleted_at"], unique=True
    )

    op.create_table(
        "keyword_changes",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("index_id", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("change_set", sa.BigInteger(), nullable=False),
        sa.Column("snippet_id", sa.BigInteger(), nullable=False),
        sa.Column("op", sa.String(length=8), nullable=False),
        sa.CheckConstraint("op IN ('add', 'remove')", name="op_is_known"),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "keyword_changes_of_index",
        "keyword_changes",
        ["index_id", "change_set", "seq"],
        unique=False,
    )
    op.create_index("keyword_changes_of_snippet", "keyword_changes", ["snippet_id"], unique=False)

    op.create_table(
        "pending_snippets",
        sa.Column("index_id", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("snippet_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("stage IN ('CODE_EMBEDDINGS', 'ENRICH')", name="stage_is_known"),
        sa.PrimaryKeyConstraint("index_id", "stage", "snippet_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("stages_of_pending_snippet", "pending_snippets", ["snippet_id"], unique=False)

    op.create_table(
        "vectors",
        sa.Column("index_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("snippet_id", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("embedding_id", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("kind IN ('code', 'text')", name="kind_is_known"),
        sa.PrimaryKeyConstraint("index_id", "kind", "snippet_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("vectors_of_embedding", "vectors", ["embedding_id"], unique=False)
    op.create_index("vectors_of_snippet", "vectors", ["snippet_id"], unique=False)

    op.create_table(
        "files",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("index_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("ctime_ns", sa.BigInteger(), nullable=False),
        sa.Column("inode", sa.BigInteger(), nullable=False),
        sa.Column("stale", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(length=32), nullable=True),
        sa.Column("extracted_hash", sa.String(length=64), nullable=True),
        sa.Column("extractor_version", sa.String(length=64), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "status IN ('clean', 'added', 'modified', 'deleted')", name="status_is_known"
        ),
        sa.ForeignKeyConstraint(
            ["index_id"],
            ["indexes.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("index_id", "path"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "stale_files",
        "files",
        ["index_id", "id"],
        unique=False,
        sqlite_where=sa.text("stale"),
        postgresql_where=sa.text("stale"),
    )
    op.create_index(
        "unclean_files",
        "files",
        ["index_id", "status"],
        unique=False,
        sqlite_where=sa.text("status <> 'clean'"),
        postgresql_where=sa.text("status <> 'clean'"),
    )

    op.create_table(
        "queue_pauses",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("paused_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name="only_one_pause"),
        sa.PrimaryKeyConstraint("id"),
    )

    op.create_table(
        "tasks",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("index_id", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("is_user_initiated", sa.Boolean(), nullable=False),
        sa.Column("run_has_started", sa.Boolean(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("claim_no", sa.BigInteger(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("lease_expires_at", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("available_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("progress_operation", sa.Text(), nullable=True),
        sa.Column("progress_current", sa.BigInteger(), nullable=False),
        sa.Column("progress_total", sa.BigInteger(), nullable=True),
        sa.Column("work", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('blocked', 'ready', 'running', 'succeeded', 'failed', 'skipped', "
            "'cancelled')",
            name="state_is_known",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["index_runs.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "claim_order",
        "tasks",
        [
            sa.literal_column("priority DESC"),
            sa.literal_column("is_user_initiated DESC"),
            "created_at",
            "id",
            "available_at",
            "type",
            "run_has_started",
            "state",
        ],
        unique=False,
        sqlite_where=sa.text("state = 'ready'"),
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.create_index(
        "running_tasks",
        "tasks",
        ["type"],
        unique=False,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index("tasks_of_index", "tasks", ["index_id"], unique=False)
    op.create_index("tasks_of_run", "tasks", ["run_id"], unique=False)

    op.create_table(
        "snippets",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("index_id", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("start_line", sa.Integer(), nullable=False),
        sa.Column("end_line", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=32), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=True),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.String(length=32), nullable=False),
        sa.Column("enrichment_id", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('live', 'superseded', 'removed')", name="state_is_known"),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["files.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("snippets_of_file", "snippets", ["file_id", "state"], unique=False)
    op.create_index("snippets_of_enrichment", "snippets", ["enrichment_id"], unique=False)
    op.create_index("snippets_of_index", "snippets", ["index_id", "state"], unique=False)
    op.create_index(
        "snippets_by_symbol",
        "snippets",
        [sa.literal_column("lower(symbol)")],
        unique=False,
        sqlite_where=sa.text("symbol IS NOT NULL"),
        postgresql_where=sa.text("symbol IS NOT NULL"),
    )

    op.create_table(
        "task_attempts",
        sa.Column("task_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("claim_no", sa.BigInteger(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('succeeded', 'failed', 'retried', 'released', 'lost', 'cancelled')",
            name="outcome_is_known",
        ),
        sa.ForeignKeyConstraint(
            ["task_id"],
            ["tasks.id"],
        ),
        sa.PrimaryKeyConstraint("task_id", "claim_no"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("task_attempts")
    op.drop_table("snippets")
    op.drop_table("tasks")
    op.drop_table("queue_pauses")
    op.drop_table("files")
    op.drop_table("vectors")
    op.drop_table("pending_snippets")
    op.drop_table("keyword_changes")
    op.drop_table("indexes")
    op.drop_table("index_runs")
    op.drop_table("enrichments")
    op.drop_table("embeddings")
