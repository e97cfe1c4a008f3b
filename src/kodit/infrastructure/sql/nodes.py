"""The node whose connection a statement runs on: on a server, several data directories share a
database.
"""

from __future__ import annotations

SETTING = "kodit.node"
"""The setting of a connection that has its name."""
THIS_NODE = f"coalesce(current_setting('{SETTING}', true), '')"
"""The name, within a statement for PostgreSQL; empty for a process without a data directory."""
NOTED_PACKS = (
    "SELECT indexes.id, coalesce(code.token, indexes.code_pack), "
    "coalesce(text.token, indexes.text_pack) FROM indexes "
    "LEFT JOIN node_packs AS code ON code.index_id = indexes.id AND code.kind = 'code' "
    f"AND code.node = {THIS_NODE} "
    "LEFT JOIN node_packs AS text ON text.index_id = indexes.id AND text.kind = 'text' "
    f"AND text.node = {THIS_NODE} WHERE "
)
"""The beginning of a statement for the packs of a node. An index has the last ones of any node: a
node that has noted none may have moved here with its own, and another one's has another token.
"""
