"""A served folder stays up to date, with real processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import KoditCommand, wait_until
from tests.support.server import RunningServer
from tests.support.sources import python_function, write_file

from kodit.domain.questions import LONGEST_WAIT_SECONDS
from kodit.faces.cli.terminal import searching


def save(folder: Path, name: str) -> None:
    write_file(folder / f"{name}.py", python_function(name, ["cart", "price", "tax"]))


def test_files_saved_before_and_while_it_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search waits for files saved just before it."""
    folder = tmp_path / "source"
    save(folder, "before_all")
    command = KoditCommand(tmp_path / "data", KODIT_SOURCES=str(folder))

    def is_found(name: str) -> bool:
        answer = command.run_here("search", name, "--mode", "keyword", "--json").json()
        return any(f"def {name}(" in one["text"] for one in answer["results"])

    with RunningServer(command, "--no-tcp"):
        wait_until(lambda: is_found("before_all"))
        save(folder, "while_served")
        wait_until(lambda: is_found("while_served"))
        monkeypatch.setattr(searching, "WAIT_SECONDS", LONGEST_WAIT_SECONDS)
        save(folder, "just_now")
        assert is_found("just_now")
    save(folder, "while_stopped")
    command = KoditCommand(tmp_path / "data")
    with RunningServer(command, "--no-tcp") as server:
        wait_until(lambda: is_found("while_stopped"))
    assert server.process.returncode == 0
    assert "Traceback" not in server.log


def test_changes_not_indexed_yet_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search waits a moment, and then says what its answer lacks."""
    folder = tmp_path.resolve() / "source"
    save(folder, "before_all")
    command = KoditCommand(tmp_path / "data")
    command.succeed("index", folder)
    monkeypatch.chdir(folder)
    with RunningServer(command, "--no-tcp", "--no-worker"):
        save(folder, "just_now")
        told = "1 file has changed since; the server is about to index that."
        wait_until(lambda: told in command.run_here("search", "just_now").said)
        assert told in command.run_here("symbols", "just_now").said
