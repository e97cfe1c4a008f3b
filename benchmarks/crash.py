"""`kill -9` of the whole process group at random times while a source is indexed.

    python -m benchmarks.crash FOLDER [--kills 10] [--seed 1] [--rounds 1]

Each round indexes the source without interruption, then kills and restarts `kodit index` on a fresh
data directory until it succeeds, and compares the two: snippets, vectors, file statuses, keyword
hits, and the work of parsers, embedder and enricher. Exits with status 1 if they differ, or if more
than one batch per kill was repeated.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.support.command import KoditCommand
from tests.support.crash import (
    IMPATIENT,
    Killed,
    allowed_excess,
    excess,
    run_killed,
    run_undisturbed,
)
from tests.support.snapshot import take_snapshot

QUERIES = ("queryset filter", "middleware request", "migration", "self", "template tag", "index")
MARKS = {"succeeded": "✓", "running": "▶", "ready": "○", "blocked": "·", "skipped": "»"}


def main() -> int:
    """Run the rounds; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("source", help="a folder or a git URL")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    violations = 0
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            violations += _round(Path(folder), options.source, options.kills, options.seed + number)
    print(f"{options.rounds} rounds, {violations} violations")
    return 1 if violations else 0


def _round(folder: Path, source: str, kills: int, seed: int) -> int:
    peaceful = KoditCommand(folder / "peaceful", **IMPATIENT)
    undisturbed = run_undisturbed(peaceful, source)
    command = KoditCommand(folder / "killed", **IMPATIENT)
    killed, outcome = run_killed(command, undisturbed, source, kills=kills, seed=seed)
    print(f"seed {seed}: {undisturbed.seconds:.1f} s uninterrupted, {len(killed)} kills")
    for number, kill in enumerate(killed, 1):
        print(f"  kill {number:>2} after {kill.after_seconds:5.2f} s   {_describe(kill)}")
    violations = []
    if outcome.code != 0:
        violations.append(f"the last call ended with status {outcome.code}: {outcome.err}")
    expected = take_snapshot(peaceful.data_dir, QUERIES)
    actual = take_snapshot(command.data_dir, QUERIES)
    for name, value in expected.items():
        equal = actual[name] == value
        print(f"  {name:<18} {len(value):>8}   {'equal' if equal else 'DIFFERENT'}")
        if not equal:
            violations.append(f"{name} differ")
    allowed = allowed_excess(len(killed))
    for name, more in excess(command.work(), undisturbed.work).items():
        print(
            f"  {name:<18} {undisturbed.work[name]:>8}   {more:+} done twice, "
            f"at most {allowed[name]} allowed"
        )
        if not 0 <= more <= allowed[name]:
            violations.append(f"{name}: {more} more than undisturbed")
    for violation in violations:
        print(f"  VIOLATION: {violation}")
    return len(violations)


def _describe(kill: Killed) -> str:
    if not kill.states:
        return "before there was a queue"
    return " ".join(f"{MARKS.get(state, '?')}{name}" for name, state in kill.states.items())


if __name__ == "__main__":
    sys.exit(main())
