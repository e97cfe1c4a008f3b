"""Adds typed sources and requests their indexing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from kodit.application.services.index_locator import IndexLocator, is_identifier
from kodit.application.services.index_service import IndexService, SourceRequest
from kodit.application.services.queue_service import QueueService
from kodit.application.services.threads import in_thread
from kodit.domain.caller import LOCAL_CALLER, Caller
from kodit.domain.entities import Index, IndexRun
from kodit.domain.errors import MissingFolderError, NotFoundError, SourceError, UserError
from kodit.domain.files import from_root
from kodit.domain.intervals import SyncEvery, check_sync_every
from kodit.domain.naming import split_ref
from kodit.domain.ports.sources import SourceParser
from kodit.domain.source import ParsedSource
from kodit.domain.this_host import ALONE, ThisHost
from kodit.domain.value_objects import QueuePriority, Source, SourceKind


@dataclass(frozen=True, slots=True)
class IndexRequest:
    """A request to index: sources as typed; globs that select their files (None keeps the current
    ones, an empty tuple clears them); a reference to their secret, `env:NAME`, if it is not part of
    the URL; the ref, if it is not; and how many seconds apart a server refreshes them (0 for never,
    `default` for the server's own interval, None keeps the current setting)."""

    sources: Sequence[str]
    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] | None = None
    credentials: str | None = None
    ref: str | None = None
    sync_every: SyncEvery | None = None
    submodules: bool | None = None
    """Whether repositories within a source are included; None keeps the current setting."""
    even_if_broad: bool = False
    """Whether to index a folder that holds much more than code, such as `/` or `~`."""


class SourceService:
    """Handles the sources that a caller names, for every face."""

    def __init__(
        self,
        *,
        parser: SourceParser,
        locator: IndexLocator,
        indexes: IndexService,
        queue: QueueService,
        host: ThisHost = ALONE,
    ) -> None:
        """Folders that callers name are those of `host`, this machine."""
        self._host = host
        self._parser = parser
        self._locator = locator
        self._indexes = indexes
        self._queue = queue

    async def add(self, request: IndexRequest, caller: Caller = LOCAL_CALLER) -> list[IndexRun]:
        """Add or refresh sources, and queue a run for each; every one is parsed and checked before
        the first is added. Raises UserError."""
        parsed = await in_thread(lambda: self._understand(request, caller))
        indexes = await self._indexes.add(parsed, caller.policy)
        return [
            await self._request_run(one, index, caller)
            for one, index in zip(parsed, indexes, strict=True)
        ]

    async def _request_run(self, request: SourceRequest, index: Index, caller: Caller) -> IndexRun:
        while True:
            try:
                return await self._queue.request_run(index.id, QueuePriority.USER_INITIATED)
            except NotFoundError:  # deleted meanwhile
                [index] = await self._indexes.add([request], caller.policy)

    def sources(self, request: IndexRequest, caller: Caller = LOCAL_CALLER) -> list[Source]:
        """The sources that a request names, without their secrets; invalid ones are left out."""
        found = []
        for source in request.sources:
            with suppress(UserError):
                found.append(self._parse(source, None, caller).source)
        return found

    async def add_each(
        self, request: IndexRequest, refused: list[UserError], caller: Caller = LOCAL_CALLER
    ) -> list[IndexRun]:
        """The same, one source after the other: the error of one is added to `refused` and does not
        stop the others. Raises the first of these errors if no source is left."""
        runs: dict[int, IndexRun] = {}
        for source in request.sources:
            try:
                for run in await self.add(replace(request, sources=[source]), caller):
                    runs[run.id] = run
            except UserError as error:
                refused.append(error)
        if refused and not runs:
            raise refused[0]
        return list(runs.values())

    def understand(self, name: str, caller: Caller = LOCAL_CALLER) -> Source:
        """The source that this name would index. Raises UserError."""
        return self._parse(name, None, caller).source

    def _understand(self, request: IndexRequest, caller: Caller) -> list[SourceRequest]:
        include, exclude = _from_root(request.include), _from_root(request.exclude)
        self._parser.check_globs("include", include or ())
        self._parser.check_globs("exclude", exclude or ())
        if isinstance(request.sync_every, int):
            check_sync_every(request.sync_every)
        parsed = [self._parse(source, request.ref, caller) for source in request.sources]
        if not request.even_if_broad and caller.is_local:
            for one in parsed:
                self._check_breadth(one.source)
        return [
            SourceRequest(
                one.source,
                one.credentials,
                request.credentials,
                include=include,
                exclude=exclude,
                submodules=request.submodules,
                sync_every=request.sync_every,
                others=one.others,
            )
            for one in parsed
        ]

    def _check_breadth(self, source: Source) -> None:
        """Refuse a folder that is too broad to be meant, unless it is indexed already."""
        if self.is_broad(source):
            raise SourceError(
                f"{source.location} holds much more than code, and indexing it may take hours",
                code="source_broad",
                source=source.location,
            )

    def _parse(self, text: str, ref: str | None, caller: Caller) -> ParsedSource:
        """A number is the identifier of an index, as everywhere; `./2` is a folder."""
        if is_identifier(text):
            try:
                source = self._locator.locate(text, caller).source
            except NotFoundError as error:
                told = f"{error}; for a folder of that name, write ./{text}"
                raise NotFoundError(told, code=error.code, index=text) from None
            self._parser.check_stored(source)
            if not self._host.has(source):
                return ParsedSource(source)
            # Not as one text: there may be a folder whose name ends like the ref.
            parsed = self._parser.parse(source.location, caller)
            if source.kind is SourceKind.FOLDER and parsed.source.ref is not None:
                raise MissingFolderError(f"the folder {source.location} does not exist")
            if source.ref is not None:
                parsed = self._parser.at_ref(parsed, source.ref, caller)
        else:
            parsed = self._resolve(text, caller, has_ref=ref is not None)
        if ref is None:
            return parsed
        if parsed.source.ref is not None:
            raise SourceError(
                f"{parsed.source} already names a ref; give only one of the two",
                code="source_invalid",
            )
        return self._parser.at_ref(parsed, ref, caller)

    def is_broad(self, source: Source) -> bool:
        """Whether a source is a folder that holds much more than code, and is not indexed yet."""
        return (
            source.kind is SourceKind.FOLDER
            and self._host.has(source)
            and self._parser.is_broad(source.location)
            and self._locator.find_part(source.location) is None
        )

    def _resolve(self, text: str, caller: Caller, *, has_ref: bool) -> ParsedSource:
        """A part of an index, or a name of an index, means that index. A folder that an index
        leaves out is a source of its own. With a ref beside it, a name means its repository,
        whatever the ref that is indexed."""
        try:
            parsed = self._parser.parse(text, caller)
        except SourceError:
            part = self._locator.find_part(text, caller)
            if part is None:
                raise
            return ParsedSource(_meant(part.index.source, text, has_ref=has_ref))
        part = self._locator.find_part(text, caller)
        if part is None or (part.path and not self._locator.holds_files(part)):
            return parsed
        if has_ref and part.index.source.kind is SourceKind.FOLDER:
            return parsed
        return replace(parsed, source=_meant(part.index.source, text, has_ref=has_ref), others=())


def _meant(source: Source, text: str, *, has_ref: bool) -> Source:
    """The source of an index that a text names; with a ref beside a text that has none, the
    repository at no ref yet."""
    return replace(source, ref=None) if has_ref and split_ref(text)[1] is None else source


def _from_root(globs: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Globs as they are stored, without a leading `./`."""
    return None if globs is None else tuple(map(from_root, globs))
