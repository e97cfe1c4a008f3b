"""Attributes match git's: compared with `git check-attr`."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kodit.infrastructure.folder.attributes import (
    DIFF,
    ENCODING,
    GENERATED,
    MARKED_BINARY,
    NO_ATTRIBUTES,
    TEXT,
    VENDORED,
    Value,
)
from kodit.infrastructure.folder.patterns import byte_text
from kodit.infrastructure.folder.reading import open_root
from kodit.infrastructure.folder.scan import root_folder

HEARD = (GENERATED, VENDORED, TEXT, DIFF, ENCODING)
NAMES = ["a", "b", "foo", "foo.c", "é", "x y", "[a]", "#c", '"q"', "vendor"]
PATTERNS = [
    *["*", "*.c", "a", "b", "foo", "/a", "foo/", "a/b", "a/*", "**", "a/**", "**/b", "**/foo.c"],
    *['"x y"', '"\\303\\251"', "é", "[a-f]", "[[]a]", "!a", "#c", "\\#c", "f?o", "/*", "vendor/**"],
    *['"\\"q\\""', "[attr]own", "[attr]other", "a//b", "x\\ y", '"a', "\\a", "/", "./a"],
]
ATTRIBUTES = [
    *["text", "-text", "!text", "text=auto", "diff", "-diff", "diff=python", "binary", "-binary"],
    *["linguist-generated", "-linguist-generated", "linguist-generated=true"],
    *[
        "linguist-generated=false",
        "!linguist-generated",
        "linguist-vendored",
        "linguist-vendored=0",
    ],
    *["working-tree-encoding=UTF-16LE", "-working-tree-encoding", "own", "-own", "other", "eol=lf"],
    *["=x", "-", "a b", "text=", "linguist-generated=a=b"],
]
trees = st.lists(
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(tuple), min_size=1, max_size=8
)
lines = st.tuples(
    st.sampled_from(PATTERNS),
    st.sampled_from([" ", "\t", "  "]),
    st.lists(st.sampled_from(ATTRIBUTES), max_size=3).map(" ".join),
).map("".join)
attribute_files = st.lists(lines, min_size=1, max_size=6).map("\n".join)
EXAMPLES = int(os.environ.get("RANDOM_TREES", "40"))


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    environment = {
        **{name: os.environ[name] for name in ("PATH",)},
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "XDG_CONFIG_HOME": str(folder / ".none"),
    }
    return subprocess.run(
        ["git", "-C", str(folder), *arguments],
        input=stdin,
        capture_output=True,
        check=True,
        env=environment,
    ).stdout


def build(folder: Path, tree: list[tuple[str, ...]]) -> list[str]:
    """The files that could be made, because no file is in the place of a folder."""
    for parts in tree:
        path = folder.joinpath(*parts)
        if any(above.is_file() for above in path.parents) or path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"text\n")
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    )


def by_git(folder: Path, paths: list[str]) -> dict[tuple[str, str], str]:
    names = b"\0".join(os.fsencode(path) for path in paths) + b"\0"
    output = git(folder, "check-attr", "-z", "--stdin", *HEARD, stdin=names)
    fields = [os.fsdecode(field) for field in output.split(b"\0")[:-1]]
    return {
        (path, attribute): value for path, attribute, value in zip(*[iter(fields)] * 3, strict=True)
    }


def written(value: Value) -> str:
    if isinstance(value, str):
        return value
    return {True: "set", False: "unset", None: "unspecified"}[value]


def by_kodit(folder: Path, paths: list[str]) -> dict[tuple[str, str], str]:
    descriptor = open_root(str(folder))
    os.close(descriptor)
    top = root_folder(-1, folder, (), ()).rules
    found: dict[tuple[str, str], str] = {}
    for path in paths:
        attributes = top.attributes
        above = Path()
        for name in (".", *Path(path).parts[:-1]):
            above /= name
            file = folder / above / ".gitattributes"
            prefix = "" if above == Path() else f"{above.as_posix()}/"
            content = file.read_bytes() if file.is_file() else None
            attributes = attributes.with_file(byte_text(prefix), content, is_top=not prefix)
        values = attributes.of(byte_text(path))
        for attribute in HEARD:
            found[path, attribute] = written(values.get(attribute))
    return found


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    tree=trees,
    files=st.dictionaries(st.sampled_from(["", "a", "a/b", "foo"]), attribute_files),
    info=st.one_of(st.none(), attribute_files),
)
def test_random_trees(tree: list[tuple[str, ...]], files: dict[str, str], info: str | None) -> None:
    """Each attribute that Kodit uses, of each file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        git(folder, "init", "--quiet", "--template=")
        paths = build(folder, tree)
        for place, content in files.items():
            target = folder / place
            if not target.is_dir():
                continue
            (target / ".gitattributes").write_bytes(content.encode())
        if info is not None:
            (folder / ".git" / "info").mkdir()
            (folder / ".git" / "info" / "attributes").write_bytes(info.encode())
        assert by_kodit(folder, paths) == by_git(folder, paths)


@pytest.mark.parametrize(
    ("content", "marked"),
    [
        ("* -text\n", False),
        ("** -text\n", False),
        ("*.txt -text\n", True),
        ("* binary\n", True),
        ("*.txt -text\na.txt text\n", False),
        ("[attr]own -text -diff\n*.txt own\n", True),
    ],
)
def test_a_line_for_all_files_marks_none_as_binary(content: str, marked: bool) -> None:
    """Whole repositories say `* -text` to keep line ends as they are."""
    values = NO_ATTRIBUTES.with_file("", content.encode(), is_top=True).of("a.txt")
    assert (values.get(MARKED_BINARY) is True) is marked
