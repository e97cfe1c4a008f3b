"""Whether pasted text is found in its place: a line of code, an error message, or a token.

    python -m benchmarks.literals REPOSITORY… [--data DIR] [--lines 100] [--errors 100]
        [--tokens 500] [--show]

A pasted line has 30 to 120 characters and occurs once in its repository; lines are chosen by the
hash of their text and place. An error message is a literal of at least four words in a call or
statement that raises, throws or logs, searched for without its placeholders. A token is an option,
a constant, a name of three words, a number or a quoted key, which at most two lines of its
repository have. Found means that the first result contains the line. Each repository is indexed
below `--data`, which is kept; prints the share by mode, and with `--show` the wrong results.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from kodit import Kodit
from kodit.domain.value_objects import SearchMode

SHORTEST, LONGEST = 30, 120
FEWEST_WORDS = 4
LONGEST_CODE = 500
"""A longer line was not written by a person."""
MODES = (SearchMode.HYBRID, SearchMode.KEYWORD)
_RAISES = re.compile(
    r"\b(?:raise|throw|panic!?|bail!|abort|die|errx?|warnx?|fatal|Errorf|errors?\.New|fail(?:With)?"
    r"|(?:log|logger|logging|console|LOG)\.\w+|log_\w+|error|warning)\b[\s(:]",
)
_LITERAL = re.compile(r""""((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'""")
_TOKENS = (
    re.compile(r"(?<![\w-])--[a-z][a-z0-9]+(?:-[a-z0-9]+)+(?![\w-])"),
    re.compile(r"(?<!\w)[A-Z][A-Z0-9]+_[A-Z0-9_]{4,}(?!\w)"),
    re.compile(r"\b[a-z]+_[a-z]+_[a-z_]+\b"),
    re.compile(r"\b0x[0-9a-fA-F]{4,8}\b"),
    re.compile(r"(?<=[\"'])[A-Za-z][a-z0-9]+(?:-[A-Za-z0-9]+)+(?=[\"'])"),
    re.compile(r"(?<=[\"'])[a-z][a-z0-9_]+(?:\.[a-z0-9_]+)+(?=[\"'])"),
    re.compile(r"(?<=[\"'])/?[a-z0-9_{}.-]+(?:/[a-z0-9_{}.+-]+)+(?=[\"'])"),
)
MOST_LINES_OF_TOKEN = 2
_PLACEHOLDER = re.compile(
    r"\$?\{[^{}]*\}|#\{[^{}]*\}|\\\([^()]*\)|%[-+ #0]*[\d.*]*[a-zA-Z]+\b|\$\w+|\\."
)


class Wanted(NamedTuple):
    """A query and every place that is a correct answer."""

    query: str
    places: tuple[tuple[str, int], ...]


class Line(NamedTuple):
    path: str
    number: int
    text: str


def lines_of(kodit: Kodit, repository: Path) -> list[Line]:
    """All lines of all indexed files."""
    found: list[Line] = []
    for file in kodit.list_files(str(repository)):
        text = (repository / file.path).read_text("utf-8", errors="replace")
        found += [Line(file.path, *pair) for pair in enumerate(text.splitlines(), 1)]
    return found


def in_order_of_hash(wanted: Sequence[Wanted]) -> list[Wanted]:
    """A reproducible order."""

    def key(one: Wanted) -> bytes:
        return hashlib.sha256(f"{one.places[0]} {one.query}".encode()).digest()

    return sorted(wanted, key=key)


def pasted_lines(lines: Sequence[Line]) -> list[Wanted]:
    """Lines that occur once in a repository."""
    counted = Counter(line.text.strip() for line in lines)
    return [
        Wanted(text, ((line.path, line.number),))
        for line in lines
        if SHORTEST <= len(text := line.text.strip()) <= LONGEST and counted[text] == 1
    ]


def error_sentences(lines: Sequence[Line]) -> list[Wanted]:
    """Error messages, each with all places that contain it."""
    places: dict[str, list[tuple[str, int]]] = {}
    for line in lines:
        for sentence in _sentences(line.text):
            places.setdefault(sentence, []).append((line.path, line.number))
    return [Wanted(sentence, tuple(at)) for sentence, at in places.items()]


def tokens(lines: Sequence[Line]) -> list[Wanted]:
    """Tokens of all kinds in turn, each with all places that contain it."""
    by_kind: list[dict[str, list[tuple[str, int]]]] = [{} for _kind in _TOKENS]
    for line in lines:
        if len(line.text) <= LONGEST_CODE:
            for kind, places in zip(_TOKENS, by_kind, strict=True):
                for token in dict.fromkeys(kind.findall(line.text)):
                    places.setdefault(token, []).append((line.path, line.number))
    few = [
        in_order_of_hash(
            [
                Wanted(token, tuple(at))
                for token, at in places.items()
                if len(at) <= MOST_LINES_OF_TOKEN
            ]
        )
        for places in by_kind
    ]
    return [one for turn in zip_longest(*few) for one in turn if one is not None]


def _sentences(text: str) -> Iterator[str]:
    raises = _RAISES.search(text)
    if raises is None or len(text) > LONGEST_CODE:
        return
    for match in _LITERAL.finditer(text, raises.start()):
        said = " ".join(_PLACEHOLDER.sub(" ", match[1] or match[2] or "").split())
        if len(re.findall(r"[A-Za-z]{2,}", said)) >= FEWEST_WORDS:
            yield said


def main() -> int:
    """Measure; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("repositories", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir(), "kodit-literals"))
    parser.add_argument("--lines", type=int, default=100)
    parser.add_argument("--errors", type=int, default=100)
    parser.add_argument("--tokens", type=int, default=500)
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    kinds = ("pasted line", "error sentence", "token")
    asked: dict[str, list[tuple[Path, Wanted]]] = {kind: [] for kind in kinds}
    for repository in options.repositories:
        with Kodit(data_of(options, repository)) as kodit:
            kodit.index(str(repository))
            lines = lines_of(kodit, repository)
        found = (pasted_lines(lines), error_sentences(lines))
        for kind, some in zip(kinds, (*map(in_order_of_hash, found), tokens(lines)), strict=True):
            asked[kind] += [(repository, one) for one in some]
    numbers = (options.lines, options.errors, options.tokens)
    for (kind, all_of), most in zip(asked.items(), numbers, strict=True):
        chosen = sample_of(all_of, most)
        measure(kind, chosen, options)
    return 0


def data_of(options: argparse.Namespace, repository: Path) -> Path:
    """The data directory of one repository."""
    place: Path = options.data
    return place / "_".join(repository.absolute().parts[1:])


def sample_of(all_of: Sequence[tuple[Path, Wanted]], most: int) -> list[tuple[Path, Wanted]]:
    """At most `most` queries, from every repository in turn."""
    by_repository: dict[Path, list[Wanted]] = {}
    for repository, one in all_of:
        by_repository.setdefault(repository, []).append(one)
    found: list[tuple[Path, Wanted]] = []
    for turn in range(most):
        found += [(name, some[turn]) for name, some in by_repository.items() if turn < len(some)]
        if len(found) >= most:
            break
    return found[:most]


def measure(kind: str, chosen: Sequence[tuple[Path, Wanted]], options: argparse.Namespace) -> None:
    """Search for all of them in each mode, and print the share found."""
    first: Counter[str] = Counter()
    in_ten: Counter[str] = Counter()
    for repository in dict.fromkeys(name for name, _one in chosen):
        with Kodit(data_of(options, repository)) as kodit:
            for name, wanted in chosen:
                if name != repository:
                    continue
                for mode in MODES:
                    results = kodit.search(wanted.query, mode=mode, limit=10)
                    places = [
                        any(
                            path == one.snippet.path
                            and one.snippet.start_line <= line <= one.snippet.end_line
                            for path, line in wanted.places
                        )
                        for one in results
                    ]
                    first[mode] += places[:1] == [True]
                    in_ten[mode] += any(places)
                    if options.show and mode == SearchMode.HYBRID and places[:1] != [True]:
                        place = places.index(True) + 1 if any(places) else 0
                        shown = (
                            (results[0].snippet.path, results[0].snippet.start_line)
                            if results
                            else None
                        )
                        print(f"  {place} {wanted.query!r} {wanted.places[:2]} but {shown}")
    for mode in MODES:
        print(
            f"{kind}, {mode}: first {first[mode]} of {len(chosen)}, in ten {in_ten[mode]}",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
