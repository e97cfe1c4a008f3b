"""The statements on the versions of files, compiled once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import (
    BindParameter,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
)

from kodit.infrastructure.sqlalchemy.entities import (
    FILES,
    FORMER_VERSIONS,
    SNIPPETS,
    VERSIONS,
)
from kodit.infrastructure.sqlalchemy.prepared import Prepared, PreparedForMany, insert_columns

ADD_VERSION = Prepared(
    insert(VERSIONS)
    .values(index_id=bindparam("of_index"), path=bindparam("at"))
    .returning(VERSIONS.c.id)
)
VERSIONS_OF_FILES = PreparedForMany(
    lambda ids: select(FILES.c.id, FILES.c.version_id, FILES.c.path).where(FILES.c.id.in_(ids))
)
KEEP_VERSION = insert_columns(FORMER_VERSIONS, "index_id", "file_id", "version_id")
FORGET_FORMER = PreparedForMany(
    lambda ids: delete(FORMER_VERSIONS).where(
        FORMER_VERSIONS.c.version_id.in_(ids),
        ~exists().where(SNIPPETS.c.version_id == FORMER_VERSIONS.c.version_id),
    )
)
DROP_EMPTY_VERSIONS = PreparedForMany(
    lambda ids: delete(VERSIONS).where(
        VERSIONS.c.id.in_(ids), ~exists().where(SNIPPETS.c.version_id == VERSIONS.c.id)
    )
)
_OF_CURRENT_VERSION = SNIPPETS.c.version_id == FILES.c.version_id
_OF_FORMER_VERSION = and_(
    FORMER_VERSIONS.c.index_id == FILES.c.index_id,
    FORMER_VERSIONS.c.file_id == FILES.c.id,
    SNIPPETS.c.version_id == FORMER_VERSIONS.c.version_id,
)


def _old_of_files(ids: Sequence[BindParameter[int]], *, former: bool) -> Select[*tuple[Any, ...]]:
    """The snippets of the current or of the former versions of files."""
    return (
        select(SNIPPETS.c.id, FILES.c.id, SNIPPETS.c.state, SNIPPETS.c.version_id)
        .where(
            FILES.c.id.in_(ids),
            _OF_FORMER_VERSION if former else _OF_CURRENT_VERSION,
            SNIPPETS.c.state != "removed",
        )
        .order_by(FILES.c.id, SNIPPETS.c.id)
    )


OLD_OF_FILES = tuple(
    PreparedForMany(partial(_old_of_files, former=former)) for former in (True, False)
)
SUPERSEDED_BY_VERSIONS = PreparedForMany(
    lambda ids: (
        select(FILES.c.version_id, func.count())
        .where(FILES.c.version_id.in_(ids), _OF_FORMER_VERSION, SNIPPETS.c.state == "superseded")
        .group_by(FILES.c.version_id)
    )
)
