"""Reading sources in child processes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kodit.application.services.threads import in_thread
from kodit.domain.entities import Index, IndexedFile
from kodit.domain.errors import SourceError, TransientError
from kodit.domain.ports.index_files import Extraction
from kodit.domain.ports.repositories import ExtractedFile
from kodit.domain.ports.versions import KnownVersion
from kodit.domain.report import Report
from kodit.domain.source import Credentials, KnownFile, SourceHistory
from kodit.domain.this_host import ALONE, ThisHost
from kodit.domain.value_objects import Scan, Source, SourceKind
from kodit.infrastructure.git.credentials import SecretExchange
from kodit.infrastructure.git.errors import DamagedCloneError
from kodit.infrastructure.slicing.version import is_outdated
from kodit.infrastructure.sources.location import (
    FileToExtract,
    NetworkAccess,
    clone_of,
    location_of,
)
from kodit.infrastructure.sources.parsing import check_stored
from kodit.infrastructure.sources.places import SourcePlaces

# Child processes are started when they are first needed.
if TYPE_CHECKING:
    from kodit.infrastructure.processes.pool import ProcessPool

FEWEST_FILES_PER_CHILD = 8
FEWEST_BYTES_PER_CHILD = 500_000
"""Less than either is not worth a second child process."""
ANSWER_SECONDS = 60.0
GIT_STALL_SECONDS = 900.0
"""git has time limits of its own; this one is for when they fail."""

Result = TypeVar("Result")

_WORK = "kodit.infrastructure.sources.child_functions"


class PooledSourceReader:
    """Reads folders in place, and git sources through bare clones below the data directory."""

    def __init__(
        self,
        data_dir: Path,
        pool: ProcessPool,
        answer_seconds: float = ANSWER_SECONDS,
        exchange: SecretExchange | None = None,
        *,
        host: ThisHost = ALONE,
        uses_user_configuration: bool = False,
        uses_user_configuration_for_remote: bool = False,
    ) -> None:
        """`answer_seconds` is how long a git server may be silent during a lookup. The others are
        as for `SourcePlaces`.
        """
        self._host = host
        self._places = SourcePlaces(
            data_dir,
            host,
            exchange,
            uses_user_configuration=uses_user_configuration,
            uses_user_configuration_for_remote=uses_user_configuration_for_remote,
        )
        self._clones = self._places.clones
        self._secrets = self._places.secrets
        self._pool = pool
        self._answer_seconds = answer_seconds
        self._cloned_again: set[int] = set()
        """Indexes whose clones were replaced since their sources were looked up."""

    def access(self, *, is_confined: bool, is_remote: bool) -> NetworkAccess:
        """How a git server is reached for a source."""
        return self._places.access(is_confined=is_confined, is_remote=is_remote)

    async def look_up(self, index: Index) -> str | None:
        self._check(index)
        if index.source.kind is SourceKind.FOLDER:
            return None
        self._cloned_again.discard(index.id)
        commit: str | None = await self._pool.call(
            f"{_WORK}:look_up",
            location_of(index, self._clones),
            await in_thread(lambda: self.reveal(index)),
            self._answer_seconds,
            self.access(is_confined=index.is_confined, is_remote=index.is_remote),
            stall_seconds=GIT_STALL_SECONDS,
        )
        return commit

    def _check(self, index: Index) -> None:
        """Raises SourceError for a source that cannot be read here."""
        self._host.check(index.source)
        check_stored(index.source)

    async def scan(self, index: Index, known: Mapping[str, KnownFile], report: Report) -> Scan:
        self._check(index)

        async def scan() -> Scan:
            found: Scan = await self._pool.call(
                f"{_WORK}:scan",
                location_of(index, self._clones),
                await in_thread(lambda: self.reveal(index)),
                known,
                index.working_copy.scanned_at_ns,
                self.access(is_confined=index.is_confined, is_remote=index.is_remote),
                report=report,
                stall_seconds=GIT_STALL_SECONDS,
            )
            return found

        return await self._from_sound_clone(index, scan)

    async def history(
        self,
        index: Index,
        commit: str | None,
        unknown: Sequence[str],
        repositories: Sequence[str] = (),
    ) -> SourceHistory | None:
        async def read() -> SourceHistory | None:
            found: SourceHistory | None = await self._pool.call(
                f"{_WORK}:read_history",
                location_of(index, self._clones),
                commit,
                index.working_copy.history_commit,
                unknown,
                repositories,
                stall_seconds=GIT_STALL_SECONDS,
            )
            return found

        return await self._from_sound_clone(index, read)

    async def extract(
        self,
        index: Index,
        files: Sequence[IndexedFile],
        known: Mapping[int, Sequence[KnownVersion]],
        report: Report,
    ) -> list[ExtractedFile]:
        wanted = [
            FileToExtract(file.id, file.path, file.content_hash, known.get(file.id, ()))
            for file in files
        ]
        location = self._places.of(index)
        if self._places.lacks_commit(index):
            await self._hold(index, report)
        # What is stored already is only read and hashed.
        unknown = [file for file in files if file.id not in known]
        size = sum(file.stamp.size for file in unknown if file.stamp is not None)
        worth = max(len(unknown) // FEWEST_FILES_PER_CHILD, size // FEWEST_BYTES_PER_CHILD)
        shares = max(1, min(self._pool.size, worth, len(wanted)))
        done = [0] * shares

        async def call(share: int) -> list[ExtractedFile]:
            def tell(current: int, _total: int | None) -> None:
                done[share] = current
                report(sum(done), len(wanted))

            # Every n-th file: neighbours are alike, and one share should not get all the long ones.
            mine: list[ExtractedFile] = await self._pool.call(
                f"{_WORK}:extract",
                location,
                wanted[share::shares],
                # A new clone is of the newest commit, which may lack files of this one.
                self._host.is_one_of_several or index.id not in self._cloned_again,
                report=tell,
                parses=sum(not file.known for file in wanted[share::shares]),
            )
            return mine

        async def extract() -> list[ExtractedFile]:
            extracted = await gather_or_cancel([call(share) for share in range(shares)])
            return [file for share in extracted for file in share]

        again = partial(self._hold, index, report, from_scratch=True)
        is_held = self._host.is_one_of_several
        return await self._from_sound_clone(index, extract, again if is_held else None)

    async def _from_sound_clone(
        self,
        index: Index,
        read: Callable[[], Awaitable[Result]],
        again: Callable[[], Awaitable[None]] | None = None,
    ) -> Result:
        """The result of `read`, after replacing a clone that turns out to be damaged, by `again`;
        only once per run, because a faulty disk or server may damage each new clone.
        """
        again = again or partial(self._clone_again, index)
        try:
            return await read()
        except DamagedCloneError:
            if index.id in self._cloned_again:
                raise
        self._cloned_again.add(index.id)
        await again()
        try:
            return await read()
        except DamagedCloneError as error:
            raise TransientError(
                f"{index.source} was cloned again and the clone is damaged again; check the disk "
                f"below {self._clones}: {error}",
                code=error.code,
                source=str(index.source),
            ) from None

    async def _clone_again(self, index: Index) -> None:
        await self._pool.call(
            f"{_WORK}:clone_from_scratch",
            location_of(index, self._clones),
            await in_thread(lambda: self.reveal(index)),
            self._places.access_to(index),
            stall_seconds=GIT_STALL_SECONDS,
        )

    async def _hold(self, index: Index, report: Report, *, from_scratch: bool = False) -> None:
        """Bring the clone to the commit that another machine has scanned."""
        await self._pool.call(
            f"{_WORK}:hold_commit",
            location_of(index, self._clones),
            index.working_copy.commit,
            await in_thread(lambda: self.reveal(index)),
            self._places.access_to(index),
            from_scratch,
            report=report,
            stall_seconds=GIT_STALL_SECONDS,
        )

    def is_outdated(self, extraction: Extraction) -> bool:
        return is_outdated(extraction.language, extraction.version)

    def keep(self, credentials: Credentials, source: Source) -> str:
        return self._secrets.save(credentials, source)

    def reveal(self, index: Index) -> Credentials | None:
        return self._places.reveal(index)

    def named(self, reference: str) -> Credentials:
        return self._secrets.load_named(reference)

    def bind(self, reference: str, source: Source) -> None:
        self._secrets.bind(reference, source)

    def hand_over(self, index: Index) -> None:
        if index.credentials is not None:
            self._secrets.hand_over(index.credentials, index.source)

    def forget(self, reference: str) -> None:
        self._secrets.remove(reference)

    async def check(
        self,
        source: Source,
        credentials: Credentials | None,
        *,
        is_confined: bool = False,
        is_remote: bool = False,
    ) -> None:
        if source.kind is SourceKind.FOLDER:
            return  # a missing folder was refused earlier
        try:
            await self._pool.call(
                f"{_WORK}:verify",
                source,
                credentials,
                self._answer_seconds,
                self.access(is_confined=is_confined, is_remote=is_remote),
                stall_seconds=GIT_STALL_SECONDS,
            )
        except TransientError as error:
            refused = SourceError(str(error), code=error.code)
            refused.fields = error.fields
            raise refused from None

    def discard(self, index: Index) -> None:
        from kodit.infrastructure.git.clone import remove_clone  # noqa: PLC0415 - git sources only

        remove_clone(clone_of(self._clones, index.id))
        if index.credentials is not None:
            self.forget(index.credentials)


async def gather_or_cancel(calls: Sequence[Any]) -> list[Any]:
    """The results of all calls; if one fails, the others are cancelled before its error is
    raised.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
