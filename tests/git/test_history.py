"""Who last changed a file, and when it was first committed."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.git.sources import history_of, history_of_folder

from kodit.domain.report import ignore_report
from kodit.domain.source import FileHistory, SourceHistory
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.git.clone import synchronise
from kodit.infrastructure.git.history import clone_history, folder_history
from kodit.infrastructure.git.history_changes import Changes
from kodit.infrastructure.git.remote import look_up
from kodit.infrastructure.git.runner import GitError
from kodit.infrastructure.sources.child_functions import read_history
from kodit.infrastructure.sources.location import Location

if TYPE_CHECKING:
    from tests.git.conftest import MakeRepository, Repository

FIRST = 1_700_000_000 + 3600
HOUR = 3600
LAST = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())


def person(name: str, changed_at: int, created_at: int) -> FileHistory:
    return FileHistory(name, f"{name.lower()}@example.org", changed_at, created_at)


def merged_repository(make_repository: MakeRepository) -> tuple[Repository, list[str]]:
    """Ada and Ben on two branches, joined by a merge in which Cleo changed a file."""
    origin = make_repository()
    commits = [origin.commit({"a.py": "1", "both.py": "1", "gone.py": "1"}, "Ada")]
    origin.git("checkout", "--quiet", "-b", "side")
    commits.append(origin.commit({"side.py": "1", "both.py": "1\nside"}, "Ben"))
    origin.git("checkout", "--quiet", "main")
    (origin.path / "gone.py").unlink()
    commits.append(origin.commit({"a.py": "2"}, "Cleo"))
    origin.git("merge", "--quiet", "--no-commit", "--no-ff", "side")
    commits.append(origin.commit({"evil.py": "made by the merge"}, "Dora"))
    return origin, commits


def test_the_last_author_and_both_times_of_each_file(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """Over a merge: a file that comes from one parent keeps its author, a file made by the merge
    has the merge's, and a deleted file is not there."""
    origin, commits = merged_repository(make_repository)
    clone = tmp_path / "clone"
    synchronise(Source(SourceKind.GIT, origin.url), clone)
    expected = {
        "a.py": person("Cleo", FIRST + 2 * HOUR, FIRST),
        "both.py": person("Ben", FIRST + HOUR, FIRST),
        "side.py": person("Ben", FIRST + HOUR, FIRST + HOUR),
        "evil.py": person("Dora", FIRST + 3 * HOUR, FIRST + 3 * HOUR),
    }
    assert history_of(clone, commits[-1]) == expected
    assert history_of_folder(origin.path).items() >= expected.items()


def test_settings_of_a_repository_change_nothing_of_its_history(
    make_repository: MakeRepository,
) -> None:
    origin = make_repository()
    origin.commit({"a.py": "1", ".mailmap": "Other <other@example.org> <зоя@example.org>\n"}, "Зоя")
    settings = ("i18n.logOutputEncoding=koi8-r", "color.ui=always", "log.mailmap=true")
    for setting in settings:
        origin.git("config", *setting.split("="))
    assert history_of_folder(origin.path)["a.py"] == person("Зоя", FIRST, FIRST)


def test_a_source_without_commits_has_no_history(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """And nothing is asked of its clone, whatever was known before it was emptied."""
    source = Source(SourceKind.GIT, make_repository().url)
    location = Location(source, str(tmp_path / "clone"))
    commit = synchronise(source, tmp_path / "clone")
    for known in (None, "0" * 40):
        assert read_history(location, commit, known, (), report=ignore_report) is None


def test_progress_of_reading_commits_is_reported(make_repository: MakeRepository) -> None:
    """So that a long history is not taken for a stalled task."""
    origin, commits = merged_repository(make_repository)
    told: list[int] = []
    clone_history(
        origin.path / ".git", commits[-1], report=lambda current, _total: told.append(current)
    )
    assert told == sorted(told)
    assert told[-1] == len(commits)


def test_of_one_second_the_descendant_is_the_last_change(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """As after a rebase, which commits everything at once."""
    origin = make_repository()
    for number, author in enumerate(["Ada", "Ben", "Cleo", "Dora"]):
        origin._time = FIRST - HOUR
        commit = origin.commit({"a.py": str(number)}, author)
    expected = {"a.py": person("Dora", FIRST, FIRST)}
    assert history_of(origin.path / ".git", commit) == expected
    assert history_of_folder(origin.path) == expected


def test_of_one_second_the_order_of_a_merge_does_not_matter(
    make_repository: MakeRepository,
) -> None:
    """Ben's commit descends from Ada's, which another branch of the merge reaches earlier."""
    origin = make_repository()
    origin._time = FIRST - HOUR
    ada = origin.commit({"a.py": "1"}, "Ada")
    origin._time = FIRST - HOUR
    origin.commit({"a.py": "2"}, "Ben")
    origin._time = FIRST
    later = origin.commit({"b.py": "1"}, "Ben")
    origin.git("checkout", "--quiet", "-b", "side", ada)
    latest = origin.commit({"c.py": "1"}, "Cleo")
    merge = origin.git("commit-tree", "-m", "merge", "-p", latest, "-p", later, f"{later}^{{tree}}")
    assert history_of(origin.path / ".git", merge)["a.py"] == person("Ben", FIRST, FIRST)


def test_the_history_of_a_part_of_a_work_tree(make_repository: MakeRepository) -> None:
    """Paths are relative to the folder; elsewhere there is no history."""
    origin = make_repository()
    origin.commit({"top.py": "1", "pkg/a.py": "1", "pkg-other/b.py": "1"}, "Ada")
    origin.commit({"pkg/a.py": "2"}, "Ben")
    assert history_of_folder(origin.path / "pkg") == {"a.py": person("Ben", FIRST + HOUR, FIRST)}
    assert history_of_folder(origin.path.parent) == {}


def test_the_history_of_an_empty_shallow_and_linked_work_tree(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """None before the first commit; a shallow clone knows what it has."""
    origin = make_repository()
    assert history_of_folder(origin.path) == {}
    origin.commit({"a.py": "1"}, "Ada")
    origin.commit({"b.py": "1"}, "Ben")
    origin.git("clone", "--quiet", "--depth=1", origin.url, str(tmp_path / "shallow"))
    origin.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    later = FIRST + HOUR
    assert history_of_folder(tmp_path / "shallow") == {
        "a.py": person("Ben", later, later),
        "b.py": person("Ben", later, later),
    }
    assert history_of_folder(tmp_path / "linked") == history_of_folder(origin.path)
    assert history_of_folder(tmp_path / "linked")["a.py"] == person("Ada", FIRST, FIRST)


def test_reading_the_history_changes_nothing_in_the_work_tree(
    make_repository: MakeRepository,
) -> None:
    """Not even git's own index, which other commands refresh."""
    origin = make_repository()
    origin.commit({"a.py": "1"})
    before = {path: path.stat() for path in sorted(origin.path.rglob("*"))}
    history_of_folder(origin.path)
    look_up(Source(SourceKind.GIT, origin.url))
    after = {path: path.stat() for path in sorted(origin.path.rglob("*"))}
    assert [(path, found.st_mtime_ns, found.st_ctime_ns) for path, found in after.items()] == [
        (path, found.st_mtime_ns, found.st_ctime_ns) for path, found in before.items()
    ]


@pytest.mark.parametrize(
    ("claimed", "taken"),
    [("9223372036854775807", LAST), ("99999999999999999999", LAST), ("0", 0), ("-5", 0)],
)
def test_a_commit_may_claim_any_time(
    make_repository: MakeRepository, claimed: str, taken: int
) -> None:
    """A time beyond the year 9999 becomes its last second, one before 1970 its first."""
    origin = make_repository()
    tree = origin.git("rev-parse", f"{origin.commit({'a.py': '1'})}^{{tree}}")
    person = f"Eve <eve@example.org> {claimed} +0000"
    commit = f"tree {tree}\nauthor {person}\ncommitter {person}\n\nchange\n".encode()
    identity = origin.git(
        "hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=commit
    )

    (found,) = history_of(origin.path / ".git", identity).values()

    assert (found.created_at, found.changed_at) == (taken, taken)


def test_a_name_that_is_no_text_has_no_history(make_repository: MakeRepository) -> None:
    """No scan takes such a file in, and no database its name."""
    origin = make_repository()
    commit = origin.commit({"a.py": "1", os.fsdecode(b"no-text-\xff.py"): "1"})

    assert set(history_of(origin.path / ".git", commit)) == {"a.py"}
    assert set(history_of_folder(origin.path)) == {"a.py"}


def test_a_clone_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """Never an empty history that is taken as correct."""
    with pytest.raises(GitError):
        history_of(tmp_path / "nothing", "HEAD")


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
commits = st.lists(
    st.tuples(
        st.integers(0, 10**10),
        names,
        names,
        st.lists(names.filter(bool), max_size=3),
    ),
    max_size=6,
)


def test_an_undecodable_author_is_replaced_and_a_path_dropped() -> None:
    """As far as the text can be decoded."""
    changes = Changes(lambda _done, _total: None)
    changes.feed(b"\0" + b"1" * 40 + b" 7\0M\xfcller\0m\xfc@host\0\nM\0a.py\0M\0\xff.py\0")
    assert changes.result(None) == {"a.py": FileHistory("M\ufffdller", "m\ufffd@host", 7, 7)}
    late = Changes(lambda _done, _total: None)
    late.feed(b"\0" + b"1" * 40 + b" 999999999999\0Ada\0a@host\0\nM\0a.py\0")
    assert late.result(None)["a.py"].changed_at == 253_402_300_799


def test_whose_change_is_certainly_the_latest() -> None:
    """Not one of two in the same second, until there is a later one."""
    changes = Changes(lambda _done, _total: None)

    def add(number: int, time: int, *paths: str) -> bytes:
        identity = f"{number:040x}".encode()
        changes.feed(
            b"\0%s %d\0Ada\0a@host\0\n" % (identity, time)
            + b"".join(b"M\0%s\0" % path.encode() for path in paths)
        )
        return identity

    first = add(1, 7, "a", "b")
    second = add(2, 7, "b")
    again = add(2, 7, "b", "c", "c")
    both = frozenset([first, second])
    assert second == again
    assert changes.certainly_latest(both) == {b"a", b"c"}
    assert changes.certainly_latest(frozenset([second])) == {b"c"}
    third = add(3, 9, "b")
    assert changes.certainly_latest(frozenset([third])) == {b"b"}
    add(4, 5, "a")
    found = changes.result(None)
    assert (found["a"].changed_at, found["a"].created_at) == (7, 5)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(commits=commits, cuts=st.lists(st.integers(0, 400)))
def test_output_in_any_pieces_means_the_same(
    commits: list[tuple[int, str, str, list[str]]], cuts: list[int]
) -> None:
    """Names may contain anything but NUL, look like a status or a commit, or be empty."""
    output = b""
    for number, (time, name, address, paths) in enumerate(commits):
        output += f"\0{number:040x} {time}\0{name}\0{address}\0".encode()
        output += (b"\0", b"\n")[number % 2]  # a merge, or not
        output += "".join(f"M\0{path}\0" for path in paths).encode()
    whole = Changes(lambda _done, _total: None)
    whole.feed(output)
    pieces = Changes(lambda _done, _total: None)
    previous = 0
    for cut in [*sorted(cuts), len(output)]:
        pieces.feed(output[previous:cut])
        previous = max(previous, min(cut, len(output)))
    assert pieces.result(None) == whole.result(None)
    assert set(whole.result(None)) == {path for *_, paths in commits for path in paths}


def test_a_history_that_can_no_longer_be_read(make_repository: MakeRepository) -> None:
    """The known part stays, because it may become valid again."""
    origin = make_repository()
    origin.commit({"a.py": "1"})
    known = folder_history(str(origin.path))
    assert known is not None
    (origin.path / ".git" / "objects").rename(origin.path / "elsewhere")
    (origin.path / ".git" / "objects").mkdir()
    assert folder_history(str(origin.path), known.mark, ["b.py"]) is None
    told = folder_history(str(origin.path))
    assert told == SourceHistory(known.mark, {}, is_whole=True)
