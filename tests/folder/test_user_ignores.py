"""The user's ignore file applies to untracked files: compared with git."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.folder.test_ignore_rules_as_git import build, ignore_files, trees

from kodit.domain.report import ignore_report
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.folder.git_index import tracked_paths
from kodit.infrastructure.folder.left_out import left_out_of_folder
from kodit.infrastructure.folder.scan import scan_folder
from kodit.infrastructure.folder.user_ignores import configuration_files, user_ignore_file


def git(folder: Path, *arguments: str, stdin: bytes = b"", check: bool = True) -> bytes:
    """With the user's configuration as this process has it."""
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=check).stdout


def ignored_by_git(folder: Path, files: set[str], *options: str) -> set[str]:
    """The ignored ones of these files. git treats them as globs when it compares them with its
    index, and only then.
    """
    escaped = r"\1" if "--no-index" in options else r"\\\1"
    asked = {"./" + re.sub(r"([\\*?[])", escaped, path): path for path in sorted(files)}
    output = git(
        folder,
        *("check-ignore", "--stdin", "-z", *options),
        stdin="".join(f"{path}\0" for path in asked).encode(),
        check=False,
    )
    return {asked[os.fsdecode(path)] for path in output.split(b"\0") if path}


def scanned(folder: Path) -> set[str]:
    return {file.path for file in scan_folder(str(folder), {}).changed}


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without anything in it."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)
    return home


def write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


@settings(
    max_examples=int(os.environ.get("RANDOM_TREES", "30")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(tree=trees, own=ignore_files, at_root=ignore_files, every=st.integers(1, 4))
def test_random_trees(
    home: Path, tree: list[tuple[str, ...]], own: str, at_root: str, every: int
) -> None:
    """Tracked files are left out only by `.gitignore`, all others by the user's file as well."""
    write(home / ".config" / "git" / "ignore", "").write_bytes(own.encode())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        git(folder, "init", "--quiet", "--template=")
        files = build(folder, tree, {(): at_root})
        tracked = set(sorted(files)[::every])
        names = "".join(f"{path}\0" for path in sorted(tracked)).encode()
        git(folder, "update-index", "--add", "-z", "--stdin", stdin=names)
        ignored = ignored_by_git(folder, files)
        write(home / ".config" / "git" / "ignore", "")
        by_repository = ignored_by_git(folder, files, "--no-index")
        write(home / ".config" / "git" / "ignore", "").write_bytes(own.encode())
        expected = (tracked - by_repository) | (files - tracked - ignored)
        assert scanned(folder) == expected


@pytest.mark.parametrize("version", ["2", "4"])
def test_the_index_of_git(home: Path, tmp_path: Path, version: str) -> None:
    """In each of its formats, with flags that make an entry longer."""
    git(tmp_path, "init", "--quiet")
    paths = ["a", "a.b", "b/" + "x" * 200, "b/c/d", "é", "new\nline", "z"]
    for path in paths:
        write(tmp_path / path, "x")
    git(tmp_path, "add", "--", *paths[1:])
    git(tmp_path, "add", "--intent-to-add", "a")
    git(tmp_path, "update-index", "--index-version", version)
    data = (tmp_path / ".git" / "index").read_bytes()
    assert data[7] == (3 if version == "2" else 4)
    assert {os.fsdecode(path) for path in tracked_paths(data)} == set(paths)
    with pytest.raises((ValueError, IndexError)):
        list(tracked_paths(data[: len(data) // 2]))
    for other in (1, 5):
        with pytest.raises(ValueError, match=f"version {other} of an index"):
            list(tracked_paths(data[:7] + bytes([other]) + data[8:]))
    with pytest.raises(ValueError, match="not an index"):
        list(tracked_paths(b"x" + data[1:]))


@pytest.mark.parametrize(
    ("configuration", "name"),
    [
        ("", ".config/git/ignore"),
        ("[core]\n\texcludesFile = ~/mine\n", "mine"),
        ('[core] excludesfile = "~/my file" ; comment\n', "my file"),
        ("[core]\n\texcludesFile = ~/other\n[include]\n\tpath = more\n", "mine"),
        ("[alias]\n\texcludesFile = ~/no\n", ".config/git/ignore"),
        ("[core]\n\texcludesFile =\n", None),
    ],
)
def test_where_it_is(home: Path, tmp_path: Path, configuration: str, name: str | None) -> None:
    """As git reads its configuration."""
    write(home / ".gitconfig", configuration)
    write(home / "more", "[core]\n\texcludesFile = ~/mine\n")
    assert user_ignore_file() == (None if name is None else home / name)
    if name is not None:
        write(home / name, "*.log\n")
        git(tmp_path, "init", "--quiet")
        write(tmp_path / "a.log", "x")
        write(tmp_path / "b.py", "x")
        assert git(tmp_path, "check-ignore", "a.log") == b"a.log\n"
        assert scanned(tmp_path) == {"b.py"}
        source = Source(SourceKind.FOLDER, str(tmp_path))
        rules = {one.path: one.rule for one in left_out_of_folder(source, None, ignore_report)[0]}
        assert rules["a.log"] == f"{home / name}:1: *.log"


@pytest.mark.parametrize(
    ("variables", "files"),
    [
        ({}, ["/etc/gitconfig"]),
        ({"HOME": "/h"}, ["/etc/gitconfig", "/h/.config/git/config", "/h/.gitconfig"]),
        ({"HOME": "/h", "GIT_CONFIG_NOSYSTEM": "1"}, ["/h/.config/git/config", "/h/.gitconfig"]),
        (
            {"HOME": "/h", "XDG_CONFIG_HOME": "/x"},
            ["/etc/gitconfig", "/x/git/config", "/h/.gitconfig"],
        ),
        ({"HOME": "/h", "GIT_CONFIG_GLOBAL": "/g"}, ["/etc/gitconfig", "/g"]),
        ({"HOME": "/h", "GIT_CONFIG_GLOBAL": ""}, ["/etc/gitconfig"]),
    ],
)
def test_files_of_configuration(variables: dict[str, str], files: list[str]) -> None:
    """The weakest first."""
    assert configuration_files(variables) == list(map(Path, files))


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ("[core]\nexcludesFile = /a\nexcludesFile = /b\n", "/b"),
        ('[core "sub"]\nexcludesFile = /a\n', "/x/git/ignore"),
        ('[core]\nexcludesFile = "/a;b#c" # d\n', "/a;b#c"),
        ('[core]\nexcludesFile = "/a  "\n', "/a  "),
        ("[core]\nexcludesFile = /a  \n", "/a"),
        ('[core]\nexcludesFile = /a\\"b\n', '/a"b'),
        ("[core]\nexcludesFile = ~/a\n", "/h/a"),
        ("[core]\nexcludesFile = ~other/a\n", None),
        ("[core]\nexcludesFile = relative\n", None),
        ("[include]\npath = NAME\n[core]\nexcludesFile = /a\n", "/a"),
        ("[core]\nexcludesFile = /a\n" + "# filler\n" * 120_000 + "excludesFile = /b\n", "/a"),
        ("[core]\nexcludesFile = /a\n\udcff\n", "/x/git/ignore"),
    ],
    ids=range(12),
)
def test_values_of_configuration(tmp_path: Path, configuration: str, expected: str | None) -> None:
    """A file that includes itself is read once, and so is one that is not terminated."""
    file = tmp_path / "config"
    text = configuration.replace("NAME", "config")
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    variables = {
        "HOME": "/h",
        "XDG_CONFIG_HOME": "/x",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(file),
    }
    assert user_ignore_file(variables) == (None if expected is None else Path(expected))
    assert user_ignore_file({"GIT_CONFIG_NOSYSTEM": "1"}) is None


def test_the_strongest_file_counts(tmp_path: Path) -> None:
    """That of the home takes precedence over that of the configuration folder."""
    variables = {"HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    write(tmp_path / ".config/git/config", "[core]\nexcludesFile = /weak\n")
    assert user_ignore_file(variables) == Path("/weak")
    write(tmp_path / ".gitconfig", "[core]\nexcludesFile = /strong\n")
    assert user_ignore_file(variables) == Path("/strong")


def test_a_folder_of_which_only_a_part_is_tracked(home: Path, tmp_path: Path) -> None:
    """Tracked files in a folder that the user ignores are read, and no others."""
    write(home / ".config" / "git" / "ignore", "build/\n")
    git(tmp_path, "init", "--quiet")
    for path in ("build/a.py", "build/deep/b.py", "build/c.py", "build/own/d.py"):
        write(tmp_path / path, "x")
    git(tmp_path, "add", "--force", "build/a.py", "build/deep/b.py")
    assert ignored_by_git(tmp_path, {"build/a.py", "build/c.py"}) == {"build/c.py"}
    assert scanned(tmp_path) == {"build/a.py", "build/deep/b.py"}
    source = Source(SourceKind.FOLDER, str(tmp_path))
    rule = f"{home}/.config/git/ignore:1: build/"
    told = {one.path: one.rule for one in left_out_of_folder(source, None, ignore_report)[0]}
    del told[".git/"]
    assert told == dict.fromkeys(["build/c.py", "build/own/"], rule)
    below = Source(SourceKind.FOLDER, str(tmp_path / "build"))
    told = {one.path: one.rule for one in left_out_of_folder(below, None, ignore_report)[0]}
    assert told == {}, "a folder that is asked for by its name is not ignored"


def test_it_applies_to_work_trees_only(home: Path, tmp_path: Path) -> None:
    """git has no say outside a work tree, and no repository can name another file."""
    write(home / ".config" / "git" / "ignore", "*.log\n")
    write(tmp_path / "a.log", "x")
    assert scanned(tmp_path) == {"a.log"}
    git(tmp_path, "init", "--quiet")
    write(tmp_path / ".git" / "all", "*\n")
    git(tmp_path, "config", "core.excludesFile", str(tmp_path / ".git" / "all"))
    write(tmp_path / "b.py", "x")
    assert scanned(tmp_path) == {"b.py"}


def test_repositories_below_a_folder_that_is_in_none(home: Path, tmp_path: Path) -> None:
    """In each of them the rules hold that would hold if it were a source of its own: those of the
    user, which are relative to its root, its `info`, and what it tracks."""
    write(home / ".config" / "git" / "ignore", "/out/\n*.log\n")
    repository = tmp_path / "projects" / "one"
    repository.mkdir(parents=True)
    git(repository, "init", "--quiet")
    files = ["out/a.py", "src/out/b.py", "c.log", "d.log", "vendor/e.py", "third_party/f.py"]
    for name in [*files, "g.py"]:
        write(repository / name, "x")
        write(tmp_path / "loose" / name, "x")
    write(repository / ".git" / "info" / "exclude", "g.py\n")
    git(repository, "add", "--force", "d.log", "vendor")
    expected = {"src/out/b.py", "d.log", "vendor/e.py"}
    assert scanned(repository) == expected
    loose = {f"loose/{name}" for name in [*files[:4], "g.py"]}
    assert scanned(tmp_path) == {f"projects/one/{name}" for name in expected} | loose
    write(tmp_path / ".gitignore", "d.log\n")
    assert "projects/one/d.log" not in scanned(tmp_path), "rules of the source hold in all of it"
    source = Source(SourceKind.FOLDER, str(tmp_path))
    told = {one.path: one.rule for one in left_out_of_folder(source, None, ignore_report)[0]}
    assert told["projects/one/out/"] == f"{home}/.config/git/ignore:1: /out/"
    assert told["projects/one/c.log"] == f"{home}/.config/git/ignore:2: *.log"


def test_repositories_within_another_one(home: Path, tmp_path: Path) -> None:
    """What the user ignores is relative to the root of each."""
    write(home / ".config" / "git" / "ignore", "/out\n")
    for folder in (tmp_path, tmp_path / "nested"):
        folder.mkdir(exist_ok=True)
        git(folder, "init", "--quiet")
        write(folder / "out", "x")
        write(folder / "src" / "out", "x")
    read = {file.path for file in scan_folder(str(tmp_path), {}, submodules=True).changed}
    assert read == {"src/out", "nested/src/out"}
