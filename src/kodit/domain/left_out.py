"""What of a source is not in its index, and why; and all that is known of one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from kodit.domain.index import Index
from kodit.domain.source import FileProcessingStatus


class Presence(StrEnum):
    """What there is at a path of a source."""

    GONE = "gone"
    FILE = "file"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file, or a folder with all that is in it, that is not read.

    `path` is relative to the source, a folder's with a slash at its end; that of the source itself
    is `./`. `reason` is a word or two ("ignored", "binary"); `rule` says what decides, and where
    that stands (`.gitignore:12: build/`). `files` is how many files that are; where not
    `is_counted`, there are more, which were not counted.
    """

    path: str
    reason: str
    rule: str
    files: int = 1
    is_counted: bool = True


@dataclass(frozen=True, slots=True)
class UnreadFile:
    """A file that is known, and was left out for its content."""

    path: str
    reason: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class LeftOutRequest:
    """Which files of a source are meant: `within` a folder of it ("" for all), that match one of
    the globs, if any are given; or with `only_path` one file or folder."""

    within: tuple[str, ...] = ()
    globs: tuple[str, ...] = ()
    only_path: str | None = None


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the database has of a file. `problem` says why it was split by lines or left out; author
    and moments are empty where no history has the file, or was asked yet."""

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
    """A live snippet of a file. `stages` says of each stage by its name whether the snippet has
    passed it."""

    start_line: int
    end_line: int
    symbol: str | None
    kind: str | None
    scope: str
    stages: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a file is in an index or not: it is `left_out`, or there are `facts` of it, or both for a
    moment; without either it is one that the next run takes in, or a folder."""

    index: Index
    path: str
    left_out: LeftOut | None
    facts: FileFacts | None
    snippets: tuple[SnippetFacts, ...]
    presence: Presence

    @property
    def state(self) -> str:
        """In a word, as `ExplanationView` has it."""
        if self.left_out is not None:
            return "left_out"
        if self.facts is None:
            return "new" if self.presence is Presence.FILE else "folder"
        if self.presence is Presence.GONE:
            return "removed"
        return "indexed" if self.facts.is_extracted and self.facts.language else "changed"


class LeftOutReader(Protocol):
    """Looks at sources for what is left out of their indexes."""

    async def find(
        self, index: Index, request: LeftOutRequest, unread: Sequence[UnreadFile]
    ) -> tuple[list[LeftOut], Presence]:
        """What of a source is left out, by path: by its rules, of a folder as it is now and of a
        git source at the indexed commit, and what of the `unread` is meant. Also what there is at
        the only path that is asked for. Raises SourceError and TransientError."""
        ...


class FileFactsReader(Protocol):
    """What the database has of files. Synchronous: each call is one transaction."""

    def unread(self, index_id: int) -> list[UnreadFile]:
        """The files of an index that were left out for their content, by path."""
        ...

    def facts(self, index_id: int, path: str) -> tuple[FileFacts, tuple[SnippetFacts, ...]] | None:
        """A file of an index with its live snippets in line order; None for an unknown one."""
        ...
