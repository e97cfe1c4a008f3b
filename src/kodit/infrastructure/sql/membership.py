"""Which versions belong to indexes that share some with others, by the stores that hold them.

The versions of an index that shares nothing are those of its store, and nothing is read here.
Otherwise what was read is kept with the connection until one of the indexes or stores has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Set
from threading import Lock
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from kodit.domain.search import Lagging
from kodit.infrastructure.sql.nodes import THIS_NODE
from kodit.infrastructure.sql.statements import Cursors, Statement, StatementForMany

_INDEXES = Statement(
    "SELECT indexes.id, indexes.members, indexes.shares, indexes.deleted_at FROM indexes"
)
_MEMBERS = StatementForMany(
    "SELECT versions.index_id, versions.id FROM files "
    "JOIN versions ON versions.id = files.version_id WHERE files.index_id IN :ids"
)
_FORMER_MEMBERS = StatementForMany(
    "SELECT versions.index_id, versions.id FROM former_versions "
    "JOIN versions ON versions.id = former_versions.version_id "
    "WHERE former_versions.index_id IN :ids"
)
_IN_STORES = StatementForMany(
    "SELECT versions.index_id, versions.id FROM versions WHERE versions.index_id IN :ids"
)
_LIVE = "SELECT 1 FROM snippets WHERE snippets.version_id = {} AND snippets.state = 'live'"
_KEPT = StatementForMany(
    "SELECT former_versions.index_id, former_versions.path_id, former_versions.version_id, "
    f"files.version_id, EXISTS ({_LIVE.format('former_versions.version_id')}) "
    "FROM former_versions JOIN files ON files.index_id = former_versions.index_id "
    "AND files.path_id = former_versions.path_id "
    "WHERE former_versions.index_id IN :ids ORDER BY former_versions.version_id"
)
_NOT_LOGGED = StatementForMany(
    "SELECT DISTINCT snippets.version_id FROM snippets "
    "JOIN keyword_changes ON keyword_changes.snippet_id = snippets.id "
    "WHERE snippets.version_id IN :ids",
    postgresql="SELECT snippets.version_id FROM snippets "
    "JOIN keyword_changes ON keyword_changes.snippet_id = snippets.id "
    "WHERE snippets.version_id IN :ids UNION SELECT snippets.version_id FROM snippets "
    "JOIN keyword_history ON keyword_history.snippet_id = snippets.id "
    "JOIN indexes ON indexes.id = keyword_history.index_id "
    "LEFT JOIN node_cursors AS mine ON mine.index_id = indexes.id "
    f"AND mine.node = {THIS_NODE} AND mine.generation = indexes.keyword_generation "
    "WHERE snippets.version_id IN :ids "
    "AND keyword_history.seq > coalesce(mine.seq, indexes.keyword_seq)",
)
_NOT_EMBEDDED = StatementForMany(
    "SELECT DISTINCT snippets.version_id, pending_snippets.stage FROM snippets "
    "JOIN pending_snippets ON pending_snippets.snippet_id = snippets.id "
    "WHERE snippets.version_id IN :ids"
)
STILL_THERE = StatementForMany(
    "SELECT files.version_id, files.index_id FROM files WHERE files.version_id IN :ids "
    "AND files.status <> 'd'"
)
_FORMERLY_THERE = StatementForMany(
    "SELECT former_versions.version_id, former_versions.index_id FROM former_versions "
    "JOIN files ON files.index_id = former_versions.index_id "
    "AND files.path_id = former_versions.path_id "
    "WHERE former_versions.version_id IN :ids AND files.status <> 'd'"
)
_CACHE = __name__
_held: WeakValueDictionary[int, frozenset[int]] = WeakValueDictionary()
_holding = Lock()
"""Large sets by their hash, as long as a connection caches them."""
MOST_KEPT = 64
"""How many sets of indexes a connection remembers."""


class Indexes(NamedTuple):
    """Every index that is not being deleted, those of them that share versions, and how often the
    versions of each index or store have changed."""

    every: Set[int]
    sharing: Set[int]
    members: Mapping[int, int]


class Membership(NamedTuple):
    """The versions of some indexes: those of the stores in `whole` without `absent`, and those
    `listed`, which are in `listed_stores`."""

    whole: frozenset[int]
    absent: frozenset[int]
    listed_stores: frozenset[int]
    listed: frozenset[int]


def held_once(ids: frozenset[int]) -> frozenset[int]:
    """An equal set, which all connections hold together: each caches the ids of thousands of unused
    versions for every choice of indexes."""
    with _holding:
        held = _held.get(hash(ids))
        if held == ids:
            return held
        _held[hash(ids)] = ids
        return ids


def read_indexes(driver: Cursors) -> Indexes:
    """What is known about all indexes."""
    rows = _INDEXES.run(driver)
    return Indexes(
        {row[0] for row in rows if not row[3]},
        {row[0] for row in rows if row[2] and not row[3]},
        {row[0]: row[1] for row in rows},
    )


def had_by(
    driver: Cursors,
    version_ids: Iterable[int],
    index_ids: Set[int],
    passing: Set[tuple[int, int]] | None,
) -> dict[int, list[int]]:
    """By version, those of these indexes whose files have it or, if none, had it; of the versions
    of indexes in `passing`, None for all."""
    found: dict[int, set[int]] = {}
    for statement in (STILL_THERE, _FORMERLY_THERE):
        missing = sorted(one for one in version_ids if one not in found)
        for version_id, index_id in statement.run(driver, missing) if missing else ():
            passes = passing is None or (version_id, index_id) in passing
            if passes and index_id in index_ids:
                found.setdefault(version_id, set()).add(index_id)
    return {version_id: sorted(ids) for version_id, ids in found.items()}


def membership_of(
    driver: Cursors, info: MutableMapping[Any, Any], wanted: frozenset[int], indexes: Indexes
) -> Membership:
    """The versions of some indexes, of which at least one shares some."""
    known: dict[frozenset[int], tuple[Mapping[int, int], Membership]] = info.setdefault(_CACHE, {})
    if wanted in known:
        members, membership = known[wanted]
        if all(indexes.members.get(one) == count for one, count in members.items()):
            return membership
    membership = _read(driver, wanted)
    if len(known) >= MOST_KEPT:
        known.clear()
    concerned = wanted | membership.whole | membership.listed_stores
    known[wanted] = {one: indexes.members.get(one, 0) for one in concerned}, membership
    return membership


def _read(driver: Cursors, wanted: frozenset[int]) -> Membership:
    had: dict[int, set[int]] = {index_id: set() for index_id in wanted}
    for statement in (_MEMBERS, _FORMER_MEMBERS):
        for store_id, version_id in statement.run(driver, sorted(wanted)):
            had.setdefault(store_id, set()).add(version_id)
    stored: dict[int, set[int]] = {}
    for store_id, version_id in _IN_STORES.run(driver, sorted(had)):
        stored.setdefault(store_id, set()).add(version_id)
    whole = {one for one, ids in had.items() if 2 * len(ids) > len(stored.get(one, ()))} | wanted
    parts = had.keys() - whole
    return Membership(
        frozenset(whole),
        held_once(frozenset().union(*(stored.get(one, set()) - had[one] for one in whole))),
        frozenset(parts),
        held_once(frozenset().union(*(had[one] for one in parts))),
    )


def lagging(driver: Cursors, index_ids: Iterable[int]) -> Lagging:
    """The versions that an engine does not search: of a file with former versions whose snippets
    are still there, an engine searches the newest version that it has completely, the oldest if it
    has none. Superseded snippets need no rule: each engine replaces them in one step."""
    files: dict[tuple[int, int], list[tuple[int, bool]]] = {}
    current: dict[tuple[int, int], int | None] = {}
    for index_id, path_id, former, version_id, is_kept in _KEPT.run(driver, sorted(index_ids)):
        files.setdefault((index_id, path_id), []).append((former, bool(is_kept)))
        current[index_id, path_id] = version_id
    kept = {file: some for file, some in files.items() if any(live for _, live in some)}
    if not kept:
        return Lagging()
    candidates = {
        file: [version for version, live in some if live]
        + [one for one in (current[file],) if one is not None]
        for file, some in kept.items()
    }
    every = sorted({version for some in candidates.values() for version in some})
    not_logged = {row[0] for row in _NOT_LOGGED.run(driver, every)}
    lacking: dict[str, set[int]] = {}
    for version_id, stage in _NOT_EMBEDDED.run(driver, every):
        lacking.setdefault(stage, set()).add(version_id)

    def hidden(unfinished: Set[int]) -> frozenset[int]:
        found: set[int] = set()
        for file, versions in candidates.items():
            ready = [version for version in versions if version not in unfinished]
            searched = ready[-1] if ready else versions[0]
            found.update(version for version in versions if version != searched)
            if searched == current[file]:
                found.update(version for version, live in kept[file] if not live)
        return frozenset(found)

    return Lagging(
        hidden(not_logged),
        hidden(lacking.get("CODE_EMBEDDINGS", set())),
        hidden(lacking.get("ENRICH", set())),
    )
