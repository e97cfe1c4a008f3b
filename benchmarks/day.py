"""A simulated day of a server in a few minutes: do its resources grow from morning to night?

    python -m benchmarks.day FOLDER… [--requests 10000] [--runs 200] [--storm 5000] [--workers 1]

The folders are copied, because their files are changed, and served by `kodit serve` in a separate
process. Several clients make requests of all kinds, a hundred at a time (see `day_requests`), while
files are changed and runs requested. Now and then `--storm` files are added and removed at once,
and a source is added, searched and deleted. After each tenth of the day, once the server is idle,
the resources of the server, its workers and their child processes are printed. Exits with status 1
if an answer was wrong, or if anything is more than a tenth larger at the end than after the first
hundred requests.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from pathlib import Path

from benchmarks.day_requests import (
    KINDS,
    PATIENCE_SECONDS,
    WORDS,
    Asker,
    WrongAnswerError,
    make_kind,
)
from benchmarks.measuring import kodit, kodit_environment
from benchmarks.processes import Holding, held_by_server

CLIENTS = 8
AT_A_TIME = 100
ROUNDS_PER_STORM = 20
ROUNDS_PER_SOURCE = 5
SAMPLES = 10
MOST_GROWTH = 1.1
REST_SECONDS = 3.0
LOOK_SECONDS = 0.1


class Day:
    """The simulated day of one server."""

    def __init__(self, place: Path, port: int, folders: Sequence[Path]) -> None:
        self._place = place
        self._port = port
        self._folders = folders
        self._choice = random.Random(1)  # noqa: S311 - repeatable
        self._lock = threading.Lock()
        self.asked: Counter[str] = Counter()
        self.errors: list[str] = []
        self.runs = 0
        self.storms = 0
        self.sources = 0

    @contextmanager
    def client(self, seed: int) -> Iterator[Asker]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_SECONDS)
        choice = random.Random(seed)  # noqa: S311 - repeatable
        try:
            yield Asker(self._port, self._place / "data", self._folders, choice, connection)
        finally:
            connection.close()

    def begin(self) -> None:
        """Index everything for the first time."""
        with self.client(0) as asker:
            for folder in self._folders:
                asker.post("/api/v1/indexes", {"source": str(folder)}, (202,))
        self.wait_until_idle()

    def round(self, first: int, runs: int, *, storm: int, is_with_source: bool) -> None:
        """A hundred requests, concurrent with some runs and the other events."""
        changing = threading.Thread(target=self._change, args=(first, runs, storm, is_with_source))
        changing.start()
        numbers = iter(range(first, first + AT_A_TIME))
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(self._ask_for_all, [numbers] * CLIENTS, range(first, first + CLIENTS)))
        changing.join()

    def _ask_for_all(self, numbers: Iterator[int], seed: int) -> None:
        with self.client(seed) as asker:
            while True:
                with self._lock:
                    number = next(numbers, None)
                if number is None:
                    return
                kind = make_kind(number, asker.choice)
                self._do(kind, partial(KINDS[kind][0], asker))

    def _do(self, kind: str, work: Callable[[], None]) -> None:
        try:
            work()
        except (
            WrongAnswerError,
            OSError,
            http.client.HTTPException,
            subprocess.SubprocessError,
        ) as error:
            with self._lock:
                self.errors.append(f"{kind}: {type(error).__name__}: {error}")
        with self._lock:
            self.asked[kind] += 1

    def _change(self, number: int, runs: int, storm: int, is_with_source: bool) -> None:
        with self.client(number) as asker:
            for turn in range(runs):
                self._do("run", partial(self._run, asker, number + turn))
            if storm:
                self._do("storm", partial(self._storm, asker, storm))
            if is_with_source:
                self._do("source", partial(self._source, asker, number))

    def _run(self, asker: Asker, number: int) -> None:
        """Change a file; the watch requests a run by itself, and so does this function every other
        time.
        """
        folder = self._choice.choice(self._folders)
        with (folder / "day.py").open("w") as file:
            file.write(f"def of_the_day_{number}(value):\n    return value + {number}\n")
        self._run_to_its_end(asker, self._index_of(asker, folder))

    def _run_to_its_end(self, asker: Asker, index: int) -> None:
        run = asker.post(f"/api/v1/indexes/{index}/runs", {}, (202,))["run"]["id"]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (state := asker.get(f"/api/v1/runs/{run}", (200, 404)).get("state")) in (
            "queued",
            "running",
        ):
            if time.monotonic() > deadline:
                raise WrongAnswerError(f"run {run} is still {state}")
            time.sleep(LOOK_SECONDS)
        if state not in ("succeeded", "superseded"):
            raise WrongAnswerError(f"run {run} has {state}")
        self.runs += 1

    def _storm(self, asker: Asker, files: int) -> None:
        """Many files are added, indexed, and removed."""
        folder = self._folders[0]
        for number in range(files):
            path = folder / "storm" / f"part_{number % 50}" / f"storm_{number}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"def storm_{number}(value):\n    return value * {number}\n")
        self._run_to_its_end(asker, self._index_of(asker, folder))
        shutil.rmtree(folder / "storm")
        self._run_to_its_end(asker, self._index_of(asker, folder))
        self.storms += 1

    def _source(self, asker: Asker, number: int) -> None:
        """A source is added, searched, and deleted."""
        folder = self._place / "sources" / f"guest_{number}"
        shutil.copytree(min(self._folders, key=lambda one: sum(1 for _ in one.rglob("*"))), folder)
        added = asker.post("/api/v1/indexes", {"source": str(folder)}, (202,))
        index = added["index"]["id"]
        self._run_to_its_end(asker, index)
        for word in WORDS:
            if not asker.get("/api/v1/search", query=word, sources=index)["results"]:
                raise WrongAnswerError(f"nothing is found for {word!r} in a new source")
        asker.ask("DELETE", f"/api/v1/indexes/{index}", allowed=(204,))
        shutil.rmtree(folder)
        self.sources += 1

    def _index_of(self, asker: Asker, folder: Path) -> int:
        indexes = asker.get("/api/v1/indexes")["indexes"]
        return next(int(one["id"]) for one in indexes if one["source"] == str(folder))

    def wait_until_idle(self) -> None:
        """Wait until nothing has been queued or running for a while."""
        with self.client(0) as asker:
            quiet_since = time.monotonic()
            while time.monotonic() - quiet_since < REST_SECONDS:
                if asker.get("/api/v1/runs", states=["queued", "running"])["runs"]:
                    quiet_since = time.monotonic()
                time.sleep(LOOK_SECONDS)
        time.sleep(REST_SECONDS)  # dropped connections are noticed one after the other


def main() -> int:
    """Run the day; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--storm", type=int, default=5_000)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kodit-day-") as name:
        place = Path(name)
        folders = [place / "sources" / folder.name for folder in options.folders]
        for original, folder in zip(options.folders, folders, strict=True):
            shutil.copytree(original, folder)
        with _serving(place, options.workers) as (process, port):
            day = Day(place, port, folders)
            day.begin()
            samples = list(_live(day, process, options))
    print(", ".join(f"{count} {kind}" for kind, count in sorted(day.asked.items())))
    print(f"{day.runs} runs, {day.storms} bursts, {day.sources} sources added and deleted")
    for line in day.errors[:20]:
        print(line)
    print(f"{len(day.errors)} wrong answers")
    is_well = _compare(samples[0], samples[-1])
    return 0 if is_well and not day.errors else 1


def _live(day: Day, process: int, options: argparse.Namespace) -> Iterator[dict[str, Holding]]:
    rounds = options.requests // AT_A_TIME
    for number in range(rounds):
        day.round(
            number * AT_A_TIME,
            runs=(number + 1) * options.runs // rounds - number * options.runs // rounds,
            storm=options.storm if number % ROUNDS_PER_STORM == 0 else 0,
            is_with_source=number % ROUNDS_PER_SOURCE == 0,
        )
        if number % max(1, rounds // SAMPLES) == 0 or number == rounds - 1:
            day.wait_until_idle()
            held = held_by_server(process)
            _print(f"after {(number + 1) * AT_A_TIME} requests", held)
            yield held


@contextmanager
def _serving(place: Path, workers: int) -> Iterator[tuple[int, int]]:
    """Yields the process id and port of a server."""
    environment = kodit_environment(place / "data") | {"KODIT_ALLOWED_ROOTS": str(place)}
    log = place / "log"
    with log.open("w") as file:
        server = subprocess.Popen(
            kodit("serve", "--port", "0", "--workers", str(workers)), env=environment, stderr=file
        )
    try:
        while (found := re.search(r"server ready.* tcp=[\d.]+:(\d+)", log.read_text())) is None:
            if server.poll() is not None:
                raise SystemExit(log.read_text())
            time.sleep(LOOK_SECONDS)
        yield server.pid, int(found[1])
    finally:
        server.terminate()
        server.wait()
        _print_problems(log)


def _print_problems(log: Path) -> None:
    """Print the warnings and errors in the server's log."""
    lines = [
        line for line in log.read_text().splitlines() if re.search("warning|error|Trace", line)
    ]
    print(f"{len(lines)} warnings and errors in the log", *lines[:20], sep="\n  ")


def _print(when: str, held: dict[str, Holding]) -> None:
    print(f"{when}, load {os.getloadavg()[0]:.1f}")
    for name, one in held.items():
        print(
            f"  {name:<16} RSS {one.resident / 1e6:7.1f} MB  PSS {one.proportional / 1e6:7.1f} MB  "
            f"private {one.private / 1e6:7.1f} MB  {one.threads:3} threads  "
            f"{one.descriptors:3} descriptors  {one.connections:3} connections",
            flush=True,
        )


def _compare(first: dict[str, Holding], last: dict[str, Holding]) -> bool:
    """Whether nothing grew by more than a tenth, and by more than one or two."""
    is_well = True
    for name, before in first.items():
        after = last[name]
        ratios = []
        for one in fields(before):
            old, new = getattr(before, one.name), getattr(after, one.name)
            is_well &= new <= MOST_GROWTH * old or new - old <= 1
            ratios.append(f"{one.name} {new / old if old else new:.2f}")
        print(f"{name:<16} {', '.join(ratios)}")
    return is_well


if __name__ == "__main__":
    sys.exit(main())
