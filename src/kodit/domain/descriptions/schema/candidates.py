"""Which files may define tables, before they are read."""

from __future__ import annotations

import re

READER_VERSION = 3
"""Raised whenever something else is read from the same text."""
HINTS = (
    *("models\tdjango.", "migrations\tdjango.", "\tModel\tdjango.db"),
    *("AppConfig\tdjango.", "AppConfig\tapps\t"),
    *("\tColumn", "\tmapped_column", "\tDeclarativeBase", "\tdeclarative_base", "\tMapped"),
    *("\tTable\t", "SQLModel", "alembic", "\tModel\tdb"),
)
"""Parts of the mentions of Python files that may define tables: of their imports, bases and
calls."""
_DOWN_FILE = re.compile(r"(^|[._/-])(down|undo|rollback)([._/-]|$)|(^|/)U\d[^/]*$", re.IGNORECASE)
_MODELS = re.compile(r"(^|/)models(\.py$|/)")
_RAILS = re.compile(r"(^|/)db/(\w*schema\.rb|migrate/[^/]+\.rb)$")


def may_say_something(path: str, language: str) -> bool:
    """Whether a file may define tables, by its path and language; of Python files, only the
    mentions tell."""
    name = path.rpartition("/")[2]
    if language == "sql" or name.endswith(".sql"):
        return _DOWN_FILE.search(name.removesuffix(".sql")) is None
    if language == "python":
        return _MODELS.search(path) is not None
    return name.endswith(".prisma") or (language == "ruby" and _RAILS.search(path) is not None)
