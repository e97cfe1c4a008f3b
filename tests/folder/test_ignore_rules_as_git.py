"""The ignore rules leave out what git leaves out: compared with `git check-ignore`."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kodit.infrastructure.folder.scan import scan_folder
from kodit.infrastructure.folder.wildmatch import expression_for

NAMES = [
    "a",
    "b",
    "ab",
    "foo",
    "bar",
    "foo.c",
    "a.b.c",
    "é",
    "x y",
    "[a]",
    "a*",
    "!b",
    "#c",
    "\\d",
    "a ",
]
PIECES = [
    *["a", "b", "foo", "bar", ".c", "c", "x", "é", " ", "\t", "\\ ", "\\"],
    *["*", "**", "***", "?", "/", "/", "//", "**/", "/**", "!", "#", "\\!", "\\#", "\\*", "\\/"],
    *["[a-f]", "[!a]", "[^b]", "[]a]", "[a", "[[:alpha:]]", "[[:digit:]x]", "[[:nope:]]", "[a-]"],
    *["[\\]]", "[b-a]", "[a/b]", "[", "]", "-", "[[:alpha:", "[[a]", "\xff", "\r"],
]

CLASSES = [
    *["alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space"],
    *["upper", "xdigit", "nope", "^alpha", ""],
]

names = st.one_of(st.sampled_from(["a", "b"]), st.sampled_from(NAMES))
trees = st.lists(st.lists(names, min_size=1, max_size=4).map(tuple), min_size=1, max_size=14)
lines = st.one_of(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join),
    st.tuples(
        st.sampled_from(["", "!", "/", "!/", "**/"]),
        st.lists(
            st.one_of(names, st.sampled_from(["*", "**", "a\\ "])), min_size=1, max_size=3
        ).map("/".join),
        st.sampled_from(["", "/", "/*", "/**"]),
    ).map("".join),
)
ignore_files = st.lists(lines, max_size=5).map("\n".join)


def build(root: Path, tree: list[tuple[str, ...]], rules: dict[tuple[str, ...], str]) -> set[str]:
    """Write the tree and its ignore files; returns the paths of its files."""
    files: set[tuple[str, ...]] = set()
    folders: set[tuple[str, ...]] = {()}
    for parts in tree:
        above = {parts[:length] for length in range(len(parts))}
        if parts not in folders and not above & files:
            files.add(parts)
            folders |= above
    files -= folders
    for parts in files:
        root.joinpath(*parts).parent.mkdir(parents=True, exist_ok=True)
        root.joinpath(*parts).write_bytes(b"text")
    for parts, content in rules.items():
        if root.joinpath(*parts).is_dir():
            root.joinpath(*parts, ".gitignore").write_bytes(content.encode("utf-8"))
            files.add((*parts, ".gitignore"))
    return {"/".join(parts) for parts in files}


def kept_by_git(root: Path, files: set[str]) -> set[str]:
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null"}
    ignored = subprocess.run(
        ["git", "-C", str(root), "check-ignore", "--no-index", "--stdin", "-z"],
        input="".join(f"./{path}\0" for path in sorted(files)).encode(),
        capture_output=True,
        check=False,
        env=environment,
    )
    assert ignored.returncode in (0, 1), ignored.stderr
    return files - {path.removeprefix("./") for path in ignored.stdout.decode().split("\0")}


def make_repository(root: Path) -> None:
    """The minimum that git accepts as a repository; `git init` would take most of the test's
    time.
    """
    (root / ".git" / "objects").mkdir(parents=True)
    (root / ".git" / "refs").mkdir()
    (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    tree=trees,
    at_root=ignore_files,
    nested=st.dictionaries(st.lists(names, min_size=1, max_size=2).map(tuple), ignore_files),
    exclude=st.one_of(st.none(), ignore_files),
)
def test_a_scan_keeps_exactly_the_files_that_git_does_not_ignore(
    tree: list[tuple[str, ...]],
    at_root: str,
    nested: dict[tuple[str, ...], str],
    exclude: str | None,
) -> None:
    """Nested files, negation, folders, anchors, `**`, brackets, escapes, `info/exclude`."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_repository(root)
        if exclude is not None:
            (root / ".git" / "info").mkdir()
            (root / ".git" / "info" / "exclude").write_bytes(exclude.encode())
        files = build(root, tree, {(): at_root, **nested})
        scan = scan_folder(str(root.resolve()), {})
        assert {file.path for file in scan.changed} == kept_by_git(root, files)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=trees, at_root=ignore_files, below=ignore_files)
def test_a_folder_inside_a_repository_obeys_the_ignore_files_above_it(
    tree: list[tuple[str, ...]], at_root: str, below: str
) -> None:
    """Indexing `repository/foo/bar` applies the rules of `repository` and `repository/foo`."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        make_repository(root)
        part = root / "foo" / "bar"
        part.mkdir(parents=True)
        (root / ".gitignore").write_bytes(at_root.encode())
        (root / "foo" / ".gitignore").write_bytes(below.encode())
        files = build(part, tree, {})
        if not kept_by_git(root, {"foo/bar/"}):
            return  # asked for by name although it is ignored: covered elsewhere
        kept = kept_by_git(root, {f"foo/bar/{path}" for path in files})
        scan = scan_folder(str(part), {})
        assert {f"foo/bar/{file.path}" for file in scan.changed} == kept


@pytest.mark.parametrize(
    ("rules", "ignored"),
    [
        ("a\\ ", {"a "}),
        ("a\\ \\  ", {"a  "}),
        ("a   ", {"a"}),
        ("foo/deep/x.c", {"foo/deep/x.c"}),
        ("foo/*/x.c", {"foo/deep/x.c"}),
        ("/x.c", {"x.c"}),
        ("x.c", {"x.c", "foo/x.c", "foo/deep/x.c"}),
        ("deep/", {"foo/deep/x.c"}),
        ("*\n!x.c\n!*/", {"a", "a ", "a  "}),
        ("foo/\n!foo/x.c", {"foo/x.c", "foo/deep/x.c"}),
        ("foo/*\n!foo/x.c", {"foo/deep/x.c"}),
        ("**/x.c\r\n", {"x.c", "foo/x.c", "foo/deep/x.c"}),
        ("\ufefffoo", {"foo/x.c", "foo/deep/x.c"}),
        ("foo/**/x.c", {"foo/x.c", "foo/deep/x.c"}),
        ("# x.c\n\n", set()),
    ],
)
def test_one_rule_at_a_time(tmp_path: Path, rules: str, ignored: set[str]) -> None:
    """Cases that random trees rarely contain, each checked against git as well."""
    make_repository(tmp_path)
    files = {"a", "a ", "a  ", "x.c", "foo/x.c", "foo/deep/x.c"}
    for path in files:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"text")
    (tmp_path / ".git" / "info").mkdir()
    (tmp_path / ".git" / "info" / "exclude").write_bytes(rules.encode())
    assert kept_by_git(tmp_path, files) == files - ignored
    scan = scan_folder(str(tmp_path.resolve()), {})
    assert {file.path for file in scan.changed} == files - ignored


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_of_characters(tmp_path: Path, name: str) -> None:
    """Each has the same members as in git; an unknown one matches nothing."""
    make_repository(tmp_path)
    characters = [chr(code) for code in range(ord(" "), ord("~") + 1) if chr(code) != "/"]
    files = build(tmp_path, [(f"{ord(one)}{one}",) for one in characters], {(): f"*[[:{name}:]]"})
    scan = scan_folder(str(tmp_path.resolve()), {})
    assert {file.path for file in scan.changed} == kept_by_git(tmp_path, files)


@pytest.mark.parametrize("bracket", ["[!a]", "[^a-f]", "[[:alpha:]]", "[!/]", "[!-~]"])
def test_a_bracket_stays_short_as_an_expression(bracket: str) -> None:
    """With a thousand in one line, compiling every single byte would take a second."""
    expression = expression_for(bracket, whole_path=False)
    assert expression is not None
    assert len(expression) <= 30
