"""What a commit changed: files, definitions, and what must not be shown of them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest
from tests.support.catalogue import CodeInMemory
from tests.support.sources import commit_all, git, write_file

from kodit.application.services.descriptions.commit import CommitDescriber
from kodit.domain.descriptions.commits import Commit
from kodit.domain.descriptions.description import Description
from kodit.domain.descriptions.stored import words_match
from kodit.domain.entities import Index
from kodit.domain.errors import NotFoundError
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.git.commits import CUT_OFF
from kodit.infrastructure.sources import commits
from kodit.infrastructure.sources.commits import NOT_IN_CLONE, read_one
from kodit.infrastructure.sources.location import Location
from kodit.infrastructure.sources.recent_commits import read_recent

BEFORE = '''class Cart:
    """A cart."""

    def pay(self, price):
        """Pay all."""
        for line in self.lines:
            line.pay(price)
        return price

    def leave(self):
        """Leave the shop."""
        for line in self.lines:
            line.leave()
        return None


def old(a):
    """It goes away."""
    return [a, a, a, a]


def moved(a, b):
    """It gets another place."""
    return [a, b, a, b]
'''
AFTER = '''class Cart:
    """A cart."""

    def pay(self, price, currency):
        """Pay all."""
        for line in self.lines:
            line.pay(price, currency)
        return price

    def leave(self):
        """Leave the shop."""
        for line in self.lines:
            line.leave()
        return None


def fresh(a):
    """It is here now."""
    return [a, a, a]
'''
OTHER = 'def moved(a, b):\n    """It gets another place."""\n    return [a, b, a, b]\n'


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("commits") / "shop"
    write_file(folder / "code/cart.py", BEFORE)
    write_file(folder / "code/name.py", "def same():\n    return 'the same text as before'\n")
    write_file(folder / "top.py", "def top():\n    pass\n")
    commit_all(folder)
    write_file(folder / "code/cart.py", AFTER)
    write_file(folder / "code/other.py", OTHER)
    write_file(folder / "code/.env", "PASSWORD=1\n")
    write_file(folder / "code/notes.md", "# A heading\n\nText.\n")
    (folder / "code/name.py").rename(folder / "code/renamed.py")
    git(folder, "add", "--all", "--force", ".")
    git(folder, "commit", "--quiet", "--message=Pay in any currency\n\nAs people asked.")
    write_file(folder / "top.py", "def top():\n    return 1\n")
    commit_all(folder)
    return folder


def at(folder: Path, **options: object) -> Location:
    source = Source(SourceKind.FOLDER, str(folder), **options)  # type: ignore[arg-type]
    return Location(source, str(folder))


def ignore(*_: object) -> None:
    pass


def read(location: Location, name: str = "", head: str | None = None) -> Commit:
    commit = read_one(location, head, name, report=ignore)
    assert commit is not None
    return commit


def recent(location: Location) -> list[Commit]:
    commits = read_recent(location, None, report=ignore)
    assert commits is not None
    return commits


def told(commit: Commit) -> dict[str, list[tuple[str, str]]]:
    return {
        file.path: [(one.change, one.name) for one in file.definitions] for file in commit.files
    }


def test_what_a_commit_changed(shop: Path) -> None:
    commit = read(at(shop), "HEAD~1")
    assert commit.message == "Pay in any currency\n\nAs people asked."
    assert told(commit) == {
        "code/cart.py": [("changed", "Cart.pay"), ("added", "fresh"), ("removed", "old")],
        "code/notes.md": [],
        "code/other.py": [("moved", "moved")],
        "code/renamed.py": [],
    }
    cart, notes, other, renamed = commit.files
    assert cart.definitions[0].before == "def pay(self, price)"
    assert cart.definitions[0].signature == "def pay(self, price, currency)"
    assert (cart.added_lines, cart.removed_lines) == (5, 10)
    assert (notes.change, other.definitions[0].origin) == ("added", "code/cart.py")
    assert (renamed.change, renamed.old_path) == ("renamed", "code/name.py")


def test_of_a_commit_of_many_files_the_first_are_shown(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = git(shop, "rev-list", "--max-parents=0", "HEAD").strip()
    whole = read(at(shop), first)
    count = len(whole.files)
    assert (count > 2, whole.left_out) == (True, 0)
    for most in (1, count - 1, count, count + 1):
        monkeypatch.setattr(commits, "MOST_FILES", most)
        some = read(at(shop), first)
        assert (some.files, some.left_out) == (whole.files[:most], max(0, count - most))


def test_secrets_and_excluded_files_are_not_named(shop: Path) -> None:
    assert not any(".env" in file.path for file in read(at(shop), "HEAD~1").files)
    without = read(at(shop, exclude=("cart.py",)), "HEAD~1")
    assert "code/cart.py" not in told(without)
    only = read(at(shop, include=("other.py",)), "HEAD~1")
    assert list(told(only)) == ["code/other.py"]
    paths = {file.path for one in recent(at(shop)) for file in one.files}
    assert "code/cart.py" in paths
    assert "code/.env" not in paths


def test_a_folder_of_a_repository_sees_its_own_files_only(shop: Path) -> None:
    """By default its latest commit is the one that changed something in it."""
    commit = read(at(shop / "code"))
    assert commit.message.startswith("Pay in any currency")
    assert set(told(commit)) == {"cart.py", "notes.md", "other.py", "renamed.py"}
    latest = recent(at(shop / "code"))
    assert [one.message.partition("\n")[0] for one in latest] == ["Pay in any currency", "change"]
    assert all("top.py" not in file.path for one in latest for file in one.files)


def test_the_first_commit_adds_everything(shop: Path) -> None:
    first = read(at(shop), git(shop, "rev-list", "--max-parents=0", "HEAD")[:9])
    assert told(first)["code/cart.py"] == [
        ("added", "Cart"),
        ("added", "old"),
        ("added", "moved"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "nothing",
        "main",
        "HEAD~9",
        "--output=/tmp/x",
        "HEAD^{tree}",
        "0" * 40,
        "HEAD~1:top.py",
        "@{1}",
    ],
)
def test_names_that_are_no_commits_of_the_history(shop: Path, name: str) -> None:
    assert read_one(at(shop), None, name, report=ignore) is None


def test_a_commit_of_another_branch_is_not_shown(shop: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "--quiet", str(shop), str(copy))
    git(copy, "checkout", "--quiet", "-b", "other")
    hidden = commit_all(copy)
    git(copy, "checkout", "--quiet", "main")
    assert read_one(at(copy), None, hidden, report=ignore) is None


def test_a_folder_without_history(tmp_path: Path) -> None:
    write_file(tmp_path / "a.py", "x = 1\n")
    assert read_one(at(tmp_path), None, "", report=ignore) is None
    assert read_recent(at(tmp_path), None, report=ignore) == []
    git(tmp_path, "init", "--quiet")  # without a commit
    assert read_one(at(tmp_path), None, "", report=ignore) is None
    assert read_recent(at(tmp_path), None, report=ignore) == []


def test_a_clone_without_earlier_versions_says_so(shop: Path, tmp_path: Path) -> None:
    git(shop, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    git(
        tmp_path,
        *("clone", "--quiet", "--bare", "--filter=blob:none", f"file://{shop}", str(clone)),
    )
    git(clone, "config", "--unset", "remote.origin.promisor")  # as in clones of ours
    source = Source(SourceKind.GIT, f"file://{shop}")
    commit = read(Location(source, str(clone)), "", git(shop, "rev-parse", "HEAD"))
    assert [(file.path, file.problem) for file in commit.files] == [("top.py", NOT_IN_CLONE)]


def test_where_a_shallow_history_ends(shop: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{shop}", str(copy))
    commit = read(at(copy))
    assert (commit.files, commit.problem) == ((), CUT_OFF)


def test_merges_are_compared_with_their_first_parent(shop: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "--quiet", str(shop), str(copy))
    git(copy, "checkout", "--quiet", "-b", "side", "HEAD~1")
    write_file(copy / "side.py", "def side():\n    pass\n")
    commit_all(copy)
    git(copy, "checkout", "--quiet", "main")
    git(copy, "merge", "--quiet", "--no-ff", "-m", "Merge it", "side")
    merge = read(at(copy))
    assert merge.is_merge
    assert told(merge) == {"side.py": [("added", "side")]}


def test_words_of_a_message(shop: Path) -> None:
    _latest, second, _first = recent(at(shop))
    for words, matches in (
        ("currencies", True),
        ("pay people", True),
        ("other.py", True),
        ("pay nobody", False),
        ("", False),
    ):
        assert words_match(words, second) is matches, words


def test_settings_of_a_repository_change_nothing_of_its_commits(tmp_path: Path) -> None:
    write_file(tmp_path / "a.py", "def a():\n    pass\n")
    commit_all(tmp_path)
    git(tmp_path, "commit", "--quiet", "--amend", "--message=Überschrift", "--author=Zoë <z@x>")
    for setting in ("i18n.logOutputEncoding=latin1", "color.ui=always", "log.mailmap=true"):
        git(tmp_path, "config", *setting.split("="))
    commit = read(at(tmp_path))
    assert (commit.message, commit.author) == ("Überschrift", "Zoë")
    assert [one.message for one in recent(at(tmp_path))] == ["Überschrift"]
    assert told(commit) == {"a.py": [("added", "a")]}


def test_a_commit_by_words_of_its_message(shop: Path) -> None:
    """If several have them, all are listed."""
    commits = recent(at(shop))

    class Commits:
        async def read(self, index: Index, name: str) -> Commit | None:
            return next((one for one in commits if one.id == name), None)

        async def recent(
            self, index: Index, most: int = 100, known: Collection[str] = ()
        ) -> Sequence[Commit]:
            return commits

    def describe(subject: str) -> Description:
        describer = CommitDescriber(Commits())
        code = CodeInMemory({"a.py": "x = 1\n"})
        [indexed] = code.indexed
        return asyncio.run(describer.describe(code.as_catalogue(), indexed, subject, 10_000))

    only = describe("any currency")
    assert only.text.startswith("Pay in any currency")
    several = describe("cart")
    assert len(commits) == 3
    named = [one.id for one in commits if words_match("cart", one)]
    assert [one.name for one in several.parts[0].items] == named
    assert several.title == f"{len(named)} commits whose messages have 'cart'"
    assert len(named) > 1
    [part] = several.parts
    for_one = len(several.title) + part.size + part.items[0].size + 10
    [short] = several.within(for_one).parts
    assert (short.items, short.left_out) == (part.items[:1], len(named) - 1)
    assert short.items[0].note == "Pay in any currency"
    with pytest.raises(NotFoundError, match="none of its latest 3 has these words"):
        describe("zeppelin")
    commits.clear()
    with pytest.raises(NotFoundError, match="has no history that can be read"):
        describe("")
