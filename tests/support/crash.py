"""Killing `kodit index` at random times until it succeeds."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.command import KoditCommand, Outcome, finish, kill_group
from tests.support.snapshot import read_rows

FILES_PER_BATCH = 64
SNIPPETS_PER_BATCH = 256

# A killed worker must be known as dead at once: nobody may wait for a lease or a heartbeat.
IMPATIENT = {"KODIT_LEASE_SECONDS": "3600", "KODIT_HEARTBEAT_SECONDS": "1200"}


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """An uninterrupted run: its duration, its batches, and its work."""

    seconds: float
    batches: int
    work: Counter[str]


@dataclass(frozen=True, slots=True)
class Killed:
    """When one kill hit the run: seconds after the start, and the states of its tasks."""

    after_seconds: float
    states: dict[str, str]


def run_undisturbed(command: KoditCommand, *sources: str | Path) -> Undisturbed:
    """Index sources without interruption."""
    started = time.monotonic()
    outcome = command.run("index", *sources)
    assert outcome.code == 0, outcome
    return Undisturbed(time.monotonic() - started, batches(command), command.work())


def run_killed(
    command: KoditCommand, undisturbed: Undisturbed, *sources: str | Path, kills: int, seed: int
) -> tuple[list[Killed], Outcome]:
    """Index sources, killing the process group `kills` times, each time at a random moment after
    some of the batches that one `kills`-th of an undisturbed run has; then let it finish.
    """
    choice = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    share = undisturbed.batches // kills
    seconds_of_batch = undisturbed.seconds / max(1, undisturbed.batches)
    killed: list[Killed] = []
    while len(killed) < kills:
        enough = batches(command) + choice.randint(0, share)
        started = time.monotonic()
        process = command.start("index", *sources)
        while batches(command) < enough and process.poll() is None:
            time.sleep(0.002)
        try:
            process.wait(choice.uniform(0.0, seconds_of_batch))
        except subprocess.TimeoutExpired:
            kill_group(process)
            finish(process)
            killed.append(Killed(time.monotonic() - started, read_states(command.data_dir)))
        else:
            return killed, finish(process)
    return killed, command.run("index", *sources)


def batches(command: KoditCommand) -> int:
    """The number of batches that parsers and models have started."""
    try:
        return len(command.work_log.read_bytes().splitlines())
    except FileNotFoundError:
        return 0


def stopped_in(
    stage: str, command: KoditCommand, start: Callable[[], subprocess.Popen[str]]
) -> subprocess.Popen[str]:
    """An indexing process that was stopped, with its children, while a stage was running, and
    continues on SIGCONT. If the stage was over too soon, everything is undone and started again.
    """
    while True:
        process = start()
        while read_states(command.data_dir).get(stage) != "running" and process.poll() is None:
            time.sleep(0.002)
        if process.returncode is None:
            _stop_group(process.pid)
            if read_states(command.data_dir)[stage] == "running":
                return process
        kill_group(process)
        finish(process)
        shutil.rmtree(command.data_dir)
        command.clear_work()


def _stop_group(process_id: int) -> None:
    """Stop a process group. A process that waits for a child to start its program cannot stop
    before that has, which may have been stopped itself: then both continue for a moment."""
    while True:
        os.killpg(process_id, signal.SIGSTOP)
        for _ in range(100):
            options = os.WSTOPPED | os.WEXITED | os.WNOWAIT | os.WNOHANG
            if os.waitid(os.P_PID, process_id, options) is not None:
                return
            time.sleep(0.01)
        os.killpg(process_id, signal.SIGCONT)
        time.sleep(0.01)


def read_states(data_dir: Path) -> dict[str, str]:
    """The states of the tasks of the active run; nothing before there is one."""
    if not data_dir.exists():
        return {}
    try:
        rows: list[tuple[Any, ...]] = read_rows(
            data_dir,
            "SELECT type, state FROM tasks WHERE run_id = "
            "(SELECT max(id) FROM index_runs WHERE NOT is_follow_up) ORDER BY id",
        )
    except Exception:  # noqa: BLE001 - the tables are being made
        return {}
    return dict(rows)


def excess(work: Counter[str], undisturbed: Counter[str]) -> dict[str, int]:
    """The work beyond that of an undisturbed run."""
    return {name: work[name] - undisturbed[name] for name in work | undisturbed}


def allowed_excess(kills: int) -> dict[str, int]:
    """One batch per kill: a kill hits at most one stage that parses, embeds or enriches."""
    return {
        "files_parsed": FILES_PER_BATCH * kills,
        "texts_embedded": SNIPPETS_PER_BATCH * kills,
        "snippets_enriched": SNIPPETS_PER_BATCH * kills,
    }
