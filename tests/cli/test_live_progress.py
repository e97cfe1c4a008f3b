"""What somebody sees who looks on while sources are indexed."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from tests.support.command import PATIENCE_SECONDS, KoditCommand
from tests.support.sources import commit_all, write_tree

STAGES = ("SYNC", "EXTRACT", "BM25_INDEX", "CODE_EMBEDDINGS", "ENRICH")


def seen_on_a_terminal(kodit: KoditCommand, *arguments: str | Path) -> tuple[int, str]:
    """Run the command on a terminal of its own; how it ended, and all that was drawn."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "kodit", *map(str, arguments)],
        stdin=its,
        stdout=its,
        stderr=its,
        env={**kodit.environment, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
    )
    os.close(its)
    drawn = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # how Linux says that nobody has the terminal any more
            break
        if not piece:
            break
        drawn += piece
    os.close(ours)
    code = process.wait(PATIENCE_SECONDS)
    return code, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn.decode())


def test_the_five_tasks_of_each_source(kodit: KoditCommand, tmp_path: Path) -> None:
    """With counts, below the name of the source, while it is under way; at the end its summary
    stays."""
    write_tree(tmp_path / "folder", files=120)
    write_tree(tmp_path / "repository", files=4)
    commit_all(tmp_path / "repository")
    url = (tmp_path / "repository").as_uri()

    code, drawn = seen_on_a_terminal(kodit, "index", tmp_path / "folder", url)

    assert code == 0, drawn
    assert f"looking for {tmp_path / 'folder'}" in drawn
    lines = drawn.splitlines()
    for name in (str(tmp_path / "folder"), url):
        for mark in ("·", "▶", "✓"):
            assert f"{mark} {name}" in [line.strip() for line in lines]
    assert all(stage in drawn for stage in STAGES)
    assert re.search(r"━ +\d+/\d+", drawn)
    assert re.search(r"\[1\] .*folder", drawn)
    assert "120 files" in drawn


def test_one_source_needs_no_name(kodit: KoditCommand, tmp_path: Path) -> None:
    """Its five lines stand alone, and each stage that is done keeps its count."""
    write_tree(tmp_path / "folder", files=40)

    code, drawn = seen_on_a_terminal(kodit, "index", tmp_path / "folder")

    assert code == 0, drawn
    assert "✓ /" not in drawn
    for stage in STAGES[1:]:
        counts = re.findall(rf"✓ {stage} .*?(\d+)/(\d+)", drawn)
        assert any(done == total != "0" for done, total in counts), stage


def test_a_stage_that_is_done_keeps_its_count(kodit: KoditCommand, tmp_path: Path) -> None:
    """The last stage too, though it ends with other things than enriching."""
    write_tree(tmp_path / "folder", files=9)
    kodit.succeed("index", tmp_path / "folder")

    tasks = {task["type"]: task for task in kodit.status()["run"]["tasks"]}

    done = tasks["ENRICH"]["progress"]
    assert done["operation"] == "ENRICH_SNIPPETS"
    assert done["current"] == done["total"] == kodit.status()["snippets"]
