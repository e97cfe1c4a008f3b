"""Hiding from a parser the parts of a file that it cannot read."""

from __future__ import annotations

import re

from kodit.infrastructure.slicing.language import Language

_NO_LINE_END = re.compile(rb"[^\r\n]")


def for_parser(source: bytes, language: Language) -> bytes:
    """The source as the parser gets it: the language's `hidden` matches replaced by stand-ins of
    the same number of bytes, or by blanks in groups called so, and everything around embedded code
    blanked out.
    """
    if language.embedded is not None:
        source = _only_embedded(source, *language.embedded)
    if language.literate is not None and language.literate.search(source):
        source = b"\n".join(_in_place(line) for line in source.split(b"\n"))
    if language.hidden is None:
        return source

    def conceal(match: re.Match[bytes]) -> bytes:
        start, end = match.span(match.lastindex or 0)
        whole = match.start()
        text = match[0]
        size = end - start
        if (match.lastgroup or "").startswith("blank"):
            instead = _NO_LINE_END.sub(b" ", match[match.lastgroup or 0])
        else:
            is_second = language.second_stand_in and match.lastindex == 2
            stand_in = language.second_stand_in if is_second else language.stand_in
            instead = (stand_in + stand_in[-1:] * size)[:size]
        return text[: start - whole] + instead + text[end - whole :]

    return language.hidden.sub(conceal, source)


def _in_place(line: bytes) -> bytes:
    """A line of a literate file: its code in the same columns, or a blank line."""
    return b" " + line[1:] if line.startswith(b">") else b" " * len(line)


def _only_embedded(source: bytes, opening: re.Pattern[bytes], closing: bytes) -> bytes:
    parts: list[bytes] = []
    at = 0
    while match := opening.search(source, at):
        end = source.find(closing, match.end())
        if end < 0:
            end = len(source)
        parts += [_NO_LINE_END.sub(b" ", source[at : match.end()]), source[match.end() : end]]
        at = end
    return b"".join(parts) + _NO_LINE_END.sub(b" ", source[at:])
