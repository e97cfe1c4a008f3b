"""Start-up costs: `python -c pass`, `kodit --help`, and commands over one indexed folder.

    python -m benchmarks.start FOLDER [--runs 5]

The folder is indexed first, and no server runs. The cost of each command is printed in CPU seconds,
and as a ratio, which is more stable on a busy machine: of help to an empty Python program, and of
the others to help. The commands alternate, and the cheapest of their runs counts. The slowest
imports are printed at the end.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.measuring import kodit, kodit_environment, median_cpu, report, run

QUESTION = "where is the configuration read"
IMPORTS_TOLD = 12
RATIOS = (
    ("kodit --help", "python -c pass", 10.0),
    ("kodit status", "kodit --help", 2.5),
    ("kodit ls", "kodit --help", 2.5),
    ("kodit read", "kodit --help", 2.5),
    ("kodit grep", "kodit --help", 3.0),
    ("kodit search", "kodit --help", 4.0),
)
"""The permitted cost of a command, as a multiple of another's."""
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
        search = kodit("search", QUESTION, "--all")
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "kodit --help": kodit("--help"),
            "kodit status": kodit("status"),
            "kodit ls": kodit("ls"),
            "kodit read": kodit("read", "--all", _a_file(environment)),
            "kodit grep": kodit("grep", "--all", "--limit", "10", "[a-z]"),
            "kodit search": search,
        }
        cheapest = dict.fromkeys(commands, math.inf)
        for _ in range(arguments.runs + 1):  # the first run fills the disk cache
            for name, command in commands.items():
                cost = median_cpu(partial(run, command, environment), 1)
                cheapest[name] = min(cheapest[name], cost)
        for name, to, most in RATIOS:
            print(f"  {name:16}{cheapest[name]:7.3f} s")
            report(f"{name} / {to}", cheapest[name] / cheapest[to], most, most)
        print("slowest imports of a search, milliseconds with what they import:")
        for milliseconds, module in slowest_imports(search, environment):
            print(f"  {milliseconds:7.1f}  {module}")


def _a_file(environment: dict[str, str]) -> str:
    """The path of any indexed file."""
    told = subprocess.run(
        kodit("ls", "--json"), env=environment, capture_output=True, check=True, text=True
    )
    return str(json.loads(told.stdout)["files"][0]["path"])


def slowest_imports(command: list[str], environment: dict[str, str]) -> list[tuple[float, str]]:
    """Sorted by the time of each import including its own imports."""
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
