"""A source and everything derived from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from kodit.domain.source import FileProcessingStatus, Source, SourceKind, StoredStamp


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """A file of a working copy, as the index knows it; `id` is unique within the index.

    `extracted_hash` and `extractor_version` identify the content and the extractor that the stored
    snippets come from; None means that there are none. `problem` says why the file was left out or
    split by lines.
    """

    id: int
    path: str
    content_hash: str
    status: FileProcessingStatus
    extracted_hash: str | None = None
    extractor_version: str | None = None
    problem: str | None = None
    stamp: StoredStamp | None = None


@dataclass(frozen=True, slots=True)
class WorkingCopy:
    """Kodit's view of a source after its last scan.

    `commit` is the commit that was read (git sources only); `scanned_at_ns` the file system's time
    when the scan started; `skipped` the number of files left out, by reason. The authors and dates
    of files are known up to `history_commit`, also for a folder in a work tree.
    """

    commit: str | None = None
    scanned_at_ns: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    history_commit: str | None = None


@dataclass(frozen=True, slots=True)
class Index:
    """A source and everything derived from it; `updated_at` is when it was last complete.

    `credentials` refers to the secret for the source: `env:NAME`, or a file of the data directory.
    It is never the secret itself. An index added over the network is confined: its host must have
    only public addresses at every access; where the operator allows others, it is only `is_remote`.
    `sync_every` is the number of seconds between a server's automatic refreshes, 0 for never; None
    leaves it to the server.
    """

    id: int
    source: Source
    working_copy: WorkingCopy
    created_at: datetime
    updated_at: datetime | None = None
    credentials: str | None = None
    is_confined: bool = False
    is_remote: bool = False
    sync_every: int | None = None


@dataclass(frozen=True, slots=True)
class RefusedSnippets:
    """The snippets for which a model gave no usable description: how many, and of the first ones
    the reason and the places, as `path:line`."""

    snippets: int
    reason: str
    first: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IndexSummary:
    """The size of an index: files read, live snippets, and by reason the files that were read
    without their grammar (`problems`) and those left out because of their content; and the snippets
    without a description, if there are any."""

    index: Index
    files: int
    snippets: int
    problems: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    refused: RefusedSnippets | None = None

    @property
    def why_empty(self) -> str | None:
        """Why a complete index has no files, in a few words; None for any other index."""
        if self.files or self.index.updated_at is None:
            return None
        is_git = self.index.source.kind is SourceKind.GIT
        if is_git and self.index.working_copy.commit is None:
            return "the repository has no commits"
        if self.skipped:
            return "all files are left out"
        return "the commit has no files" if is_git else "the folder is empty"

    @property
    def skipped(self) -> dict[str, int]:
        """By reason, the number of files that are not in the index: those that the scan left out
        and those that were left out when they were read."""
        reasons = self.index.working_copy.skipped
        return {
            reason: reasons.get(reason, 0) + self.left_out.get(reason, 0)
            for reason in sorted(reasons.keys() | self.left_out.keys())
        }
