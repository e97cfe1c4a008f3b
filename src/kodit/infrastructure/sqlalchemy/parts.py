"""Parts of an index: what lies in a folder of it, or one of its files."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, or_

from kodit.infrastructure.sqlalchemy.entities import FILES


def is_within(part: str) -> ColumnElement[bool]:
    """The condition that a file lies in a folder, by its relative path, or is the file there."""
    # Text by code points: `a/` is before all that lies in `a`, and `a0` behind it.
    return or_(FILES.c.path == part, and_(FILES.c.path > f"{part}/", FILES.c.path < f"{part}0"))
