"""Parsing lines of ignore files, and globs, without comparing with git."""

from __future__ import annotations

import pytest

from kodit.domain.errors import UserError
from kodit.infrastructure.folder.patterns import Pattern, check_globs, mistake_of, parse_patterns


def pattern(
    text: str, *, negated: bool = False, directory_only: bool = False, whole_path: bool = False
) -> Pattern:
    return Pattern(text, negated, directory_only, whole_path)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"a", pattern("a")),
        (b"!a", pattern("a", negated=True)),
        (b"a/", pattern("a", directory_only=True)),
        (b"/a", pattern("a", whole_path=True)),
        (b"a/b", pattern("a/b", whole_path=True)),
        (b"!/a/", pattern("a", negated=True, directory_only=True, whole_path=True)),
        (b"a  ", pattern("a")),
        (b"a\t", pattern("a\t")),
        (b"a\\ ", pattern("a\\ ")),
        (b"a\\   ", pattern("a\\ ")),
        (b"a\\\\ ", pattern("a\\\\")),
        (b" a", pattern(" a")),
        (b" #a", pattern(" #a")),
        (b"a\r", pattern("a")),
        (b"a\0b", pattern("a")),
        (b"\xef\xbb\xbfa", pattern("a")),
        (b"\\#a", pattern("\\#a")),
        (b"#a", None),
        (b"", None),
        (b"  ", None),
        (b"/", None),
        (b"!", None),
    ],
)
def test_a_line(line: bytes, expected: Pattern | None) -> None:
    assert parse_patterns(line) == (() if expected is None else (expected,))


def test_lines_have_their_numbers() -> None:
    assert [one.line for one in parse_patterns(b"# a\n\nb\nc\n")] == [3, 4]


@pytest.mark.parametrize("line", ["a", "!a", "/a", "a/", "a/b", "!/a/"])
def test_a_pattern_as_it_was_written(line: str) -> None:
    (one,) = parse_patterns(line.encode())
    assert one.written == line


@pytest.mark.parametrize(
    ("text", "prefix", "suffix"),
    [("a", "a", None), ("ab*.c", "ab", None), ("*.pyc", "", ".pyc"), ("*[a]", "", None)],
)
def test_parts_that_are_literal(text: str, prefix: str, suffix: str | None) -> None:
    (one,) = parse_patterns(text.encode())
    assert (one.literal_prefix, one.literal_suffix) == (prefix, suffix)
    assert one.is_literal is (prefix == text)


@pytest.mark.parametrize(
    ("line", "path", "expected"),
    [
        (b"a/**/b", "a/b", True),
        (b"a/**/b", "a/x/y/b", True),
        (b"**/b", "b", True),
        (b"**\\/b", "b", False),  # as git has it: a slash that is written otherwise stands for one
        (b"**\\/b", "x/b", True),
        (b"a/**", "a/x/y", True),
        (b"a/**", "a", False),
        (b"a/*", "a/x/y", False),
        (b"/a**b", "axb", True),
        (b"/a**b", "a/b", False),
    ],
)
def test_stars_and_folders(line: bytes, path: str, expected: bool) -> None:
    (one,) = parse_patterns(line)
    assert one.matches(path.rpartition("/")[2], path, False) is expected


@pytest.mark.parametrize(
    ("glob", "mistake"),
    [
        ("a\nb", "control character"),
        ("a\x7f", "control character"),
        ("#a", "comment"),
        ("  ", "empty"),
        ("[z-a]", "reverse order"),
        ("[a", "not closed"),
        ("*.py", None),
        ("!a", None),
        ("\\#a", None),
    ],
)
def test_globs_that_choose_nothing(glob: str, mistake: str | None) -> None:
    found = mistake_of(glob)
    assert found is None if mistake is None else found is not None and mistake in found


@pytest.mark.parametrize(
    ("globs", "told"),
    [(["*.py", "#a"], "'#a' is a comment"), (["!a", "!b"], "'!a' only negates")],
)
def test_each_of_several_globs_is_looked_at(globs: list[str], told: str) -> None:
    with pytest.raises(UserError, match="glob") as refused:
        check_globs("include", globs)
    assert f"the include glob {told}" in str(refused.value)
    check_globs("include", ["!a", "b"])
    check_globs("include", [])
