"""A killed process group loses nothing and repeats nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.command import KoditCommand
from tests.support.crash import (
    IMPATIENT,
    Undisturbed,
    allowed_excess,
    excess,
    run_killed,
    run_undisturbed,
)
from tests.support.snapshot import read_rows, take_snapshot
from tests.support.sources import commit_all, write_tree

pytestmark = pytest.mark.every_store


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "kills"), [("folder", 4), ("git", 3)])
def test_killed_at_random_times_it_ends_like_an_undisturbed_run(
    kind: str, kills: int, tmp_path: Path
) -> None:
    """The result equals an undisturbed run's; at most one batch per kill was repeated."""
    folder = tmp_path / "source"
    write_tree(folder, files=300)
    source: str | Path = folder
    if kind == "git":
        commit_all(folder)
        source = folder.as_uri()
    peaceful = KoditCommand(tmp_path / "peaceful", **IMPATIENT)
    undisturbed = run_undisturbed(peaceful, source)
    command = KoditCommand(tmp_path / "killed", **IMPATIENT)

    killed, outcome = run_killed(command, undisturbed, source, kills=kills, seed=len(kind))

    assert outcome.code == 0, outcome
    assert killed, "no kill met a run that was still at work"
    assert take_snapshot(command.data_dir) == take_snapshot(peaceful.data_dir)
    assert too_much(command, undisturbed, len(killed)) == {}
    assert read_rows(command.data_dir, "SELECT DISTINCT state FROM index_runs") == [("succeeded",)]


@pytest.mark.slow
def test_small_sources_that_share_batches_are_killed(tmp_path: Path) -> None:
    """They end like those of an undisturbed run, whoever was doing the work of whom."""
    folders = [tmp_path / f"source_{number}" for number in range(24)]
    for number, folder in enumerate(folders):
        write_tree(folder, files=5, seed=number)
    peaceful = KoditCommand(tmp_path / "peaceful", **IMPATIENT)
    undisturbed = run_undisturbed(peaceful, *folders)
    command = KoditCommand(tmp_path / "killed", **IMPATIENT)

    killed, outcome = run_killed(command, undisturbed, *folders, kills=3, seed=3)

    assert outcome.code == 0, outcome
    assert killed, "no kill met a run that was still at work"
    assert take_snapshot(command.data_dir) == take_snapshot(peaceful.data_dir)
    assert too_much(command, undisturbed, len(killed)) == {}
    assert read_rows(command.data_dir, "SELECT DISTINCT state FROM index_runs") == [("succeeded",)]


@pytest.mark.slow
def test_work_that_is_shared_is_counted_with_its_own_run(tmp_path: Path) -> None:
    folders = [tmp_path / f"source_{number}" for number in range(8)]
    for number, folder in enumerate(folders):
        write_tree(folder, files=3, seed=number)
    command = KoditCommand(tmp_path / "data", **IMPATIENT)
    assert command.run("index", *folders).code == 0
    there = dict(
        read_rows(command.data_dir, "SELECT index_id, count(*) FROM snippets GROUP BY index_id")
    )
    assert len(there) == len(folders)
    for name in ("keywords_indexed", "snippets_written"):
        counted = dict.fromkeys(there, 0)
        for index_id, work in read_rows(command.data_dir, WORK):
            counted[index_id] += json.loads(work).get(name, 0)
        assert counted == there


WORK = """
SELECT runs.index_id, tasks.work FROM tasks JOIN index_runs AS runs ON runs.id = tasks.run_id
"""


def too_much(
    command: KoditCommand, undisturbed: Undisturbed, kills: int
) -> dict[str, tuple[int, int]]:
    """The work beyond that of an undisturbed run and a batch for each kill, and what is allowed."""
    allowed = allowed_excess(kills)
    return {
        name: (count, allowed[name])
        for name, count in excess(command.work(), undisturbed.work).items()
        if not 0 <= count <= allowed[name]
    }
