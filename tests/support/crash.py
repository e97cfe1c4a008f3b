"""Killing `kodit index` at random moments until it is through."""

from __future__ import annotations

import random
import subprocess
import time
from collections import Counter
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
    """A run that nobody disturbed: seconds until it worked and until it was done."""

    seconds_to_work: float
    seconds: float
    work: Counter[str]


@dataclass(frozen=True, slots=True)
class Killed:
    """Where one kill found the run: seconds after the start, and the states of its tasks."""

    after_seconds: float
    states: dict[str, str]


def run_undisturbed(command: KoditCommand, source: str | Path) -> Undisturbed:
    """Index a source in peace."""
    started = time.monotonic()
    process = command.start("index", source)
    while not read_states(command.data_dir) and process.poll() is None:
        time.sleep(0.002)
    working = time.monotonic()
    outcome = finish(process)
    assert outcome.code == 0, outcome
    return Undisturbed(working - started, time.monotonic() - started, command.work())


def run_killed(
    command: KoditCommand, source: str | Path, undisturbed: Undisturbed, kills: int, seed: int
) -> tuple[list[Killed], Outcome]:
    """Index a source, killing the process group `kills` times, each time at a random moment of
    the work that one `kills`-th of an undisturbed run takes; then let it end."""
    choice = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    share = (undisturbed.seconds - undisturbed.seconds_to_work) / kills
    killed: list[Killed] = []
    while len(killed) < kills:
        wait = undisturbed.seconds_to_work + choice.uniform(0.0, 1.6 * share)
        process = command.start("index", source)
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            kill_group(process)
            finish(process)
            killed.append(Killed(wait, read_states(command.data_dir)))
        else:
            return killed, finish(process)
    return killed, command.run("index", source)


def read_states(data_dir: Path) -> dict[str, str]:
    """The states of the tasks of the active run; nothing before there is one."""
    if not (data_dir / "kodit.db").exists():
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
    """What was done beyond an undisturbed run."""
    return {name: work[name] - undisturbed[name] for name in work | undisturbed}


def allowed_excess(kills: int) -> dict[str, int]:
    """One batch a kill: a kill meets one stage that parses, embeds or enriches at most."""
    return {
        "files_parsed": FILES_PER_BATCH * kills,
        "texts_embedded": SNIPPETS_PER_BATCH * kills,
        "snippets_enriched": SNIPPETS_PER_BATCH * kills,
    }
