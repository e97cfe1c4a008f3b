"""Selecting left-out files, and the line or reason for which each is left out."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from tests.support.sources import commit_all

from kodit.domain.errors import TransientError
from kodit.domain.left_out import LeftOut, LeftOutRequest, Presence, UnreadFile
from kodit.domain.report import ignore_report
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.folder import left_out as folder_left_out
from kodit.infrastructure.folder.content import blob_id
from kodit.infrastructure.sources.left_out import MARKER_LENGTH, find_left_out
from kodit.infrastructure.sources.location import Location

EVERYTHING = LeftOutRequest()
GENERATED = f"# {'x' * 200} @generated\n"
FILES = {
    "keep.py": "x = 1\n",
    "a/logo.png": "x",
    "a/deep/made.py": "# @generated\nx = 1\n",
    "a/deep/long.py": GENERATED,
    "a/deep/app.js": f"{'x' * 1000}\n{'x' * 200}",
    "node_modules/x.js": "x",
    "ab/photo.png": "x",
}


@pytest.fixture
def source(tmp_path: Path) -> Source:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return Source(SourceKind.FOLDER, str(tmp_path.resolve()))


def found(
    source: Source, request: LeftOutRequest, *unread: tuple[str, str]
) -> tuple[list[LeftOut], Presence]:
    files = [UnreadFile(path, reason, "0" * 40) for path, reason in unread]
    location = Location(source, source.location)
    return find_left_out(location, None, request, files, report=ignore_report)


@pytest.mark.parametrize(
    ("request_", "paths"),
    [
        (EVERYTHING, ["a/deep/made.py", "a/logo.png", "ab/photo.png", "node_modules/"]),
        (LeftOutRequest(globs=("*.png",)), ["a/logo.png", "ab/photo.png"]),
        (LeftOutRequest(globs=("node_modules",)), ["node_modules/"]),
        (LeftOutRequest(globs=("node_modules/",)), ["node_modules/"]),
        (LeftOutRequest(globs=("ab", "node_modules/", "!node_modules/")), ["ab/photo.png"]),
        (LeftOutRequest(within=("a",)), ["a/deep/made.py", "a/logo.png"]),
        (LeftOutRequest(within=("a/deep", "ab")), ["a/deep/made.py", "ab/photo.png"]),
        (LeftOutRequest(within=("node_modules/x",)), ["node_modules/"]),
        (LeftOutRequest(within=("a",), globs=("*.png",)), ["a/logo.png"]),
        (LeftOutRequest(only_path="a/logo.png"), ["a/logo.png"]),
        (LeftOutRequest(only_path="/a/deep/made.py/"), ["a/deep/made.py"]),
        (LeftOutRequest(only_path="/a/logo.png/"), ["a/logo.png"]),
        (LeftOutRequest(only_path="/node_modules/"), ["node_modules/"]),
        (LeftOutRequest(only_path="node_modules/x.js"), ["node_modules/"]),
        (LeftOutRequest(only_path="a"), []),
    ],
    ids=str,
)
def test_which_files_are_requested(
    source: Source, request_: LeftOutRequest, paths: list[str]
) -> None:
    """By path, for rules and content alike; a folder whose name is a prefix of another path does
    not contain it.
    """
    beside = [("a/lo", "binary")] if request_.only_path else []
    left_out, _presence = found(source, request_, ("a/deep/made.py", "generated"), *beside)
    assert [one.path for one in left_out] == paths


@pytest.mark.parametrize(
    ("path", "presence"),
    [
        ("a", Presence.FOLDER),
        ("keep.py", Presence.FILE),
        ("node_modules/x.js", Presence.FILE),
        ("nothing", Presence.GONE),
    ],
)
def test_what_there_is_at_a_path(source: Source, path: str, presence: Presence) -> None:
    assert found(source, LeftOutRequest(only_path=path))[1] is presence


def test_the_reason_in_the_content(source: Source) -> None:
    """The line that marks a file as generated, or the kind of its content."""
    rules = {
        one.path: one.rule
        for one in found(
            source,
            LeftOutRequest(within=("a/deep", "gone")),
            ("a/deep/made.py", "generated"),
            ("a/deep/long.py", "generated"),
            ("a/deep/app.js", "generated"),
            ("a/deep/key", "secret"),
            ("a/deep/data", "binary"),
            ("a/deep/big.bin", "kept by git-lfs"),
            ("a/deep/odd", "too odd"),
            ("gone/x.py", "generated"),
        )[0]
    }
    assert rules == {
        "a/deep/made.py": "made.py:1: # @generated",
        "a/deep/long.py": f"long.py:1: {GENERATED[:MARKER_LENGTH]}",
        "a/deep/app.js": "its content: minified, its lines have 600 bytes on average",
        "a/deep/key": "its content: a private key or a password",
        "a/deep/data": "its content: a NUL byte near the start",
        "a/deep/big.bin": "its content: a pointer of git-lfs",
        "a/deep/odd": "its content: too odd",
        "gone/x.py": "its content: generated",
    }


def test_where_a_link_leads(source: Source) -> None:
    """Relative to the folder that it is in."""
    for name, target in (
        ("in", "../keep.py"),
        ("out", "../../x"),
        ("self", "/"),
        ("whole", source.location),
    ):
        (Path(source.location) / "a" / name).symlink_to(target)
    left_out, _presence = found(source, LeftOutRequest(within=("a",)))
    assert {one.path: one.rule for one in left_out if one.reason == "symbolic link"} == {
        "a/in": "a link to ../keep.py",
        "a/out": "a link to ../../x, outside the source",
        "a/self": "a link to /, outside the source",
        "a/whole": f"a link to {source.location}",
    }


def test_the_number_of_files_in_a_folder(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """Including subfolders, up to a limit."""
    below = Path(source.location) / "node_modules" / "x" / "y"
    below.mkdir(parents=True)
    for number in range(3):
        (below / f"{number}.js").touch()
    (below / "link").symlink_to("..")
    request = LeftOutRequest(only_path="node_modules")
    for most, counted in ((5, (5, True)), (4, (4, False)), (6, (5, True))):
        monkeypatch.setattr(folder_left_out, "MOST_COUNTED", most)
        [[one], presence] = found(source, request)
        assert ((one.files, one.is_counted), presence) == (counted, Presence.FOLDER)


def test_a_disk_that_cannot_be_read(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """It gives a transient error, and nothing stays open."""
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - as the system counts

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", fail)
        with pytest.raises(TransientError, match="cannot be read: Input/output error"):
            found(source, EVERYTHING)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - as above


def test_a_source_of_which_all_is_left_out(source: Source) -> None:
    """Each of its files is."""
    (Path(source.location) / ".noindex").touch()
    for path in ("keep.py", "a/logo.png"):
        left_out, _presence = found(source, LeftOutRequest(only_path=path))
        assert [(one.path, one.rule) for one in left_out] == [("./", ".noindex: empty")]


def test_files_of_a_commit(source: Source, tmp_path: Path) -> None:
    """They are read in it, each with its own content; only generated files have such a line."""
    tree = Path(source.location)
    commit = commit_all(tree)
    unread = [
        UnreadFile(path, reason, blob_id(FILES[path].encode()))
        for path, reason in (
            ("a/deep/made.py", "generated"),
            ("a/deep/app.js", "generated"),
            ("a/deep/long.py", "binary"),
        )
    ]
    location = Location(Source(SourceKind.GIT, tree.as_uri()), str(tree / ".git"))
    left_out, presence = find_left_out(location, commit, EVERYTHING, unread, report=ignore_report)
    assert presence is Presence.FOLDER
    assert {one.path: one.rule for one in left_out if one.path.startswith("a/deep")} == {
        "a/deep/made.py": "made.py:1: # @generated",
        "a/deep/app.js": "its content: minified, its lines have 600 bytes on average",
        "a/deep/long.py": "its content: a NUL byte near the start",
    }


def test_files_left_out_by_rules_are_listed_once(source: Source) -> None:
    """By the rule that applies now; a repository that was never read has no files."""
    left_out, _presence = found(source, EVERYTHING, ("a/logo.png", "binary"))
    assert [one.rule for one in left_out if one.path == "a/logo.png"] == [
        "built-in list: the extension .png"
    ]
    location = Location(Source(SourceKind.GIT, "https://example.org/a"), "/nowhere")
    assert find_left_out(location, None, EVERYTHING, [], report=ignore_report) == (
        [],
        Presence.GONE,
    )
