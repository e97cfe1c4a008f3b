"""A move is killed at every point where anything changes, and continued each time."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.moving.places import Place

from kodit.domain.moving import Row, RowBatch
from kodit.infrastructure.moving import server, sqlite_file, tables

CHANGES = (
    *("freeze", "note_ending", "retire"),
    *("begin", "add", "set_last_ids", "publish", "finish"),
)


class Killer:
    """Kills this process at the first point where none was killed before."""

    def __init__(self, record: Path, data_dir: Path) -> None:
        self._record = record
        self._folder = str(data_dir)
        self._earlier = set(record.read_text().splitlines()) if record.exists() else set()

    def reach(self, point: str) -> None:
        if point not in self._earlier:
            with self._record.open("a") as file:
                file.write(f"{point}\n")
            os.kill(os.getpid(), signal.SIGKILL)

    def hear(self, event: str, values: tuple[Any, ...]) -> None:
        """Of a file that is about to be renamed or removed."""
        if event in ("os.rename", "os.remove") and str(values[0]).startswith(self._folder):
            self.reach(f"{event} {Path(values[0]).name}")

    def watch(self, kind: type[Any]) -> None:
        """Points before and after each change that an end of the move makes."""
        for name in CHANGES:
            if hasattr(kind, name):
                setattr(kind, name, self._watched(name, getattr(kind, name)))

    def _watched(self, name: str, method: Any) -> Any:
        def watched(end: Any, *values: Any) -> Any:
            about = f"{name} {values[0] if name == 'add' else ''}"
            self.reach(f"before {about}")
            if name == "add":
                table, batch, progress = values
                rows = DeadlyRows(batch.rows, self, f"within {about}")
                values = table, RowBatch(rows, batch.last_key), progress
            result = method(end, *values)
            self.reach(f"after {about}")
            return result

        return watched


class DeadlyRows(Sequence[Row]):
    """Rows of which only one can be stored, the first time."""

    def __init__(self, rows: Sequence[Row], killer: Killer, point: str) -> None:
        self._rows, self._killer, self._point = rows, killer, point

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, at: Any) -> Any:
        return self._rows[at]

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            yield row
            self._killer.reach(self._point)


def move_until_killed(place: Place, to: str, record: Path) -> bool:
    """Whether it was; an error of the child fails the test."""
    child = os.fork()
    if not child:
        try:
            killer = Killer(record, place.data_dir)
            sys.addaudithook(killer.hear)
            for kind in (
                *(sqlite_file.SqliteMoveSource, sqlite_file.SqliteMoveTarget),
                *(server.ServerMoveSource, server.ServerMoveTarget),
            ):
                killer.watch(kind)
            place.move(to)
        except BaseException:  # noqa: BLE001 - shown, and told to the parent
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert ended in (0, -signal.SIGKILL)
    return ended != 0


def test_a_move_may_be_killed_anywhere(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There and back. At no point can both databases be changed, and in the end the rows are the
    same."""
    monkeypatch.setattr(tables, "MOST_ROWS", 7)
    for module in (server, sqlite_file):
        monkeypatch.setattr(module, "ROWS_PER_FETCH", 7)
    before = place.rows_of_file()
    there, back = tmp_path / "there", tmp_path / "back"
    while move_until_killed(place, "postgresql", there):
        assert not (place.file_takes_changes and place.server_takes_changes)
    assert place.rows_on_server() == before
    assert place.server_takes_changes
    assert not place.file_takes_changes
    while move_until_killed(place, "sqlite", back):
        assert not (place.file_takes_changes and place.server_takes_changes)
    assert place.rows_of_file() == before
    assert place.file_takes_changes
    assert not place.server_takes_changes
    for record in (there, back):
        points = record.read_text()
        for point in (*CHANGES, "within add snippets", "os.rename kodit.db"):
            assert point in points
