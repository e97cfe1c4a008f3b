"""New credentials of an index are verified before they replace the old ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.command import KoditCommand, Outcome
from tests.support.snapshot import execute, read_rows

from kodit.application.services.source_service import IndexRequest
from kodit.composition import Application
from kodit.domain.entities import Index
from kodit.domain.source import Credentials
from kodit.settings import Settings

if TYPE_CHECKING:
    from tests.git.conftest import GitServer, MakeRepository

PASSWORD = "c0rrect-horse"  # noqa: S105 - of this test alone
CODE = {"a.py": "def quartz():\n    return 1\n"}


class Place:
    """A server that asks for a password, and the command with that password in a variable."""

    def __init__(self, server: GitServer, data_dir: Path) -> None:
        self.server = server
        self.url = server.url("origin/.git")
        self.kodit = KoditCommand(
            data_dir, TOKEN_OF_TEST=f"user:{PASSWORD}", KODIT_MAX_FAILURES="1"
        )

    def with_password(self, password: str) -> str:
        return self.server.url("origin/.git", f"user:{password}@")

    @property
    def references(self) -> list[str | None]:
        rows = read_rows(self.kodit.data_dir, "SELECT credentials FROM indexes")
        return [reference for (reference,) in rows]

    @property
    def kept(self) -> list[str]:
        return [f"file:{path.name}" for path in self.kodit.data_dir.glob("credentials/*")]

    def set_reference(self, reference: str) -> None:
        """As an earlier version stored any given text."""
        execute(self.kodit.data_dir, "UPDATE indexes SET credentials = ?", reference)

    def still_works(self) -> bool:
        """Whether the stored credentials still grant access."""
        self.kodit.succeed("index", self.url)
        return True


@pytest.fixture
def place(make_repository: MakeRepository, server: GitServer, tmp_path: Path) -> Place:
    make_repository().commit(CODE)
    server.password = PASSWORD
    return Place(server, tmp_path / "data")


def refused(outcome: Outcome, sentence: str) -> bool:
    """Whether a command failed with this one sentence, leaked no secret and printed no data."""
    assert (outcome.code, outcome.out) == (2, ""), outcome
    (said,) = outcome.said
    assert sentence in said
    assert PASSWORD not in outcome.err
    return True


@pytest.mark.parametrize(
    ("secret", "is_indexed"),
    [(f"user:{PASSWORD}", True), (PASSWORD, False), (f"file:{'0' * 32}", True), ("", False)],
)
def test_a_secret_in_place_of_its_name(place: Place, secret: str, is_indexed: bool) -> None:
    """It is neither stored nor repeated, and the stored one stays, even if its index is to be
    deleted.
    """
    if is_indexed:
        place.kodit.succeed("index", "--credentials", "env:TOKEN_OF_TEST", place.url)

    outcome = place.kodit.run("index", "--no-wait", "--credentials", secret, place.url)

    assert refused(outcome, "credentials must be given as env:NAME")
    assert place.references == (["env:TOKEN_OF_TEST"] if is_indexed else [])
    assert not any(
        PASSWORD.encode() in path.read_bytes()
        for path in place.kodit.data_dir.rglob("*")
        if path.is_file()
    )
    if is_indexed:
        assert place.still_works()
        place.kodit.succeed("delete", "1")
        assert place.kodit.ask("status")["indexes"] == []


def test_a_secret_in_place_of_its_name_for_a_folder(place: Place, tmp_path: Path) -> None:
    """A folder needs no credentials; the option is still validated."""
    outcome = place.kodit.run(
        "index", "--credentials", f"user:{PASSWORD}", tmp_path / "origin", place.url
    )
    assert refused(outcome, "credentials must be given as env:NAME")
    assert place.references == []


def test_a_variable_that_is_not_set(place: Place) -> None:
    """It replaces nothing."""
    place.kodit.succeed("index", "--credentials", "env:TOKEN_OF_TEST", place.url)
    outcome = place.kodit.run("index", "--no-wait", "--credentials", "env:NOPE_OF_TEST", place.url)
    assert refused(outcome, "the environment variable NOPE_OF_TEST holds no credentials")
    assert place.references == ["env:TOKEN_OF_TEST"]


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("way", ["in the URL", "in a variable"])
def test_credentials_that_are_not_accepted(place: Place, way: str, waits: bool) -> None:
    """Working ones are kept until others are accepted."""
    place.kodit.succeed("index", place.with_password(PASSWORD))
    before = place.references
    assert before == place.kept
    place.kodit.environment["WRONG_OF_TEST"] = "user:wrong"
    arguments = ["index"] if waits else ["index", "--no-wait"]
    if way == "in the URL":
        arguments.append(place.with_password("wrong"))
    else:
        arguments += ["--credentials", "env:WRONG_OF_TEST", place.url]

    outcome = place.kodit.run(*arguments)

    assert refused(outcome, f"{place.url} refuses access")
    assert "; --credentials env:NAME names a variable" in outcome.err
    assert (place.references, place.kept) == (before, before)
    assert place.still_works()


class _DeletesWhatItReveals:
    """A reader of sources; the index whose secret it has revealed is deleted a moment later."""

    def __init__(self, application: Application, loop: asyncio.AbstractEventLoop) -> None:
        self._application = application
        self._reader = application.engines.reader
        self._loop = loop
        self.deleted: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def reveal(self, index: Index) -> Credentials | None:
        credentials = self._reader.reveal(index)
        if not self.deleted:
            self.deleted.append(index.id)
            deletion = self._application.indexes.delete(index.id)
            asyncio.run_coroutine_threadsafe(deletion, self._loop).result(60)
        return credentials


@pytest.mark.parametrize("way", ["in the URL", "in a variable"])
def test_an_index_that_is_deleted_while_its_credentials_are_given_again(
    place: Place, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are stored with the index that takes its place."""
    monkeypatch.setenv("TOKEN_OF_TEST", f"user:{PASSWORD}")
    if way == "in the URL":
        request = IndexRequest([place.with_password(PASSWORD)])
    else:
        request = IndexRequest([place.url], credentials="env:TOKEN_OF_TEST")

    async def work(application: Application) -> None:
        await application.sources.add(request)
        reader = _DeletesWhatItReveals(application, asyncio.get_running_loop())
        monkeypatch.setattr(application.indexes, "_reader", reader)
        [run] = await application.sources.add(request)
        [index] = [status.summary.index for status in await application.indexes.status()]
        assert [index.id] == [run.index_id] != reader.deleted
        assert reader.reveal(index) == Credentials("user", PASSWORD)

    with Application(Settings.load({}, data_dir=place.kodit.data_dir)) as application:
        asyncio.run(work(application))


def test_credentials_that_cannot_be_verified(place: Place) -> None:
    """A server that is out of order has not accepted them."""
    place.kodit.succeed("index", place.with_password(PASSWORD))
    before = place.references
    place.server.mode = 503
    outcome = place.kodit.run("index", place.with_password("other"))
    assert refused(outcome, f"{place.url} cannot be reached")
    assert (place.references, place.kept) == (before, before)


def test_credentials_for_a_commit_are_tried_too(place: Place, tmp_path: Path) -> None:
    """Though a commit's id needs no look-up."""
    commit = (tmp_path / "origin/.git/refs/heads/main").read_text().strip()
    outcome = place.kodit.run("index", "--no-wait", f"{place.with_password('wrong')}@{commit}")
    assert refused(outcome, "refuses access")
    assert (place.references, place.kept) == ([], [])


def test_credentials_that_are_accepted(place: Place) -> None:
    """They replace the others, whose file goes; the same ones again change nothing."""
    place.kodit.succeed("index", place.with_password(PASSWORD))
    first = place.references
    place.kodit.succeed("index", place.with_password(PASSWORD))
    assert place.references == place.kept == first

    place.server.password = "new"  # noqa: S105
    place.kodit.succeed("index", place.with_password("new"))

    assert place.references == place.kept != first
    assert place.still_works()


def test_the_secret_of_an_index_that_could_not_be_stored(place: Place) -> None:
    """Its file is removed, whichever statement fails; nothing half-made is left."""
    place.kodit.succeed("status")
    for statement in ("INSERT", "UPDATE OF credentials"):
        execute(
            place.kodit.data_dir,
            f"CREATE TRIGGER refuse BEFORE {statement} ON indexes "
            "BEGIN SELECT RAISE(ABORT, 'refused by the test'); END",
        )
        outcome = place.kodit.run("index", "--no-wait", place.with_password(PASSWORD))
        assert outcome.code != 0
        assert (place.references, place.kept) == ([], [])
        execute(place.kodit.data_dir, "DROP TRIGGER refuse")


Harm = Callable[[Place], None]


def the_secret_itself_is_stored(place: Place) -> None:
    place.set_reference(f"user:{PASSWORD}")


def the_file_is_missing(place: Place) -> None:
    (path,) = place.kodit.data_dir.glob("credentials/*")
    path.unlink()


@pytest.mark.parametrize("harm", [the_secret_itself_is_stored, the_file_is_missing])
def test_doctor_finds_invalid_credentials(place: Place, harm: Harm) -> None:
    """It says how to replace them, which repairs the index, and repeats no secret."""
    place.kodit.succeed("index", place.with_password(PASSWORD))
    assert place.kodit.run("doctor").said == ["No problems were found."]
    harm(place)

    outcome = place.kodit.run("doctor", "--json")

    assert outcome.code == 1
    problems = [one for one in outcome.json()["problems"] if one["area"] == "credentials"]
    assert [one["index_id"] for one in problems] == [1]
    shown = place.kodit.run("doctor").out
    assert f"`kodit index {place.url}` does that, with --credentials env:NAME" in shown
    assert PASSWORD not in outcome.out + outcome.err + shown
    place.kodit.succeed("index", "--credentials", "env:TOKEN_OF_TEST", place.url)
    assert place.kodit.ask("doctor")["problems"] == []


def test_doctor_takes_a_stored_secret_out_of_the_database(place: Place) -> None:
    place.kodit.succeed("index", place.with_password(PASSWORD))
    the_secret_itself_is_stored(place)
    place.kodit.succeed("doctor", "--repair")
    assert place.references == [None]


@pytest.mark.parametrize("harm", [the_secret_itself_is_stored, the_file_is_missing])
def test_an_index_whose_credentials_are_none_can_be_deleted(place: Place, harm: Harm) -> None:
    """Now, or when a deletion that was cut short is finished."""
    for is_cut_short in (False, True):
        place.kodit.succeed("index", place.with_password(PASSWORD))
        harm(place)
        if is_cut_short:
            execute(place.kodit.data_dir, "UPDATE indexes SET deleted_at = 1")
            place.kodit.succeed("doctor", "--repair")
        else:
            place.kodit.succeed("delete", place.url)
        assert place.references == []
        for path in place.kodit.data_dir.glob("credentials/*"):
            path.unlink()  # of no index any more, since the row that named it was changed
