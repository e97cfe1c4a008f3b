"""A short description of code in its own words: its documentation, signature, names and calls."""

from __future__ import annotations

import re

from kodit.domain.entities import StoredSnippet
from kodit.domain.ranking.terms import words

MOST_DOCUMENTATION = 600
"""Characters of documentation that are kept: the first paragraphs give the purpose."""
MOST_CALLS = 12

_TRIPLE_QUOTED = re.compile(r'"""(.*?)"""|\'\'\'(.*?)\'\'\'', re.DOTALL)
_COMMENT_LINE = re.compile(
    r"^\s*(?:#+!?|//[/!]?|/\*+!?|\*+/?|--+|;+|%+|<!--|\"\"\")\s?(.*?)\s*(?:\*/|-->)?$"
)
_CALL_BACKWARDS = re.compile(r"\(\s*+(\w{3,}+)(?<=[A-Za-z_])")
"""Applied to reversed text. There are fewer brackets than names to start a match at, and searching
for a literal is much faster than anything else.
"""
_NOT_CALLS = frozenset(
    "if for while switch return catch def fn func function elif except with and not print assert "
    "sizeof typeof super self this new raise throw await async class lambda match when".split()
)


def describe(snippet: StoredSnippet) -> str:
    """The text that is embedded for natural-language queries. Deterministic; depends only on the
    snippet, and not on its path.
    """
    lines = snippet.text.splitlines()
    parts: list[str] = []
    if snippet.symbol:
        name = " ".join(words(snippet.symbol)) or snippet.symbol
        scope = f" of {' '.join(words(snippet.scope))}" if snippet.scope else ""
        parts.append(f"{snippet.kind} {name}{scope}")
    documentation = _documentation(snippet.text, lines)
    if documentation:
        parts.append(documentation)
    if snippet.language != "markdown":
        parts.append(_signature(lines))
        calls = _calls(snippet.text, snippet.symbol)
        if calls:
            parts.append(f"calls {', '.join(calls)}")
    return "\n".join(part for part in parts if part)


def _documentation(text: str, lines: list[str]) -> str:
    """The docstring, or else the leading comment lines."""
    # Searching for the quotes takes a tenth of the time of the expression.
    is_quoted = '"""' in text or "'''" in text
    if is_quoted and (match := _TRIPLE_QUOTED.search(text)) is not None:
        return " ".join((match.group(1) or match.group(2) or "").split())[:MOST_DOCUMENTATION]
    leading: list[str] = []
    for line in lines:
        comment = _COMMENT_LINE.match(line)
        if comment is None:
            if line.strip():
                break
            continue
        leading.append(comment.group(1))
    return " ".join(" ".join(leading).split())[:MOST_DOCUMENTATION]


def _signature(lines: list[str]) -> str:
    """The first line of code."""
    for line in lines:
        stripped = line.strip()
        if stripped and not _COMMENT_LINE.match(line) and not stripped.startswith("@"):
            return stripped[:200]
    return ""


def _calls(text: str, symbol: str | None) -> list[str]:
    names = [name[::-1] for name in reversed(_CALL_BACKWARDS.findall(text[::-1]))]
    found = dict.fromkeys(name for name in names if name not in _NOT_CALLS and name != symbol)
    return [" ".join(words(name)) for name in list(found)[:MOST_CALLS]]
