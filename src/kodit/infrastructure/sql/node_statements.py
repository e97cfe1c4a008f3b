"""Statements of PostgreSQL about the nodes that share a database."""

from __future__ import annotations

from kodit.infrastructure.sql.nodes import THIS_NODE
from kodit.infrastructure.sql.statements import Statement

_NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_IS_ALIVE = f"nodes.seen_at > {_NOW} - :alive_for"
_KEY = "hashtextextended(current_schema() || E'\\n{0}\\n' || {1}, 0)"
WORKER_KEY = _KEY.format("worker", "{}")
"""The lock of the server that a worker holds as long as it lives, by an expression for its name."""
NODE_KEY = _KEY.format("node", "{}")
"""That of the process that keeps the engines of a node up to date."""
GRACE_SECONDS = 15.0
"""After a restart of the server, they all need a moment to take their locks again."""
HAS_JUST_STARTED = "clock_timestamp() - pg_postmaster_start_time() < make_interval(secs => :grace)"
_IS_LED = f"({HAS_JUST_STARTED} OR NOT pg_try_advisory_xact_lock({NODE_KEY.format('nodes.name')}))"

ENTER_WORKER = (
    "INSERT INTO workers (name, host, rules, entered_at, node) "
    f"VALUES (%s, %s, %s, {_NOW}, {THIS_NODE}) ON CONFLICT DO NOTHING"
)
"""For the worker's own connection, which executes it as it is."""
ENTER_NODE = Statement(
    "INSERT INTO nodes (name, host, location, version, searches, follows, seen_at) "
    f"VALUES ({THIS_NODE}, :host, :location, :version, :searches, :follows, {_NOW}) "
    "ON CONFLICT (name) DO UPDATE SET host = excluded.host, location = excluded.location, "
    "version = excluded.version, seen_at = excluded.seen_at, "
    # A command in the data directory of a server does not end its following.
    f"follows = excluded.follows OR (nodes.follows AND {_IS_ALIVE}), "
    f"searches = excluded.searches OR (nodes.searches AND nodes.follows AND {_IS_ALIVE}) "
    "RETURNING 1"
)
STOP_FOLLOWING = Statement(
    f"UPDATE nodes SET follows = FALSE WHERE name = {THIS_NODE} AND follows RETURNING 1"
)
SEARCHING = Statement(
    "",
    postgresql="SELECT DISTINCT host FROM nodes "
    f"WHERE nodes.searches AND nodes.follows AND {_IS_ALIVE} AND {_IS_LED} ORDER BY host",
)
AWAITING = Statement(
    "",
    postgresql="SELECT id, index_id FROM tasks WHERE state = 'ready' AND available_at > 0 "
    "AND index_id IS NOT NULL AND position(:code IN error_about) > 0",
)
FORGET_CURSORS = Statement(
    "",
    postgresql="DELETE FROM node_cursors WHERE node NOT IN (SELECT name FROM nodes "
    f"WHERE nodes.searches AND nodes.seen_at > {_NOW} - :kept_for) RETURNING 1",
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
    postgresql="SELECT nodes.name, nodes.host, nodes.location, nodes.version, nodes.searches, "
    "EXISTS (SELECT 1 FROM workers WHERE workers.node = nodes.name "
    f"AND NOT pg_try_advisory_xact_lock({WORKER_KEY.format('workers.name')})), "
    f"nodes.follows AND {_IS_LED}, {_IS_ALIVE}, nodes.seen_at, "
    "(SELECT count(*) FROM keyword_history LEFT JOIN node_cursors AS theirs "
    "ON theirs.index_id = keyword_history.index_id AND theirs.node = nodes.name "
    "WHERE keyword_history.seq > coalesce(theirs.seq, 0)), "
    "(SELECT count(*) FROM indexes WHERE indexes.keyword_seq IS NOT NULL "
    "AND indexes.deleted_at = 0 AND NOT EXISTS (SELECT 1 FROM node_cursors AS theirs "
    "WHERE theirs.index_id = indexes.id AND theirs.node = nodes.name "
    "AND theirs.generation = indexes.keyword_generation AND theirs.is_filled)) "
    "FROM nodes ORDER BY nodes.host, nodes.location, nodes.name",
)
