"""Lists the files of a folder that is not indexed yet, by scanning it."""

from __future__ import annotations

import logging

from kodit.application.services.threads import need_loop
from kodit.domain.entities import Index
from kodit.domain.errors import SourceError, TransientError
from kodit.domain.files import IndexedText, from_root
from kodit.domain.ports.sources import SourceReader
from kodit.domain.report import ignore_report
from kodit.domain.value_objects import SearchFilter
from kodit.infrastructure.sql.globs import path_matcher

log = logging.getLogger(__name__)

SECONDS_OF_A_SCAN = 3.0
"""A folder that takes longer is left to the worker, which is about to scan it anyway."""


class ScannedFolderLister:
    """Scans the folder itself, by the rules of an index."""

    def __init__(self, reader: SourceReader, seconds: float = SECONDS_OF_A_SCAN) -> None:
        self._reader = reader
        self._seconds = seconds

    async def files(self, index: Index, search_filter: SearchFilter) -> tuple[IndexedText, ...]:
        need_loop()
        import asyncio  # noqa: PLC0415 - most folders are indexed

        try:
            async with asyncio.timeout(self._seconds):
                scan = await self._reader.scan(index, {}, ignore_report)
        except (SourceError, TransientError, TimeoutError) as error:
            log.debug("a folder was not listed", extra={"index": index.id, "error": str(error)})
            return ()
        folders = [folder for index_id, folder in search_filter.within if index_id == index.id]
        globs = [from_root(glob) for glob in search_filter.paths]
        matches = path_matcher(globs) if globs else None
        return tuple(
            IndexedText(0, index.id, file.path, "", file.content_hash, file.stamp.size or 0)
            for file in sorted(scan.changed, key=lambda one: one.path)
            if (not folders or any(f"{file.path}/".startswith(f"{one}/") for one in folders))
            and (matches is None or matches(file.path))
        )
