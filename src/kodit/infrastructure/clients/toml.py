"""Editing TOML: one table is set or removed, without changing the rest.

The text is edited line by line, and the result is parsed and compared with the wanted one: if a
file writes its tables in an unsupported way, nothing is changed.
"""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kodit.infrastructure.clients import inline
from kodit.infrastructure.clients.edits import Edit, UneditableError, UnreadableError, applied

_HEADER = re.compile("^\ufeff?[ \\t]*\\[")
_MOST_LINES_OF_A_VALUE = 200
_MARK = "\ufeff"
"""May be at the start of a file."""


def parse(text: str) -> dict[str, Any]:
    """Raises UnreadableError."""
    try:
        return tomllib.loads(text.removeprefix(_MARK).replace("\r\n", "\n"))
    except ValueError as error:
        raise UnreadableError(str(error)) from None


def find(text: str, keys: Sequence[str]) -> Any:
    """The value below these keys; None if there is none."""
    value: Any = parse(text)
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def edits_to_set(text: str, keys: Sequence[str], table: Mapping[str, Any]) -> list[Edit]:
    """Edits that set these values of a table, and keep its others. Raises UnreadableError, and
    UneditableError if the file has the table in another form.
    """
    present = find(text, keys)
    if isinstance(present, dict) and all(present.get(key) == one for key, one in table.items()):
        return []
    kept = present if isinstance(present, dict) else {}
    wanted = _with(parse(text), keys, {**kept, **table})
    newline = "\r\n" if "\r\n" in text else "\n"
    if present is None:
        end = len(text)
        is_empty = not text.strip(f"{_MARK} \t\r\n")
        gap = "" if is_empty else newline if text.endswith("\n") else newline * 2
        lines = [f"[{'.'.join(keys)}]", *_assignments(table), ""]
        edits = [Edit(end, end, gap + newline.join(lines))]
    else:
        edits = _edits_of_table(text, keys, table, newline)
    if _makes(text, edits, wanted, keys):
        return edits
    return _checked(text, inline.ways_to_set(text, keys, {**kept, **table}), wanted, keys)


def edits_to_remove(text: str, keys: Sequence[str]) -> list[Edit]:
    """Edits that remove a table and its subtables from the text."""
    if find(text, keys) is None:
        return []
    edits = []
    lines = text.splitlines(keepends=True)
    at, removing = 0, False
    for line in lines:
        if _HEADER.match(line) and _is_whole(text[:at]):
            removing = _is_header(line, keys, below=True)
        if removing:
            edits.append(Edit(at, at + len(line), ""))
        at += len(line)
    wanted = _with(parse(text), keys, None)
    if _makes(text, edits, wanted, keys):
        return edits
    return _checked(text, inline.ways_to_remove(text, keys), wanted, keys)


def _edits_of_table(
    text: str, keys: Sequence[str], table: Mapping[str, Any], newline: str
) -> list[Edit]:
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    header = next(
        (
            number
            for number, line in enumerate(lines)
            if _is_header(line, keys) and _is_whole(text[: starts[number]])
        ),
        None,
    )
    if header is None:
        return []  # it is written in another way
    edits = []
    for key, value in table.items():
        written = f"{key} = {inline.written(value)}"
        found = _lines_of(lines, header, key)
        if found is None:
            place = starts[header + 1]
            gap = "" if lines[header].endswith("\n") else newline
            edits.append(Edit(place, place, f"{gap}{written}{newline}"))
        else:
            first, last = found
            end = newline if lines[last].endswith("\n") else ""
            edits.append(Edit(starts[first], starts[last + 1], written + end))
    return edits


def _lines_of(lines: Sequence[str], header: int, key: str) -> tuple[int, int] | None:
    """The first and the last line of the value of a key in the table below a header."""
    for number in range(header + 1, len(lines)):
        if _HEADER.match(lines[number]):
            return None
        if not re.match(rf'^[ \t]*(?:{key}|"{key}")[ \t]*=', lines[number]):
            continue
        for last in range(number, min(len(lines), number + _MOST_LINES_OF_A_VALUE)):
            try:
                tomllib.loads("".join(lines[number : last + 1]).replace("\r\n", "\n"))
            except ValueError:
                continue
            return number, last
    return None


def _is_whole(text: str) -> bool:
    """Whether a part of a file ends between statements, and not inside a multi-line string."""
    try:
        parse(text)
    except UnreadableError:
        return False
    return True


def _is_header(line: str, keys: Sequence[str], *, below: bool = False) -> bool:
    """Whether a line begins the table with these keys, or with `below` also a subtable."""
    line = line.removeprefix(_MARK).rstrip("\r\n")
    match = re.match(r"^[ \t]*\[([^\[\]]+)\][ \t]*(#.*)?$", line)
    if match is None:
        return False
    try:
        named: Any = tomllib.loads(f"[{match[1]}]")
    except ValueError:
        return False
    path = []
    while named:
        [(key, named)] = named.items()
        path.append(key)
    return path == list(keys) or (below and path[: len(keys)] == list(keys))


def _with(whole: dict[str, Any], keys: Sequence[str], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(whole)
    table = changed
    for key in keys[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise UneditableError(f"{key} is not a table")
    if value is None:
        table.pop(keys[-1], None)
    else:
        table[keys[-1]] = value
    return changed


def _checked(
    text: str, ways: Iterable[list[Edit]], wanted: dict[str, Any], keys: Sequence[str]
) -> list[Edit]:
    """The first way that gives the wanted result."""
    for edits in ways:
        if _makes(text, edits, wanted, keys):
            return edits
    raise UneditableError(
        f"{'.'.join(keys)} is written in a form that Kodit does not change; write it as a table, "
        f"[{'.'.join(keys)}], or add it by hand"
    )


def _makes(text: str, edits: list[Edit], wanted: dict[str, Any], keys: Sequence[str]) -> bool:
    try:
        got = parse(applied(text, edits))
    except UnreadableError:
        return False
    empty: dict[str, Any] = {key: {} for key in keys[:1]}
    return (empty | got) == (empty | wanted)


def _assignments(table: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {inline.written(value)}" for key, value in table.items()]
