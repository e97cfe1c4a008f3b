"""Fetching the submodules of a git source into its clone.

git itself never recurses into submodules. Their addresses come from the repository, which anybody
may have written: each has to pass the same checks as an address from the caller, and the source's
credentials are sent only to the source's own server.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit, urlunsplit

from kodit.domain.errors import KoditError, SourceError, TransientError
from kodit.domain.policy import SCP_LIKE
from kodit.domain.report import Report
from kodit.domain.source import Credentials
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.git.confinement import confined_to_public_hosts
from kodit.infrastructure.git.credentials import server_of
from kodit.infrastructure.git.errors import explain, unreachable
from kodit.infrastructure.git.objects import TreeEntry, list_tree, read_blobs
from kodit.infrastructure.git.runner import (
    OFFLINE,
    GitError,
    GitTimeoutError,
    Limits,
    run_git,
)
from kodit.infrastructure.git.submodules import (
    MOST,
    REFS,
    Record,
    fetched_commits,
    read_record,
    write_record,
)
from kodit.infrastructure.git.transfer import FilesRefusedError, Transfer
from kodit.infrastructure.sources.parsing import parse_source

_ADDRESSES = ".gitmodules"


class _Pinned(NamedTuple):
    """A submodule: its path, its commit, and its address or the reason why that is refused."""

    path: str
    commit: str
    location: str | None
    problem: str


class SubmoduleFetch:
    """Fetches the submodules of one source into its clone."""

    def __init__(
        self,
        source: Source,
        clone_path: Path,
        credentials: Credentials | None,
        report: Report,
        *,
        is_confined: bool,
        limits: Limits | None = None,
    ) -> None:
        """`is_confined` is that of the index: if set, every host must have only public
        addresses.
        """
        self._source = source
        self._clone_path = clone_path
        self._credentials = credentials
        self._report = report
        self._is_confined = is_confined
        self._limits = limits or Limits()

    def fetch_pinned(self, commit: str) -> None:
        """Fetch the submodules pinned by a commit, and theirs. A refused one is recorded and the
        others continue. Raises TransientError if one that was fetched before is unreachable now:
        its indexed files stay until it can be reached.
        """
        before = read_record(self._clone_path)
        there = set(fetched_commits(self._clone_path))
        fetched: dict[str, str] = {}
        refused: dict[str, str] = {}
        waiting = self._pinned_by(commit, "", self._source.location)
        while waiting:
            one = waiting.pop(0)
            try:
                if len(fetched) + len(refused) >= MOST:
                    raise SourceError(f"more than {MOST} submodules")
                location = self._fetch(one, is_there=one.commit in there)
            except KoditError as error:
                if isinstance(error, TransientError) and one.path in before.fetched:
                    raise
                refused[one.path] = str(error)
                continue
            there.add(one.commit)
            fetched[one.path] = one.commit
            waiting += self._pinned_by(one.commit, f"{one.path}/", location)
        self._forget(there - set(fetched.values()))
        write_record(self._clone_path, Record(fetched, refused))

    def _pinned_by(self, commit: str, prefix: str, location: str) -> list[_Pinned]:
        entries = list(list_tree(self._clone_path, commit))
        links = [entry for entry in entries if entry.is_repository]
        addresses = self._addresses(entries) if links else {}
        return [self._pinned(link, addresses, prefix, location) for link in links]

    @staticmethod
    def _pinned(
        link: TreeEntry, addresses: Mapping[str, str], prefix: str, location: str
    ) -> _Pinned:
        written = addresses.get(link.path)
        path = prefix + link.path
        if written is None:
            return _Pinned(path, link.blob_id, None, f"{_ADDRESSES} gives no address for it")
        try:
            return _Pinned(path, link.blob_id, resolved(written, location), "")
        except SourceError as error:
            return _Pinned(path, link.blob_id, None, str(error))

    def _addresses(self, entries: Sequence[TreeEntry]) -> dict[str, str]:
        """The addresses of submodules as written, by path."""
        ids = [one.blob_id for one in entries if one.path == _ADDRESSES and one.is_regular_file]
        (blob, *_) = [*read_blobs(self._clone_path, ids), None]
        if not blob:
            return {}
        try:
            output = run_git(
                ["config", "--file", "-", "--null", "--list"], stdin=blob, environment=OFFLINE
            )
        except GitError:
            return {}  # not a configuration file
        paths: dict[str, str] = {}
        urls: dict[str, str] = {}
        for setting in output.decode("utf-8", "surrogateescape").split("\0"):
            name, _, value = setting.partition("\n")
            if name.startswith("submodule.") and name.endswith(".path"):
                paths[name.removesuffix(".path")] = posixpath.normpath(value)
            elif name.startswith("submodule.") and name.endswith(".url"):
                urls[name.removesuffix(".url")] = value
        return {path: urls[name] for name, path in paths.items() if name in urls}

    def _fetch(self, one: _Pinned, *, is_there: bool) -> str:
        """Fetch the pinned commit, unless it is there; returns the submodule's location."""
        if one.location is None:
            raise SourceError(one.problem)
        source = self._allowed(one.location)
        if is_there:
            return source.location
        source = replace(source, ref=one.commit, include=self._source.include)
        is_of_same_server = server_of(source) == server_of(self._source)
        digest = hashlib.sha256(source.location.encode()).hexdigest()[:16]
        transfer = Transfer(
            source,
            self._credentials if is_of_same_server else None,
            self._report,
            self._limits,
            tip=f"{REFS}/{one.commit}",
            refs=f"refs/kodit/of-submodules/{digest}",
        )
        try:
            with self._confinement(source):
                try:
                    transfer.fetch(one.commit, self._clone_path)
                except FilesRefusedError:
                    replace(transfer, whole=True).fetch(one.commit, self._clone_path)
        except GitError as error:
            raise explain(error, source) from None
        except GitTimeoutError as error:
            raise unreachable(source, f"{error}.") from None
        return source.location

    def _allowed(self, location: str) -> Source:
        """The source at an address. Raises SourceError and RefusedByPolicyError."""
        is_local = location.startswith("file://")
        if is_local and not self._source.location.startswith("file://"):
            raise SourceError("its address is a folder of this machine")
        parsed = parse_source(location).source
        if parsed.kind is not SourceKind.GIT or parsed.ref is not None:
            raise SourceError("its address is not that of a repository")
        return parsed

    def _confinement(self, source: Source) -> AbstractContextManager[None]:
        return confined_to_public_hosts(source) if self._is_confined else nullcontext()

    def _forget(self, commits: set[str]) -> None:
        """Drop the refs of commits that are no longer pinned, so that git may delete their
        objects.
        """
        for commit in sorted(commits):
            run_git(
                ["update-ref", "-d", f"{REFS}/{commit}"],
                git_directory=self._clone_path,
                environment=OFFLINE,
            )


def resolved(written: str, location: str) -> str:
    """The full address of a submodule: one that begins with `./` or `../` is relative to the
    `location` of its parent repository, and stays on its host. Raises SourceError.
    """
    if not written.startswith(("./", "../")):
        if "://" in written or SCP_LIKE.fullmatch(written):
            return written
        if written.startswith("/"):
            return f"file://{quote(written)}"
        raise SourceError(f"its address {written[:100]!r} is not valid")
    scp_like = SCP_LIKE.fullmatch(location) if "://" not in location else None
    if scp_like is not None:
        path = _joined(scp_like["path"], written)
        return f"{scp_like['user']}@{scp_like['host']}:{path.removeprefix('/')}"
    parts = urlsplit(location)
    return urlunsplit((parts.scheme, parts.netloc, _joined(parts.path, written), "", ""))


def _joined(path: str, written: str) -> str:
    names = [name for name in path.split("/") if name]
    for name in written.split("/"):
        if name == "..":
            if not names:
                raise SourceError(f"its address {written[:100]!r} leads above its host")
            names.pop()
        elif name not in ("", "."):
            names.append(name)
    return "/" + "/".join(names)
