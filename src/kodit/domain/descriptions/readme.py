"""The purpose of a repository, from the first paragraph of its README."""

from __future__ import annotations

import re

LONGEST_PURPOSE = 400
_README = re.compile(r"(?i)^readme(\.(md|markdown|rst|txt|adoc|org))?$")
_NOISE = re.compile(r"^(\s*[#=*_~`<|!\[.:>{-]|\s*$|https?://|\s*\w+:\s)")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|`{1,2}([^`]*)`{1,2}_?|\*\*([^*]+)\*\*|<[^<>]*>")
_LETTERS = re.compile(r"[^\W\d_]{2,}")


def is_readme(path: str) -> bool:
    """Whether a file is the README of the root."""
    return _README.match(path) is not None


def purpose_of(text: str) -> str:
    """The first paragraph of prose: no heading, badge, list, table or code."""
    paragraph: list[str] = []
    is_code = False
    for written in text.split("\n"):
        is_fence = written.lstrip().startswith(("```", "~~~"))
        is_code = is_code != is_fence
        line = "" if is_fence else written
        plain = _plain(line)
        if is_code or (not paragraph and _NOISE.match(line) and not _is_prose(line, plain)):
            continue
        if not line.strip():
            if len(_LETTERS.findall(" ".join(paragraph))) >= 5:
                break
            paragraph = []
            continue
        if plain:
            paragraph.append(plain)
    purpose = " ".join(paragraph)
    if len(_LETTERS.findall(purpose)) < 5:
        return ""
    if len(purpose) > LONGEST_PURPOSE:
        return f"{purpose[: LONGEST_PURPOSE - 1].rstrip()}…"
    return purpose


def _plain(line: str) -> str:
    plain = _LINK.sub(lambda found: next(filter(None, found.groups()), ""), line)
    return " ".join(plain.split()).strip("_*> ")


def _is_prose(line: str, plain: str) -> bool:
    """Whether a line that starts with a mark is a sentence all the same, as in bold or a quote."""
    return (
        line.lstrip().startswith(("**", "_", "<", "[", "`", ">"))
        and len(_LETTERS.findall(plain)) >= 5
        and not line.lstrip().startswith("[![")
    )
