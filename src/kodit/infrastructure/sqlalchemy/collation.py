"""The order of texts in the database: by code points, with the cases of ASCII letters only.

SQLite has no other. On a server, columns take that of the database, by which `a-b` may be beside
`ab`, so that a range of paths would not be one, and rankings would differ.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from kodit.infrastructure.sqlalchemy.metadata import METADATA

_OTHERS = text(
    "SELECT pg_class.relname, pg_attribute.attname, "
    "format_type(pg_attribute.atttypid, pg_attribute.atttypmod) "
    "FROM pg_attribute JOIN pg_class ON pg_class.oid = pg_attribute.attrelid "
    "WHERE pg_class.relnamespace = CAST(CAST(current_schema() AS text) AS regnamespace) "
    "AND pg_class.relkind = 'r' AND NOT pg_attribute.attisdropped "
    "AND pg_attribute.attcollation NOT IN "
    "(0, (SELECT oid FROM pg_collation WHERE collname = 'C' AND collencoding = -1)) "
    "ORDER BY 1, 2"
)


def order_by_code_points(connection: Connection) -> None:
    """Give the columns of this program's tables that order, where they do not have it yet. Indexes
    over them are built again."""
    changes: dict[str, list[str]] = {}
    for table, column, kind in connection.execute(_OTHERS).all():
        if table in METADATA.tables:
            change = f'ALTER COLUMN "{column}" TYPE {kind} COLLATE "C"'
            changes.setdefault(table, []).append(change)
    for table, of_table in changes.items():
        connection.exec_driver_sql(f'ALTER TABLE "{table}" {", ".join(of_table)}')
