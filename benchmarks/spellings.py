"""Whether a name is found that is written in another style, misspelled, or typed in part.

    python -m benchmarks.spellings REPOSITORY… [--names 6] [--data DIR] [--show]

Names of functions and types have at least two words and eight letters, and one definition in their
repository; a generator that the repository's name seeds chooses them. Found means that the first
result, or one of the first ten, contains the definition. Prints both numbers for each way of
writing the names. All repositories are indexed below `--data`, which is kept.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from kodit import Kodit

KINDS = ("function", "method", "class", "struct", "interface", "trait", "enum")
FEWEST_LETTERS = 8
FEWEST_TYPED = 6
_BETWEEN_WORDS = re.compile(r"_+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Defined(NamedTuple):
    """A name and where it is defined, with lines from 1."""

    name: str
    path: str
    first: int
    last: int


def words_of(name: str) -> list[str]:
    return [word for word in _BETWEEN_WORDS.split(name) if word]


def in_other_style(name: str, _generator: random.Random) -> str:
    words = [word.lower() for word in words_of(name)]
    return "".join(map(str.capitalize, words)) if "_" in name else "_".join(words)


def as_constant(name: str, _generator: random.Random) -> str:
    return "_".join(words_of(name)).upper()


def joined(name: str, _generator: random.Random) -> str:
    return "".join(words_of(name)).lower()


def as_words(name: str, _generator: random.Random) -> str:
    return " ".join(words_of(name)).lower()


def with_two_letters_swapped(name: str, generator: random.Random) -> str:
    at = generator.randrange(1, len(name) - 2)
    return name[:at] + name[at + 1] + name[at] + name[at + 2 :]


def with_a_letter_missing(name: str, generator: random.Random) -> str:
    at = generator.randrange(1, len(name) - 1)
    return name[:at] + name[at + 1 :]


def first_two_thirds(name: str, _generator: random.Random) -> str:
    return name[: max(FEWEST_TYPED, len(name) * 2 // 3)]


Spelling = Callable[[str, random.Random], str]
SPELLINGS: tuple[Spelling, ...] = (
    *(in_other_style, as_constant, joined, as_words),
    *(with_two_letters_swapped, with_a_letter_missing, first_two_thirds),
)


def names_of(kodit: Kodit, repository: Path) -> list[Defined]:
    """Those with one definition, which is in no test."""
    found: list[Defined] = []
    for file in kodit.list_files(str(repository)):
        if "test" not in file.path.lower():
            for one in kodit.outline(str(repository), file.path).definitions:
                of = one.snippet
                name = of.symbol or ""
                is_long = len(words_of(name)) > 1 and len(name) >= FEWEST_LETTERS
                if of.kind in KINDS and is_long:
                    found.append(Defined(name, file.path, of.start_line, of.end_line))
    counted = Counter(one.name for one in found)
    return sorted(one for one in found if counted[one.name] == 1)


def main() -> int:
    """Measure; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("repositories", type=Path, nargs="+")
    parser.add_argument("--names", type=int, default=6)
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir(), "kodit-spellings"))
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    asked, first, in_ten = Counter[str](), Counter[str](), Counter[str]()
    with Kodit(options.data) as kodit:
        for repository in options.repositories:
            kodit.index(str(repository))
            generator = random.Random(repository.name)  # noqa: S311 - reproducible
            names = names_of(kodit, repository)
            for one in generator.sample(names, min(options.names, len(names))):
                for spelling in SPELLINGS:
                    query, kind = spelling(one.name, generator), spelling.__name__
                    if query == one.name:
                        continue
                    results = kodit.search(query, str(repository), limit=10)
                    places = [
                        of.path == one.path
                        and of.start_line <= one.last
                        and of.end_line >= one.first
                        for of in (result.snippet for result in results)
                    ]
                    asked[kind] += 1
                    first[kind] += places[:1] == [True]
                    in_ten[kind] += any(places)
                    if options.show and places[:1] != [True]:
                        print(f"  {query} for {one}")
    for kind, count in asked.items():
        print(f"{kind}: first {first[kind]} of {count}, in ten {in_ten[kind]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
