"""The callers of a sample of Ruby's methods, as a running program shows them.

    python -m benchmarks.traced_calls FOLDER TRUTH CALLS [CALLS ...] [--sample 400] [--seed 1]

For a language without a language server at hand: `traced_calls.rb` records the CALLS of a program
that uses much of FOLDER. Writes TRUTH, which `benchmarks.references` reads. A call that ran counts,
whatever object decided where it went; a line with the name that did not run is unknown. Only calls
by name count: not those that the interpreter makes, and not those through a symbol.

Programs that use Ruby's 3.1 standard library (csv, optparse, rdoc, psych, rubygems, irb and forty
more; 571 files, 400 of the 1,385 methods that ran, 1,502 calls, those in templates included):
precision .986, recall .826; of the callers said to be certain, precision .996, recall .758. What is
missed is mostly dynamic: visitors, and calls in templates.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

Place = tuple[str, int]

IMPLICIT = frozenset(
    "initialize method_missing respond_to_missing? inherited included extended method_added coerce"
    " to_s to_str to_ary each inspect hash eql? pretty_print".split()
)
"""Methods that the interpreter or the core calls."""

WORD = re.compile(r"[a-z_]\w*[?!]?")
DEFINED = re.compile(r"\bdef\s+(?:self\.)?([a-z_]\w*[?!]?)")


class Method(NamedTuple):
    """A method by its file, relative to the folder, its line and its name."""

    path: str
    line: int
    name: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("calls", type=Path, nargs="+")
    parser.add_argument("--sample", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    lines = {
        path.relative_to(arguments.folder).as_posix(): path.read_text("utf-8", "replace").split(
            "\n"
        )
        for path in sorted(arguments.folder.rglob("*.rb"))
    }
    called = read_calls(arguments.calls, lines)
    sample = sorted(called)
    random.Random(arguments.seed).shuffle(sample)  # noqa: S311 - a sample, not a secret
    rows = truth_of(sample[: arguments.sample], called, lines)
    arguments.truth.write_text(json.dumps({"definitions": rows}), "utf-8")
    print(f"{len(rows)} of {len(called)} methods, {sum(len(row['true']) for row in rows)} calls")


def read_calls(files: Iterable[Path], lines: dict[str, list[str]]) -> dict[Method, set[Place]]:
    """The calls by name of each method that has any."""
    called: defaultdict[Method, set[Place]] = defaultdict(set)
    for file in files:
        for path, line, name, places in json.loads(file.read_text("utf-8")):
            method = Method(path, line, name)
            defined = DEFINED.search(_text(lines, (path, line)))
            if name in IMPLICIT or defined is None or defined[1] != name:
                continue
            here = ((where, at) for where, at in places)
            called[method] |= {place for place in here if _names(name, _text(lines, place))}
    return {method: places for method, places in called.items() if places}


def truth_of(
    sample: Sequence[Method], called: dict[Method, set[Place]], lines: dict[str, list[str]]
) -> list[dict[str, Any]]:
    """The rows of the truth for some methods."""
    ran: defaultdict[str, set[Place]] = defaultdict(set)
    for method, places in called.items():
        ran[method.name] |= places
    written: defaultdict[str, set[Place]] = defaultdict(set)
    for path, some in lines.items():
        for number, text in enumerate(some, 1):
            for name in ran.keys() & set(WORD.findall(text)):
                written[name].add((path, number))
    return [
        {
            **method._asdict(),
            "scope": None,
            "true": sorted(called[method]),
            "unknown": sorted(written[method.name] - ran[method.name]),
        }
        for method in sample
    ]


def _text(lines: dict[str, list[str]], place: Place) -> str:
    """A line, empty if it was made by a template."""
    path, line = place
    some = lines.get(path, ())
    return some[line - 1] if line <= len(some) else ""


def _names(name: str, text: str) -> bool:
    return _call(name).search(text.partition("#")[0]) is not None and "def " not in text


@cache
def _call(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w@$:]){re.escape(name)}(?![\w?!]|\s*=[^=~>])")


if __name__ == "__main__":
    main()
