"""The version of the keyword index on disk."""

from __future__ import annotations

SCHEMA_VERSION = "9"
"""The name of the index's folder: another version creates a separate index."""
