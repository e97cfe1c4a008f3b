"""Whatever happens to commits, the known authors and dates equal those of a fresh read."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.git.sources import history_of, history_of_folder, source_of

from kodit.domain.source import MOST_UNKNOWN, FileHistory, SourceHistory
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.git import history as module
from kodit.infrastructure.git.clone import synchronise
from kodit.infrastructure.git.history import clone_history, folder_history
from kodit.infrastructure.git.remote import has_been_deepened, has_lost_history
from kodit.infrastructure.git.tree import list_files

if TYPE_CHECKING:
    from tests.git.conftest import MakeRepository, Repository

NAMES = ("a.py", "b.py", "pkg/c.py", "pkg/d.py", "pkg/deep/e.py", "pkg")
PEOPLE = ("Ada", "Ben", "Cleo")


class Known:
    """What an index knows about its files, updated as SYNC does."""

    def __init__(self) -> None:
        self.mark: str | None = None
        self.files: dict[str, FileHistory | None] = {}
        self._asked: set[str] = set()

    def follow(
        self,
        present: Sequence[str],
        ask: Callable[[str | None, Sequence[str]], SourceHistory | None],
    ) -> SourceHistory | None:
        """New or restored files have no history yet."""
        self.files = {path: self.files.get(path) for path in present}
        self._asked &= set(present)
        told = ask(self.mark, sorted(set(present) - self._asked))
        if told is not None:
            if told.is_whole:
                self.files = {path: told.files.get(path) for path in present}
            for path in told.files.keys() & set(present):
                self.files[path] = told.files[path]
            for path, later in told.later.items():
                if path in self.files:
                    self.files[path] = _added_up(self.files[path], later)
            self.mark = told.mark
            self._asked = set(present)
        return told


def _added_up(known: FileHistory | None, later: FileHistory) -> FileHistory:
    """The database's result after a later change."""
    assert known is not None
    newest = known if known.changed_at > later.changed_at else later
    return newest._replace(created_at=min(known.created_at, later.created_at))


class Events:
    """Random events of a repository; some take place within one second, and some clocks are
    wrong.
    """

    def __init__(self, origin: Repository, seed: int) -> None:
        self.origin = origin
        self.random = random.Random(seed)  # noqa: S311 - only has to be repeatable
        self.commits = 0

    def happen(self) -> str:
        """Makes one of them; returns its name."""
        events: list[Callable[[], Any]] = [
            self.commit, self.commit, self.delete, self.rename, self.amend, self.reset,
            self.switch, self.merge, self.rebase, self.come_back,
        ]  # fmt: skip
        event = self.random.choice(events)
        event()
        return event.__name__

    def commit(self) -> None:
        self.commits += 1
        self.origin._time += self.random.choice([-3600, -3600, 0, -9000, 86_400])
        for name in self.random.sample(NAMES[:5], self.random.randint(1, 2)):
            self._make_room(name)
            self.origin.write(name, f"{self.commits}\n" * self.random.randint(1, 9))
        self.origin.commit(author=self.random.choice(PEOPLE))

    def _make_room(self, name: str) -> None:
        for parent in reversed(Path(name).parents):
            if (self.origin.path / parent).is_file():
                (self.origin.path / parent).unlink()

    def _present(self) -> list[str]:
        return [name for name in NAMES if (self.origin.path / name).is_file()]

    def delete(self) -> None:
        present = self._present()
        if len(present) > 1:
            (self.origin.path / self.random.choice(present)).unlink()
            self.origin.commit(author=self.random.choice(PEOPLE))

    def come_back(self) -> None:
        """A file is deleted and added again between two reads."""
        self.delete()
        self.commit()

    def rename(self) -> None:
        present = self._present()
        name = f"renamed{self.random.randint(0, 2)}.py"
        (self.origin.path / self.random.choice(present)).rename(self.origin.path / name)
        self.origin.commit(author=self.random.choice(PEOPLE))

    def amend(self) -> None:
        self.origin.write(self.random.choice(["a.py", "z.py"]), f"amended {self.commits}")
        self.origin.git("add", "--all")
        author = self.random.choice(PEOPLE)
        date = f"{self.origin._time} +0000"
        self.origin.git("commit", "--quiet", "--amend", "--no-edit", "--reset-author",
                        GIT_AUTHOR_NAME=author, GIT_COMMITTER_DATE=date)  # fmt: skip

    def reset(self) -> None:
        count = int(self.origin.git("rev-list", "--count", "--first-parent", "HEAD"))
        back = self.random.randint(0, min(3, count - 1))
        self.origin.git("reset", "--quiet", "--hard", f"HEAD~{back}")
        self.origin.git("clean", "-qfd")

    def switch(self) -> None:
        """The branch `side` continues where it was left, or starts here."""
        current = self.origin.git("rev-parse", "--abbrev-ref", "HEAD")
        other = "main" if current == "side" else "side"
        if other in self.origin.git("branch", "--format=%(refname:short)").split():
            self.origin.git("checkout", "--quiet", "--force", other)
        else:
            self.origin.git("checkout", "--quiet", "-b", other)
        self.origin.git("clean", "-qfd")

    def merge(self) -> None:
        current = self.origin.git("rev-parse", "--abbrev-ref", "HEAD")
        other = "main" if current == "side" else "side"
        if other in self.origin.git("branch", "--format=%(refname:short)").split():
            self.origin._time += self.random.choice([0, 3600])
            self.origin.git("merge", "--quiet", "--no-edit", "--strategy-option=ours",
                            "--strategy=ort" if self.random.random() < 0.7 else "--strategy=ours",
                            "--allow-unrelated-histories", other, check=False,
                            GIT_COMMITTER_DATE=f"{self.origin._time} +0000",
                            GIT_AUTHOR_NAME="Merger")  # fmt: skip
            if self.origin.git("ls-files", "--unmerged"):
                self.origin.git("reset", "--quiet", "--merge")

    def rebase(self) -> None:
        """The last commits are created again, all in one second."""
        self.origin._time += 60
        self.origin.git("rebase", "--quiet", "--force-rebase", "--root", check=False,
                        GIT_COMMITTER_DATE=f"{self.origin._time} +0000")  # fmt: skip
        self.origin.git("rebase", "--abort", check=False)


class Watched:
    """A repository as seen by three indexes: of its URL, of its work tree and of a folder in it."""

    def __init__(self, origin: Repository, clone: Path) -> None:
        self.origin = origin
        self._clone = clone
        self._cloned = Known()
        self._folders = {origin.path: Known(), origin.path / "pkg": Known()}

    def look(self) -> dict[str, FileHistory | None]:
        """Update all and compare them with fresh ones; returns what the first knows."""
        commit = synchronise(
            source_of(self.origin, self.origin.git("rev-parse", "HEAD")), self._clone
        )
        assert commit is not None
        paths = [file.path for file in list_files(self._clone, commit, {}).changed]
        self._cloned.follow(paths, lambda *asked: clone_history(self._clone, commit, *asked))
        whole = history_of(self._clone, commit)
        assert self._cloned.files == {path: whole.get(path) for path in paths}
        for root, known in self._folders.items():
            if root.is_dir():
                self._look_at(root, known)
        return self._cloned.files

    @staticmethod
    def _look_at(root: Path, known: Known) -> None:
        present = [
            str(path.relative_to(root))
            for path in root.rglob("*")
            if path.is_file() and ".git" not in path.parts
        ]
        known.follow(present, lambda *asked: folder_history(str(root), *asked))
        whole = history_of_folder(root)
        assert known.files == {path: whole.get(path) for path in present}


@pytest.mark.parametrize(("seed", "most_paths"), [(1, 1), (3, 40)])
def test_what_is_known_is_what_a_fresh_read_finds(
    make_repository: MakeRepository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    most_paths: int,
) -> None:
    """Whatever happens between reads."""
    monkeypatch.setattr(module, "MOST_PATHS", most_paths)
    origin = make_repository()
    watched = Watched(origin, tmp_path / "clone")
    events = Events(origin, seed)
    origin.commit({"a.py": "1", "pkg/c.py": "1"})
    for _ in range(8):
        watched.look()
        for _ in range(events.random.choice([1, 1, 3])):
            events.happen()


def test_each_event_by_itself(make_repository: MakeRepository, tmp_path: Path) -> None:
    """A file keeps nothing of deleted commits, and gets all of the existing ones."""
    origin = make_repository()
    watched = Watched(origin, tmp_path / "clone")

    def author(path: str) -> str | None:
        told = watched.look()[path]
        return None if told is None else told.author_name

    first = origin.commit({"a.py": "1", "pkg/c.py": "1", "b.py": "1"}, "Ada")
    assert author("a.py") == "Ada"
    created = watched.look()["a.py"]
    origin.commit({"a.py": "2"}, "Ben")
    assert author("a.py") == "Ben"
    origin.git("reset", "--quiet", "--hard", "HEAD~1")
    assert author("a.py") == "Ada"
    assert watched.look()["a.py"] == created
    origin.commit({"a.py": "3", "b.py": "3"}, "Cleo")
    assert author("b.py") == "Cleo"
    origin.write("b.py", "1")
    date = f"{origin._time} +0000"
    origin.git("commit", "--quiet", "--all", "--amend", "--no-edit", GIT_COMMITTER_DATE=date)
    assert author("b.py") == "Ada"
    (origin.path / "a.py").unlink()
    origin.commit(author="Ben")
    assert "a.py" not in watched.look()
    origin.commit({"a.py": "1"}, "Dora")
    told = watched.look()["a.py"]
    assert told is not None
    assert created is not None
    assert (told.author_name, told.created_at) == ("Dora", created.created_at)
    origin.git("checkout", "--quiet", "-b", "side", first)
    assert author("a.py") == "Ada"
    origin._time -= 3600  # in the second in which Dora committed
    origin.commit({"b.py": "4"}, "Eve")
    assert author("b.py") == "Eve"
    origin.git("checkout", "--quiet", "main")
    assert (author("a.py"), author("b.py")) == ("Dora", "Ada")
    origin.git("merge", "--quiet", "--no-edit", "side", GIT_COMMITTER_DATE=f"{origin._time} +0000")
    assert (author("a.py"), author("b.py")) == ("Dora", "Eve")
    origin.git("mv", "b.py", "renamed.py")
    origin.commit(author="Ben")
    assert author("renamed.py") == "Ben"


@pytest.mark.parametrize("side_is_first", [False, True])
def test_of_two_changes_in_one_second_a_fresh_read_decides(
    make_repository: MakeRepository, tmp_path: Path, side_is_first: bool
) -> None:
    """One of them is known already when a merge adds the other, whichever git lists first."""
    origin = make_repository()
    watched = Watched(origin, tmp_path / "clone")
    first = origin.commit({"a.py": "1\n\n\n\n1\n", "b.py": "1"}, "Ada")
    origin.commit({"a.py": "2"}, "Ben")
    watched.look()
    origin.git("checkout", "--quiet", "-b", "side", first)
    origin._time -= 3600
    side = origin.commit({"a.py": "3"}, "Cleo")
    tree = origin.git("rev-parse", "main^{tree}")
    parents = (side, "main") if side_is_first else ("main", side)
    date = f"{origin._time + 60} +0000"
    merge = origin.git("commit-tree", "-m", "merge", "-p", parents[0], "-p", parents[1], tree,
                       GIT_COMMITTER_DATE=date)  # fmt: skip
    origin.git("checkout", "--quiet", "--force", "main")
    origin.git("reset", "--quiet", "--hard", merge)
    watched.look()


def test_one_more_commit_needs_no_read_of_the_whole_history(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """Its changes are added; the history of a new file is read separately."""
    origin = make_repository()
    first = origin.commit({"a.py": "1", "b.py": "1"})
    second = origin.commit({"a.py": "2"}, "Ben")
    git_directory = origin.path / ".git"
    told = clone_history(git_directory, second, first)
    assert told is not None
    assert (told.files, set(told.later), told.is_whole) == ({}, {"a.py"}, False)
    third = origin.commit({"c.py": "3"}, "Ben")
    told = clone_history(git_directory, third, second, ["c.py"])
    assert told is not None
    assert (set(told.files), told.later, told.is_whole) == ({"c.py"}, {}, False)
    assert clone_history(git_directory, third, third) is None
    gone = clone_history(git_directory, third, "f" * 40, ["c.py"])
    assert gone is not None  # the commit that was known is there no more
    assert (set(gone.files), gone.is_whole) == ({"a.py", "b.py", "c.py"}, True)
    # So many that there may be more: all are told at once.
    many = clone_history(git_directory, third, third, [f"{one}.py" for one in range(MOST_UNKNOWN)])
    assert many is not None
    assert (set(many.files), many.is_whole) == ({"a.py", "b.py", "c.py"}, True)


def test_a_shallow_clone_that_is_deepened(make_repository: MakeRepository, tmp_path: Path) -> None:
    """The same commit then has more history."""
    origin = make_repository()
    for number, author in enumerate(PEOPLE):
        origin.commit({f"{number}.py": "1", "a.py": str(number)}, author)
    shallow = tmp_path / "shallow"
    origin.git("clone", "--quiet", "--depth=1", origin.url, str(shallow))
    known = Known()
    present = ["0.py", "1.py", "2.py", "a.py"]

    def ask(mark: str | None, unknown: Sequence[str]) -> SourceHistory | None:
        return folder_history(str(shallow), mark, unknown)

    known.follow(present, ask)
    assert {one.author_name for one in known.files.values() if one} == {"Cleo"}
    assert known.follow(present, ask) is None
    origin.git("-C", str(shallow), "commit", "--quiet", "--allow-empty", "--message=on top")
    told = known.follow(present, ask)
    assert told is not None
    assert not told.is_whole  # what is cut off is as it was
    origin.git("-C", str(shallow), "reset", "--quiet", "--hard", "HEAD~1")
    origin.git("-C", str(shallow), "fetch", "--quiet", "--deepen=1")
    known.follow(present, ask)
    assert known.files == {path: history_of_folder(shallow)[path] for path in present}
    origin.git("-C", str(shallow), "fetch", "--quiet", "--unshallow")
    known.follow(present, ask)
    assert known.files == {path: history_of_folder(origin.path)[path] for path in present}


def test_the_clone_of_a_shallow_source_that_is_deepened(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """Even without a new commit."""
    origin = make_repository()
    for number, author in enumerate(PEOPLE):
        origin.commit({"a.py": str(number)}, author)
    shallow, clone = tmp_path / "shallow", tmp_path / "clone"
    origin.git("clone", "--quiet", "--depth=1", origin.url, str(shallow))
    source = Source(SourceKind.GIT, shallow.as_uri())
    commit = synchronise(source, clone)
    assert commit is not None
    assert not has_been_deepened(source, clone)
    cut_off = history_of(clone, commit)
    origin.git("branch", "other", "HEAD~1")
    origin.git("-C", str(shallow), "fetch", "--quiet", "--depth=1", "origin", "other")
    assert not has_been_deepened(source, clone)  # more is cut off, and nothing less
    origin.git("-C", str(shallow), "fetch", "--quiet", "--unshallow")
    assert has_been_deepened(source, clone)
    assert synchronise(source, clone) == commit
    assert history_of(clone, commit) == history_of(origin.path / ".git", commit) != cut_off
    assert not has_been_deepened(source, clone)


@pytest.mark.parametrize("moves", [True, False], ids=["moved", "unchanged"])
def test_the_clone_of_a_shallow_source_that_is_cut_shorter(
    make_repository: MakeRepository, tmp_path: Path, moves: bool
) -> None:
    """As after each `git fetch --depth`: it has as much of the history as a new clone."""
    origin = make_repository()
    for number, author in enumerate(PEOPLE):
        origin.commit({f"{number}.py": "1", "a.py": str(number)}, author)
    shallow, clone = tmp_path / "shallow", tmp_path / "clone"
    origin.git("clone", "--quiet", "--depth=3", origin.url, str(shallow))
    source = Source(SourceKind.GIT, shallow.as_uri())
    synchronise(source, clone)
    if moves:
        origin.commit({"a.py": "new"})
    origin.git("-C", str(shallow), "fetch", "--quiet", "--depth=2", "origin", "HEAD")
    origin.git("-C", str(shallow), "reset", "--quiet", "--hard", "FETCH_HEAD")
    commit = synchronise(source, clone)
    assert commit is not None
    synchronise(source, tmp_path / "new")
    assert history_of(clone, commit) == history_of(tmp_path / "new", commit)
    assert not has_lost_history(source, clone, commit)


def test_a_folder_that_is_no_work_tree_any_more(make_repository: MakeRepository) -> None:
    """The known history of its files is dropped, as in a fresh index."""
    origin = make_repository()
    origin.commit({"a.py": "1"})
    known = Known()
    known.follow(["a.py"], lambda *asked: folder_history(str(origin.path), *asked))
    (origin.path / ".git").rename(origin.path / "elsewhere")
    known.follow(["a.py"], lambda *asked: folder_history(str(origin.path), *asked))
    assert (known.mark, known.files) == (None, {"a.py": None})
    assert folder_history(str(origin.path)) is None
