"""Parses the arguments of a call, lenient in form and strict in meaning.

Models use other names than the offered ones (`file_path`, `maxResults`), lists as text, numbers in
quotes. Unambiguous arguments are accepted; others are answered with a correct example.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from kodit.domain.errors import InvalidQueryError
from kodit.domain.files import parse_place
from kodit.domain.near import nearest
from kodit.faces.mcp.definitions import BY_NAME, Kind, Parameter, Tool

LONGEST_TEXT = 200_000
MOST_VALUES = 100
LONGEST_VALUE = 4_000
"""The maximum length of a list such as globs, each of which is matched with every path."""
LARGEST_NUMBER = 10**15

Arguments = dict[str, Any]
"""By parameter: text, a tuple of texts, a number or a boolean; parameters not given are absent."""

ALIASES: Mapping[str, tuple[str, ...]] = {
    "query": ("q", "question", "text", "search", "search_query", "prompt", "pattern", "name"),
    "pattern": ("query", "regex", "regexp", "expression", "search", "text", "q"),
    "name": ("symbol", "symbol_name", "identifier", "function", "function_name", "query"),
    "path": ("file_path", "file", "filename", "file_name", "filepath", "relative_path", "uri"),
    "source": (
        "sources",
        "repo",
        "repository",
        "repos",
        "repositories",
        "repo_path",
        "index",
        "index_id",
        "project",
        "project_path",
        "root",
        "folder",
        "directory",
        "url",
    ),
    "paths": ("path", "glob", "globs", "include", "path_glob", "file_glob", "file_pattern"),
    "languages": ("language", "lang", "type", "file_type"),
    "kinds": ("kind", "symbol_kind", "symbol_kinds"),
    "limit": ("max_results", "num_results", "top_k", "k", "n", "count", "head_limit", "max"),
    "budget": ("max_tokens", "tokens", "token_budget"),
    "cursor": ("next", "next_cursor", "page_token", "after"),
    "lines": ("line", "range", "line_range", "line_numbers"),
    "line": ("line_number", "lineno", "row", "start_line", "lines"),
    "ignore_case": ("case_insensitive", "i", "insensitive"),
    "context": ("context_lines", "c", "lines"),
    "outline": ("symbols", "structure"),
    "action": ("operation", "command", "mode"),
    "wait": ("timeout", "wait_seconds"),
    "uses": ("use",),
}
"""Other names of each parameter; a name that is a parameter of the tool itself keeps its
meaning."""

_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_YES = ("true", "yes", "1", "on")
_NO = ("false", "no", "0", "off", "")


def understand(tool: Tool, given: Mapping[str, Any]) -> Arguments:
    """The arguments of a call, by the names of the tool's parameters. Raises InvalidQueryError,
    whose sentence says what would be right."""
    values: Arguments = {}
    for name, value in _named(tool, _joined_lines(tool, given)):
        parameter = tool.by_name[name]
        if value is None:
            continue
        if parameter.is_reserved:
            raise _reserved(tool, parameter)
        if name in values:
            raise InvalidQueryError(
                f"`{tool.name}` was given `{name}` twice under two names; give it once",
                code="argument_invalid",
            )
        values[name] = _READERS[parameter.kind](tool, parameter, value)
    if "line" in tool.by_name and "line" not in values:
        values.update(_path_and_line(values.get("path")))
    for parameter in tool.parameters:
        if parameter.is_required and parameter.name not in values:
            raise InvalidQueryError(
                f"`{tool.name}` needs `{parameter.name}`. It takes {_offered(tool)}",
                code="argument_missing",
            )
    return values


def unknown_tool(name: str) -> str:
    """A sentence about an unknown tool."""
    meant = nearest(name, BY_NAME)
    hint = f" Did you mean {meant}?" if meant else ""
    return f"There is no tool {name[:100]!r}.{hint} The tools are {', '.join(BY_NAME)}."


def _joined_lines(tool: Tool, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Combines lines given as a first and a last one, or as a first one and a count."""
    if "lines" not in tool.by_name or not isinstance(given, Mapping):
        return given
    plain = {_plain(name): name for name in given}
    start = next((plain[one] for one in ("start_line", "offset", "start") if one in plain), None)
    end = next((plain[one] for one in ("end_line", "end") if one in plain), None)
    count = next((plain[one] for one in ("limit", "num_lines") if one in plain), None)
    named = [one for one in (start, end, count) if one is not None]
    if not named:
        return given
    rest = {name: value for name, value in given.items() if name not in named}
    numbers = Parameter("lines", Kind.NUMBER)
    first = max(1, _number(tool, numbers, given[start])) if start is not None else 1
    if end is not None:
        last = str(_number(tool, numbers, given[end]))
    elif count is not None:
        last = str(first + max(1, _number(tool, numbers, given[count])) - 1)
    else:
        last = ""
    return {**rest, "lines": f"{first}-{last}"}


def _path_and_line(text: object) -> Arguments:
    """Separates a path from the first of the lines after it, as answers show them. The address of a
    page remains whole."""
    place = parse_place(text) if isinstance(text, str) and "://" not in text else None
    if place is None or place.start_line is None:
        return {}
    return {"path": place.path, "line": place.start_line}


def _named(tool: Tool, given: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Each argument with its parameter. Raises InvalidQueryError for an unknown one."""
    exact = {name for name in given if name in tool.by_name}
    for name, value in given.items():
        if name in exact:
            yield name, value
            continue
        plain = _plain(name)
        meant = plain if plain in tool.by_name and plain not in exact else None
        meant = meant or next(
            (
                parameter
                for parameter in tool.by_name
                if parameter not in exact and plain in ALIASES.get(parameter, ())
            ),
            None,
        )
        if meant is None:
            similar = nearest(plain, tool.by_name)
            hint = f"; did you mean `{similar}`?" if similar and similar not in exact else "."
            raise InvalidQueryError(
                f"`{tool.name}` has no parameter `{name[:60]}`{hint} It takes {_offered(tool)}",
                code="argument_unknown",
            )
        yield meant, value


def _plain(name: str) -> str:
    return _CAPITAL.sub("_", name.lstrip("-")).replace("-", "_").lower()


def _offered(tool: Tool) -> str:
    names = [
        f"`{one.name}`" + (" (required)" if one.is_required else "")
        for one in tool.parameters
        if not one.is_reserved
    ]
    return ", ".join(names) + "."


def _reserved(tool: Tool, parameter: Parameter) -> InvalidQueryError:
    instead = {
        "uses": "call symbols without it: the answer lists definitions and every line that uses "
        "the name",
        "map": "call files for the paths, and read with outline for the symbols of a file",
    }
    return InvalidQueryError(
        f"`{parameter.name}` of {tool.name} is reserved and not available yet; "
        f"{instead[parameter.name]}",
        code="argument_reserved",
    )


def _wrong(tool: Tool, parameter: Parameter, wanted: str, value: object) -> InvalidQueryError:
    shown = json.dumps(value, default=str)
    shown = shown if len(shown) <= 80 else f"{shown[:80]}…"
    return InvalidQueryError(
        f"`{parameter.name}` of {tool.name} takes {wanted}, not {shown}", code="argument_invalid"
    )


def _text(tool: Tool, parameter: Parameter, value: object, longest: int = LONGEST_TEXT) -> str:
    if isinstance(value, (list, tuple)) and len(value) == 1:
        [value] = value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise _wrong(tool, parameter, "text", value)
    if len(value) > longest:
        raise InvalidQueryError(
            f"`{parameter.name}` has {len(value):,} characters; at most {longest:,} are allowed",
            code="argument_invalid",
        )
    return _chosen(tool, parameter, value)


def _chosen(tool: Tool, parameter: Parameter, value: str) -> str:
    if not parameter.choices or value.lower() in parameter.choices:
        return value.lower() if parameter.choices else value
    meant = nearest(value, parameter.choices)
    hint = f"; did you mean {meant}?" if meant else ""
    raise InvalidQueryError(
        f"`{parameter.name}` of {tool.name} must be one of {', '.join(parameter.choices)}, not "
        f"{value[:60]!r}{hint}",
        code="argument_invalid",
    )


def _texts(tool: Tool, parameter: Parameter, value: object) -> tuple[str, ...]:
    """One text or several; a model may write the list as text, in JSON or separated by commas."""
    if isinstance(value, str) and value.startswith("["):
        with suppress(ValueError, RecursionError):  # a glob may start like that
            value = json.loads(value)
    if isinstance(value, str) and parameter.name in ("languages", "kinds"):
        value = [part.strip() for part in value.split(",") if part.strip()]
    parts = value if isinstance(value, (list, tuple)) else [value]
    if len(parts) > MOST_VALUES:
        raise _wrong(tool, parameter, f"at most {MOST_VALUES} values", len(parts))
    return tuple(_text(tool, parameter, part, LONGEST_VALUE) for part in parts)


def _number(tool: Tool, parameter: Parameter, value: object) -> int:
    return int(_seconds(tool, parameter, value))


def _seconds(tool: Tool, parameter: Parameter, value: object) -> float:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise _wrong(tool, parameter, "a number", value) from None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong(tool, parameter, "a number", str(value))
    # Some whole numbers are larger than any float, and some have too many digits to be shown.
    if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
        value = LARGEST_NUMBER if value > 0 else -LARGEST_NUMBER
    if not math.isfinite(value):
        raise _wrong(tool, parameter, "a number", str(value))
    if value < parameter.least:
        raise _wrong(tool, parameter, f"a number of at least {parameter.least}", value)
    # A value over the maximum is not an error: the answer is as large as it may be.
    return value if parameter.most is None else min(value, parameter.most)


def _truth(tool: Tool, parameter: Parameter, value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text in _YES or text in _NO:
        return text in _YES
    raise _wrong(tool, parameter, "true or false", value)


_READERS: Mapping[Kind, Callable[[Tool, Parameter, object], Any]] = {
    Kind.TEXT: _text,
    Kind.TEXTS: _texts,
    Kind.NUMBER: _number,
    Kind.SECONDS: _seconds,
    Kind.TRUTH: _truth,
}
