"""How transactions of PostgreSQL begin."""

from __future__ import annotations

BEGIN_TO_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
BEGIN_TO_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
"""Each statement sees what was committed before it, so that a row that had to be waited for is seen
as it is then.
"""
