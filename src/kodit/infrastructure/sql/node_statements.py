"""Statements of PostgreSQL about the nodes that share a database."""

from __future__ import annotations

from kodit.infrastructure.sql.nodes import THIS_NODE
from kodit.infrastructure.sql.statements import Statement

_NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_IS_ALIVE = f"nodes.seen_at > {_NOW} - :alive_for"

ENTER_NODE = Statement(
    "INSERT INTO nodes (name, host, location, version, follows, seen_at) "
    f"VALUES ({THIS_NODE}, :host, :location, :version, :follows, {_NOW}) "
    "ON CONFLICT (name) DO UPDATE SET host = excluded.host, location = excluded.location, "
    "version = excluded.version, seen_at = excluded.seen_at, "
    # A command in the data directory of a server does not end its following.
    f"follows = excluded.follows OR (nodes.follows AND {_IS_ALIVE}) RETURNING 1"
)
FORGET_CURSORS = Statement(
    "DELETE FROM node_cursors WHERE node NOT IN "
    f"(SELECT name FROM nodes WHERE nodes.seen_at > {_NOW} - :kept_for) "
    f"AND node <> {THIS_NODE} RETURNING 1"
)
FORGET_HISTORY_OF_LOST = Statement(
    # What every node that is left has applied, or nobody follows any more.
    "DELETE FROM keyword_history WHERE NOT EXISTS (SELECT 1 FROM node_cursors "
    "WHERE node_cursors.index_id = keyword_history.index_id "
    "AND node_cursors.seq < keyword_history.seq) RETURNING 1"
)
FORGET_PACKS = Statement(
    f"DELETE FROM node_packs WHERE node <> {THIS_NODE} "
    "AND node NOT IN (SELECT name FROM nodes) RETURNING 1"
)
FORGET_NODES = Statement(
    f"DELETE FROM nodes WHERE name <> {THIS_NODE} "
    f"AND nodes.seen_at <= {_NOW} - :listed_for RETURNING 1"
)
LIST_NODES = Statement(
    "",
    postgresql="SELECT nodes.name, nodes.host, nodes.location, nodes.version, nodes.follows, "
    f"{_IS_ALIVE}, nodes.seen_at, "
    "(SELECT count(*) FROM keyword_history LEFT JOIN node_cursors AS theirs "
    "ON theirs.index_id = keyword_history.index_id AND theirs.node = nodes.name "
    "WHERE keyword_history.seq > coalesce(theirs.seq, 0)), "
    "(SELECT count(*) FROM indexes WHERE indexes.keyword_seq IS NOT NULL "
    "AND indexes.deleted_at = 0 AND NOT EXISTS (SELECT 1 FROM node_cursors AS theirs "
    "WHERE theirs.index_id = indexes.id AND theirs.node = nodes.name "
    "AND theirs.generation = indexes.keyword_generation AND theirs.is_filled)) "
    "FROM nodes ORDER BY nodes.host, nodes.location, nodes.name",
)
