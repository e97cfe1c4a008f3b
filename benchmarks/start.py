"""What starting costs: `kodit --help`, and one search by the command line.

    python -m benchmarks.start FOLDER [--runs 5]

The folder is indexed first. Afterwards the imports that took longest are told.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.measuring import kodit, kodit_environment, median_cpu, report, run

QUESTION = "where is the configuration read"
IMPORTS_TOLD = 12
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| (\s*)(\S+)")


def main() -> None:
    """Index, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kodit-benchmark-") as scratch:
        environment = kodit_environment(Path(scratch) / "data")
        run(kodit("index", arguments.folder.resolve()), environment)
        search = kodit("search", QUESTION)
        for name, command, least, aim in (
            ("kodit --help", kodit("--help"), 0.3, 0.15),
            ("kodit search", search, 0.8, 0.4),
        ):
            run(command, environment)
            cost = median_cpu(partial(run, command, environment), arguments.runs)
            report(f"{name} (s)", cost, least, aim)
        print("slowest imports of a search, milliseconds with what they import:")
        for milliseconds, module in slowest_imports(search, environment):
            print(f"  {milliseconds:7.1f}  {module}")


def slowest_imports(command: list[str], environment: dict[str, str]) -> list[tuple[float, str]]:
    """By the time that each import took together with what it imported."""
    timed = [command[0], "-X", "importtime", *command[1:]]
    told = subprocess.run(timed, env=environment, capture_output=True, check=True, text=True).stderr
    found = [
        (int(match[2]) / 1000, match[4])
        for match in map(_IMPORT.match, told.splitlines())
        if match is not None
    ]
    return sorted(found, reverse=True)[:IMPORTS_TOLD]


if __name__ == "__main__":
    main()
