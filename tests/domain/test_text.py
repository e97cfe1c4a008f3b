"""What counts as text, and how much of a line is shown."""

from __future__ import annotations

import pytest

from kodit.domain.text import LONGEST_LINE, cut_line, is_text


def test_lone_surrogates_are_not_valid_text() -> None:
    """As Python represents undecodable bytes; all other text can be encoded."""
    assert all(map(is_text, ("", "plain", "größe", "\ud7ff\ue000", "😀")))
    assert not any(map(is_text, ("\ud800", "größe\udfff", "a\udcffb")))


def test_a_line_that_is_not_too_long_is_whole() -> None:
    line = "x" * LONGEST_LINE
    assert cut_line(line) == cut_line(line, 399) == line


@pytest.mark.parametrize(
    ("column", "first"), [(1, 0), (101, 0), (102, 1), (401, 300), (701, 600), (1000, 600)]
)
def test_a_long_line_is_shown_around_a_column(column: int, first: int) -> None:
    """A quarter before it and the rest after, as far as available; marks show what is left out."""
    line = "".join(chr(0x4E00 + number) for number in range(1000))
    shown = cut_line(line, column)
    last = first + LONGEST_LINE
    assert shown.strip("…") == line[first:last]
    assert (shown.startswith("…"), shown.endswith("…")) == (first > 0, last < 1000)
