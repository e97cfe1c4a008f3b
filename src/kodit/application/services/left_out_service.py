"""Finds what is left out of indexes, and explains single files."""

from __future__ import annotations

from collections.abc import Sequence
from posixpath import normpath

from kodit.application.services.threads import Lane, in_thread
from kodit.domain.entities import Index
from kodit.domain.errors import NotFoundError
from kodit.domain.left_out import (
    Explanation,
    FileFacts,
    FileFactsReader,
    LeftOut,
    LeftOutReader,
    LeftOutRequest,
    Presence,
    UnreadFile,
)
from kodit.domain.value_objects import FileProcessingStatus


class LeftOutService:
    """Only files left out for their content are stored; the other rules are evaluated again, which
    takes as long as a scan that finds nothing new."""

    def __init__(self, *, facts: FileFactsReader, reader: LeftOutReader) -> None:
        self._facts = facts
        self._reader = reader

    async def find(self, index: Index, request: LeftOutRequest) -> list[LeftOut]:
        """The files and folders left out of an index, by path. Raises SourceError and
        TransientError."""
        unread = await in_thread(lambda: self._facts.unread(index.id), Lane.READS)
        found, _ = await self._reader.find(index, request, unread)
        return found

    async def explain(self, index: Index, path: str) -> Explanation:
        """Why the file or folder of this path is in an index or not. Raises NotFoundError if the
        source has none, SourceError and TransientError."""
        path = normpath(path)
        if path == ".":  # the source itself
            return Explanation(index, path, None, None, (), Presence.FOLDER)
        known = await in_thread(lambda: self._facts.facts(index.id, path), Lane.READS)
        facts, snippets = (None, ()) if known is None else known
        if facts is not None and facts.status is FileProcessingStatus.DELETED:
            facts, snippets = None, ()
        found, presence = await self._reader.find(
            index, LeftOutRequest(only_path=path), _as_unread(facts)
        )
        left_out = found[0] if found else None
        if presence is Presence.GONE and (facts is None or left_out is not None):
            raise NotFoundError(
                f"{index.source} has no file or folder {path!r}", code="file_in_no_index", path=path
            )
        return Explanation(index, path, left_out, facts, snippets, presence)


def _as_unread(facts: FileFacts | None) -> Sequence[UnreadFile]:
    if facts is None or facts.problem is None or facts.language is not None:
        return ()
    return (UnreadFile(facts.path, facts.problem, facts.content_hash),)
