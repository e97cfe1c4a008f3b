"""The steps of a move from a file to a file, one by one: what each refuses and leaves alone."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from tests.database.content import Content, change
from tests.moving.places import TABLES
from tests.queue.databases import sqlite_database

from kodit.application.services.move_service import MoveService
from kodit.domain.errors import PermanentError, TransientError, UserError
from kodit.domain.moving import Move
from kodit.domain.this_host import ThisHost
from kodit.infrastructure.locks import open_lock_file, try_lock
from kodit.infrastructure.moving import records
from kodit.infrastructure.moving.records import MoveRecord, MoveRole, write_record
from kodit.infrastructure.moving.sqlite_file import FILE, MOVING_FILE
from kodit.infrastructure.moving.sqlite_file import SqliteMoveSource as Source
from kodit.infrastructure.moving.sqlite_file import SqliteMoveTarget as Target
from kodit.infrastructure.processes.worker_registry import FileWorkerRegistry
from kodit.infrastructure.resident.place import LOCK_FILE
from kodit.infrastructure.sql.moving import MOVES
from kodit.infrastructure.sql.revision import HEAD
from kodit.infrastructure.sqlalchemy import sqlite_dialect

HERE = ThisHost("here")
Rows = list[tuple[object, ...]]


def nothing(*_told: object) -> None:
    """Nobody wants to know."""


def rows(path: Path, query: str) -> Rows:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def all_rows(path: Path) -> dict[str, Rows]:
    """By table."""
    return {one.name: rows(path, f"SELECT * FROM {one.name}") for one in TABLES}  # noqa: S608


class Ends:
    """A data directory with two indexes, of which one was deleted, and an empty one."""

    def __init__(self, folder: Path, opened: ExitStack) -> None:
        self.old, self.new = folder / "old", folder / "new"
        for place in (self.old, self.new):
            place.mkdir()
        with sqlite_database(self.old) as database, database.write() as transaction:
            Content(transaction, "/content").replace(a=["one", "two"], b=["three"])
            gone = Content(transaction, "/gone", "")
            change(transaction, "DELETE FROM indexes WHERE id = ?", gone.id)
            change(transaction, "UPDATE indexes SET host = ?", HERE.name)
            self.last_id = gone.id
        self._opened = opened

    def source(self, kind: type[Source] = Source) -> Source:
        source = kind(self.old, "the other place")
        self._opened.callback(source.close)
        return source

    def target(self) -> Target:
        target = Target(self.new, HERE)
        self._opened.callback(target.close)
        return target

    def move(self) -> Move:
        return MoveService(self.source(), self.target()).move(nothing)

    def begin(self) -> str:
        """Begin a move; returns its token."""
        source, target = self.source(), self.target()
        token = source.freeze(target.full_place)
        target.begin(token, source.full_place)
        target.close()
        return token


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[Ends]:
    with ExitStack() as opened:
        yield Ends(tmp_path, opened)


@contextmanager
def noted(path: Path) -> Iterator[Callable[[MoveRecord], object]]:
    """Changes what a database says of its move."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"DROP TABLE IF EXISTS {MOVES}")
        connection.execute(records.MAKE_MOVES)
        yield lambda record: write_record(connection.execute, record)


def test_everything_is_there_afterwards(ends: Ends) -> None:
    """Except for the host: a file belongs to its machine alone. A number that was in use is not
    given again."""
    before = all_rows(ends.old / FILE)
    moved = ends.move()
    after = all_rows(ends.new / FILE)
    assert {one.name: one.rows for one in moved.tables} == {
        name: len(found) for name, found in after.items()
    }
    assert {name for name in before if before[name] != after[name]} == {"indexes"}
    assert rows(ends.new / FILE, "SELECT location, host FROM indexes") == [("/content", "")]
    last = "SELECT seq FROM sqlite_sequence WHERE name = 'indexes'"
    assert rows(ends.new / FILE, last) == [(ends.last_id,)]


def test_a_file_that_is_being_read_keeps_its_name(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its log would be lost. The move is completed when nobody reads it."""
    before = all_rows(ends.old / FILE)
    monkeypatch.setattr(sqlite_dialect, "WRITE_TIMEOUT_SECONDS", 0.05)
    with closing(sqlite3.connect(ends.old / FILE)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM indexes").fetchone()
        with pytest.raises(
            TransientError, match=r"kodit\.db is being read by another process; try"
        ):
            ends.move()
        assert (ends.old / FILE).exists()
        assert all_rows(ends.old / FILE) == before
    ends.move()
    assert not (ends.old / FILE).exists()
    assert all_rows(ends.old / f"{FILE}.moved") == before


def test_what_another_move_has_stored_is_left_alone(ends: Ends) -> None:
    token = ends.begin()
    unfinished = ends.new / MOVING_FILE
    for of_another in ("of another move", token[:-1]):
        ends.target().clear(of_another)
        assert unfinished.exists()
    ends.target().clear(token)
    assert not list(ends.new.glob("kodit*"))
    ends.target().clear(token)


@pytest.mark.parametrize("token", [None, "of another move"])
def test_an_unfinished_target_of_another_move_is_refused(ends: Ends, token: str | None) -> None:
    own = ends.begin()
    with pytest.raises(UserError, match=r"is from an unfinished move of .*kodit\.db; choose"):
        ends.target().refuse_occupied(token)
    ends.target().refuse_occupied(own)


def test_a_file_that_is_no_target_of_this_move_is_refused(ends: Ends) -> None:
    """Nor is one that is its source, or that of another move."""
    with sqlite_database(ends.new):
        pass
    target = ends.target()
    for record in (
        MoveRecord("own", MoveRole.SOURCE, "there"),
        MoveRecord("another", MoveRole.TARGET, "there"),
    ):
        with noted(ends.new / FILE) as note:
            note(record)
        assert not target.knows("own")
        with pytest.raises(UserError, match="exists already"):
            target.refuse_occupied("own")
    with noted(ends.new / FILE) as note:
        note(MoveRecord("own", MoveRole.TARGET, "there"))
    assert target.knows("own")
    target.refuse_occupied("own")


def test_all_who_use_a_file_are_named(ends: Ends) -> None:
    """A worker does not hide a server, nor the other way round."""
    source = ends.source()
    source.refuse_users()
    server = open_lock_file(ends.old / LOCK_FILE)
    assert try_lock(server)
    with pytest.raises(UserError, match=r"kodit\.db is in use by a server; stop it"):
        source.refuse_users()
    registry = FileWorkerRegistry(ends.old / "workers")
    name = registry.enter()
    with pytest.raises(UserError, match=f"is in use by a server, the worker {name}; stop it"):
        source.refuse_users()
    os.close(server)
    with pytest.raises(UserError, match=f"is in use by the worker {name}; stop it"):
        source.refuse_users()
    registry.leave()
    source.refuse_users()


def test_what_may_be_in_use_already_is_not_given_up(ends: Ends) -> None:
    """Even if the target is not to be seen."""
    ends.begin()
    source = ends.source()
    source.note_ending()
    for path in ends.new.glob("kodit*"):
        path.unlink()
    with pytest.raises(UserError, match="complete the move instead") as refused:
        MoveService(source, ends.target()).give_up()
    assert refused.value.code == "move_ending"


class LosesRows(Source):
    """More rows are counted than are read."""

    def count(self, table: str) -> int:
        return super().count(table) + 1


def test_rows_that_were_not_read_are_missed(ends: Ends) -> None:
    source = ends.source(LosesRows)
    with pytest.raises(PermanentError, match="has 0 rows where the source has 1; nothing was"):
        MoveService(source, ends.target()).move(nothing)
    assert source.standing() is not None


@pytest.mark.parametrize("revision", ["0001", "9999"])
def test_a_move_between_other_tables_is_refused(ends: Ends, revision: str) -> None:
    """Whether they are older or newer."""
    token = ends.begin()
    assert revision != HEAD
    source, target = ends.source(), ends.target()
    with noted(ends.old / FILE) as note:
        note(MoveRecord(token, MoveRole.SOURCE, target.full_place, revision))
    with pytest.raises(UserError, match="by another version of Kodit") as refused:
        source.freeze(target.full_place)
    assert (refused.value.code, refused.value.fields) == (
        "move_of_another_version",
        {"database": source.place},
    )


def test_a_file_that_is_refused_is_let_go(ends: Ends) -> None:
    """Nothing of it stays open."""
    with noted(ends.old / FILE) as note:
        note(MoveRecord("another", MoveRole.TARGET, "there"))

    def opened() -> list[str]:
        files = [one.readlink() for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]
        return [str(one) for one in files if one.is_relative_to(ends.old)]

    before = opened()
    with pytest.raises(UserError) as refused:
        Source(ends.old, "the other place")
    assert opened() == before
    assert refused.value.code
