"""A killed process group loses nothing and repeats nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import KoditCommand
from tests.support.crash import (
    IMPATIENT,
    allowed_excess,
    excess,
    run_killed,
    run_undisturbed,
)
from tests.support.snapshot import read_rows, take_snapshot
from tests.support.sources import commit_all, write_tree


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

    killed, outcome = run_killed(command, source, undisturbed, kills, seed=len(kind))

    assert outcome.code == 0, outcome
    assert killed, "no kill met a run that was still at work"
    assert take_snapshot(command.data_dir) == take_snapshot(peaceful.data_dir)
    allowed = allowed_excess(len(killed))
    too_much = {
        name: (count, allowed[name])
        for name, count in excess(command.work(), undisturbed.work).items()
        if not 0 <= count <= allowed[name]
    }
    assert too_much == {}
    assert read_rows(command.data_dir, "SELECT DISTINCT state FROM index_runs") == [("succeeded",)]
