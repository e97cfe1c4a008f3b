"""Sources of code, and the results of their scans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from kodit.domain.pickling import pickled_by_fields


class SourceKind(StrEnum):
    """How a source is read."""

    GIT = "git"
    """Cloned below the data directory and fetched again at each run."""
    FOLDER = "folder"
    """Read in place, never written or removed."""


@dataclass(frozen=True, slots=True)
class Source:
    """A git URL without its credentials, or the absolute path of a local folder.

    `ref` is the branch, tag or commit asked for with `URL@ref`; None means the remote's default.
    `include` and `exclude` are globs over relative paths, with the rules of `.gitignore`.
    `submodules` includes repositories within the repository: submodules at the commit that it pins,
    and in a folder whatever is checked out there. `host` is the machine that has the folder, where
    several share a database; empty if each of them has the source.
    """

    kind: SourceKind
    location: str
    ref: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    submodules: bool = False
    host: str = ""

    def choosing(
        self,
        include: tuple[str, ...] | None,
        exclude: tuple[str, ...] | None,
        submodules: bool | None,
    ) -> Source:
        """The same source with another choice of files; None leaves a part unchanged."""
        return replace(
            self,
            include=self.include if include is None else include,
            exclude=self.exclude if exclude is None else exclude,
            submodules=self.submodules if submodules is None else submodules,
        )

    def __str__(self) -> str:
        return f"{self.location}@{self.ref}" if self.ref else self.location


@dataclass(frozen=True, slots=True)
class Credentials:
    """Credentials for a git server. Both parts may be secret: a token is often given as the user
    name with an empty password. Never shown by `repr`."""

    username: str = field(repr=False)
    password: str = field(default="", repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The parts that no message may contain: the password, or the user name if there is
        none."""
        return (self.password,) if self.password else (self.username,)


@dataclass(frozen=True, slots=True)
class ParsedSource:
    """A parsed source; `source` never holds the credentials. `others` are alternative readings, the
    likelier ones first, where the address of a page does not tell where the branch ends and the
    path begins."""

    source: Source
    credentials: Credentials | None = None
    others: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class LocalPlace:
    """A folder or a file on this machine, absolute, with the symbolic links of its folders
    resolved. `folder` is the folder itself, or the one that holds the file."""

    path: str
    folder: str


class FileProcessingStatus(StrEnum):
    """What happened to a file since its index was last complete."""

    CLEAN = "clean"
    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"


class StoredStamp(NamedTuple):
    """What is stored of a stamp: the size in bytes, and a mark of everything else, of 32 bits with
    a sign."""

    size: int
    mark: int = 0


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class FileStamp:
    """What the file system knows about a file without reading it; only the size on git sources."""

    size: int
    mtime_ns: int = 0
    ctime_ns: int = 0
    inode: int = 0

    @property
    def stored(self) -> StoredStamp:
        return StoredStamp(self.size, stamp_mark(self.mtime_ns, self.ctime_ns, self.inode))


_ALL = (1 << 64) - 1


def stamp_mark(mtime_ns: int, ctime_ns: int, inode: int) -> int:
    """A number of 32 bits, with a sign, that two stamps share by chance once in 2 ** 32; 0 if all
    are 0. A fifth of what it stands for would take in the database."""
    # The sum of the first two is odd: a write moves both times by the same amount.
    mixed = (
        mtime_ns * 0x9E3779B97F4A7C15 + ctime_ns * 0xC2B2AE3D27D4EB4E + inode * 0x165667B19E3779F9
    )
    mark = (mixed & _ALL) >> 32
    return mark - (1 << 32) if mark >> 31 else mark


class KnownFile(NamedTuple):
    """What an earlier scan recorded about a file: a plain tuple, since there are tens of thousands.
    On git sources only `content_hash` counts; the rest is a `StoredStamp`."""

    content_hash: str
    size: int = 0
    mark: int = 0


class FileHistory(NamedTuple):
    """The last author of a file, the time of the last change (seconds since 1970), and the time of
    its first commit."""

    author_name: str
    author_email: str
    changed_at: int
    created_at: int


MOST_UNKNOWN = 1000
"""For more files than this, the whole history is read."""


@dataclass(frozen=True, slots=True)
class SourceHistory:
    """Authors and dates of files, by path. `files` replaces what was known of these files, None if
    no commit has the path; `later` comes from commits after the known ones, and is added to what
    was known. If `is_whole`, no commit has any other path, and none has another one in the folders
    `whole_within`, which end in a slash. `mark` is the commit up to which this goes."""

    mark: str | None
    files: Mapping[str, FileHistory | None]
    later: Mapping[str, FileHistory] = field(default_factory=dict)
    is_whole: bool = False
    whole_within: tuple[str, ...] = ()

    def with_all_of(self, paths: Iterable[str]) -> SourceHistory:
        """The same history with an entry for each of these files, None for those that no commit
        has, and, if it is whole, without other files."""
        files = {
            path: self.files.get(path)
            for path in paths
            if self.is_whole or path.startswith(self.whole_within)
        }
        return replace(self, files=files if self.is_whole else {**self.files, **files})


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class ScannedFile:
    """A file that a scan found: its path relative to the source, its content hash (the git blob id,
    40 hexadecimal digits, for both kinds of source) and its stamp."""

    path: str
    content_hash: str
    stamp: FileStamp


@dataclass(frozen=True, slots=True)
class Scan:
    """The results of a scan of a source, compared with the known files.

    `changed` holds new files, files with other content, and files with equal content whose stamp
    changed; `gone` the known paths that no longer exist; `unchanged` counts the rest. `skipped`
    counts the files left out, by reason ("ignored" is counted only if no file is left, and then by
    rule). `commit` is the commit that was read, on git sources. `scanned_at_ns` is the file
    system's clock when the scan started. `repositories` are the paths of the work trees that were
    read within a folder.
    """

    changed: tuple[ScannedFile, ...]
    gone: tuple[str, ...]
    unchanged: int
    skipped: dict[str, int] = field(default_factory=dict)
    commit: str | None = None
    scanned_at_ns: int = 0
    repositories: tuple[str, ...] = ()
