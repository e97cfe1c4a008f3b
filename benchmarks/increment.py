"""The cost of one changed file in a large index and in a small one.

    python -m benchmarks.increment WORKPLACE [--small 200] [--large 20000] [--runs 3]

The files are created below WORKPLACE and indexed once. The measure is the processor time of `kodit
index` after one file has changed.
"""

from __future__ import annotations

import argparse
from itertools import count
from pathlib import Path

from benchmarks.measuring import Cost, kodit, kodit_environment, median_cpu, report, run

MOST = 3.0
FUNCTIONS = 4
FOLDERS = 50


def main() -> None:
    """Create what is missing, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("workplace", type=Path)
    parser.add_argument("--small", type=int, default=200)
    parser.add_argument("--large", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    costs = []
    for files in (arguments.small, arguments.large):
        place = arguments.workplace.resolve() / str(files)
        make_source(place, files)
        costs.append(measure(place, arguments.runs))
        print(f"one changed file of {files}: {costs[-1]:.3f} s")
    report("a change in the large index (times the small)", costs[1] / costs[0], MOST, 1.0)


def make_source(place: Path, files: int) -> None:
    """A folder of modules, indexed."""
    if (place / "complete").exists():
        return
    for number in range(files):
        path = _path(place, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_module(number, 0))
    run(*_index(place))
    (place / "complete").touch()


def measure(place: Path, runs: int) -> float:
    """Processor time of `kodit index` after a change of one file."""
    run(*_index(place))
    versions = count(1)

    def change_one() -> Cost:
        _path(place, 7).write_text(_module(7, next(versions)))
        return run(*_index(place))

    return median_cpu(change_one, runs)


def _index(place: Path) -> tuple[list[str], dict[str, str]]:
    return kodit("index", place / "source"), kodit_environment(place / "data")


def _path(place: Path, number: int) -> Path:
    return place / "source" / f"package_{number % FOLDERS}" / f"module_{number}.py"


def _module(number: int, version: int) -> str:
    return "\n\n".join(
        f"def operation_{number}_{turn}(value, other):\n"
        f'    """Combine value {turn} with the other in module {number}."""\n'
        + "".join(f"    value = value * {line} + other - {version}\n" for line in range(8))
        + "    return value\n"
        for turn in range(FUNCTIONS)
    )


if __name__ == "__main__":
    main()
