"""Every word of a kind has an entry in the tables that print it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from kodit.domain.descriptions import description
from kodit.domain.descriptions.kinds import DescriptionKind
from kodit.domain.symbols import AskedUses, Use
from kodit.faces.cli.terminal import describing, files, tables
from kodit.faces.mcp.tools import describing as mcp_describing
from kodit.faces.mcp.tools import nothing

ROLES = ("text", "item", "rest", "note", "code")
"""Of lines of a description; titles and parts are not indented."""


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (files._TITLES, Use),
        (files._CALLEES, [Use.CALL]),
        (files._NO_USES, AskedUses),
        (describing._NOTHING, DescriptionKind),
        (describing._INDENTATIONS, ROLES),
        (mcp_describing._INDENTATIONS, ROLES),
        (description._DEPTHS, ROLES),
        (tables._ROLES, ("work", "search")),
        (nothing._INSTEAD, ("search", "grep", "symbols", "related", "files")),
    ],
)
def test_every_word_has_an_entry(table: Mapping[str, object], words: Iterable[str]) -> None:
    assert set(table) == {str(word) for word in words}
    assert all(table.values())


def test_lines_are_as_far_indented_everywhere() -> None:
    assert describing._INDENTATIONS == mcp_describing._INDENTATIONS == description._DEPTHS
