"""Parsing, reading and scanning of sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Protocol

from kodit.domain.caller import LOCAL_CALLER, Caller
from kodit.domain.files import IndexedText
from kodit.domain.index import Index, IndexedFile
from kodit.domain.ports.index_files import Extraction
from kodit.domain.ports.repositories import ExtractedFile
from kodit.domain.ports.versions import KnownVersion
from kodit.domain.report import Report
from kodit.domain.source import (
    Credentials,
    KnownFile,
    LocalPlace,
    ParsedSource,
    Scan,
    Source,
    SourceHistory,
)


class SourceParser(Protocol):
    """Parses a source as typed. Synchronous: it looks at the disk."""

    def parse(self, text: str, caller: Caller = LOCAL_CALLER) -> ParsedSource:
        """Parses a URL, `user@host:path` or the path of a folder, each optionally followed by `@`
        and a ref; a relative path starts at the caller's folder. Raises SourceError, in one
        sentence, if it is refused or does not exist, and RefusedByPolicyError."""
        ...

    def at_ref(self, parsed: ParsedSource, ref: str, caller: Caller = LOCAL_CALLER) -> ParsedSource:
        """The same repository at a branch, tag or commit; a folder is then read as a repository.
        Raises SourceError if that is none, or no such name, and RefusedByPolicyError."""
        ...

    def place_of(self, text: str, caller: Caller = LOCAL_CALLER) -> LocalPlace | None:
        """The folder or file at a local caller's path; None if there is none, and for every other
        caller, who may not learn what exists."""
        ...

    def check_stored(self, source: Source) -> None:
        """Raises SourceError for a stored source that parsing cannot have produced: typed again, it
        could mean something else, such as the current folder."""
        ...

    def check_globs(self, what: str, globs: Sequence[str]) -> None:
        """Raises UserError, which names the option, for globs that cannot match any file."""
        ...

    def former_names(self, text: str, caller: Caller = LOCAL_CALLER) -> Set[str]:
        """The locations under which sources may be stored that `text` meant while they existed."""
        ...

    def project_of(self, folder: str) -> str | None:
        """The project folder to index for a user who works in this folder: the root of its work
        tree, or the folder itself if it is in none. None for a folder that is wider than a project:
        the user's home, its parents, or a folder of repositories."""
        ...

    def is_broad(self, folder: str) -> bool:
        """Whether a folder is much wider than a project: the root, the user's home or its parents,
        a system folder, a whole drive."""
        ...

    def without_secrets(self, text: str) -> str:
        """A text that may be a mistyped URL, without its user name and password."""
        ...


class SourceReader(Protocol):
    """Scans sources and slices their files into snippets, in child processes."""

    async def look_up(self, index: Index) -> str | None:
        """The current commit of the source, by one ref lookup; None for folders, which have to be
        scanned. Raises SourceError or TransientError."""
        ...

    async def scan(self, index: Index, known: Mapping[str, KnownFile], report: Report) -> Scan:
        """Bring the working copy up to date and compare it with the known files. Raises SourceError
        if the source is gone or refused, TransientError if it may come back."""
        ...

    async def history(
        self,
        index: Index,
        commit: str | None,
        unknown: Sequence[str],
        repositories: Sequence[str] = (),
    ) -> SourceHistory | None:
        """The part of the history that is not yet known; None if there is nothing new, or no
        history at all. `commit` is the scanned commit, None for folders; `unknown` are files
        without a stored history, all or MOST_UNKNOWN of them; `repositories` are those within a
        folder, as the scan found them."""
        ...

    async def extract(
        self,
        index: Index,
        files: Sequence[IndexedFile],
        known: Mapping[int, Sequence[KnownVersion]],
        report: Report,
    ) -> list[ExtractedFile]:
        """The snippets of the files, in any order: of all files, or of as many as fit into one
        batch, at least one. `known` are the stored versions that a file may have: one that has such
        a version is not sliced. A bad file is reported as a problem of that file and never
        raises."""
        ...

    def is_outdated(self, extraction: Extraction) -> bool:
        """Whether files that were extracted this way need to be extracted again: this program's
        extractor is newer and would produce other snippets, or may read a file that was left out.
        Results of a newer extractor are kept."""
        ...

    def keep(self, credentials: Credentials, source: Source) -> str:
        """Store a secret for the server of a source, readable by this user only; returns the
        reference to it."""
        ...

    def reveal(self, index: Index) -> Credentials | None:
        """The secret that an index refers to; None if it refers to none or its source takes none.
        Raises SourceError if the secret is missing or was given for another server, and instead
        SecretElsewhereError where another machine may have it."""
        ...

    def named(self, reference: str) -> Credentials:
        """The secret that the user has named by `env:NAME`. Raises SourceError, which never repeats
        a possible secret, for any other reference and for a missing variable."""
        ...

    def bind(self, reference: str, source: Source) -> None:
        """Record, for this user, that `env:NAME` may be sent to the server of a source. Raises
        UserError if that cannot be written."""
        ...

    def hand_over(self, index: Index) -> None:
        """Let the workers of a server read an index whose secret is in an environment variable of
        this process, before its run is queued. Does nothing without a server or such a secret."""
        ...

    def forget(self, reference: str) -> None:
        """Delete a stored secret; does nothing if the reference names none."""
        ...

    async def check(
        self,
        source: Source,
        credentials: Credentials | None,
        *,
        is_confined: bool = False,
        is_remote: bool = False,
    ) -> None:
        """Check that a source exists and grants access, without storing anything. Whether it has a
        commit that is named by its id may be known only after a scan. With `is_confined`, connects
        to public addresses only. Raises SourceError, RefusedByPolicyError."""
        ...

    def discard(self, index: Index) -> None:
        """Remove the data of a source below the data directory; never the source itself."""
        ...


class TextReader(Protocol):
    """Reads single files of indexes, in place or from a clone. Synchronous."""

    def read(self, index: Index, file: IndexedText) -> str | None:
        """The text with `\\n` as the only line ending, of a folder as it is now, of a git source as
        it was indexed. None if the text no longer exists. Raises SourceError if the source is gone,
        TransientError if it cannot be read at the moment."""
        ...
