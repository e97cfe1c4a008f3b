"""Lines of a result with their numbers: cut to the width of a terminal, and whole elsewhere."""

from __future__ import annotations

import pytest

from kodit.application.views.search import ResultView
from kodit.faces.cli.terminal import screen
from kodit.faces.cli.terminal.places import Places
from kodit.faces.cli.terminal.results import Layout, _show_numbered
from kodit.faces.cli.terminal.screen import Color

RESULT = ResultView(
    *(1, "/s", "a.py", None, 7, 12, "python", "pay", "method", "Cart", 0.5, "", False)
)


@pytest.mark.parametrize(
    ("is_terminal", "first", "lines"),
    [
        (True, 7, ["    7  short", f"    8  {'x' * 22}…"]),
        (True, 99, ["     99  short", f"    100  {'x' * 20}…"]),
        (False, 7, ["    7  short", f"    8  {'x' * 90}"]),
    ],
)
def test_the_width_of_lines(
    is_terminal: bool,
    first: int,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(screen._options, "color", Color.NEVER)
    monkeypatch.setattr(screen, "is_terminal", lambda: is_terminal)
    monkeypatch.setattr(screen, "size", lambda: (30, 20))
    _show_numbered(RESULT, ["short", "x" * 90], range(2), first, Layout(Places(None)))
    assert capsys.readouterr().out.splitlines() == lines
