"""The git commands that are run when nothing has changed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.support.command import KoditCommand
from tests.support.sources import commit_all, write_file


def recording_git(folder: Path, record: Path) -> None:
    """A `git` that records its arguments, one call per line, and then runs as usual."""
    program = folder / "git"
    write_file(program, f'#!/bin/sh\necho "$*" >> "{record}"\nexec {shutil.which("git")} "$@"\n')
    program.chmod(0o700)


def asked(record: Path) -> list[str]:
    """The commands that Kodit ran on the source and its clone; git also calls itself, to serve a
    folder.
    """
    return [
        name
        for line in record.read_text().splitlines()
        for name in ("ls-remote", "fetch", "ls-tree", "cat-file", "rev-parse", "log")
        if line.startswith("--no-pager") and f" {name} " in line
    ]


def test_an_unchanged_source_costs_one_lookup(tmp_path: Path) -> None:
    """One lookup of the ref; no fetch, no listing, no history. A change is fetched again."""
    record = tmp_path / "record"
    recording_git(tmp_path / "bin", record)
    kodit = KoditCommand(tmp_path / "data", PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    write_file(tmp_path / "source" / "quartz.py", "def quartz():\n    return 1\n")
    commit_all(tmp_path / "source")
    url = (tmp_path / "source").as_uri()
    kodit.succeed("index", url)

    record.unlink()
    kodit.succeed("index", url)

    assert asked(record) == ["ls-remote"]

    write_file(tmp_path / "source" / "quartz.py", "def quartz():\n    return 2\n")
    commit_all(tmp_path / "source")
    kodit.succeed("index", url)

    assert "fetch" in asked(record)
