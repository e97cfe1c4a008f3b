"""A fetch that fails blames what is at fault: no sound clone is made anew for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.git.sources import paths_at, source_of

from kodit.domain.entities import Index, WorkingCopy
from kodit.domain.errors import (
    CommitGoneError,
    SecretElsewhereError,
    SourceError,
    TransientError,
)
from kodit.domain.this_host import ThisHost
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.git import clone, commits, history
from kodit.infrastructure.git.clone import hold, synchronise
from kodit.infrastructure.git.history import Repository as Objects
from kodit.infrastructure.git.runner import GitError, GitTimeoutError, run_git
from kodit.infrastructure.git.transfer import Transfer, tip_of
from kodit.infrastructure.sources.places import SourcePlaces

if TYPE_CHECKING:
    from tests.git.conftest import MakeRepository


def fail_once(monkeypatch: pytest.MonkeyPatch, error: GitError | GitTimeoutError) -> None:
    """The next fetch fails."""
    fetch = Transfer.fetch
    failures = [error]

    def fetch_or_fail(self: Transfer, ref: str, clone_path: Path) -> str:
        if failures:
            raise failures.pop()
        return fetch(self, ref, clone_path)

    monkeypatch.setattr(Transfer, "fetch", fetch_or_fail)


@pytest.mark.parametrize(
    "error",
    [
        GitError("fatal: the remote end hung up unexpectedly", 128),
        GitTimeoutError("git fetch took more than 5 s"),
    ],
    ids=["trouble", "time"],
)
@pytest.mark.parametrize("holds", [False, True], ids=["synchronise", "hold"])
def test_a_sound_clone_stays_when_a_fetch_fails(
    make_repository: MakeRepository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: GitError | GitTimeoutError,
    holds: bool,
) -> None:
    """And is used by the next one."""
    origin = make_repository()
    first = origin.commit({"a.py": "one"})
    place = tmp_path / "clone"
    synchronise(source_of(origin), place)
    second = origin.commit({"b.py": "two"})
    (place / "made-before").touch()

    def bring() -> None:
        if holds:
            hold(source_of(origin), second, place)
        else:
            synchronise(source_of(origin), place)

    fail_once(monkeypatch, error)
    with pytest.raises(TransientError) as told:
        bring()
    assert told.value.code == "source_unreachable"
    assert tip_of(place) == first
    bring()
    assert paths_at(place, second) == ["a.py", "b.py"]
    assert (place / "made-before").exists()


@pytest.mark.parametrize("holds", [False, True], ids=["synchronise", "hold"])
def test_a_ref_that_a_killed_fetch_left_is_in_no_way(
    make_repository: MakeRepository, tmp_path: Path, holds: bool
) -> None:
    """Git refuses to update one that names no commit; the clone is not made anew for it."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    place = tmp_path / "clone"
    synchronise(source_of(origin), place)
    second = origin.commit({"b.py": "two"})
    (place / "refs" / "kodit" / "incoming").write_bytes(b"")
    (place / "made-before").touch()

    if holds:
        hold(source_of(origin), second, place)
    else:
        synchronise(source_of(origin), place)

    assert paths_at(place, second) == ["a.py", "b.py"]
    assert (place / "made-before").exists()


def test_a_commit_is_gone_only_if_its_source_says_so(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """A source that is gone as a whole is told as such."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    with pytest.raises(CommitGoneError) as gone:
        hold(source_of(origin), "1" * 40, tmp_path / "clone")
    assert gone.value.code == "commit_gone"
    nowhere = Source(SourceKind.GIT, (tmp_path / "nowhere").as_uri())
    with pytest.raises(SourceError) as missing:
        hold(nowhere, "1" * 40, tmp_path / "other")
    assert missing.value.code != "commit_gone"


@pytest.mark.parametrize("failures", [1, 2])
def test_renames_are_not_looked_for_where_that_fails(
    make_repository: MakeRepository, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    """A clone may lack the files. What fails in either way is an error."""
    origin = make_repository()
    origin.commit({"a.py": "one = 1\n"})
    commit = origin.commit({"b.py": "one = 1\n"})
    objects = Objects(origin.path / ".git", origin.path / ".git" / "shallow")
    run = Objects.run
    asked: list[tuple[str, ...]] = []

    def run_or_fail(self: Objects, *arguments: str) -> bytes:
        if arguments[0] == "diff-tree":
            asked.append(arguments)
            if len(asked) <= failures:
                raise GitError("fatal: unable to read a file", 128)
        return run(self, *arguments)

    monkeypatch.setattr(Objects, "run", run_or_fail)
    if failures == 2:
        with pytest.raises(GitError):
            commits.read_commit(objects, commit)
    else:
        _commit, changes = commits.read_commit(objects, commit)
        assert [one.path for one in changes] == ["b.py"]
    assert ["-M" in arguments for arguments in asked] == [True, False]


def test_a_secret_may_be_elsewhere_only_where_others_share_the_database(tmp_path: Path) -> None:
    """Alone, its absence lasts."""
    source = Source(SourceKind.GIT, "https://example.com/shop.git")
    index = Index(1, source, WorkingCopy(), datetime.now(UTC), credentials=f"file:{'0' * 32}")
    with pytest.raises(SourceError) as absent:
        SourcePlaces(tmp_path).reveal(index)
    with pytest.raises(SecretElsewhereError, match="the host ada does not have") as elsewhere:
        SourcePlaces(tmp_path, ThisHost("ada")).reveal(index)
    assert elsewhere.value.code == absent.value.code == "credentials_missing"
    assert elsewhere.value.fields == absent.value.fields
    index = replace(index, credentials="env:")
    with pytest.raises(SecretElsewhereError, match="the host ada cannot read") as invalid:
        SourcePlaces(tmp_path, ThisHost("ada")).reveal(index)
    assert invalid.value.code != "credentials_missing"
    assert SourcePlaces(tmp_path).reveal(replace(index, credentials=None)) is None


FAILURES = [GitError("fatal: it is broken", 128), GitTimeoutError("git was silent for too long")]


@pytest.mark.parametrize("failure", FAILURES, ids=["error", "too long"])
@pytest.mark.parametrize(
    ("command", "ask", "without"),
    [
        ("rev-parse", lambda objects, head: commits.find_commit(objects, head, head[:9]), None),
        ("rev-list", lambda objects, head: commits.find_commit(objects, head, ""), None),
        ("log", commits.lines_changed, {}),
        ("diff-tree", commits.lines_changed, {}),
        ("cat-file", lambda objects, head: commits.read_versions(objects, [head], 9), {}),
    ],
)
def test_what_git_cannot_tell_of_a_commit_is_left_out(
    make_repository: MakeRepository,
    monkeypatch: pytest.MonkeyPatch,
    *,
    failure: Exception,
    command: str,
    ask: Callable[[Objects, str], object],
    without: object,
) -> None:
    """A description has the rest."""
    origin = make_repository()
    head = origin.commit({"x/a.py": "one = 1\n"})
    asked: list[str] = []

    def fail(arguments: Sequence[str], *_more: object, **_how: object) -> bytes:
        asked.append(next(one for one in arguments if not one.startswith("-")))
        if asked[-1] == command:
            raise failure
        return run_git(arguments, *_more, **_how)  # type: ignore[arg-type]

    for module in (history, commits):
        monkeypatch.setattr(module, "run_git", fail, raising=False)
    objects = Objects(origin.path / ".git", origin.path / ".git" / "shallow", prefix="x/")
    assert ask(objects, head) == without
    assert command in asked


@pytest.mark.parametrize("failure", FAILURES, ids=["error", "too long"])
def test_a_folder_without_a_readable_history_has_none(
    make_repository: MakeRepository, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """One that is known stays, as it may become valid again."""
    origin = make_repository()
    origin.commit({"a.py": "one = 1\n"})
    known = history.folder_history(str(origin.path))
    assert known is not None

    def fail(*_asked: object, **_how: object) -> None:
        raise failure

    monkeypatch.setattr(history, "follow", fail)
    found = history.folder_history(str(origin.path))
    assert found is not None
    assert (found.files, found.is_whole) == ({}, True)
    monkeypatch.setattr(history, "run_git", fail)
    found = history.folder_history(str(origin.path))
    assert found is None or found.files == {}


def test_marks_of_a_clone_that_are_no_text(make_repository: MakeRepository, tmp_path: Path) -> None:
    """As after a power failure: it is not at the commit, and is brought there."""
    origin = make_repository()
    commit = origin.commit({"a.py": "one"})
    location = tmp_path / "clone"
    synchronise(source_of(origin), location)
    assert clone.has_files_of(location, commit)
    assert not clone.has_files_of(location, "1" * 40)
    (location / "refs" / "kodit" / "tip").write_bytes(b"\xff" * 41)
    (location / clone._FORMER).write_bytes(b"\xff" * 40)
    assert not clone.has_files_of(location, commit)
    (location / clone._FORMER).write_text(commit, "ascii")
    assert clone.has_files_of(location, commit)
    assert synchronise(source_of(origin), location) == commit
