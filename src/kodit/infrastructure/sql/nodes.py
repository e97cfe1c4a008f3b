"""The node whose connection a statement runs on: on a server, several data directories share a
database.
"""

from __future__ import annotations

SETTING = "kodit.node"
"""The setting of a connection that has its name."""
THIS_NODE = f"coalesce(current_setting('{SETTING}', true), '')"
"""The name, within a statement for PostgreSQL; empty for a process without a data directory."""
