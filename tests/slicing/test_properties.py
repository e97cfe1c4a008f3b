"""Properties for any bytes: nothing is lost, nothing is duplicated, nothing raises."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kodit.domain.value_objects import SlicedFile
from kodit.infrastructure.long_lines import shortened
from kodit.infrastructure.slicing.languages import LANGUAGES
from kodit.infrastructure.slicing.limits import LONG_LINE
from kodit.infrastructure.slicing.slicer import BINARY, MINIFIED, slice_file

HERE = Path(__file__).parent
SOURCES = {
    path.name.removesuffix(".txt"): path.read_text("utf-8") for path in (HERE / "sources").iterdir()
}
NAMES = [f"file.{language.extensions[0]}" for language in LANGUAGES.values()] + ["file", "Makefile"]

LINE = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=30)
FRAGMENT = st.sampled_from(
    "{ } ( ) [ ] < > \" ' ` \"\"\" ''' /* */ // # -- <!-- --> --[[ ]] def class function end do"
    " = : ; => @a \\ $ ! \t | * - begin if else".split(" ")
)


def assert_covers(sliced: SlicedFile, text: str) -> None:
    """Every line that is not blank is in exactly one snippet, whose text is that of its lines,
    long ones shortened.

    `text` is the decoded file with line feeds only.
    """
    if sliced.problem in {BINARY, MINIFIED}:
        assert sliced.snippets == ()
        return
    lines = [one if len(one) <= LONG_LINE else shortened(one) for one in text.split("\n")]
    covered: set[int] = set()
    for snippet in sliced.snippets:
        assert 1 <= snippet.start_line <= snippet.end_line <= len(lines)
        assert snippet.text == "\n".join(lines[snippet.start_line - 1 : snippet.end_line])
        covered.update(range(snippet.start_line, snippet.end_line + 1))
    for before, after in pairwise(sliced.snippets):
        assert before.end_line < after.start_line
    blank = {number for number, line in enumerate(lines, 1) if not line.strip()}
    assert covered | blank == set(range(1, len(lines) + 1))


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, str]:
    """A real source file with some of its lines removed, moved, duplicated, joined or corrupted."""
    name = draw(st.sampled_from(sorted(SOURCES)))
    lines = SOURCES[name].split("\n")
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["cut", "move", "double", "join", "insert", "spoil", "indent"])):
            case "cut":
                lines = lines[:at] + lines[at + draw(st.integers(1, 20)) :] or [""]
            case "move":
                lines = lines[at:] + lines[:at]
            case "double":
                lines = lines[: at + 1] * draw(st.integers(1, 3)) + lines[at:]
            case "join":
                lines = [*lines[:at], "".join(lines[at : at + 3]), *lines[at + 3 :]]
            case "insert":
                lines = [*lines[:at], draw(LINE), *lines[at:]]
            case "spoil":
                column = draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:column] + draw(FRAGMENT) + lines[at][column:]
            case "indent":
                lines[at:] = [" " * draw(st.integers(1, 9)) + line for line in lines[at:]]
    return name, "\n".join(lines)


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(mutated())
def test_a_spoilt_source_is_covered(example: tuple[str, str]) -> None:
    """In every language, however it parses."""
    name, text = example
    assert_covers(slice_file(name, text.encode()), text)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(NAMES), st.lists(st.one_of(LINE, FRAGMENT), max_size=200))
def test_any_text_is_covered(name: str, lines: list[str]) -> None:
    """Under the name of any language."""
    text = "\n".join(lines)
    assert_covers(slice_file(name, text.encode()), text)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(NAMES), st.binary(max_size=400))
def test_any_bytes_are_sliced_the_same_twice(name: str, data: bytes) -> None:
    """And without an error."""
    assert slice_file(name, data) == slice_file(name, data)


@settings(deadline=None, max_examples=100)
@given(st.text(), st.sampled_from(sorted(SOURCES)))
def test_any_path_is_accepted(path: str, name: str) -> None:
    """A path is only a name; no file is opened."""
    sliced = slice_file(path, SOURCES[name].encode())
    assert sliced.path == path
    assert_covers(sliced, SOURCES[name])
