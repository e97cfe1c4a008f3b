"""The project of a folder, and the meaning of a path for a user in it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kodit.domain.caller import Caller
from kodit.domain.errors import SourceError
from kodit.domain.source import LocalPlace
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.sources.parser import LocalSourceParser
from kodit.infrastructure.sources.parsing import check_stored, local_place
from kodit.infrastructure.sources.project import is_broad, project_of


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's home, in a separate folder."""
    folder = tmp_path.resolve() / "users" / "ada"
    folder.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    return folder


def make_repository(path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", str(path)], check=True)
    return path


def test_the_project_of_a_folder(home: Path) -> None:
    """The work tree that contains it, or itself; never a folder that contains the home or several
    projects.
    """
    tree = make_repository(home / "code" / "tree")
    (tree / "deep" / "er").mkdir(parents=True)
    (home / "plain" / "sub").mkdir(parents=True)
    (home / "link").symlink_to(tree / "deep")
    assert project_of(tree / "deep" / "er") == project_of(home / "link") == str(tree)
    assert project_of(home / "plain") == str(home / "plain")
    assert [project_of(one) for one in (home, home.parent, Path("/"))] == [None] * 3
    assert project_of(home / "code") is None
    assert project_of(home / "nowhere") is None
    (home / "file").touch()
    assert project_of(home / "file") is None
    make_repository(tree / "nested")
    assert project_of(tree) == str(tree)
    (home / "links").mkdir()
    (home / "links" / "tree").symlink_to(tree)
    assert project_of(home / "links") == str(home / "links")


def test_a_home_that_is_a_work_tree_is_no_project(home: Path) -> None:
    """Some keep their settings in one."""
    make_repository(home)
    (home / "notes").mkdir()
    assert project_of(home / "notes") is None
    assert not is_broad(home)


@pytest.mark.parametrize(
    ("folder", "broad"),
    [
        ("/", True),
        ("/etc", True),
        ("/Users", True),
        ("/srv", True),
        ("/code", False),
        ("/code/etc", False),
        ("/mnt/disk", False),
    ],
)
def test_a_folder_of_the_system(folder: str, broad: bool, home: Path) -> None:
    assert is_broad(Path(folder)) is broad


def test_what_holds_the_home_is_broad(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_broad(home)
    assert is_broad(home.parent)
    assert not is_broad(home / "code")
    (home.parent / "link").symlink_to(home)
    monkeypatch.setenv("HOME", str(home.parent / "link"))
    assert is_broad(home)


def test_the_place_at_a_path(tmp_path: Path) -> None:
    """A folder, or a file and its folder; through links."""
    root = tmp_path.resolve()
    (root / "deep").mkdir()
    (root / "deep" / "a.py").touch()
    (root / "link").symlink_to("deep")
    (root / "loop").symlink_to("loop")
    deep = str(root / "deep")
    assert local_place("deep", root) == local_place("link/", root) == LocalPlace(deep, deep)
    assert local_place("link/a.py", root) == LocalPlace(f"{deep}/a.py", deep)
    for nothing in ("", " ", "a\nb", "nothing", "deep/nothing", "loop/x", f"file://{deep}"):
        assert local_place(nothing, root) is None


def test_a_place_of_this_machine_is_told_to_nobody_elsewhere(tmp_path: Path) -> None:
    parser = LocalSourceParser()
    (tmp_path / "a").mkdir()
    here = Caller(folder=str(tmp_path))
    found = parser.place_of("a", here)
    assert found is not None
    assert found.folder == str(tmp_path.resolve() / "a")


def test_what_a_source_was_called_before(tmp_path: Path, home: Path) -> None:
    """By the path as typed and as resolved, with a possible ref or part of one."""
    root = tmp_path.resolve()
    (root / "real").mkdir()
    (root / "link").symlink_to("real")
    parser, here = LocalSourceParser(), Caller(folder=str(root))
    link, real = root / "link", root / "real"
    assert parser.former_names("link", here) == {str(link), link.as_uri(), str(real), real.as_uri()}
    assert {f"{link}@v1", f"{real.as_uri()}@v1"} <= parser.former_names("link@v1", here)
    assert str(link) not in parser.former_names("link@v1", here)
    assert parser.former_names(f"file://{real}", here) == {str(real), real.as_uri()}
    assert str(home / "x") in parser.former_names("~/x", here)
    assert str(root / "~x") in parser.former_names("~x", here)


def test_a_refusal_names_the_source_without_its_secrets(tmp_path: Path) -> None:
    """For programs, as its sentence does for people."""
    parser, here = LocalSourceParser(), Caller(folder=str(tmp_path))
    for typed, shown, code in (
        ("https://ada:secret@example.org:x/a", "https://example.org:x/a", "source_invalid"),
        ("ada:secret@example.org", "***@example.org", "folder_missing"),
        ("nowhere", "nowhere", "folder_missing"),
    ):
        with pytest.raises(SourceError) as refused:
            parser.parse(typed, here)
        assert (refused.value.code, refused.value.fields["source"]) == (code, shown)
        assert "secret" not in str(refused.value)


GIT, FOLDER = SourceKind.GIT, SourceKind.FOLDER


@pytest.mark.parametrize(
    "source",
    [
        Source(FOLDER, "/a/b"),
        Source(GIT, "https://example.org/a", "v1"),
        Source(GIT, "git@example.org:a/b"),
        Source(GIT, "ssh://git@example.org/a"),
        Source(GIT, "file:///a/b"),
    ],
    ids=str,
)
def test_a_stored_source_as_parsing_gives_it(source: Source) -> None:
    check_stored(source)


@pytest.mark.parametrize(
    "source",
    [
        Source(FOLDER, "a/b"),
        Source(FOLDER, "/a\nb"),
        Source(FOLDER, "/a\udc80"),
        Source(GIT, "/a/b"),
        Source(GIT, "file://host/a"),
        Source(GIT, "ext::sh -c x"),
        Source(GIT, "https://ada:secret@example.org/a"),
        Source(GIT, "https://example.org/a/"),
        Source(GIT, "https://-x/a"),
        Source(GIT, "git@example.org:a/"),
        Source(GIT, "-x@example.org:a"),
        Source(GIT, "https://example.org/a", "-x"),
        Source(GIT, "https://example.org/a", ""),
        Source(GIT, "https://example.org/a", "x.lock/y"),
    ],
    ids=ascii,
)
def test_a_stored_source_that_no_parsing_gives(source: Source) -> None:
    """Somebody else may have made the database."""
    with pytest.raises(SourceError, match=r"the stored source .* is not valid; delete its index"):
        check_stored(source)
