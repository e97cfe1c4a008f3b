"""The stage that slices files into snippets."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from kodit.application.services.stage import Stage
from kodit.domain.batches import (
    MOST_PER_READ,
    MOST_PER_TRANSACTION,
    Weight,
    first_batch,
    in_batches,
    size_of,
)
from kodit.domain.entities import Index, IndexedFile, ProgressTracker
from kodit.domain.ports.database import Transaction
from kodit.domain.ports.repositories import ExtractedFile
from kodit.domain.ports.sources import SourceReader
from kodit.domain.ports.versions import KnownVersion
from kodit.domain.report import Report
from kodit.domain.value_objects import FileProcessingStatus

FILES_PER_BATCH = 64
KNOWN_FILES_PER_BATCH = 512
"""Files whose contents are stored already are only read and hashed."""
VANISHED = "vanished"
"""The reason for a file that the scan found but that was gone, or no regular file, when it was
read."""


class ExtractionStage:
    """Processes the stale files of an index in batches, limited by the files and bytes read and by
    the snippets stored."""

    def __init__(self, reader: SourceReader, *, keeps_former: bool = False) -> None:
        """With `keeps_former`, contents that files no longer have are kept for a while."""
        self._reader = reader
        self._keeps_former = keeps_former

    async def extract(self, stage: Stage, step: ProgressTracker) -> None:
        """Slice every file whose snippets do not match its content."""

        def look(transaction: Transaction) -> tuple[Index, int]:
            indexes = transaction.indexes
            return indexes.get(stage.index_id), indexes.count_stale_files(stage.index_id)

        index, count = await stage.read(look)
        step.set_total(count)
        done, is_left = 0, count > 0
        while is_left and (batch := await stage.read(partial(_next_to_extract, index.id))):
            extracted = await self._extract(index, batch, _report_beyond(step, done))
            # A file with more snippets than fit into one transaction gets one of its own.
            for some in in_batches(extracted, MOST_PER_TRANSACTION, batch.weigh):
                done += len(some)
                store = partial(_store_extracted, index, batch.deleted, some, self._keeps_former)
                is_left = await stage.commit(store, step, done)

    async def _extract(
        self, index: Index, batch: _ToExtract, report: Report
    ) -> list[ExtractedFile]:
        """The snippets of some of the files, at least of one; the others stay stale."""
        gone = [
            ExtractedFile(file.id, file.content_hash, "", None)
            for file in batch.files
            if file.id in batch.deleted
        ]
        present = [file for file in batch.files if file.id not in batch.deleted]
        if not present:
            return gone
        return gone + await self._reader.extract(index, present, batch.known, report)


def _report_beyond(step: ProgressTracker, stored: int) -> Report:
    """Forwards the progress that a child process reports on one batch, added to what is stored."""

    def report(done: int, _total: int | None) -> None:
        step.set_current(stored + done)

    return report


@dataclass(frozen=True, slots=True)
class _ToExtract:
    """Stale files, which of them are deleted, how many snippets each file has, and the stored
    versions that it may have."""

    files: list[IndexedFile]
    deleted: frozenset[int]
    held: Mapping[int, int]
    known: Mapping[int, Sequence[KnownVersion]]

    def weigh(self, extracted: ExtractedFile) -> Weight:
        """Old snippets are written too: they are superseded."""
        snippets = extracted.sliced.snippets if extracted.sliced is not None else ()
        rows = self.held.get(extracted.file_id, 0) + len(snippets)
        if extracted.alike is not None:
            return Weight(rows + extracted.alike.snippets, extracted.size)
        return Weight(rows, sum(size_of(snippet.text) for snippet in snippets))


def _next_to_extract(index_id: int, transaction: Transaction) -> _ToExtract | None:
    files, known = _stale(index_id, FILES_PER_BATCH, transaction)
    if not files:
        return None
    if len(known) == len(files) == FILES_PER_BATCH:
        files, known = _stale(index_id, KNOWN_FILES_PER_BATCH, transaction)
    most = Weight(KNOWN_FILES_PER_BATCH, MOST_PER_READ.size)
    files = first_batch(files, most, _source)
    extracted_before = [file.id for file in files if file.extracted_hash is not None]
    return _ToExtract(
        files,
        frozenset(file.id for file in files if file.status is FileProcessingStatus.DELETED),
        transaction.snippets.held(index_id, extracted_before),
        known,
    )


def _stale(
    index_id: int, limit: int, transaction: Transaction
) -> tuple[list[IndexedFile], dict[int, list[KnownVersion]]]:
    """The next stale files, and their known versions; beyond a batch, only files that have any."""
    files = transaction.indexes.stale_files(index_id, limit)
    deleted = FileProcessingStatus.DELETED
    known = transaction.versions.known([file for file in files if file.status is not deleted])
    return [
        file for place, file in enumerate(files) if place < FILES_PER_BATCH or file.id in known
    ], known


def _source(file: IndexedFile) -> Weight:
    """How much is read of a file."""
    is_read = file.status is not FileProcessingStatus.DELETED and file.stamp is not None
    return Weight(1, file.stamp.size if is_read and file.stamp else 0)


def _store_extracted(
    index: Index,
    deleted: Collection[int],
    extracted: Sequence[ExtractedFile],
    keeps_former: bool,
    transaction: Transaction,
) -> tuple[bool, dict[str, int]]:
    """Returns whether files are left to extract, and counts."""
    counts = transaction.snippets.replace(index.id, extracted, keeps_former=keeps_former)
    if vanished := sum(file.sliced is None and file.file_id not in deleted for file in extracted):
        copy = transaction.indexes.get(index.id).working_copy
        skipped = copy.skipped | {VANISHED: copy.skipped.get(VANISHED, 0) + vanished}
        transaction.indexes.finish_scan(index.id, replace(copy, skipped=skipped))
    return bool(transaction.indexes.stale_files(index.id, 1)), {
        "files_parsed": counts.parsed,
        "files_reused": counts.reused,
        "snippets_written": counts.written,
        "snippets_removed": counts.removed,
    }
