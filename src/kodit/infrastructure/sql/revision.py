"""The schema that this program works with. A look at it needs no SQLAlchemy."""

from __future__ import annotations

HEAD = "0013"
"""The newest revision. A test compares it with the migrations in this package."""
