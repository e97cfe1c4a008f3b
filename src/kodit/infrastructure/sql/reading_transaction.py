"""A transaction that only reads, through the driver alone."""

from __future__ import annotations

from collections.abc import Hashable, MutableMapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kodit.infrastructure.sql.state_cache import Caches
from kodit.infrastructure.sql.statements import Cursors

# A command uses two or three of them.
if TYPE_CHECKING:
    from kodit.infrastructure.sql.endpoints import EndpointReads
    from kodit.infrastructure.sql.indexes import IndexReads
    from kodit.infrastructure.sql.keyword_log import KeywordLogReads
    from kodit.infrastructure.sql.runs import TaskReads
    from kodit.infrastructure.sql.search import SearchReads


class ReadingTransaction:
    """Reads over one connection. It has no operations that write."""

    def __init__(self, cursors: Cursors, file: Hashable, info: MutableMapping[str, Any]) -> None:
        """`file` identifies the file that the connection has opened, if it is one; `info` are
        values cached with the connection."""
        self.cursors = cursors
        self.caches = Caches(cursors, info)
        self._file = file

    @cached_property
    def tasks(self) -> TaskReads:
        from kodit.infrastructure.sql.runs import TaskReads  # noqa: PLC0415 - see above

        return TaskReads(self.cursors)

    @cached_property
    def indexes(self) -> IndexReads:
        from kodit.infrastructure.sql.indexes import IndexReads  # noqa: PLC0415 - see above

        return IndexReads(self.cursors)

    @cached_property
    def search(self) -> SearchReads:
        from kodit.infrastructure.sql.search import SearchReads  # noqa: PLC0415 - see above

        return SearchReads(self.cursors, self._file, self.caches)

    @cached_property
    def keyword_log(self) -> KeywordLogReads:
        from kodit.infrastructure.sql.keyword_log import (  # noqa: PLC0415 - see above
            KeywordLogReads,
        )

        return KeywordLogReads(self.cursors, self.caches)

    @cached_property
    def endpoints(self) -> EndpointReads:
        from kodit.infrastructure.sql.endpoints import EndpointReads  # noqa: PLC0415 - see above

        return EndpointReads(self.cursors)
