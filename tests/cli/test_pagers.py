"""The choice and the environment of the pager."""

from __future__ import annotations

import io
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kodit.faces.cli.terminal import pager, screen


@pytest.mark.parametrize(
    ("setting", "named", "has_less", "command"),
    [
        ("most", "more", True, "most"),
        ("", "more -x", True, "more -x"),
        ("", None, True, "less"),
        ("", None, False, None),
        ("", "", True, None),
        ("", " cat ", True, None),
        ("cat", "more", True, None),
        ("cat -n", None, False, "cat -n"),
    ],
)
def test_the_choice_of_a_pager(
    setting: str,
    named: str | None,
    has_less: bool,
    command: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: "/bin/less" if has_less else None)
    monkeypatch.delenv("PAGER", raising=False)
    if named is not None:
        monkeypatch.setenv("PAGER", named)
    assert pager._command(setting) == command


@pytest.mark.parametrize(
    ("text", "fits"),
    [("a\n" * 4, True), ("a\n" * 5, False), ("a" * 40, True), ("a" * 81 + "\n", False), ("", True)],
)
def test_what_fits_above_the_next_prompt(
    text: str, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "size", lambda: (20, 5))
    assert pager._fits(text) is fits


@pytest.fixture
def _usual_interrupts() -> Iterator[None]:
    """Whatever other tests of this process have left behind."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_usual_interrupts")
@pytest.mark.parametrize(("own", "told"), [(None, "FRX -c"), ("S", "S -c")])
def test_the_environment_of_a_pager(
    own: str | None, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's own settings win, and Ctrl-C is restored afterwards."""
    monkeypatch.delenv("LV", raising=False)
    monkeypatch.delenv("LESS", raising=False)
    if own is not None:
        monkeypatch.setenv("LESS", own)
    path = tmp_path / "told"
    assert pager._page("größe\n", f"cat > {path}; echo $LESS $LV >> {path}")
    assert path.read_text() == f"größe\n{told}\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert pager._page("kept", "kill -INT $PPID; cat > /dev/null")
    assert pager._page("lost", "true")
    assert pager._page("lost", "exit 1")
    assert not pager._page("kept", "exit 127")


def test_messages_before_any_output_are_written_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And later messages are held back."""
    said, output = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    afterwards = pager._Afterwards(output)
    afterwards.write("first")
    output.write("output")
    afterwards.write("second")
    assert (said.getvalue(), afterwards.getvalue()) == ("first", "second")
