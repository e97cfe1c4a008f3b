"""Whoever waits for another process to write looks by itself where the system cannot tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from kodit.infrastructure import inotify, wake_up


@pytest.mark.parametrize("fails", ["__init__", "add"])
def test_a_system_without_watches_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    """Nothing stays open of a watch that could not be set."""
    closed = []

    def fail(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    close = inotify.Inotify.close

    def note(self: inotify.Inotify) -> None:
        closed.append(self)
        close(self)

    monkeypatch.setattr(inotify.Inotify, fails, fail)
    monkeypatch.setattr(inotify.Inotify, "close", note)
    assert wake_up._writes_below(tmp_path) is None
    assert len(closed) == (1 if fails == "add" else 0)


def test_another_system_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert wake_up._writes_below(tmp_path) is None
