"""What is stored of indexes, files, snippets, vectors and enrichments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from kodit.domain.batches import MOST_PER_READ, MOST_PER_TRANSACTION
from kodit.domain.embedding import PackedVector
from kodit.domain.index import Index, IndexedFile, IndexSummary, WorkingCopy
from kodit.domain.keyword import KeywordLog, KeywordPosition
from kodit.domain.search import StoredSnippet, VectorKind
from kodit.domain.snippet import SlicedFile
from kodit.domain.source import KnownFile, Source, SourceHistory
from kodit.domain.task import TaskType


@dataclass(frozen=True, slots=True)
class ExtractedFile:
    """The snippets of one file, and what they were made from.

    `content_hash` is that of the bytes that were read, which may be newer than the scan;
    `sliced` is None when the file has vanished.
    """

    file_id: int
    content_hash: str
    extractor_version: str
    sliced: SlicedFile | None


@dataclass(frozen=True, slots=True)
class SnippetCounts:
    """What a change of snippets did."""

    written: int = 0
    removed: int = 0


class Extraction(NamedTuple):
    """What cut a file: the language it was read as, None for one that was left out, and the
    version of the extractor."""

    language: str | None
    version: str


class Followed(NamedTuple):
    """What the derived state of an index was last made by: the keyword index, and the models. None
    before there was any."""

    keyword_generation: str | None
    code_model: str | None
    text_model: str | None

    def model_of(self, stage: TaskType) -> str | None:
        """That of the vectors which a stage makes."""
        return self.code_model if stage is TaskType.CODE_EMBEDDINGS else self.text_model


class IndexRepository(Protocol):
    """Indexes and their working copies within one transaction."""

    def add(
        self,
        source: Source,
        now: datetime,
        *,
        is_confined: bool = False,
        is_remote: bool = False,
    ) -> Index:
        """A new index; a deletion of its folder that was remembered is forgotten."""
        ...

    def remember_deletion(self, folder: str, now: datetime) -> None:
        """The index of this folder was deleted on request."""
        ...

    def was_deleted(self, folder: str) -> bool:
        """Whether that is so, and the folder has not been added again since."""
        ...

    def get(self, index_id: int) -> Index:
        """Raises NotFoundError, also for an index that is being deleted."""
        ...

    def find(self, source: Source) -> Index | None:
        """The index of the same kind, location and ref."""
        ...

    def list_all(self) -> list[Index]: ...

    def updated(self) -> dict[int, datetime | None]:
        """When each index was last complete, by identifier."""
        ...

    def summarise(self, indexes: Sequence[Index]) -> list[IndexSummary]: ...

    def left_out(self, index_ids: Sequence[int]) -> dict[int, dict[str, int]]:
        """By index and reason, how many files were left out when they were read."""
        ...

    def update_source(self, index_id: int, source: Source) -> None:
        """Store another choice of files, by globs and with or without submodules; the next scan
        looks at every file again."""
        ...

    def update_credentials(self, index_id: int, credentials: str | None) -> None:
        """Store another reference to the secret of the source."""
        ...

    def update_sync_every(self, index_id: int, seconds: int | None) -> None:
        """Store how often a server brings an index up to date by itself, 0 for never, None for
        what the server does with the others."""
        ...

    def release(self, index_id: int) -> None:
        """Let an index no longer be confined to public hosts."""
        ...

    def known_files(self, index_id: int) -> dict[str, KnownFile]:
        """By path, every file that was there at the last scan."""
        ...

    def count_files(self, index_id: int, most: int) -> int:
        """How many files a scan has found that are still there, counted up to `most`."""
        ...

    def has_files(self, index_id: int, part: str = "") -> bool:
        """Whether there is any such file in a folder of an index, or at that path."""
        ...

    def files_by_path(self, index_id: int, paths: Sequence[str]) -> dict[str, IndexedFile]: ...

    def add_files(self, index_id: int, files: Sequence[IndexedFile]) -> None:
        """Store new files; their identifiers are given here."""
        ...

    def update_files(self, files: Sequence[IndexedFile]) -> None:
        """Store hash, stamp and status of known files; a file whose content differs from what
        was extracted is stale from here on."""
        ...

    def forget_files(self, file_ids: Sequence[int]) -> None:
        """Drop files that came and went without being extracted. One that removed snippets are
        still held for, since it was there before, stays as deleted until they are gone."""
        ...

    def finish_scan(self, index_id: int, working_copy: WorkingCopy) -> None: ...

    def files_without_history(self, index_id: int, limit: int) -> list[str]:
        """Files that no history was recorded of since they came or came back."""
        ...

    def record_history(self, index_id: int, history: SourceHistory) -> None:
        """Store what is told of authors and dates, and its mark; of paths that are not files of
        the index nothing. Where it is whole, all its files have to be among `files`."""
        ...

    def extractions(self, index_id: int) -> list[Extraction]:
        """By what the files of an index have been extracted, each once."""
        ...

    def extracted_by(self, index_id: int, extractions: Sequence[Extraction]) -> list[int]:
        """The files that one of these has extracted and that are not stale."""
        ...

    def mark_stale(self, file_ids: Sequence[int]) -> None:
        """Have these files extracted again."""
        ...

    def stale_files(self, index_id: int, limit: int) -> list[IndexedFile]:
        """Files whose snippets are not those of their content, deleted files among them."""
        ...

    def count_stale_files(self, index_id: int) -> int: ...

    def finish(self, index_id: int, now: datetime) -> bool:
        """Clear the statuses of some files, and forget those of them that are deleted. With the
        last of them the timestamp is updated, in the same transaction: as long as it is not,
        there is a file that is not clean. Returns whether it has been."""
        ...

    def mark_deleted(self, index_id: int, now: datetime) -> None:
        """Hide the index; its rows are removed afterwards, in pieces."""
        ...

    def deleted(self) -> list[Index]:
        """Indexes that are marked and not yet removed."""
        ...

    def remove_some(self, index_id: int, limit: int) -> bool:
        """Remove at most `limit` rows of a marked index, fewer where they are large; False when
        nothing is left of it."""
        ...


class KeywordLogRepository(Protocol):
    """The log that the keyword index follows, within one transaction."""

    def read(self, index_id: int, limit: int, most_bytes: int = MOST_PER_READ.size) -> KeywordLog:
        """The oldest changes that are not acknowledged, up to so many and so much text. What one
        transaction logged is never cut apart, so that there may be some more."""
        ...

    def count(self, index_id: int) -> int:
        """How many changes are not acknowledged."""
        ...

    def generation(self, index_id: int) -> str | None:
        """The name of the log; None before its first scan has ended."""
        ...

    def acknowledge(self, index_id: int, reached: KeywordPosition) -> None:
        """The keyword index holds every change up to this one. Nothing happens where the change is
        not waiting: somebody has acknowledged more, or the log was restarted."""
        ...

    def untrusted(self, positions: Mapping[int, KeywordPosition | None]) -> set[int]:
        """Those of the indexes of which the keyword index, which stands at these positions, does
        not hold what this database has logged: it followed another database, or a later or
        earlier state of this one."""
        ...

    def follow(self, index_id: int, position: KeywordPosition | None) -> bool:
        """Acknowledge what the keyword index holds, which stands at this position; where it cannot
        continue with the log, forget its name. Returns whether everything must be logged again."""
        ...


class SnippetRepository(Protocol):
    """Snippets and what is still to be done for them, within one transaction."""

    def replace(self, index_id: int, files: Sequence[ExtractedFile]) -> SnippetCounts:
        """Store new snippets, mark the old ones superseded (removed where the file is gone), log
        both for the keyword index, and note what the later stages have to do."""
        ...

    def held(self, file_ids: Sequence[int]) -> dict[int, int]:
        """How many snippets, live and superseded, there are of each file that has any."""
        ...

    def followed(self, index_id: int) -> Followed:
        """What was noted by the two below."""
        ...

    def log_all(self, index_id: int, generation: str, after: int = 0) -> int | None:
        """Log that the live snippets are added: some after the snippet `after`. Returns after which
        one to go on, None when all are logged and the log has its name."""
        ...

    def pending(
        self,
        index_id: int,
        stage: TaskType,
        limit: int,
        most_bytes: int = MOST_PER_TRANSACTION.size,
    ) -> list[StoredSnippet]:
        """The oldest live snippets that the stage has not finished: up to so many and so much
        text, and fewer where much of what their files had before goes with them."""
        ...

    def count_pending(self, index_id: int, stage: TaskType) -> int: ...

    def follow_model(
        self, index_id: int, stage: TaskType, model: str, after: int = 0
    ) -> int | None:
        """Note the model in use for a stage. Where it is another one than before, note first that
        the live snippets are pending, in pieces as `follow_generation` does."""
        ...

    def is_finished(self, index_id: int) -> bool:
        """Whether no stage has anything left to do."""
        ...

    def purge(self, index_id: int, limit: int) -> int:
        """Remove at most `limit` superseded snippets that no engine holds any more, fewer where
        they are large; 0 when there are none."""
        ...


class EmbeddingRepository(Protocol):
    """Vectors within one transaction."""

    def cached(self, keys: Sequence[bytes]) -> dict[bytes, tuple[int, bytes]]:
        """Identifier and 1-bit code of the embeddings that exist, by cache key."""
        ...

    def add(
        self, index_id: int, vectors: Mapping[bytes, PackedVector]
    ) -> dict[bytes, tuple[int, bytes]]:
        """Store new embeddings by cache key; `index_id` is the one that pays for them."""
        ...

    def link(
        self,
        kind: VectorKind,
        stage: TaskType,
        model: str,
        snippets: Sequence[StoredSnippet],
        embeddings: Sequence[tuple[int, bytes]],
    ) -> None:
        """Give each snippet its vector, note the stage as done for it, and drop the vectors of
        superseded snippets of every file that is complete now. All are of one index."""
        ...

    def note_pack(self, index_id: int, kind: VectorKind, token: str) -> None:
        """Note what was prepared for searching the vectors of an index."""
        ...

    def superseded(self, index_id: int, kind: VectorKind) -> list[int]:
        """The superseded snippets that still have a vector. With nothing pending, they are of
        files that have no snippets any more."""
        ...

    def drop(self, index_id: int, kind: VectorKind, snippet_ids: Sequence[int]) -> None:
        """Drop the vectors of these snippets."""
        ...


class EnrichmentRepository(Protocol):
    """Enriched texts within one transaction."""

    def cached(self, keys: Sequence[bytes]) -> dict[bytes, tuple[int, str]]:
        """Identifier and text of the enrichments that exist, by cache key."""
        ...

    def add(self, index_id: int, texts: Mapping[bytes, str]) -> dict[bytes, int]:
        """Store new enrichments by cache key; `index_id` is the one that pays for them."""
        ...

    def link(self, enrichments: Mapping[int, int]) -> None:
        """Snippet identifier to enrichment identifier."""
        ...
