"""The qualifier of a name, from the text before it."""

from __future__ import annotations

import re

LONGEST_QUALIFIER = 400
"""Bytes of a qualifier; only the end of a longer one is read."""

LONGEST_CHAIN = 120
"""Characters of the qualifier that are kept."""

_SEPARATOR = re.compile(r"(?:\?\.|!!\.|!\.|::|\?->|->|\\|[.:#/])$")
_CHAIN = re.compile(r"[\w$@.:\\>?!/#()\[\]-]+$")
_KEYWORD = re.compile(r"^(?:\(?(?:await|new|co_await|yield|return|not|try)\s+)+|^[&*!(]+(?=[\w$])")
_CAST = re.compile(
    r"^\w+_cast<[\w\s:]*?([A-Z]\w*)[\s*&]*>\([^()]*\)|^\(\(?([A-Z]\w*)\)[^()]*\)"
    r"|\([\w.]+(?:\(\))?\s+as[?!]?\s+([A-Z]\w*)\)|[\w.]+\.\(\*?([A-Z]\w*)\)"
)
"""`static_cast<Type*>(name)`, `((Type) name)`, `(name as Type)`, `name.(Type)`: an object of the
type, like the result of a constructor call.
"""
_TYPE_ARGUMENTS = re.compile(r"<[\w$., <>?\[\]]*>(?=\(|\.|::|$)")
_REQUIRED = re.compile(r"^\(?require\s*\(?\s*([\"'])([\w./-]+)\1\s*\)?(?=[.:])")
"""A module used where it is imported: replaced by its name."""
_WHITE_SPACE = re.compile(r"\s+")
_RECEIVER = re.compile(r"(?:\w+(?:\([^()]*\)|\[[^\[\]]*\])*[?!]?\s*(?:\.|::)\s*)+$")


def qualifier_before(start: int, source: bytes) -> str:
    """The qualifier of a name that begins at a byte, from the text alone."""
    text = source[max(0, start - LONGEST_CHAIN) : start].decode("utf-8", "ignore")
    if not text.rstrip().endswith((".", "::")):
        return ""
    chain = _RECEIVER.search(text)
    return qualifier_of(chain[0]) if chain else "?"


def qualifier_of(before: str) -> str:
    """The qualifier of a name, from the text before it: a chain of names, calls without their
    arguments (`pool.get()`), `?` for any other expression.
    """
    if not before:
        return ""
    if required := _REQUIRED.match(before):
        before = required[2].replace("/", ".") + before[required.end() :]
    bare = _KEYWORD.sub("", without_arguments(_CAST.sub(r"\1\2\3\4()", before.strip())))
    bare = _SEPARATOR.sub("", _TYPE_ARGUMENTS.sub("", _WHITE_SPACE.sub("", bare)))
    if not bare:
        return "."
    chain = _CHAIN.search(bare)
    if chain is None:
        return "?"
    if chain.start() > 0 or len(chain[0]) > LONGEST_CHAIN:
        rest = chain[0][-LONGEST_CHAIN:]
        for separator in (".", "::", "->"):
            if separator in rest:
                return "?." + rest.partition(separator)[2]
        return "?"
    return chain[0]


def without_arguments(text: str) -> str:
    """Text without the contents of brackets, keeping the outermost pairs. A closing bracket whose
    opening one is before the text removes everything up to it.
    """
    kept: list[str] = []
    depth = 0
    for character in text:
        if character in "([{":
            if depth == 0:
                kept.append(character)
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth < 0:
                kept, depth = [], 0
            if depth == 0:
                kept.append(character)
        elif depth == 0:
            kept.append(character)
    return "".join(kept)
