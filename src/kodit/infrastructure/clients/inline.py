"""TOML tables written on one line, or with dotted keys: `servers = { a = { x = 1 } }`.

The end of such a table is not parsed. Each function proposes ways to change it, and the caller
takes the first that gives the wanted result for the whole file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kodit.infrastructure.clients.edits import Edit, UneditableError

_MOST_WAYS = 200
"""Each way is tried on the whole file."""


def ways_to_set(text: str, keys: Sequence[str], table: Mapping[str, Any]) -> Iterator[list[Edit]]:
    """Ways to set the table below two keys to these values."""
    outer, name = keys
    value = written(table)
    for start, end in _tables(text, name):
        yield [Edit(start, end, value)]
    for start, end in _tables(text, outer):
        inside = text[start + 1 : end - 1]
        kept = inside.rstrip()
        comma = ", " if kept.strip() and not kept.endswith(",") else " "
        at = start + 1 + len(kept)
        yield [Edit(at, end - 1, f"{comma}{name} = {value} ")]
    newline = "\r\n" if "\r\n" in text else "\n"
    top = 1 if text.startswith("\ufeff") else 0
    lines = (f"{outer}.{name}.{_key(key)} = {written(one)}{newline}" for key, one in table.items())
    first, *others = _dotted(text, keys) or [Edit(top, top, "")]
    yield [Edit(first.start, first.end, "".join(lines)), *others]


def ways_to_remove(text: str, keys: Sequence[str]) -> Iterator[list[Edit]]:
    """Ways to remove the table below two keys from the text."""
    _outer, name = keys
    for start, end in _tables(text, name):
        before = re.search(rf"(,?)([ \t]*)(?:{name}|\"{name}\")[ \t]*=[ \t]*$", text[:start])
        if before is None:
            continue
        after = re.match(r"[ \t]*,?", text[end:])
        length = 0 if after is None or before[1] else after.end()
        yield [Edit(before.start(), end + length, "")]
    yield _dotted(text, keys)


def written(value: Any) -> str:
    """A value on one line. Text, numbers, booleans and lists of those are the same in TOML and
    JSON. Raises UneditableError for other values, such as a date.
    """
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(key)} = {written(one)}" for key, one in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, (str, bool, int, float)):
        return json.dumps(value, ensure_ascii=False)
    raise UneditableError(f"it holds {value}, which Kodit does not write")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def _tables(text: str, name: str) -> Iterator[tuple[int, int]]:
    """Where a table with this name may start and end, largest first."""
    tried = 0
    for match in re.finditer(rf"(?:\b{name}|\"{name}\")[ \t]*=[ \t]*(?={{)", text):
        line_end = text.find("\n", match.end())
        line = text[match.end() : line_end if line_end >= 0 else len(text)]
        for brace in reversed([one.end() for one in re.finditer("}", line)]):
            tried += 1
            if tried > _MOST_WAYS:
                return
            yield match.end(), match.end() + brace


def _dotted(text: str, keys: Sequence[str]) -> list[Edit]:
    """Removes the lines that set a value of the table with a dotted key."""
    path = r"[ \t]*\.[ \t]*".join(rf"(?:{key}|\"{key}\")" for key in keys)
    lines = re.finditer(rf"^[ \t]*{path}[ \t]*[.=].*(?:\n|\Z)", text, re.MULTILINE)
    return [Edit(line.start(), line.end(), "") for line in lines]
