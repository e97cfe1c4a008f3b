"""Tells the code in a text from its comments and strings."""

from __future__ import annotations

import re
from functools import cache

_HASH = frozenset(
    "python ruby bash elixir perl r julia make dockerfile yaml toml powershell nix".split()
)
_DASHES = frozenset("sql haskell lua ada elm vhdl".split())
_OWN_STRINGS = {
    "python": r'"""(?:[^\\]|\\.)*?(?:"""|\Z)|\'\'\'(?:[^\\]|\\.)*?(?:\'\'\'|\Z)',
    "elixir": r'"""(?:[^\\]|\\.)*?(?:"""|\Z)',
    "go": r"`[^`]*(?:`|\Z)",
    "lua": r"\[\[(?:.|\n)*?(?:\]\]|\Z)",
}
_STRING = r'"(?:[^"\\\n]|\\.)*"'
_CHARACTERS = r"'(?:[^'\\\n]|\\.)*'"
_LIFETIMES = frozenset({"rust", "haskell", "scala"})
"""Languages in which a single quote may appear unpaired."""


def prose_spans(text: str, language: str) -> list[tuple[int, int]]:
    """The start and end offsets of the comments and strings of a text, in order. A comment or
    string that starts before the text is taken for code."""
    return [match.span() for match in _prose(language).finditer(text)]


@cache
def _prose(language: str) -> re.Pattern[str]:
    patterns = [_OWN_STRINGS[language]] if language in _OWN_STRINGS else []
    if language in _HASH:
        patterns.append(r"#[^\n]*")
    elif language in _DASHES:
        patterns += [r"--[^\n]*", r"\{-(?:.|\n)*?(?:-\}|\Z)"]
    else:
        patterns += [r"//[^\n]*", r"/\*(?:.|\n)*?(?:\*/|\Z)"]
        if language == "php":
            patterns.append(r"#[^\n]*")
    patterns.append(_STRING)
    if language not in _LIFETIMES:
        patterns.append(_CHARACTERS)
    return re.compile("|".join(patterns), re.DOTALL)
