"""The version of the keyword index on the disk."""

from __future__ import annotations

SCHEMA_VERSION = "7"
"""The name of the index's folder: another version starts an index of its own."""
