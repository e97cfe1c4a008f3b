"""Statements of PostgreSQL for the keyword log that several nodes follow."""

from __future__ import annotations

from kodit.infrastructure.sql.nodes import THIS_NODE
from kodit.infrastructure.sql.statements import Statement

COLUMNS = ("index_id", "seq", "version_id", "change_set", "snippet_id", "op", "token")
"""Those of `keyword_changes` and `keyword_history`."""
_LISTED = ", ".join(COLUMNS)
COUNT = Statement(
    "SELECT (SELECT count(*) FROM keyword_history WHERE index_id = :of_index AND seq > :behind) "
    "+ (SELECT count(*) FROM keyword_changes WHERE index_id = :of_index AND seq > :behind)"
)
_HAD = (
    "SELECT count(*) FROM {0} AS log WHERE log.index_id = :of_index AND log.seq > :behind AND "
    "EXISTS (SELECT 1 FROM files WHERE files.version_id = log.version_id "
    "AND files.index_id = :had_by)"
)
COUNT_FOR = Statement(
    f"SELECT ({_HAD.format('keyword_history')}) + ({_HAD.format('keyword_changes')})"
)
LOCK = Statement("", postgresql="SELECT 1 FROM indexes WHERE id = :of_index FOR UPDATE")
WAS_LED = Statement(
    "SELECT 1 FROM keyword_history WHERE index_id = :of_index AND seq = :at AND token = :with_token"
)
IS_FIRST = Statement(
    "SELECT 1 FROM indexes WHERE id = :of_index AND keyword_generation = :of_generation "
    "AND keyword_seq = :at AND keyword_token = :with_token"
)
ADVANCE_CURSOR = Statement(
    "INSERT INTO node_cursors (node, index_id, generation, seq, token, is_filled) "
    f"VALUES ({THIS_NODE}, :of_index, :of_generation, :at, :with_token, TRUE) "
    "ON CONFLICT (node, index_id) DO UPDATE SET generation = excluded.generation, "
    "seq = excluded.seq, token = excluded.token, is_filled = TRUE "
    "WHERE node_cursors.generation <> excluded.generation OR node_cursors.seq < excluded.seq "
    "RETURNING 1"
)
_CURSORS = (
    "FROM node_cursors JOIN indexes ON indexes.id = node_cursors.index_id "
    "AND indexes.keyword_generation = node_cursors.generation "
    "WHERE node_cursors.index_id = :of_index"
)
MOVE = Statement(
    # Only for other nodes that are at an earlier position.
    f"WITH moved AS (DELETE FROM keyword_changes WHERE index_id = :of_index AND seq <= :at "
    f"RETURNING {_LISTED}) INSERT INTO keyword_history ({_LISTED}) "
    f"SELECT {_LISTED} FROM moved WHERE EXISTS "
    f"(SELECT 1 {_CURSORS} AND node_cursors.node <> {THIS_NODE}) RETURNING 1"
)
CUT = Statement(
    "DELETE FROM keyword_history WHERE index_id = :of_index "
    f"AND seq <= (SELECT min(node_cursors.seq) {_CURSORS}) RETURNING 1"
)
FORGET_HISTORY = Statement("DELETE FROM keyword_history WHERE index_id = :of_index RETURNING 1")
START_OVER = Statement(
    "INSERT INTO node_cursors (node, index_id, generation, seq, token, is_filled) "
    f"SELECT {THIS_NODE}, id, keyword_generation, keyword_seq, keyword_token, FALSE FROM indexes "
    "WHERE id = :of_index AND keyword_seq IS NOT NULL AND keyword_generation <> '' "
    "ON CONFLICT (node, index_id) DO UPDATE SET generation = excluded.generation, "
    "seq = excluded.seq, token = excluded.token, is_filled = FALSE RETURNING 1"
)
NOTE_FILLED = Statement(
    "UPDATE node_cursors SET is_filled = TRUE "
    f"WHERE node = {THIS_NODE} AND index_id = :of_index AND generation = :of_generation "
    "AND seq = :at AND token = :with_token AND NOT is_filled RETURNING 1"
)
BEHIND = Statement(
    "SELECT indexes.id FROM indexes LEFT JOIN node_cursors AS mine "
    f"ON mine.index_id = indexes.id AND mine.node = {THIS_NODE} "
    "WHERE indexes.keyword_seq IS NOT NULL AND indexes.keyword_generation <> '' "
    "AND (indexes.deleted_at = 0 OR indexes.is_store) AND (mine.seq IS NULL "
    "OR mine.generation <> indexes.keyword_generation OR mine.seq < indexes.keyword_seq "
    "OR NOT mine.is_filled) "
    "ORDER BY indexes.id"
)
UNLED = Statement(
    "",
    # From one index to the next: a log may be long.
    postgresql="WITH RECURSIVE logged (id) AS ("
    "(SELECT index_id FROM keyword_changes ORDER BY index_id LIMIT 1) UNION ALL "
    "SELECT (SELECT index_id FROM keyword_changes WHERE index_id > logged.id "
    "ORDER BY index_id LIMIT 1) FROM logged WHERE logged.id IS NOT NULL) "
    "SELECT logged.id FROM logged JOIN indexes ON indexes.id = logged.id "
    "WHERE indexes.keyword_generation <> '' AND (indexes.deleted_at = 0 OR indexes.is_store) "
    "AND NOT EXISTS (SELECT 1 FROM tasks JOIN index_runs ON index_runs.id = tasks.run_id "
    "WHERE tasks.index_id = logged.id AND tasks.type = 'BM25_INDEX' "
    "AND tasks.state IN ('blocked', 'ready', 'running') "
    "AND index_runs.state IN ('queued', 'running') AND NOT index_runs.is_follow_up) "
    "ORDER BY logged.id",
)
NOTE_NODE_PACK = Statement(
    "INSERT INTO node_packs (node, index_id, kind, token) "
    f"VALUES ({THIS_NODE}, :of_index, :of_kind, :with_token) "
    "ON CONFLICT (node, index_id, kind) DO UPDATE SET token = excluded.token RETURNING 1"
)
NODE_PACK = Statement(
    "SELECT token FROM node_packs "
    f"WHERE node = {THIS_NODE} AND index_id = :of_index AND kind = :of_kind"
)
