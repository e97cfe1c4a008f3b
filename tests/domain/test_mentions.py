"""The mentions of a stored snippet."""

from __future__ import annotations

import pytest

from kodit.domain.mentions import (
    Mention,
    MentioningSnippet,
    MentionKind,
    decode_mentions,
    encode_mentions,
)
from kodit.domain.snippet import PlacedSymbol, Symbol, SymbolKind


def snippet(*mentions: Mention, symbol: str | None = "Box", scope: str = "") -> MentioningSnippet:
    """Of lines 10 to 40: `symbol`, and in it a method with a function inside."""
    also = (
        PlacedSymbol(Symbol("run", SymbolKind.METHOD, "Box"), 12, 30),
        PlacedSymbol(Symbol("inner", SymbolKind.FUNCTION, "Box.run"), 20, 25),
        PlacedSymbol(Symbol("shut", SymbolKind.METHOD, "Box"), 32, 32),
    )
    return MentioningSnippet(1, 1, 10, 40, symbol, scope, also, encode_mentions(mentions, 10))


@pytest.mark.parametrize(
    ("line", "around"),
    [
        (11, "Box"),
        (12, "Box.run"),
        (20, "Box.run.inner"),
        (25, "Box.run.inner"),
        (26, "Box.run"),
        (30, "Box.run"),
        (32, "Box.shut"),
        (33, "Box"),
    ],
)
def test_the_innermost_definition_around_a_line(line: int, around: str) -> None:
    assert snippet().around(line) == around


def test_what_is_around_lines_that_define_nothing() -> None:
    assert snippet(symbol=None, scope="shop").around(11) == ""
    assert snippet(scope="shop").around(11) == "shop.Box"


CALL = Mention(MentionKind.CALL, "a.b", 12, "pool")
IMPORT = Mention(MentionKind.IMPORT, "axb", 10, "m", "n")
BASE = Mention(MentionKind.INHERITS, "Base", 11, "", "Box")
TYPE = Mention(MentionKind.TYPE, "Kind", 13, "", "one")


def test_lines_count_from_the_first_of_the_snippet() -> None:
    encoded = encode_mentions([CALL, IMPORT], 10)
    assert encoded.split("\n") == ["c2\ta.b\tpool", "i0\taxb\tm\tn"]
    assert list(decode_mentions(encoded, 100)) == [
        CALL._replace(line=102),
        IMPORT._replace(line=100),
    ]
    assert list(decode_mentions("", 10)) == []


def test_the_mentions_of_some_names_of_origins_and_of_aliases() -> None:
    """A name is matched literally, even if it contains characters of a pattern."""
    stored = snippet(CALL, IMPORT, BASE, TYPE)
    assert list(stored.mentions) == [CALL, IMPORT, BASE, TYPE]
    assert list(stored.named(("a.b",))) == [CALL]
    assert list(stored.named(("Kind", "axb"))) == [IMPORT, TYPE]
    assert list(stored.named(("b", "Kin"))) == []
    assert list(stored.origins) == [IMPORT, BASE]
    assert stored.hinted == ["one"]
    assert list(stored.hints("one")) == [TYPE]


def test_the_hints_of_an_alias() -> None:
    """A hint is known by its whole alias, and not by the text at the end of its row."""
    first = Mention(MentionKind.CALL, "open", 12, "self.one", "one")
    again = Mention(MentionKind.TYPE, "File", 13, "", "one")
    others = [
        Mention(MentionKind.CALL, "one", 14, "", "two"),
        Mention(MentionKind.READ, "one", 15),
        Mention(MentionKind.READ, "value", 16, "one"),
        Mention(MentionKind.WRITE, "value", 17, "", "self.one"),
        Mention(MentionKind.IMPORT, "first", 18, "numbers", "one"),
        Mention(MentionKind.INHERITS, "Base", 19, "", "one"),
    ]
    stored = snippet(first, again, *others)
    assert stored.hinted == ["one", "one", "two", "self.one"]
    assert list(stored.hints("one")) == [first, again]
    assert list(stored.hints("self.one")) == [others[3]]
    assert list(stored.hints("nothing")) == []
