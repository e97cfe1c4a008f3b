"""The whole output of a command that indexes, in a log and on a terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from tests.support.command import PATIENCE_SECONDS, KoditCommand, without_controls
from tests.support.sources import commit_all, write_tree

STAGES = ("SYNC", "EXTRACT", "BM25_INDEX", "CODE_EMBEDDINGS", "ENRICH")


def test_indexing_into_a_log(kodit: KoditCommand, tmp_path: Path) -> None:
    """Each stage reports its end, and a run without changes only its result."""
    write_tree(tmp_path / "folder", files=9)

    first = kodit.succeed("index", tmp_path / "folder")

    assert first.err.splitlines()[0] == f"[1] indexing {tmp_path / 'folder'}"
    ended = {line.split()[1] for line in first.err.splitlines() if " done" in line}
    assert ended == set(STAGES)
    assert re.match(r"\[1\] .*folder: 9 files, \d+ snippets in ", first.out)
    again = kodit.succeed("index", tmp_path / "folder")
    assert [line.split()[1] for line in again.err.splitlines()] == ["indexing", "SYNC"]


def test_indexing_on_a_terminal(kodit: KoditCommand, tmp_path: Path) -> None:
    """Each source ends with a sign of success, and the summary stays."""
    write_tree(tmp_path / "folder", files=12)
    write_tree(tmp_path / "repository", files=4)
    commit_all(tmp_path / "repository")
    url = (tmp_path / "repository").as_uri()

    code, drawn = seen_on_a_terminal(kodit, "index", tmp_path / "folder", url)

    assert code == 0, drawn
    lines = [line.strip() for line in drawn.splitlines()]
    for name in (tmp_path / "folder", url):
        assert any(
            re.fullmatch(f"✓ {re.escape(str(name))}  [0-9.]+ (s|min .*)", one) for one in lines
        )
    assert re.search(r"\[1\] .*folder: 12 files, \d+ snippets in [0-9.]+ (s|min)", drawn)
    assert "12 files" in drawn


def test_indexing_one_source_on_a_terminal(kodit: KoditCommand, tmp_path: Path) -> None:
    """Each completed stage keeps its count."""
    write_tree(tmp_path / "folder", files=40)

    code, drawn = seen_on_a_terminal(kodit, "index", tmp_path / "folder")

    assert code == 0, drawn
    assert f"✓ {tmp_path / 'folder'}  " in drawn
    for stage in STAGES[1:]:
        counts = re.findall(rf"✓ {stage} .*?(\d+)/(\d+)", drawn)
        assert any(done == total != "0" for done, total in counts), stage


def seen_on_a_terminal(kodit: KoditCommand, *arguments: str | Path) -> tuple[int, str]:
    """Run the command on a terminal of its own; returns its exit status and all output."""
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
    return process.wait(PATIENCE_SECONDS), without_controls(drawn.decode())


def test_a_stage_that_is_done_keeps_its_count(kodit: KoditCommand, tmp_path: Path) -> None:
    """The last stage too, although it ends with work other than enriching."""
    write_tree(tmp_path / "folder", files=9)
    kodit.succeed("index", tmp_path / "folder")

    tasks = {task["type"]: task for task in kodit.status()["run"]["tasks"]}

    done = tasks["ENRICH"]["progress"]
    assert done["operation"] == "ENRICH_SNIPPETS"
    assert done["current"] == done["total"] == kodit.status()["snippets"]


def test_a_repository_by_its_address_and_by_its_folder(kodit: KoditCommand, tmp_path: Path) -> None:
    """It is one index, and nothing of it was deleted."""
    write_tree(tmp_path / "repository", files=2)
    commit_all(tmp_path / "repository")
    url = (tmp_path / "repository").as_uri()

    outcome = kodit.succeed("index", url, tmp_path / "repository")

    assert re.fullmatch(rf"\[1\] {re.escape(url)}: 2 files, .*\n", outcome.out)
    assert "deleted" not in outcome.err
