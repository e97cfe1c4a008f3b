"""Recall and precision of the callers that `kodit symbols` finds for a definition.

The truth is a JSON object: `files`, the paths that the oracle has read (default: all), and
`definitions`, each with `name`, `path`, `line`, `scope`, `true` (places of its calls, each `[path,
line]`) and `unknown` (places of calls of the same name that the oracle cannot resolve; they count
neither way).

    python -m benchmarks.references FOLDER TRUTH [FOLDER TRUTH ...] [--data-dir DIR] [--show N]
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kodit import Kodit
from kodit.domain.symbols import Definition

PAGE = 1_000
"""References requested per name."""

NEAR = 8
"""Lines between a definition in the truth and the same one here: decorators and modifiers may come
between.
"""

Place = tuple[str, int]


@dataclass(slots=True)
class Score:
    """Callers that were found, missed, and wrong; and separately those reported as certain."""

    found: int = 0
    missed: int = 0
    wrong: int = 0
    certain: int = 0
    certain_wrong: int = 0
    without: int = 0
    """Definitions missing from the index, mostly in left-out files: they are not counted."""
    seconds: list[float] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return self.found / max(1, self.found + self.wrong)

    @property
    def recall(self) -> float:
        return self.found / max(1, self.found + self.missed)

    def __str__(self) -> str:
        sure = self.certain / max(1, self.certain + self.certain_wrong)
        share = self.certain / max(1, self.found + self.missed)
        slowest = sorted(self.seconds)[-1] if self.seconds else 0.0
        mean = sum(self.seconds) / max(1, len(self.seconds))
        return (
            f"precision {self.precision:.3f} recall {self.recall:.3f} of "
            f"{self.found + self.missed}; certain alone: precision {sure:.3f} recall {share:.3f}; "
            f"{self.without} definitions not found; "
            f"CPU of a lookup {mean * 1e3:.0f} ms, at most {slowest * 1e3:.0f} ms"
        )


def callers(kodit: Kodit, folder: Path, row: dict[str, Any]) -> dict[Place, bool] | None:
    """The lines that call a definition of the truth, and whether each is only likely; None if the
    definition is not found by its file, scope and name.
    """
    module = re.sub(r"(?:(?:^|/)(?:__init__|index|mod|lib))?\.[^/]*$", "", row["path"])
    scope = row.get("scope")
    if scope is None:
        scope = next(
            (
                one.snippet.scope
                for one in kodit.symbols(row["name"], folder, limit=PAGE).definitions
                if matches(one, row)
            ),
            "",
        )
    name = ".".join(filter(None, (module, scope, row["name"])))
    answer = kodit.symbols(name, folder, uses="callers", limit=PAGE)
    wanted = [one for one in answer.definitions if matches(one, row)]
    if not wanted:
        return None
    if len(answer.definitions) > 1:  # a file may have the name of a type in it
        kinds = [wanted[0].snippet.kind or ""]
        answer = kodit.symbols(name, folder, kinds=kinds, uses="callers", limit=PAGE)
    return {(one.snippet.path, one.line): one.is_likely for one in answer.references}


def matches(definition: Definition, row: dict[str, Any]) -> bool:
    """Whether a definition is the one of the truth."""
    near = abs(definition.line - int(row["line"])) <= NEAR
    return near and definition.snippet.path == str(row["path"])


def measured(kodit: Kodit, folder: Path, truth: dict[str, Any], show: int) -> Iterator[str]:
    """A line for each of the first `show` errors, then the score."""
    score = Score()
    seen = set(truth.get("files", ()))
    for row in truth["definitions"]:
        start = time.process_time()
        found = callers(kodit, folder, row)
        score.seconds.append(time.process_time() - start)
        if found is None:
            score.without += 1
            continue
        right = {(path, line) for path, line in row["true"]}
        unknown = {(path, line) for path, line in row["unknown"]} - right
        own = {(row["path"], row["line"])}
        found = {
            place: likely
            for place, likely in found.items()
            if place not in unknown | own and (not seen or place[0] in seen)
        }
        sure = {place for place, likely in found.items() if not likely}
        score.found += len(right & found.keys())
        score.missed += len(right - found.keys())
        score.wrong += len(found.keys() - right)
        score.certain += len(right & sure)
        score.certain_wrong += len(sure - right)
        for what, places in (("missed", right - found.keys()), ("wrong", found.keys() - right)):
            for path, line in sorted(places)[:2]:
                if show > 0:
                    show -= 1
                    text = (folder / path).read_text("utf-8", "replace").split("\n")[line - 1]
                    note = "" if what == "missed" or (path, line) not in sure else " certainly"
                    yield (
                        f"{what}{note}: {row.get('scope') or ''}.{row['name']} of "
                        f"{row['path']}:{row['line']} at {path}:{line}: {text.strip()[:100]}"
                    )
    yield f"{folder.name}: {score}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder_and_truth", nargs="+", type=Path)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--show", type=int, default=0)
    arguments = parser.parse_args()
    pairs = arguments.folder_and_truth
    with Kodit(arguments.data_dir) as kodit:
        for folder, truth in zip(pairs[::2], pairs[1::2], strict=True):
            read = json.loads(truth.read_text())
            for line in measured(kodit, folder.resolve(), read, arguments.show):
                print(line, flush=True)


if __name__ == "__main__":
    main()
