"""The schema revision of this program, readable without SQLAlchemy."""

from __future__ import annotations

HEAD = "0026"
"""The newest revision. A test compares it with the migrations in this package."""
