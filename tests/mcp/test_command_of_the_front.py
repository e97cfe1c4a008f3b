"""The command line of the front, and its folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kodit.front import main as front_main
from kodit.front import stdio


def test_the_folder_that_a_client_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every link resolved; the current folder for an invalid one, such as a variable."""
    (tmp_path / "place").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "place")
    monkeypatch.setenv("HOME", str(tmp_path / "link"))
    monkeypatch.chdir(tmp_path)
    place = str((tmp_path / "place").resolve())
    assert [front_main._folder(name) for name in ("link", "~")] == [place, place]
    for name in ("${workspaceFolder}", "missing", "", None):
        assert front_main._folder(name) == str(tmp_path.resolve())
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert front_main._folder(None) is None
    assert front_main._folder("~") == place
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("arguments", [["--data-dir"], ["--folder"], ["--port=1"], ["serve"]])
def test_a_command_line_that_is_none(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        front_main.main(arguments)
    assert ended.value.code == 2
    assert "does not accept" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_comes_before_all_else(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        front_main.main(["--folder", "x", option, "--nothing"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == front_main.USAGE


def test_options_of_the_front(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value may be empty, and the last one counts. It ends without waiting for its threads."""
    made: list[tuple[str | None, str | None]] = []
    ended: list[int] = []
    outcome: list[BaseException] = []

    def serve(resident: Callable[[], object]) -> None:
        resident()
        if outcome:
            raise outcome.pop()

    def leave(status: int) -> None:
        ended.append(status)
        raise SystemExit

    monkeypatch.setattr(stdio, "serve", serve)
    monkeypatch.setattr(front_main, "_resident", lambda *named: made.append(named))
    monkeypatch.setattr("kodit.front.main.os._exit", leave)
    for arguments in (
        [],
        ["--data-dir=a=b", "--folder", "c"],
        ["--data-dir", "a", "--data-dir="],
        ["--folder", "--data-dir"],
    ):
        with pytest.raises(SystemExit):
            front_main.main(arguments)
    assert made == [(None, None), ("a=b", "c"), ("", None), (None, "--data-dir")]
    outcome.append(KeyboardInterrupt())
    with pytest.raises(SystemExit):
        front_main.main([])
    assert ended == [0, 0, 0, 0, 130]
