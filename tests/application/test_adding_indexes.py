"""The secrets of added sources, and the deletion of indexes: with a reader that records its calls,
over a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, cast

import pytest
from tests.queue.databases import sqlite_database
from tests.queue.requests import NOW

from kodit.application.services.index_removal import IndexRemoval
from kodit.application.services.index_service import IndexService, SourceRequest
from kodit.application.services.queue_service import QueueService
from kodit.domain.entities import Index, IndexedFile, IndexRun, Task
from kodit.domain.errors import RefusedByPolicyError, SecretElsewhereError, SourceError
from kodit.domain.policy import CallerPolicy
from kodit.domain.ports.engines import KeywordIndex, VectorIndex
from kodit.domain.ports.sources import SourceReader
from kodit.domain.retention import UnusedRetention
from kodit.domain.source import Credentials
from kodit.domain.value_objects import (
    FileProcessingStatus,
    QueuePriority,
    Source,
    SourceKind,
    TaskType,
)
from kodit.infrastructure.memory import ManualClock
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase

SOURCE = Source(SourceKind.GIT, "https://git.example.org/x")
ADA, BOB = Credentials("ada", "1"), Credentials("bob", "2")
Note = tuple[object, ...]


class NotingReader:
    """Keeps secrets in memory."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.kept: dict[str, Credentials] = {"env:ADA": ADA, "env:BOB": BOB}
        self.fault: Exception | None = None

    def take(self) -> list[Note]:
        """What was asked since the last time."""
        notes, self.notes = self.notes, []
        return notes

    def named(self, reference: str) -> Credentials:
        return self.kept[reference]

    async def check(
        self,
        _source: Source,
        credentials: Credentials | None,
        *,
        is_confined: bool = False,
        is_remote: bool = False,
    ) -> None:
        self.notes.append(("check", credentials, is_confined))
        if self.fault is not None:
            raise self.fault

    def bind(self, reference: str, _source: Source) -> None:
        self.notes.append(("bind", reference))

    def keep(self, credentials: Credentials, _source: Source) -> str:
        reference = f"file:{len(self.kept)}"
        self.kept[reference] = credentials
        return reference

    def reveal(self, index: Index) -> Credentials | None:
        if index.credentials not in self.kept and index.credentials is not None:
            raise SourceError("it is not there")
        return None if index.credentials is None else self.kept[index.credentials]

    def hand_over(self, index: Index) -> None:
        self.notes.append(("hand over", index.credentials))

    def forget(self, reference: str) -> None:
        self.notes.append(("forget", reference))
        if reference.startswith("file:"):
            del self.kept[reference]

    def discard(self, index: Index) -> None:
        self.notes.append(("discard", index.id))


class FailingEngine:
    """An engine that fails to drop some indexes."""

    def __init__(self) -> None:
        self.fails_for: set[int] = set()

    async def drop(self, index_id: int, _generation: str | None) -> None:
        if index_id in self.fails_for:
            raise OSError("busy")


class NoVectors:
    def drop(self, _index_id: int) -> None:
        """There are no packs."""


class Hosts:
    """Every host is at this address."""

    address = "93.184.216.34"

    def addresses(self, _host: str) -> Sequence[str]:
        return [self.address]


class Desk:
    """The services that add and delete indexes."""

    def __init__(self, database: SqliteDatabase) -> None:
        self.database = database
        self.reader = NotingReader()
        self.hosts = Hosts()
        self.engine = FailingEngine()
        clock = ManualClock(NOW)
        self.queue = QueueService(database=database, clock=clock, wake_up=Silent())
        self.indexes = IndexService(
            database=database,
            queue=self.queue,
            reader=cast(SourceReader, self.reader),
            hosts=self.hosts,
            removal=IndexRemoval(
                database=database,
                reader=cast(SourceReader, self.reader),
                keyword_index=cast(KeywordIndex, self.engine),
                vector_index=cast(VectorIndex, NoVectors()),
                clock=clock,
                retention=UnusedRetention(),
            ),
            clock=clock,
        )

    def add(self, policy: CallerPolicy | None = None, **asked: Any) -> Index:
        request = SourceRequest(SOURCE, **asked)
        policies = () if policy is None else (policy,)
        [index] = asyncio.run(self.indexes.add([request], *policies))
        return index

    def finished_run(self, index: Index, *, refused: bool, failures: int = 0) -> IndexRun:
        """A run of an index whose first scan has ended."""

        async def run() -> IndexRun:
            run = await self.queue.request_run(index.id, QueuePriority.USER_INITIATED)
            task = await self.queue.claim("ada")
            assert task is not None
            if refused:
                await self.queue.fail(task.claim, "there is no such thing")
            else:
                await self.queue.complete(task.claim, nothing_to_do=True)
            [found] = await self.queue.get_runs([run.id])
            return found

        found = asyncio.run(run())
        _sync_of(found).failures = failures
        return found


class Silent:
    def notify(self) -> None:
        """Nobody waits."""


def _sync_of(run: IndexRun) -> Task:
    return next(task for task in run.tasks if task.type is TaskType.SYNC)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with sqlite_database(tmp_path) as database:
        yield Desk(database)


def test_what_is_known_is_not_tried_again(desk: Desk) -> None:
    index = desk.add(credentials=ADA)
    assert desk.reader.take() == [("check", ADA, False), ("hand over", index.credentials)]
    for same in ({}, {"credentials": ADA}, {"reference": index.credentials}):
        assert desk.add(**same).credentials == index.credentials
        assert desk.reader.take() == [("hand over", index.credentials)]


@pytest.mark.parametrize(
    "error", [SourceError("it is not there"), SecretElsewhereError("another host has it")]
)
def test_credentials_that_are_not_there_any_more_are_tried_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """As if they were others."""
    desk.add(credentials=ADA)
    desk.reader.take()

    def fail(_self: NotingReader, _index: Index) -> NoReturn:
        raise error

    monkeypatch.setattr(NotingReader, "reveal", fail)
    again = desk.add(credentials=ADA).credentials
    assert again is not None
    assert desk.reader.kept[again] == ADA
    assert ("check", ADA, False) in desk.reader.take()


def test_other_credentials_take_the_place_of_the_former(desk: Desk) -> None:
    """After they were checked; the file of the former ones is then removed."""
    first = desk.add(credentials=ADA).credentials
    desk.reader.take()
    second = desk.add(credentials=BOB).credentials
    assert second != first
    assert desk.reader.take() == [
        ("check", BOB, False),
        ("forget", first),
        ("hand over", second),
    ]
    third = desk.add(reference="env:ADA").credentials
    assert third == "env:ADA"
    assert desk.reader.take() == [
        ("check", ADA, False),
        ("bind", "env:ADA"),
        ("forget", second),
        ("hand over", "env:ADA"),
    ]
    assert desk.add(reference="env:BOB").credentials == "env:BOB"
    assert ("check", BOB, False) in desk.reader.take()
    desk.reader.fault = SourceError("refused")
    with pytest.raises(SourceError):
        desk.add(credentials=ADA)
    assert [one.credentials for one in asyncio.run(_all(desk))] == ["env:BOB"]
    assert desk.reader.kept.keys() == {"env:ADA", "env:BOB"}


async def _all(desk: Desk) -> list[Index]:
    return [status.summary.index for status in await desk.indexes.status()]


def test_a_secret_of_an_index_that_cannot_be_stored_is_not_kept(desk: Desk) -> None:
    with desk.database.write() as transaction:
        transaction.connection.exec_driver_sql(
            "CREATE TRIGGER no BEFORE INSERT ON indexes BEGIN SELECT RAISE(FAIL, 'no'); END"
        )
    with pytest.raises(Exception, match="rejects what Kodit stores"):
        desk.add(credentials=ADA)
    assert desk.reader.kept.keys() == {"env:ADA", "env:BOB"}


def test_what_somebody_far_away_adds_is_confined(desk: Desk) -> None:
    """Until the user of the machine adds it; a name that resolves to a private address is
    refused."""
    remote = CallerPolicy()
    desk.hosts.address = "10.0.0.1"
    with pytest.raises(RefusedByPolicyError):
        desk.add(remote)
    with pytest.raises(RefusedByPolicyError):
        desk.add(remote, reference="env:ADA")
    assert (desk.reader.take(), asyncio.run(_all(desk))) == ([], [])

    desk.hosts.address = "93.184.216.34"
    assert desk.add(remote).is_confined
    assert desk.reader.take() == [("check", None, True)]
    assert desk.add(remote).is_confined
    assert not desk.add().is_confined
    assert not desk.add(remote).is_confined


def test_an_interval_of_nought_is_one(desk: Desk) -> None:
    """It means never; without an interval, the former one is kept."""
    assert desk.add(sync_every=60).sync_every == 60
    assert desk.add(include=("*.py",)).sync_every == 60
    index = desk.add(sync_every=0)
    assert (index.sync_every, index.source.include) == (0, ("*.py",))
    assert desk.add(include=()).source.include == ()


def test_submodules_are_kept_until_changed(desk: Desk) -> None:
    """Only an explicit value changes the setting."""
    assert not desk.add().source.submodules
    assert desk.add(submodules=True).source.submodules
    assert desk.add(include=("*.py",)).source.submodules
    assert not desk.add(submodules=False).source.submodules


def test_indexes_are_listed_after_one(desk: Desk) -> None:
    with desk.database.write() as transaction:
        for number in range(4):
            transaction.indexes.add(Source(SourceKind.FOLDER, f"/{number}"), NOW)

    def listed(*index_ids: int, **page: int) -> list[int]:
        return [one.id for one in asyncio.run(desk.indexes.status(index_ids, **page))]

    assert listed() == [1, 2, 3, 4]
    assert listed(after=2) == [3, 4]
    assert listed(after=1, limit=2) == [2, 3]
    assert listed(2, 4, after=2) == [4]


@pytest.mark.parametrize(
    ("refused", "failures", "then", "is_withdrawn"),
    [
        (True, 0, "nothing", True),
        (False, 0, "nothing", False),
        (True, 1, "nothing", False),  # the last of what might have passed
        (True, 0, "another run", False),
        (True, 0, "files", False),
    ],
)
def test_an_index_is_withdrawn_that_never_was_one(
    desk: Desk, then: str, *, refused: bool, failures: int, is_withdrawn: bool
) -> None:
    """If the source was refused for good at its first scan."""
    index = desk.add()
    run = desk.finished_run(index, refused=refused, failures=failures)
    if then == "another run":
        asyncio.run(desk.queue.request_run(index.id, QueuePriority.USER_INITIATED))
    if then == "files":
        with desk.database.write() as transaction:
            file = IndexedFile(0, "a.py", "0" * 40, FileProcessingStatus.ADDED)
            transaction.indexes.add_files(index.id, [file])
    told = asyncio.run(desk.indexes.withdraw(run))
    assert told == ("there is no such thing" if is_withdrawn else None)
    assert bool(asyncio.run(_all(desk))) is not is_withdrawn
    assert (("discard", index.id) in desk.reader.take()) is is_withdrawn


def test_a_deletion_that_fails_is_tried_again_and_holds_up_no_other(desk: Desk) -> None:
    with desk.database.write() as transaction:
        for number in (1, 2):
            transaction.indexes.add(Source(SourceKind.FOLDER, f"/{number}"), NOW)
            transaction.indexes.mark_deleted(number, NOW)
    desk.engine.fails_for = {1}
    asyncio.run(desk.indexes.finish_deletions())
    with desk.database.read() as transaction:
        assert [index.id for index in transaction.indexes.deleted()] == [1]
    assert desk.reader.take() == [("discard", 1), ("discard", 2)]
    desk.engine.fails_for = set()
    asyncio.run(desk.indexes.finish_deletions())
    assert desk.reader.take() == [("discard", 1)]
    with desk.database.read() as transaction:
        assert transaction.indexes.deleted() == []
