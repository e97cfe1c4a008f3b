"""Which files of a source are not in its index, and why; and what the index knows of one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from kodit.domain.index import Index
from kodit.domain.source import FileProcessingStatus


class Presence(StrEnum):
    """What exists at a path of a source."""

    GONE = "gone"
    FILE = "file"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file, or a folder with all of its contents, that is not read.

    `path` is relative to the source, for a folder with a slash at its end; the source itself is
    `./`. `reason` is a word or two ("ignored", "binary"); `rule` names the rule and where it is
    defined (`.gitignore:12: build/`). `files` is the number of files left out; unless `is_counted`,
    there are more.
    """

    path: str
    reason: str
    rule: str
    files: int = 1
    is_counted: bool = True


@dataclass(frozen=True, slots=True)
class UnreadFile:
    """A known file that was left out because of its content."""

    path: str
    reason: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class LeftOutRequest:
    """Which files of a source to report: those `within` a folder ("" for all) that match one of the
    globs, if any are given; or with `only_path` one file or folder."""

    within: tuple[str, ...] = ()
    globs: tuple[str, ...] = ()
    only_path: str | None = None


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the database holds about a file. `problem` says why it was split by lines or left out;
    author and times are empty if the history was not read yet or does not have the file."""

    id: int
    path: str
    status: FileProcessingStatus
    content_hash: str
    language: str | None
    size: int
    problem: str | None
    is_extracted: bool
    author: str | None
    changed_at: datetime | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class SnippetFacts:
    """A live snippet of a file. `stages` maps the name of each stage to whether the snippet has
    passed it."""

    start_line: int
    end_line: int
    symbol: str | None
    kind: str | None
    scope: str
    stages: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a file is in an index or not: `left_out`, or `facts` about it, or for a moment both; with
    neither, it is a folder or a file that the next run takes in."""

    index: Index
    path: str
    left_out: LeftOut | None
    facts: FileFacts | None
    snippets: tuple[SnippetFacts, ...]
    presence: Presence

    @property
    def state(self) -> str:
        """One word, as in `ExplanationView`."""
        if self.left_out is not None:
            return "left_out"
        if self.facts is None:
            return "new" if self.presence is Presence.FILE else "folder"
        if self.presence is Presence.GONE:
            return "removed"
        return "indexed" if self.facts.is_extracted and self.facts.language else "changed"


class LeftOutReader(Protocol):
    """Finds the files of sources that are left out of their indexes."""

    async def find(
        self, index: Index, request: LeftOutRequest, unread: Sequence[UnreadFile]
    ) -> tuple[list[LeftOut], Presence]:
        """The files and folders of a source that are left out, by path: those that its rules leave
        out (of a folder as it is now, of a git source at the indexed commit) and those of `unread`
        that match the request. Also what exists at the request's `only_path`. Raises SourceError
        and TransientError."""
        ...


class FileFactsReader(Protocol):
    """What the database holds about files. Synchronous: each call is one transaction."""

    def unread(self, index_id: int) -> list[UnreadFile]:
        """The files of an index that were left out because of their content, by path."""
        ...

    def facts(self, index_id: int, path: str) -> tuple[FileFacts, tuple[SnippetFacts, ...]] | None:
        """A file of an index with its live snippets in line order; None for an unknown one."""
        ...
