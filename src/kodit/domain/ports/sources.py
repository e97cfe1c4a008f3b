"""Reading sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Protocol

from kodit.domain.caller import LOCAL_CALLER, Caller
from kodit.domain.files import IndexedText
from kodit.domain.index import Index, IndexedFile
from kodit.domain.ports.repositories import ExtractedFile, Extraction
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
    """Understands what a caller types. Synchronous: a path is looked at."""

    def parse(self, text: str, caller: Caller = LOCAL_CALLER) -> ParsedSource:
        """A URL, `user@host:path` or the path of a folder, each optionally followed by `@` and a
        ref; a relative path starts at the caller's folder. Raises SourceError, in one sentence,
        for what is refused or does not exist, and RefusedByPolicyError."""
        ...

    def place_of(self, text: str, caller: Caller = LOCAL_CALLER) -> LocalPlace | None:
        """The folder or file that a local caller means by its path; None if there is none, and for
        everybody else, who is not told what there is."""
        ...

    def check_stored(self, source: Source) -> None:
        """Raises SourceError for a stored source that no parsing has given: typed again, it could
        mean something else, such as the current folder."""
        ...

    def check_globs(self, what: str, globs: Sequence[str]) -> None:
        """Raises UserError, naming what they are for, for globs that can choose no file."""
        ...

    def former_names(self, text: str, caller: Caller = LOCAL_CALLER) -> Set[str]:
        """How the sources are stored that `text` may have meant while they were there."""
        ...

    def project_of(self, folder: str) -> str | None:
        """The folder to index for a user who works in this one: the root of its work tree, or
        itself where it is in none. None for a folder that holds more than a project: the user's
        home, what lies above it, or a folder of repositories."""
        ...

    def is_broad(self, folder: str) -> bool:
        """Whether a folder holds much more than a project: the root, the user's home or what lies
        above it, a folder of the system, a whole drive."""
        ...

    def without_secrets(self, text: str) -> str:
        """What may be a mistyped URL, without its name and password."""
        ...


class SourceReader(Protocol):
    """Looks at sources and cuts their files into snippets, in child processes."""

    async def look_up(self, index: Index) -> str | None:
        """The commit that the source is at, with one ref lookup; None for folders, which have
        to be scanned. Raises SourceError or TransientError."""
        ...

    async def scan(self, index: Index, known: Mapping[str, KnownFile], report: Report) -> Scan:
        """Bring the working copy up to date and compare it with what is known. Raises
        SourceError when the source is gone or refused, TransientError when it may come back."""
        ...

    async def history(
        self, index: Index, commit: str | None, unknown: Sequence[str]
    ) -> SourceHistory | None:
        """What the history says of files that is not known yet; None where there is nothing new,
        or no history at all. `commit` is the one that was scanned, None for folders; `unknown` are
        files that no earlier answer was stored of, all or MOST_UNKNOWN of them."""
        ...

    async def extract(
        self, index: Index, files: Sequence[IndexedFile], report: Report
    ) -> list[ExtractedFile]:
        """The snippets of the files, in any order: of all of them, or of as many as are worth
        handing over at once, one at least. A bad file is a problem of that file and never an
        error."""
        ...

    def is_outdated(self, extraction: Extraction) -> bool:
        """Whether files that were extracted so are to be extracted again: this program's extractor
        is newer, and would give other snippets of the same file, or might read one that was left
        out. What a newer one has made stays as it is."""
        ...

    def keep(self, credentials: Credentials, source: Source) -> str:
        """Keep a secret for the server of a source, where only this user can read it; returns the
        reference to it."""
        ...

    def reveal(self, index: Index) -> Credentials | None:
        """The secret that an index refers to; None where it refers to none, or its source takes
        none. Raises SourceError when it is not there, or was given for another server."""
        ...

    def named(self, reference: str) -> Credentials:
        """The secret that the user has named, by `env:NAME`. Raises SourceError, which repeats
        nothing that could be a secret, for all else and when it is not there."""
        ...

    def bind(self, reference: str, source: Source) -> None:
        """Record, for this user, that `env:NAME` may be sent to the server of a source. Raises
        UserError where that cannot be written."""
        ...

    def hand_over(self, index: Index) -> None:
        """Let the workers of a server read an index whose secret is in a variable of this process,
        before its run is queued. Nothing happens where there is no server or no such secret."""
        ...

    def forget(self, reference: str) -> None:
        """Forget a secret that was kept; nothing happens where the reference names none."""
        ...

    async def check(
        self,
        source: Source,
        credentials: Credentials | None,
        *,
        is_confined: bool = False,
        is_remote: bool = False,
    ) -> None:
        """See whether a source is there and lets us in, without keeping anything. Whether it has
        a commit that is named by its id may be known only after a scan. Where it `is_confined`,
        nothing but public addresses is connected to. Raises SourceError, RefusedByPolicyError."""
        ...

    def discard(self, index: Index) -> None:
        """Remove what is kept of a source below the data directory; never the source itself."""
        ...


class TextReader(Protocol):
    """Reads single files of indexes, in place or from a clone. Synchronous."""

    def read(self, index: Index, file: IndexedText) -> str | None:
        """The text with `\\n` as the only line end; a folder's as it is now, a git source's as it
        was indexed. None when there is no such text any more. Raises SourceError when the source
        is gone, TransientError when it cannot be read just now."""
        ...
