"""The statements on the versions of files, compiled once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)

from kodit.infrastructure.sqlalchemy.entities import (
    EMBEDDINGS,
    ENRICHMENTS,
    FILES,
    FORMER_VERSIONS,
    INDEXES,
    KEYWORD_CHANGES,
    KEYWORD_HISTORY,
    PATHS,
    PENDING_SNIPPETS,
    SNIPPET_TEXTS,
    SNIPPETS,
    VERSIONS,
)
from kodit.infrastructure.sqlalchemy.prepared import Prepared, PreparedForMany, insert_columns
from kodit.infrastructure.sqlalchemy.stored_snippets import OF_TEXT, TEXT

UNDATED = 0
"""Stands for the time since which a version is unused that has not been dated yet."""
RETIRED = -1
"""Stands for the time since which a version is unused that is being removed."""
LONG_AGO = 1
"""Stands for a time since which it is not kept any longer."""

IS_USED = or_(
    exists().where(FILES.c.version_id == VERSIONS.c.id),
    exists().where(FORMER_VERSIONS.c.version_id == VERSIONS.c.id),
)
_IS_INCOMPLETE = or_(
    exists().where(KEYWORD_CHANGES.c.snippet_id == SNIPPETS.c.id),
    exists().where(KEYWORD_HISTORY.c.snippet_id == SNIPPETS.c.id),
    exists().where(PENDING_SNIPPETS.c.snippet_id == SNIPPETS.c.id),
)
_HAS_LIVE = exists().where(
    SNIPPETS.c.version_id == FORMER_VERSIONS.c.version_id, SNIPPETS.c.state == "live"
)
_IS_SUPERSEDED = exists().where(
    SNIPPETS.c.version_id == FORMER_VERSIONS.c.version_id, SNIPPETS.c.state != "live"
)

ADD_VERSION = Prepared(
    insert(VERSIONS)
    .values(
        index_id=bindparam("of_index"),
        path=bindparam("at"),
        digest=bindparam("by_digest"),
        content_key=bindparam("key"),
        language=bindparam("spoken"),
        problem=bindparam("what"),
        content_hash=bindparam("hash"),
        extractor_version=bindparam("extractor"),
    )
    .returning(VERSIONS.c.id)
)
VERSIONS_OF_FILES = PreparedForMany(
    lambda ids: (
        select(FILES.c.path_id, FILES.c.version_id, PATHS.c.path, VERSIONS.c.index_id)
        .join(PATHS, PATHS.c.id == FILES.c.path_id)
        .outerjoin(VERSIONS, VERSIONS.c.id == FILES.c.version_id)
        .where(FILES.c.index_id == bindparam("of_index"), FILES.c.path_id.in_(ids))
    )
)
VERSIONS_BY_DIGEST = PreparedForMany(
    lambda digests: select(
        VERSIONS.c.digest,
        VERSIONS.c.path,
        VERSIONS.c.id,
        VERSIONS.c.content_key,
        VERSIONS.c.language.is_(None),
        VERSIONS.c.index_id,
        VERSIONS.c.language,
        VERSIONS.c.problem,
    ).where(VERSIONS.c.digest.in_(digests), VERSIONS.c.content_key.is_not(None))
)
USE_VERSIONS = PreparedForMany(
    lambda ids: (
        update(VERSIONS)
        .where(VERSIONS.c.id.in_(ids), VERSIONS.c.unused_since.is_not(None))
        .values(unused_since=None, unused_bytes=None)
        .returning(VERSIONS.c.index_id)
    )
)
_TEXT_BYTES = (
    select(func.coalesce(func.sum(func.length(TEXT)), 0))
    .select_from(SNIPPETS)
    .outerjoin(SNIPPET_TEXTS, OF_TEXT)
    .where(SNIPPETS.c.version_id == VERSIONS.c.id)
    .scalar_subquery()
)
RELEASE_VERSIONS = PreparedForMany(
    lambda ids: (
        update(VERSIONS)
        .where(VERSIONS.c.id.in_(ids), ~IS_USED)
        .values(unused_since=bindparam("since", type_=BigInteger), unused_bytes=_TEXT_BYTES)
    )
)
USERS_OF_VERSIONS = PreparedForMany(
    lambda ids: (
        select(FILES.c.version_id, func.count())
        .where(FILES.c.version_id.in_(ids))
        .group_by(FILES.c.version_id)
    )
)
FORMER_USERS = PreparedForMany(
    lambda ids: select(FORMER_VERSIONS.c.version_id).where(FORMER_VERSIONS.c.version_id.in_(ids))
)
RELEASE_FOR_GOOD = PreparedForMany(
    lambda ids: (
        update(VERSIONS)
        .where(VERSIONS.c.id.in_(ids), ~IS_USED)
        .values(unused_since=LONG_AGO, unused_bytes=0)
    )
)
HIDE_STORE = Prepared(
    update(VERSIONS)
    .where(VERSIONS.c.index_id == bindparam("of_index"))
    .values(content_key=None, digest=None)
)
ANY_UNFINISHED = Prepared(
    select(literal(1))
    .where(
        or_(
            exists(select(KEYWORD_CHANGES.c.seq)),
            exists(select(KEYWORD_HISTORY.c.seq)),
            exists(select(PENDING_SNIPPETS.c.stage)),
        )
    )
    .limit(1)
)
WITH_FORMER_VERSIONS = Prepared(
    select(FORMER_VERSIONS.c.index_id).distinct().order_by(FORMER_VERSIONS.c.index_id)
)
INCOMPLETE_VERSIONS = PreparedForMany(
    lambda ids: (
        select(SNIPPETS.c.version_id)
        .where(SNIPPETS.c.version_id.in_(ids), SNIPPETS.c.state == "live", _IS_INCOMPLETE)
        .distinct()
    )
)
STORES = Prepared(
    select(VERSIONS.c.index_id)
    .join(FILES, FILES.c.version_id == VERSIONS.c.id)
    .where(FILES.c.index_id == bindparam("of_index"))
    .distinct()
)
SHARES = Prepared(select(INDEXES.c.shares).where(INDEXES.c.id == bindparam("of_index")))
NOTE_MEMBERS = Prepared(
    update(INDEXES)
    .where(INDEXES.c.id == bindparam("of_index"))
    .values(members=INDEXES.c.members + 1)
)
NOTE_SHARING = Prepared(
    update(INDEXES).where(INDEXES.c.id == bindparam("of_index")).values(shares=True)
)

KEEP_VERSION = insert_columns(FORMER_VERSIONS, "index_id", "path_id", "version_id")
LIVE_FORMER_OF_FILES = PreparedForMany(
    lambda ids: select(FORMER_VERSIONS.c.path_id, FORMER_VERSIONS.c.version_id).where(
        FORMER_VERSIONS.c.index_id == bindparam("of_index"),
        FORMER_VERSIONS.c.path_id.in_(ids),
        _HAS_LIVE,
    )
)
LIVE_FORMER = Prepared(
    select(FORMER_VERSIONS.c.path_id, FORMER_VERSIONS.c.version_id, FILES.c.version_id)
    .outerjoin(
        FILES,
        and_(
            FILES.c.index_id == FORMER_VERSIONS.c.index_id,
            FILES.c.path_id == FORMER_VERSIONS.c.path_id,
        ),
    )
    # Versions without any snippets were kept too, at first.
    .where(FORMER_VERSIONS.c.index_id == bindparam("of_index"), ~_IS_SUPERSEDED)
    .limit(bindparam("most"))
)
DROP_FORMER = Prepared(
    delete(FORMER_VERSIONS).where(
        FORMER_VERSIONS.c.index_id == bindparam("of_index"),
        FORMER_VERSIONS.c.path_id == bindparam("of_file"),
        FORMER_VERSIONS.c.version_id == bindparam("former"),
    )
)
FORGET_FORMER = PreparedForMany(
    lambda ids: delete(FORMER_VERSIONS).where(
        FORMER_VERSIONS.c.version_id.in_(ids),
        ~exists().where(SNIPPETS.c.version_id == FORMER_VERSIONS.c.version_id),
    )
)
DROP_EMPTY_VERSIONS = PreparedForMany(
    # One that is kept for a while spares a file that comes back, or to another path, being read.
    lambda ids: delete(VERSIONS).where(
        VERSIONS.c.id.in_(ids),
        or_(VERSIONS.c.unused_since.is_(None), VERSIONS.c.unused_since == RETIRED),
        ~exists().where(SNIPPETS.c.version_id == VERSIONS.c.id),
        ~exists().where(FILES.c.version_id == VERSIONS.c.id),
    )
)

_UNUSED = text("unused_since IS NOT NULL")
UNUSED_VERSIONS = Prepared(
    select(VERSIONS.c.id, VERSIONS.c.index_id)
    .where(
        _UNUSED,
        VERSIONS.c.unused_since.between(UNDATED, bindparam("before")),
        ~IS_USED,
    )
    .order_by(VERSIONS.c.unused_since, VERSIONS.c.id)
    .limit(bindparam("most"))
)
WAITING_VERSIONS = Prepared(
    select(VERSIONS.c.id)
    .where(
        _UNUSED,
        or_(
            VERSIONS.c.unused_since == UNDATED,
            VERSIONS.c.unused_since.between(LONG_AGO, bindparam("before")),
        ),
    )
    .limit(1)
)
UNUSED_TEXT_BYTES = Prepared(select(func.sum(VERSIONS.c.unused_bytes)).where(_UNUSED))
DATE_VERSIONS = Prepared(
    update(VERSIONS)
    .where(_UNUSED, VERSIONS.c.unused_since == UNDATED)
    .values(unused_since=bindparam("now"))
)
EXPIRE_VERSIONS_OF_STORE = Prepared(
    update(VERSIONS)
    .where(
        _UNUSED,
        VERSIONS.c.unused_since != RETIRED,
        VERSIONS.c.index_id == bindparam("of_index"),
    )
    .values(unused_since=bindparam("long_ago"))
)
STORES_WITH_REMOVED = Prepared(
    select(INDEXES.c.id).where(
        exists().where(SNIPPETS.c.index_id == INDEXES.c.id, SNIPPETS.c.state == "removed"),
        or_(INDEXES.c.deleted_at == 0, INDEXES.c.is_store),
    )
)
_IS_DELETED = exists().where(INDEXES.c.id == bindparam("of_index"), INDEXES.c.deleted_at != 0)
REMOVE_RESULTS = tuple(
    Prepared(
        delete(cache)
        .where(
            cache.c.id.in_(
                select(cache.c.id)
                .where(
                    cache.c.index_id == bindparam("of_index"),
                    cache.c.unused_since.is_not(None),
                    _IS_DELETED,
                )
                .limit(bindparam("most"))
            )
        )
        .returning(cache.c.id)
    )
    for cache in (EMBEDDINGS, ENRICHMENTS)
)
EMPTY_STORES = Prepared(
    select(INDEXES.c.id).where(
        INDEXES.c.is_store, ~exists().where(VERSIONS.c.index_id == INDEXES.c.id)
    )
)
GIVE_UP_STORES = PreparedForMany(
    lambda ids: update(INDEXES).where(INDEXES.c.id.in_(ids)).values(is_store=False)
)
USED_BY_OTHERS = Prepared(
    select(VERSIONS.c.id).where(VERSIONS.c.index_id == bindparam("of_index"), IS_USED).limit(1)
)
HIDE_VERSIONS = PreparedForMany(
    # No file gets a version whose snippets are being removed, or still has what was extracted.
    lambda ids: (
        update(VERSIONS)
        .where(VERSIONS.c.id.in_(ids))
        .values(content_key=None, digest=None, content_hash=None)
    )
)
RETIRE_VERSIONS = PreparedForMany(
    lambda ids: (
        update(VERSIONS)
        .where(VERSIONS.c.id.in_(ids))
        .values(content_key=None, digest=None, unused_since=RETIRED, unused_bytes=0)
    )
)
COUNT_LIVE_OF_VERSIONS = PreparedForMany(
    lambda ids: (
        select(SNIPPETS.c.version_id, func.count())
        .where(SNIPPETS.c.version_id.in_(ids), SNIPPETS.c.state == "live")
        .group_by(SNIPPETS.c.version_id)
    )
)
LIVE_OF_VERSIONS = PreparedForMany(
    lambda ids: select(SNIPPETS.c.id, SNIPPETS.c.version_id, SNIPPETS.c.index_id).where(
        SNIPPETS.c.version_id.in_(ids), SNIPPETS.c.state == "live"
    )
)

_OF_CURRENT_VERSION = SNIPPETS.c.version_id == FILES.c.version_id
_OF_FORMER_VERSION = and_(
    FORMER_VERSIONS.c.index_id == FILES.c.index_id,
    FORMER_VERSIONS.c.path_id == FILES.c.path_id,
    SNIPPETS.c.version_id == FORMER_VERSIONS.c.version_id,
    SNIPPETS.c.state == "superseded",
)


def _old_of_files(ids: Sequence[BindParameter[int]], *, former: bool) -> Select[*tuple[Any, ...]]:
    """The snippets of the current or of the superseded versions of files."""
    return (
        select(SNIPPETS.c.id, FILES.c.path_id, SNIPPETS.c.state, SNIPPETS.c.version_id)
        .where(
            FILES.c.index_id == bindparam("of_index"),
            FILES.c.path_id.in_(ids),
            _OF_FORMER_VERSION if former else _OF_CURRENT_VERSION,
            SNIPPETS.c.state != "removed",
        )
        .order_by(FILES.c.path_id, SNIPPETS.c.id)
    )


OLD_OF_FILES = tuple(
    PreparedForMany(partial(_old_of_files, former=former)) for former in (True, False)
)
SUPERSEDED_BY_VERSIONS = PreparedForMany(
    lambda ids: (
        select(FILES.c.version_id, func.count())
        .where(FILES.c.version_id.in_(ids), _OF_FORMER_VERSION)
        .group_by(FILES.c.version_id)
    )
)
