"""One transaction of the database, and the repositories over it."""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from kodit.infrastructure.sql.sqlite import ORIGIN

# A command uses two or three of them.
if TYPE_CHECKING:
    from kodit.infrastructure.sql.search import SearchReads
    from kodit.infrastructure.sql.state_cache import Caches
    from kodit.infrastructure.sqlalchemy.descriptions import SqlDescriptionRepository
    from kodit.infrastructure.sqlalchemy.embeddings import (
        SqlEmbeddingRepository,
        SqlEnrichmentRepository,
    )
    from kodit.infrastructure.sqlalchemy.endpoints import SqlEndpointRepository
    from kodit.infrastructure.sqlalchemy.indexes import SqlIndexRepository
    from kodit.infrastructure.sqlalchemy.keyword_log import SqlKeywordLogRepository
    from kodit.infrastructure.sqlalchemy.prepared import Driver
    from kodit.infrastructure.sqlalchemy.refusals import SqlRefusalRepository
    from kodit.infrastructure.sqlalchemy.snippets import SqlSnippetRepository
    from kodit.infrastructure.sqlalchemy.tasks import SqlTaskRepository
    from kodit.infrastructure.sqlalchemy.unused import SqlUnusedRepository
    from kodit.infrastructure.sqlalchemy.versions import SqlVersionRepository


def driver_of(connection: Connection) -> Any:
    """The connection of the driver: what SQLite and PostgreSQL have in common has no type."""
    return connection.connection.dbapi_connection


@cache
def _task_repository() -> type[SqlTaskRepository]:
    """Imported once, not by each of the queue's short transactions."""
    from kodit.infrastructure.sqlalchemy.tasks import (  # noqa: PLC0415 - see above
        SqlTaskRepository,
    )

    return SqlTaskRepository


class SqlTransaction:
    """All repositories over one connection."""

    def __init__(self, connection: Connection, *, writes: bool = True) -> None:
        self.connection = connection
        self._writes = writes

    @property
    def driver(self) -> Any:
        return driver_of(self.connection)

    @cached_property
    def cursors(self) -> Driver:
        """For statements as text."""
        from kodit.infrastructure.sqlalchemy.prepared import Driver  # noqa: PLC0415 - see above

        return Driver(self.connection)

    @cached_property
    def caches(self) -> Caches:
        """Values cached with the connection."""
        from kodit.infrastructure.sql.state_cache import Caches  # noqa: PLC0415 - see above

        return Caches(self.cursors, self.connection.info, writes=self._writes)

    @cached_property
    def tasks(self) -> SqlTaskRepository:
        return _task_repository()(self.connection)

    @cached_property
    def indexes(self) -> SqlIndexRepository:
        from kodit.infrastructure.sqlalchemy.indexes import (  # noqa: PLC0415 - see above
            SqlIndexRepository,
        )

        return SqlIndexRepository(self.connection)

    @cached_property
    def snippets(self) -> SqlSnippetRepository:
        from kodit.infrastructure.sqlalchemy.snippets import (  # noqa: PLC0415 - see above
            SqlSnippetRepository,
        )

        return SqlSnippetRepository(self.connection)

    @cached_property
    def versions(self) -> SqlVersionRepository:
        from kodit.infrastructure.sqlalchemy.versions import (  # noqa: PLC0415 - see above
            SqlVersionRepository,
        )

        return SqlVersionRepository(self.connection)

    @cached_property
    def keyword_log(self) -> SqlKeywordLogRepository:
        if self.cursors.is_concurrent:
            from kodit.infrastructure.sqlalchemy.followed_log import (  # noqa: PLC0415 - see above
                FollowedKeywordLog,
            )

            return FollowedKeywordLog(self.connection, self.caches)
        from kodit.infrastructure.sqlalchemy.keyword_log import (  # noqa: PLC0415 - see above
            SqlKeywordLogRepository,
        )

        return SqlKeywordLogRepository(self.connection, self.caches)

    @cached_property
    def search(self) -> SearchReads:
        from kodit.infrastructure.sql.search import SearchReads  # noqa: PLC0415 - see above

        return SearchReads(self.cursors, self.connection.info.get(ORIGIN), self.caches)

    @cached_property
    def embeddings(self) -> SqlEmbeddingRepository:
        from kodit.infrastructure.sqlalchemy.embeddings import (  # noqa: PLC0415 - see above
            SqlEmbeddingRepository,
        )

        return SqlEmbeddingRepository(self.connection)

    @cached_property
    def enrichments(self) -> SqlEnrichmentRepository:
        from kodit.infrastructure.sqlalchemy.embeddings import (  # noqa: PLC0415 - see above
            SqlEnrichmentRepository,
        )

        return SqlEnrichmentRepository(self.connection)

    @cached_property
    def descriptions(self) -> SqlDescriptionRepository:
        from kodit.infrastructure.sqlalchemy.descriptions import (  # noqa: PLC0415 - see above
            SqlDescriptionRepository,
        )

        return SqlDescriptionRepository(self.connection)

    @cached_property
    def unused(self) -> SqlUnusedRepository:
        from kodit.infrastructure.sqlalchemy.unused import (  # noqa: PLC0415 - see above
            SqlUnusedRepository,
        )

        return SqlUnusedRepository(self.connection)

    @cached_property
    def endpoints(self) -> SqlEndpointRepository:
        from kodit.infrastructure.sqlalchemy.endpoints import (  # noqa: PLC0415 - see above
            SqlEndpointRepository,
        )

        return SqlEndpointRepository(self.connection)

    @cached_property
    def refusals(self) -> SqlRefusalRepository:
        from kodit.infrastructure.sqlalchemy.refusals import (  # noqa: PLC0415 - see above
            SqlRefusalRepository,
        )

        return SqlRefusalRepository(self.connection)
