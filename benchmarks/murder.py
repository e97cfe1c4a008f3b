"""Worker processes that are killed, stopped and resumed at random times, and the consequences.

    python -m benchmarks.murder [--cycles 500] [--workers 4] [--seed 1] [--nodes 3]

Real worker processes share one data directory; in each cycle one of them gets `kill -9` of its
process group or of itself alone, SIGSTOP for longer than its lease and SIGCONT, SIGSTOP and then
`kill -9`, `kill -9` of a child process, or SIGTERM. Their stages record every batch in a file
outside the database. With `--nodes`, the workers are on that many data directories over one
PostgreSQL server, all connections to which are cut now and then, and which is restarted, fast or
immediately. Afterwards every run must have ended, and no effect may be duplicated,
premature, missing, or from a worker that had lost its claim. Exits with status 1 otherwise.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.murder.massacre import Massacre
from tests.support.postgresql_databases import end_connections, restart_server
from tests.support.stores import using_store

REPORT_EVERY = 50


def _cut() -> None:
    end_connections("random() < 0.7")


DISASTERS: dict[str, tuple[int, Callable[[], None]]] = {
    "connections cut": (20, _cut),
    "server restarted, fast": (6, partial(restart_server, "fast")),
    "server restarted, immediate": (6, partial(restart_server, "immediate")),
}
"""What happens besides deaths, with its frequency in a hundred of these."""


def main() -> int:
    """Run the cycles; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cycles", type=int, default=500)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nodes", type=int, default=0)
    options = parser.parse_args()
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="kodit-murder-") as folder,
        using_store("postgresql" if options.nodes else "sqlite"),
        Massacre(
            Path(folder),
            workers=options.workers,
            seed=options.seed,
            nodes=max(options.nodes, 1),
            disasters=DISASTERS if options.nodes else None,
        ) as massacre,
    ):
        massacre.request(6)
        for number in range(1, options.cycles + 1):
            massacre.cycle()
            if number % REPORT_EVERY == 0:
                print(f"{number} cycles, {time.monotonic() - began:.0f} s", flush=True)
        massacre.wait_for_runs()
        massacre.dismiss()
        verdict = massacre.judge()
        survivors = massacre.survivors()
        for name, count in massacre.cycles.most_common():
            print(f"{count:6d}  {name}")
        print(f"{massacre.victims_at_work:6d}  of them held a task")
        print(f"runs: {dict(verdict.runs)}; requests: {len(massacre.accepted)}")
        print(f"claims: {dict(verdict.claims)}")
        print(
            f"batches stored: {verdict.batches_stored}, rolled back: {verdict.batches_rolled_back}"
        )
        print(
            f"duplicate {len(verdict.duplicate)}, early {len(verdict.early)}, "
            f"missing {len(verdict.missing)}, zombie {len(verdict.zombie)}, "
            f"overlapping {len(verdict.overlapping)}, not ended {len(verdict.unended)}, "
            f"processes left {len(survivors)}"
        )
        print(*verdict.violations, *survivors, sep="\n")
        return 1 if verdict.violations or survivors or set(verdict.runs) != {"succeeded"} else 0


if __name__ == "__main__":
    sys.exit(main())
