"""Translating an expression from RE2's syntax to ripgrep's, so that it matches at least as much.

ripgrep only selects the files worth reading, so the translation may match too much, which keeps it
simple: anchors and word boundaries are dropped, a character beyond ASCII becomes one to four bytes
beyond ASCII (whatever the file's encoding), and the members of classes are found by asking RE2 byte
by byte. Anything else is not translated.
"""

from __future__ import annotations

import re

import re2  # type: ignore[import-untyped]

from kodit.domain.grep import Expression

_BEYOND_ASCII = r"(?:[\x80-\xff]{1,4})"
_ANYTHING = r"(?:[^\n]{1,4})"
_FOLDS_FROM_BEYOND = frozenset("kKsS")
"""ASCII letters that another character folds to when case is ignored: the Kelvin sign, the long
s.
"""

_ASCII_ONLY = re.compile(r"\\[dsw]|\[(?!\^)(?:[A-Za-z0-9_ .,;'\"-]|\\[dsw])+\]")
"""Classes with only ASCII members as long as case is not ignored."""

_TOKEN = re.compile(
    r"""(?P<class>\[\^?\]?(?:\[:\^?[a-z]+:\]|\\[pP]\{[^}]*\}|\\x\{[0-9A-Fa-f]+\}|\\.|[^\]\\])*\])
    |(?P<property>\\[pP](?:\{[^}]*\}|.))
    |(?P<perl>\\[dDsSwW])
    |(?P<hexadecimal>\\x(?:\{[0-9A-Fa-f]+\}|[0-9A-Fa-f]{2}))
    |(?P<edge>\\[AbBz]|\^|\$)
    |(?P<control>\\[afnrtv])
    |(?P<escaped>\\[^0-9A-Za-z])
    |(?P<open>\((?:\?P?<\w+>|\?:)?(?!\?))
    |(?P<flags>\(\?[A-Za-z-]*[:)](?![*+?{]))  # to RE2, `a(?i)?` repeats the `a`
    |(?P<structure>[|)]|[*+?]\??|\{\d+(?:,\d*)?\}\??)
    |(?P<any>\.)
    |(?P<literal>[^\\\[(])""",
    re.VERBOSE | re.DOTALL,
)


def widen(expression: Expression) -> str | None:
    """A pattern for ripgrep that matches at least as much as the valid RE2 expression; None if part
    of it is not supported here.
    """
    if expression.is_inverted:
        return None
    patterns = (expression.pattern, *expression.more)
    widened = [_widened(pattern, expression) for pattern in patterns]
    if None in widened:
        return None
    return "(?-u)" + "|".join(f"(?:{one})" if len(patterns) > 1 else str(one) for one in widened)


def _widened(pattern: str, expression: Expression) -> str | None:
    ignore_case = expression.ignore_case
    if expression.is_fixed:
        return "".join(_literal(character, ignore_case) for character in pattern)
    # In any position it only makes more match.
    ignore_case = ignore_case or re.search(r"\(\?[A-Za-z]*i", pattern) is not None
    position, parts = 0, list[str]()
    while position < len(pattern):
        token = _TOKEN.match(pattern, position)
        part = None if token is None else _translate(token, ignore_case)
        if token is None or part is None:
            return None
        parts.append(part)
        position = token.end()
    return "".join(parts)


_SAME = {"edge": "(?:)", "open": "(?:", "any": _ANYTHING}
_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _translate(token: re.Match[str], ignore_case: bool) -> str | None:
    kind, text = token.lastgroup, token[0]
    if kind in _SAME:
        return _SAME[kind]
    if kind == "structure":
        return text
    if kind == "flags":
        return "(?:" if text.endswith(":") else ""
    if kind in ("class", "property", "perl"):
        return _members(text, ignore_case)
    character = text
    if kind == "hexadecimal":
        character = chr(min(int(text.strip("\\x{}"), 16), 0x10FFFF))
    elif kind in ("control", "escaped"):
        character = _CONTROLS.get(text[1], text[1])
    return _literal(character, ignore_case)


def _literal(character: str, ignore_case: bool) -> str:
    if not character.isascii():
        folded = character.casefold() if ignore_case else character
        if folded not in _FOLDS_FROM_BEYOND:
            return _BEYOND_ASCII
        character = folded
    if not character.isalnum():
        # ripgrep rejects a line end; no searched file has a NUL.
        return rf"\x{ord(character):02x}" if character != "\n" else r"\x00"
    if not ignore_case or character.isdigit():
        return character
    either = f"[{character.lower()}{character.upper()}]"
    return f"(?:{either}|{_BEYOND_ASCII})" if character in _FOLDS_FROM_BEYOND else either


def _members(text: str, ignore_case: bool) -> str | None:
    """A class of the ASCII characters that match in RE2, and of all others."""
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    try:
        compiled = re2.compile(text, options)
    except re2.error:
        return None
    ascii_members = "".join(
        rf"\x{code:02x}"
        for code in range(128)
        if code != ord("\n") and compiled.fullmatch(chr(code))
    )
    if not ascii_members:
        return _BEYOND_ASCII
    if not ignore_case and _ASCII_ONLY.fullmatch(text):
        return f"[{ascii_members}]"
    return f"(?:[{ascii_members}]|{_BEYOND_ASCII})"
