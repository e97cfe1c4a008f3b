"""The rules of `.gitattributes` for files: one test for each rule."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.support.random_trees import make_repository

from kodit.infrastructure.folder.attributes import (
    DIFF,
    GENERATED,
    MARKED_BINARY,
    NO_ATTRIBUTES,
    TEXT,
    VENDORED,
    Attributes,
    Value,
    is_denied,
    is_set,
)
from kodit.infrastructure.folder.marks import attribute_of_file


def of(*files: tuple[str, bytes], info: bytes | None = None) -> Attributes:
    """The attributes of files in these folders, topmost first."""
    attributes = NO_ATTRIBUTES.with_strongest("", info)
    for base, content in files:
        attributes = attributes.with_file(base, content, is_top=not base)
    return attributes


def test_the_last_of_several_lines_counts_and_the_last_of_a_line() -> None:
    attributes = of(("", b"*.c linguist-generated\n*.c -linguist-generated text -text\n"))
    assert attributes.of("a.c") == {GENERATED: False, TEXT: False, MARKED_BINARY: True}
    assert attributes.of("a.h") == {}


def test_a_deeper_file_goes_before_those_above_and_info_before_all() -> None:
    top, deep = ("", b"*.c linguist-generated\n"), ("src/", b"*.c -linguist-generated\n")
    attributes = of(top, deep)
    assert attributes.of("a.c")[GENERATED] is True
    assert attributes.of("src/a.c")[GENERATED] is False
    for name in ("a.c", "src/a.c"):
        assert of(top, deep, info=b"*.c linguist-generated=maybe\n").of(name)[GENERATED] == "maybe"
    assert of(("src/", b"/a.c linguist-generated\n")).of("a.c") == {}


def test_a_macro_may_be_defined_again_as_nothing() -> None:
    """Also a built-in one."""
    macros = b"[attr]binary\n[attr]mine -text\n[attr]mine \n"
    attributes = of(("", macros + b"*.c binary\n*.d mine\n"))
    assert MARKED_BINARY not in attributes.of("a.c")
    assert TEXT not in attributes.of("a.d")


def test_what_is_unspecified_is_no_more_said_by_weaker_lines() -> None:
    assert of(("", b"* -text\n*.c !text\n")).of("a.c") == {TEXT: None}


@pytest.mark.parametrize(
    ("content", "is_marked"),
    [
        (b"a.c -text", True),
        (b"* -text", False),
        (b"*.* -text", False),
        (b"** -text", False),
        (b"* -text -diff", True),
        (b"* binary", True),
        (b"* -text diff", False),
        (b"* text\na.c -text", True),
        (b"* -text\na.c -text", True),
        (b"a.c -text\n* -text", False),
        (b"* -text\na.c -diff", True),
        (b"a.c text", False),
        (b"a.c text=auto", False),
    ],
)
def test_what_is_marked_as_binary(content: bytes, is_marked: bool) -> None:
    """A line that says `-text` of all files means line ends."""
    assert (MARKED_BINARY in of(("", content)).of("a.c")) is is_marked


@pytest.mark.parametrize(
    ("content", "name", "attribute"),
    [
        (b"* linguist-generated", "a.c", "linguist-generated"),
        (b"* linguist-vendored=yes", "a.c", "linguist-vendored"),
        (b"* linguist-generated=false", "a.c", None),
        (b"a.* -text", "a.c", None),
        (b"a.* -text", "a.unheard-of", "-text"),
        (b"a.* binary", "a.c", "-text"),
        (b"* -text", "a.unheard-of", None),
    ],
)
def test_for_which_attribute_a_file_is_left_out(
    content: bytes, name: str, attribute: str | None
) -> None:
    """Code is no binary file for having line ends of its own."""
    assert attribute_of_file(of(("", content)).of(name), name) == attribute


def test_macros() -> None:
    """Macros of the top level and of `info/attributes`, which take precedence; none below the
    top.
    """
    define = b"[attr]own linguist-generated -diff\n"
    use = b"*.c own\n"
    expected: dict[str, Value] = {"own": True, GENERATED: True, DIFF: False}
    assert of(("", define + use)).of("a.c") == expected
    assert of(("", define), ("src/", use)).of("src/a.c") == expected
    assert of(("src/", define + use)).of("src/a.c") == {"own": True}
    assert of(("", use), info=define).of("a.c") == expected
    other = b"[attr]own linguist-vendored\n"
    assert of(("", other + use), info=define).of("a.c") == expected
    assert of(("", b"[attr]own! text\n*.c own!\n")).of("a.c") == {}
    assert of(("", define + b"*.c -own\n")).of("a.c") == {"own": False}
    assert of(("", define + b"[attr]own =x\n" + use)).of("a.c") == expected


def test_the_macro_of_git_may_be_redefined() -> None:
    """Like any other: it has the lowest precedence."""
    define, use = b"[attr]binary linguist-generated\n", b"*.c binary\n"
    expected: dict[str, Value] = {"binary": True, GENERATED: True}
    assert of(("", define + use)).of("a.c") == expected
    assert of(("", use), info=define).of("a.c") == expected
    assert of(("", b"[attr]binary diff\n" + use), info=define).of("a.c") == expected
    assert of(("", use)).of("a.c")[DIFF] is False


def test_macros_that_name_each_other_end() -> None:
    attributes = of(("", b"[attr]x y\n[attr]y x\n* x linguist-generated\n"))
    assert attributes.of("a.c") == {"x": True, "y": True, GENERATED: True}


@pytest.mark.parametrize(
    ("content", "may"),
    [
        (b"*.c linguist-generated", True),
        (b"*.c -linguist-vendored", True),
        (b"*.c -text", True),
        (b"*.c binary", True),
        (b"[attr]own -text\n*.c own", True),
        (b"src/*.c linguist-generated", True),
        (b"*.c text", False),
        (b"*.c !text", False),
        (b"*.c diff=python eol=lf", False),
        (b"[attr]own -text\n*.c -own", False),
        (b"", False),
    ],
)
def test_lines_that_may_decide(content: bytes, may: bool) -> None:
    assert bool(of(("", content))) is may


def test_only_such_files_are_looked_at() -> None:
    attributes = of(("src/", b"*.c linguist-generated\n/deep/*.h -text\n* eol=lf\n"))
    assert attributes.decide("src/a.c") == {GENERATED: True, "eol": "lf"}
    assert attributes.decide("src/deep/a.h")[MARKED_BINARY] is True
    assert attributes.decide("src/a.h") == {}
    assert attributes.decide("deep/a.h") == {}
    assert attributes.decide("lib/deep/a.h") == {}


@pytest.mark.parametrize(
    ("line", "path", "is_spoken_of"),
    [
        (b"\t a.c \tlinguist-generated \r", "a.c", True),
        (b"\xef\xbb\xbfa.c linguist-generated", "a.c", True),
        (b"a.c linguist-generated =x", "a.c", False),
        (b"a.c linguist-generated -", "a.c", False),
        (b"a.c", "a.c", False),
        (b"#a.c linguist-generated", "#a.c", False),
        (b"!a.c linguist-generated", "!a.c", False),
        (b"!a.c linguist-generated", "a.c", False),
        (b"a/ linguist-generated", "a", False),
        (b"[attr]a linguist-generated", "[attr]a", False),
        (b'"[attr]a" linguist-generated', "xa", False),
        (b'"[attr]a" linguist-generated', "aa", True),
        (b'"x y" linguist-generated', "x y", True),
        *(
            (b'"a\\%cb" linguist-generated' % letter, f"a{character}b", True)
            for letter, character in zip(b"abfnrtv", "\a\b\f\n\r\t\v", strict=True)
        ),
        (b'"\\303\\251" linguist-generated', "\xc3\xa9", True),
        (b'"\\"q\\"" linguist-generated', '"q"', True),
        (b"src/a.c linguist-generated", "src/a.c", True),
        (b"src/a.c linguist-generated", "a.c", False),
    ],
)
def test_lines_as_git_reads_them(line: bytes, path: str, is_spoken_of: bool) -> None:
    assert (GENERATED in of(("", line)).of(path)) is is_spoken_of


@pytest.mark.parametrize(
    ("value", "yes", "no"),
    [
        (True, True, False),
        (False, False, True),
        (None, False, False),
        ("true", True, False),
        ("anything", True, False),
        ("False", False, True),
        ("NO", False, True),
        ("0", False, True),
        ("off", False, True),
    ],
)
def test_values(value: Value, yes: bool, no: bool) -> None:
    assert (is_set(value), is_denied(value)) == (yes, no)
    assert VENDORED != GENERATED


@pytest.mark.parametrize(
    ("line", "path", "values"),
    [
        (b"* -own=1", "x", {"own": False}),
        (b"* !own=1", "x", {"own": None}),
        (b"[attr] own", "a", {"own": True}),
        (b"[attr] own", "attr", {}),
        (b"* own\0 other", "x", {"own": True}),
        (b"* own" + b" " * 2042, "x", {"own": True}),
        (b"* own" + b" " * 2043, "x", {}),
        (b"* own" + b" " * 2042 + b"\r", "x", {"own": True}),
    ],
)
def test_a_line_as_git_reads_it(
    line: bytes, path: str, values: dict[str, Value], tmp_path: Path
) -> None:
    """What nobody would write, each line compared with git as well."""
    make_repository(tmp_path)
    (tmp_path / ".gitattributes").write_bytes(line + b"\n")
    told = subprocess.run(
        ["git", "-C", str(tmp_path), "check-attr", "own", "--", path],
        capture_output=True,
        check=True,
    )
    by_git = told.stdout.decode().removeprefix(f"{path}: own: ")
    assert {"set\n": True, "unset\n": False, "unspecified\n": None}[by_git] is values.get("own")
    assert of(("", line + b"\n")).of(path) == values
