"""The refresh interval of an index, set by a command or from Python."""

from __future__ import annotations

from pathlib import Path

from tests.support.command import KoditCommand
from tests.support.sources import write_tree

from kodit import Kodit

LINE = "    updated by a server: "


def test_an_interval_is_set_kept_shown_and_reset(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    write_tree(folder, files=1)
    kodit = KoditCommand(tmp_path / "data")

    def shown(*options: str) -> tuple[object, list[str]]:
        outcome = kodit.run_here("index", folder, "--no-wait", *options)
        assert outcome.code == 0, outcome.err
        [index] = kodit.run_here("status", "--json").json()["indexes"]
        lines = kodit.run_here("status").out.splitlines()
        return index.get("sync_every"), [line for line in lines if line.startswith(LINE)]

    assert shown() == (None, [])
    assert shown("--sync-every", "10m") == (600, [f"{LINE}every 10 minutes"])
    assert shown() == (600, [f"{LINE}every 10 minutes"])
    assert shown("--sync-every", "never") == (0, [f"{LINE}never"])
    assert shown("--sync-every", "default") == (None, [])

    refused = kodit.run_here("index", folder, "--sync-every", "often")
    assert (refused.code, refused.said[0].startswith("kodit: 'often' is not a valid interval")) == (
        2,
        True,
    )


def test_the_same_from_python(tmp_path: Path) -> None:
    write_tree(tmp_path / "folder", files=1)
    with Kodit(tmp_path / "data") as kodit:
        given: list[int | str | None] = [600, None, "1h", "default", 0]
        seen = [
            kodit.index(tmp_path / "folder", sync_every=one, wait=False)[0].summary.index.sync_every
            for one in given
        ]
    assert seen == [600, 600, 3_600, None, 0]
