"""Places in files that a query contains, as in compiler messages and stack traces."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import NamedTuple

from kodit.domain.search import SnippetLines

MOST_PLACES = 48
"""Only the innermost places of a long trace are used: most of these may be in libraries."""
LONGEST_PATH = 400
"""How many characters before the extension of a file may belong to its path."""
LONGEST_LINE = 200
"""How many characters before and after a place, of its line, are read for a function's name."""
MOST_READ = 400
"""How many places are read of a longer text: a page of messages costs little."""
MOST_LINES_AWAY = 10
"""How far a line outside any snippet, such as a blank one, may be from a snippet."""

_LINE_OF_FILE = re.compile(
    r"""
    (?P<extension> \. [A-Za-z]\w{0,9} )
    (?: "? ,? (?:\s on)? \s line \s | : (?:line\s)? | \( | \#L )
    (?P<line> \d{1,7} ) \b
    """,
    re.VERBOSE,
)
_STEM_BACKWARDS = re.compile(r"[\w+-][\w@.+~/\\-]*(?::[A-Za-z](?!\w))?")
"""The rest of the path, read from its end: a search from its beginning would take as long as the
square of a long word's length."""
_ABOVE = re.compile(r"^(?:[A-Za-z]:)?(?:\.{0,2}/+)+")

_INNERMOST_LAST = re.compile(
    r"most recent call last|^[ \t]*File \"[^\"\n]+\", line \d+, in |^\S+:\d+: in \w+$", re.MULTILINE
)
"""Python, pytest, and Ruby in a terminal."""
_CAUSE = re.compile(r"^[ \t]*(?:Caused by|\[cause\]):", re.MULTILINE)
_FROM = re.compile(r"\bfrom\s+\Z")
"""Before a place that led to another one: `from app.rb:3`, `In file included from a.h:1`."""

_AFTER = re.compile(
    r"[:\d]*(?:,\s|:\s?(?:0x[0-9a-f]+\s)?)in\s"
    r"[`'\"]?(?:[\w ]+?\s(?:\(\d+\slevels\)\s)?in\s"
    r"|(?:function|method|field|local|upvalue|global)\s)?"
    r"[`'\"]?(?!main\schunk)([\w$.:<>#?!]+)"
    r"|\)?:\s([\w$.:>\\-]+)(?:\(|/\d)"
)
"""`, in add`, ``:3:in `block in add'``, `): Cart->add(`, `: Cart.add/2`."""
_BEFORE = re.compile(
    r"([\w$.:<>~#]+)(?:\s\[as\s\w+\])?(?:\s?\(|@)\Z"
    r"|([\w$.:<>~`]+)\s?\([^()]*(?:\([^()]*\)[^()]*)*\)\s(?:in|at)\s\Z"
    r"|\sin\s([\w$.:<>~]+)(?:\([^()]*\))?\s\Z"
)
"""`shop.Cart.add(`, `at Cart.add (`, `add@`; `Cart.Add(Int32 n) in `, `add (n=1) at `; and
`in add `."""
_ABOVE_IT = re.compile(
    r"([\w$.*/()-]+)\([^()]*\)\Z|\A\s*\d+:\s+(?:0x[0-9a-f]+\s-\s)?([\w$:<>{} ]+)\Z"
)
"""On the line above, and less far to the right: `shop.(*Cart).Add(0xc000)`, or
`3: shop::cart::Cart::add`."""
_CALL = re.compile(r"^#\d+\s")
_PROTOCOL = re.compile(r"\b[A-Za-z][\w+-]*:\Z")
_SEPARATOR = re.compile(r"->|[.:#/\\]+")
_INNER = re.compile(r"func\d+|\{+closure\b.*|h[0-9a-f]{16}|MoveNext|invoke|<(?:cl)?init>|\d*")
"""Parts that compilers add to the name of what a function is in, or is made for."""
_LAMBDA = re.compile(r"lambda\$(?!new\$|static\$)(\w+)\$\d+|<([^\W\d]\w*)>\w+")
"""`lambda$add$0` of Java, `<Add>d__5` of C#."""
_NAME = re.compile(r"\(?\*?([^\W\d]\w*)[)?!]*")


@dataclass(frozen=True, slots=True)
class QueryPlace:
    """A line, 1-based, of a file whose path may be longer or shorter than the one in an index.
    `function` is what a stack trace says that the line is in, and `scope` what that is in; either
    may be empty."""

    path: str
    line: int
    function: str = ""
    scope: str = ""

    def likeness(self, source: str, path: str) -> int:
        """The number of last parts that both paths share, if one of them ends with the other: the
        file's path may include its source. 0 if neither does."""
        whole = f"{source}/{path}"
        if not (f"/{self.path}".endswith(f"/{path}") or whole.endswith(f"/{self.path}")):
            return 0
        pairs = zip(reversed(self.path.split("/")), reversed(whole.split("/")), strict=False)
        return sum(1 for _pair in takewhile(lambda pair: pair[0] == pair[1], pairs))

    @property
    def file_name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


def query_places(query: str) -> tuple[QueryPlace, ...]:
    """Parses `lib/url.c:614:5`, `File "lib/url.c", line 614`, `Shop.cs(614,5)`, `url.c#L614` and
    the like: in order, those of a stack trace from where it was taken outwards, whichever end of it
    that is."""
    matches = list(_LINE_OF_FILE.finditer(query))
    if is_innermost_last(query):
        matches.reverse()
    found = [one for match in matches[:MOST_READ] if (one := _read(query, match)) is not None]
    found = _in_callees(found)
    causes = [match.start() for match in _CAUSE.finditer(query)]
    found.sort(key=lambda one: (one.is_from, -bisect(causes, one.start)))
    distinct: dict[tuple[str, int], QueryPlace] = {}
    for one in found:
        before = distinct.setdefault((one.place.path, one.place.line), one.place)
        if not before.function:  # the message is followed by the innermost frame
            distinct[one.place.path, one.place.line] = one.place
    return tuple(distinct.values())[:MOST_PLACES]


def is_innermost_last(query: str) -> bool:
    """Whether a stack trace ends where it was taken."""
    return _INNERMOST_LAST.search(query) is not None


def snippet_at(place: QueryPlace, snippets: Iterable[SnippetLines]) -> int | None:
    """The snippet of a file that has the line, or is the nearest one, at most `MOST_LINES_AWAY`;
    None if there is none. If the function named there is elsewhere, the file has changed since, and
    the nearest snippet that defines the function is meant."""
    by_distance = sorted(snippets, key=lambda one: one.distance(place.line))
    if not by_distance:
        return None
    nearest = by_distance[0]
    away, *_ = nearest.distance(place.line)
    if place.function and (away or not nearest.is_of(place.function)):
        named = [one for one in by_distance if place.function in one.names]
        in_scope = [one for one in named if one.inner_scope == place.scope]
        if named:
            return (in_scope or named)[0].snippet_id
    return nearest.snippet_id if away <= MOST_LINES_AWAY else None


class _Found(NamedTuple):
    """A place, its position in the query, whether it only led to another one, and whether its
    function is the one that it calls, as in PHP."""

    place: QueryPlace
    start: int
    is_from: bool
    is_call: bool


def _in_callees(found: Sequence[_Found]) -> list[_Found]:
    """The places, in order, with the functions that they are in where they had those they call."""
    called = ("", "")
    correct = []
    for one in reversed(found):
        named = (one.place.function, one.place.scope)
        function, scope = called if one.is_call or not one.place.function else named
        called = named if one.is_call else ("", "")
        place = replace(one.place, function=function, scope=scope)
        correct.append(one._replace(place=place))
    return correct[::-1]


def _read(query: str, match: re.Match[str]) -> _Found | None:
    """The place that ends with a line of a file; None if the file has no name."""
    until = match.start()
    stem = _STEM_BACKWARDS.match(query[max(until - LONGEST_PATH, 0) : until][::-1])
    if stem is None:
        return None
    start = until - stem.end()
    path = (query[start:until] + match["extension"]).replace("\\", "/")
    begin = query.rfind("\n", 0, start) + 1
    before = query[max(begin, start - LONGEST_LINE) : start]
    function = _function_after(query, match.end())
    is_call = bool(function) and _CALL.search(before) is not None
    function = function or _function_before(before)
    if not function and before[:1].isspace() and before.strip() in ("", "at"):
        function = _function_above(query[max(begin - 1 - LONGEST_LINE, 0) : max(begin - 1, 0)])
    place = QueryPlace(_ABOVE.sub("", path), int(match["line"]), *function)
    return _Found(place, start, _FROM.search(before) is not None, is_call)


_Named = tuple[str, ...]
"""The name of a function as a file defines it, and of what that is in; nothing for none."""


def _function_after(query: str, end: int) -> _Named:
    return _function(_AFTER.match(query, end, end + LONGEST_LINE))


def _function_before(before: str) -> _Named:
    return _function(_BEFORE.search(_PROTOCOL.sub("", before)))


def _function_above(above: str) -> _Named:
    return _function(_ABOVE_IT.search(above.rpartition("\n")[2]))


def _function(match: re.Match[str] | None) -> _Named:
    if match is None:
        return ()
    parts = _SEPARATOR.split(match[match.lastindex or 0])
    while parts and _INNER.fullmatch(parts[-1].strip()):
        parts.pop()
    *outer, last = parts or [""]
    made = _LAMBDA.fullmatch(last.strip())
    name = made[1] or made[2] if made is not None else _name(last)
    return (name, _name(outer[-1]) if outer else "") if name else ()


def _name(part: str) -> str:
    match = _NAME.fullmatch(part.strip())
    return "" if match is None else match[1]
