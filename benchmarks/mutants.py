"""Breaks the queue on purpose, in a copy of its source, and asks which test notices.

    python -m benchmarks.mutants [NAME…] [--processes] [--source src]

Each mutant is a textual change of a few lines that breaks one promise of the queue. It is applied
to a copy of `src/kodit`, against which `tests/queue` runs: the scenarios and, apart from them, the
random events compared with the model, over SQLite where the change is in its adapter and in memory,
which is faster, where it is not. `--processes` runs the short process murder too. Ends with
status 1 when a mutant survives that should not.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.mutation import Mutant
from benchmarks.queue_mutants import MUTANTS

ROOT = Path(__file__).parents[1]
SHOWN = 3
"""How many of the tests that notice are named: a run ends when so many have failed."""

RUNS = {
    "scenarios": ["tests/queue", "--ignore=tests/queue/test_model.py"],
    "model": ["tests/queue/test_model.py"],
    "processes": ["tests/murder/test_murder.py"],
}
NEEDS = {"memory": "not sqlite", "sqlite": "not memory"}


def main() -> int:
    """Run the mutants; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", help="only mutants whose name contains one of these")
    parser.add_argument("--processes", action="store_true")
    parser.add_argument("--source", type=Path, default=ROOT / "src", help="what is mutated")
    options = parser.parse_args()
    runs = [name for name in RUNS if name != "processes" or options.processes]
    whole = [failures(options.source, run, database) for run in runs for database in NEEDS]
    if failed := [test for tests in whole for test in tests]:
        print("the tests fail without any mutant:", *failed, sep="\n")
        return 1
    surprises = 0
    for mutant in MUTANTS:
        if not options.names or any(name in mutant.name for name in options.names):
            surprises += not report(mutant, options.source, runs)
    return 1 if surprises else 0


def report(mutant: Mutant, original: Path, runs: list[str]) -> bool:
    """Run the tests against a mutant and print who noticed; whether that was as it should be."""
    with tempfile.TemporaryDirectory(prefix="kodit-mutant-") as folder:
        source = Path(folder, "src")
        shutil.copytree(
            original / "kodit", source / "kodit", ignore=shutil.ignore_patterns("__pycache__")
        )
        for change in mutant.changes:
            change.apply(source / "kodit")
        noticed = {run: failures(source, run, mutant.database) for run in runs}
    is_caught = any(noticed.values())
    is_right = is_caught == (mutant.survives is None)
    verdict = "caught" if is_caught else f"survives: {mutant.survives or 'UNEXPECTED'}"
    print(f"{'  ' if is_right else '! '}{mutant.name} (invariant {mutant.invariant}): {verdict}")
    for name, tests in noticed.items():
        for test in tests[:SHOWN]:
            print(f"      {name}: {test}")
    sys.stdout.flush()
    return is_right


def failures(source: Path, run: str, database: str) -> list[str]:
    """The tests of one run over one database that fail against a source tree."""
    environment = os.environ | {
        "PYTHONPATH": str(source),
        "PYTHONDONTWRITEBYTECODE": "1",
        "KODIT_TEST_SHRINK": "0",
    }
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            *RUNS[run],
            "-k",
            NEEDS[database],
            "-q",
            "--tb=no",
            f"--maxfail={SHOWN}",
            "-p",
            "no:cacheprovider",
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode not in (0, 1, 2):
        raise RuntimeError(result.stdout + result.stderr)
    return re.findall(r"^(?:FAILED|ERROR) (?:tests/)?(.*?)(?: - .*)?$", result.stdout, re.MULTILINE)


if __name__ == "__main__":
    sys.exit(main())
