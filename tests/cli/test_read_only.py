"""A data directory without write permission can be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import KoditCommand
from tests.support.disk import read_only
from tests.support.sources import python_function, write_file

READS = (
    ("status",),
    ("search", "quartz", "--all"),
    ("grep", "quartz", "--all"),
    ("ls",),
    ("read", "quartz.py:1-2", "--all"),
    ("symbols", "quartz", "--all"),
    ("queue", "list"),
)


def state(folder: Path) -> dict[str, int]:
    """When each file was changed last."""
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_a_read_only_directory_is_read_without_changes(
    kodit: KoditCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with write permission; commands that would write fail with one sentence."""
    source = tmp_path / "source"
    write_file(source / "quartz.py", python_function("quartz", "a b c".split()))
    kodit.succeed("index", source)
    monkeypatch.chdir(source)
    expected = {arguments: kodit.run_here(*arguments) for arguments in READS}
    assert {outcome.code for outcome in expected.values()} == {0}

    with read_only(kodit.data_dir):
        before = state(kodit.data_dir)
        for arguments, as_written in expected.items():
            # What is read through links stays open until the process ends.
            found = kodit.run(*arguments)
            assert (found.code, found.said) == (0, as_written.said), arguments
            if arguments != ("status",):  # it says how long ago, and what is taken
                assert found.out == as_written.out
            else:
                assert "does not match" not in found.out
        for change in (("index", source), ("delete", source), ("queue", "pause"), ("doctor",)):
            refused = kodit.run_here(*change)
            assert refused.code == 2, refused
            assert refused.said == [
                f"kodit: the data directory {kodit.data_dir} cannot be written by this user: its "
                "contents can be read, but not changed or migrated to another version of Kodit; "
                "make it writable, or choose another one with --data-dir"
            ], change
        refreshed = kodit.run("search", "quartz", source)
        assert refreshed.code == 0
        assert any("cannot be written" in line for line in refreshed.said)
        assert state(kodit.data_dir) == before
    kodit.succeed("index", source)
