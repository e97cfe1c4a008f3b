"""One `Kodit` for many threads, which read, index, delete and cancel at the same time."""

from __future__ import annotations

from pathlib import Path

from benchmarks.threads import play


def test_reads_are_those_of_a_single_thread(tmp_path: Path) -> None:
    """On unchanged indexes; on the others only errors caused by a caller occur."""
    outcome = play(tmp_path, threads=16, calls=160, workers=1)

    assert outcome.errors == []
    assert outcome.differing == []
    assert {"search", "grep", "list", "read", "symbols", "status"} <= set(outcome.calls)
