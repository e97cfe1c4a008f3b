"""How long a server's event loop is blocked, measured within that loop.

    python -m benchmarks.loop_gaps FILE serve --port 0

does the same as `kodit serve --port 0`, with an additional task on the event loop that is scheduled
every 5 ms. Whenever it runs more than 5 ms late, a line of JSON is appended to FILE: the time on
the monotonic clock, and in milliseconds the delay, the processor time of the loop's thread
meanwhile, that of all threads, and how long the loop waited for a core.

With `BENCHMARK_STACKS=MILLISECONDS`, FILE.stacks has the stacks of all threads when the loop was at
least that late. They are written without waiting for any thread.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import os
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

INTERVAL_SECONDS = 0.005
LEAST_MS = 5.0
"""Smaller gaps are not recorded."""
STACKS_VARIABLE = "BENCHMARK_STACKS"


class Gap(NamedTuple):
    """Its end, in seconds of the monotonic clock; all other values in milliseconds."""

    at: float
    late: float
    computing: float
    all_computing: float
    waiting_for_a_core: float

    @property
    def own(self) -> float:
        """Its maximum length on an otherwise idle machine: while the loop waits for another thread,
        and that one for a core, no thread of the server computes.
        """
        return max(self.computing, min(self.late - self.waiting_for_a_core, self.all_computing))


def measured(file: Path, *arguments: str) -> list[str]:
    """The command that does the same as `kodit` with these arguments, and measures."""
    return [sys.executable, "-m", "benchmarks.loop_gaps", str(file), *arguments]


def gaps_between(file: Path, began: float, ended: float) -> list[Gap]:
    """The gaps that ended between two times of the monotonic clock, longest first."""
    gaps = [Gap(*json.loads(line)) for line in file.read_text("ascii").splitlines()]
    return sorted((gap for gap in gaps if began <= gap.at <= ended), key=lambda gap: -gap.late)


def report_gaps(what: str, gaps: Iterable[Gap], most: float) -> None:
    """Print the longest, as measured and for an otherwise idle machine."""
    gaps = list(gaps)
    late = max((gap.late for gap in gaps), default=0.0)
    own = max((gap.own for gap in gaps), default=0.0)
    computing = max((gap.computing for gap in gaps), default=0.0)
    print(
        f"{what:<28} longest gap {late:7.1f} ms; on a quiet machine {own:7.1f} ms, of its own "
        f"computing {computing:7.1f} ms; {sum(gap.own > most for gap in gaps)} over {most:g} ms"
    )


class _Usage(NamedTuple):
    """In nanoseconds; of the calling thread, and of all threads."""

    computing: int
    all_computing: int
    waiting_for_a_core: int


def _usage(schedule: int) -> _Usage:
    try:
        _, waited, _ = os.pread(schedule, 200, 0).split()
    except (OSError, ValueError):
        waited = b"0"
    return _Usage(time.thread_time_ns(), time.process_time_ns(), int(waited))


async def _tick(file: int, schedule: int, stacks: int | None, stacks_ms: float) -> None:
    usage, due = _usage(schedule), time.monotonic()
    while True:
        if stacks is not None:
            faulthandler.dump_traceback_later(
                INTERVAL_SECONDS + stacks_ms / 1000, file=stacks, exit=False
            )
        due = time.monotonic() + INTERVAL_SECONDS
        await asyncio.sleep(INTERVAL_SECONDS)
        now = time.monotonic()
        late = 1000 * (now - due)
        before, usage = usage, _usage(schedule)
        if late > LEAST_MS:
            spent = [round((b - a) / 1e6, 1) for a, b in zip(before, usage, strict=True)]
            os.write(file, json.dumps([now, round(late, 1), *spent]).encode("ascii") + b"\n")


def _open(opened: ExitStack, path: str, flags: int = os.O_RDONLY) -> int:
    descriptor = os.open(path, flags, 0o600)
    opened.callback(os.close, descriptor)
    return descriptor


def main() -> None:
    """Run `kodit`, and measure the server if it starts one."""
    from kodit.cli import main as kodit  # noqa: PLC0415 - as late as `kodit` itself does
    from kodit.server.process import ServerProcess  # noqa: PLC0415

    file = sys.argv.pop(1)
    sys.argv[0] = "kodit"
    serve = ServerProcess.run
    stacks_ms = float(os.environ.get(STACKS_VARIABLE, "0"))

    async def serve_measured(server: ServerProcess, *sockets: Any) -> None:
        with ExitStack() as opened:
            gaps = _open(opened, file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            schedule = _open(opened, "/proc/thread-self/schedstat")
            stacks = (
                _open(opened, f"{file}.stacks", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                if stacks_ms
                else None
            )
            ticking = asyncio.create_task(_tick(gaps, schedule, stacks, stacks_ms))
            try:
                await serve(server, *sockets)
            finally:
                ticking.cancel()
                faulthandler.cancel_dump_traceback_later()

    ServerProcess.run = serve_measured  # type: ignore[method-assign,assignment]
    kodit()


if __name__ == "__main__":
    main()
