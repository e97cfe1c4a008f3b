"""Places in files that a query contains, as in compiler messages and stack traces."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import takewhile

MOST_PLACES = 16
"""Only the first places of a long trace are used."""

_PLACE = re.compile(
    r"""
    (?P<path> (?:[A-Za-z]:)? [\w@.+~/\\-]*? [\w+-]+ \. [A-Za-z]\w{0,9} )
    (?: "? ,? \s line \s | : (?:line\s)? | \( | \#L )
    (?P<line> \d{1,7} ) \b
    """,
    re.VERBOSE,
)
_ABOVE = re.compile(r"^(?:[A-Za-z]:)?(?:\.{0,2}/+)+")


@dataclass(frozen=True, slots=True)
class QueryPlace:
    """A line, 1-based, of a file whose path may be longer or shorter than the one in an index."""

    path: str
    line: int

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
    the like, in order."""
    found: dict[QueryPlace, None] = {}
    for match in _PLACE.finditer(query):
        path = _ABOVE.sub("", match["path"].replace("\\", "/"))
        found.setdefault(QueryPlace(path, int(match["line"])))
    return tuple(found)[:MOST_PLACES]
