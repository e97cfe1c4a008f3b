"""Sources that a caller over the network has added are fetched only from hosts of the public
internet, whatever their names resolve to later."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.git.conftest import make_repository, make_server
from tests.support.serving import ServingKodit, failed_task
from tests.support.snapshot import execute, read_rows

from kodit.application.services.index_service import SourceRequest
from kodit.composition import Application
from kodit.composition.engines import Engines
from kodit.composition.made_once import made_once
from kodit.domain.errors import RefusedByPolicyError, SourceError, TransientError
from kodit.domain.policy import LOCAL, CallerPolicy
from kodit.domain.ports.hosts import HostResolver
from kodit.domain.ports.sources import SourceReader
from kodit.domain.report import ignore_report
from kodit.domain.source import Credentials
from kodit.domain.value_objects import QueuePriority, RunState, Source, SourceKind
from kodit.infrastructure.git.confinement import confined_to_public_hosts, connected_to
from kodit.infrastructure.git.remote import look_up
from kodit.infrastructure.git.runner import git_command
from kodit.infrastructure.processes.pool import ProcessPool
from kodit.infrastructure.sources.parsing import parse_source
from kodit.infrastructure.sources.source_reader import PooledSourceReader

if TYPE_CHECKING:
    from tests.git.conftest import GitServer, MakeRepository

__all__ = ["make_repository", "make_server"]

CODE = {"a.py": "def quartz():\n    return 1\n"}


class Answering:
    """A resolver that gives one answer."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    def addresses(self, host: str) -> Sequence[str]:
        return self._addresses


def git_source(location: str) -> Source:
    return Source(SourceKind.GIT, location)


def test_git_connects_to_the_addresses_that_were_found(
    make_repository: MakeRepository, make_server: Callable[[], GitServer]
) -> None:
    """Not to those that git would look up itself: here it would find none."""
    commit = make_repository().commit(CODE)
    location = make_server().url("origin/.git").replace("127.0.0.1", "rebound.invalid")
    with connected_to(location, ["127.0.0.1"]):
        assert look_up(git_source(location)) == commit
    with pytest.raises(TransientError):
        look_up(git_source(location))


def test_a_redirect_is_not_followed(
    make_repository: MakeRepository, make_server: Callable[[], GitServer]
) -> None:
    """It could lead to any host; the error says so."""
    make_repository().commit(CODE)
    first, second = make_server(), make_server()
    first.mode, first.elsewhere = "redirect", f"http://{second.host}"
    source = git_source(first.url("origin/.git"))
    with connected_to(source.location, ["127.0.0.1"]), pytest.raises(SourceError) as refused:
        look_up(source)
    assert str(refused.value) == (
        f"{source} redirects to another address, which is not followed for callers over the "
        "network; give that address"
    )
    assert first.requests
    assert second.requests == []
    look_up(source)
    assert second.requests


@pytest.mark.parametrize(
    ("location", "setting"),
    [
        ("https://x.example/y", "http.curloptResolve=x.example:443:8.8.8.8,[2606:4700::1111]"),
        ("http://x.example:81/y", "http.curloptResolve=x.example:81:8.8.8.8,[2606:4700::1111]"),
        ("ssh://git@x.example/y", None),
        ("git@x.example:y", None),
        ("git://x.example/y", None),
    ],
)
def test_what_git_is_told(location: str, setting: str | None) -> None:
    """About hosts that it would look up itself; outside the context nothing."""
    hosts = Answering("8.8.8.8", "2606:4700::1111")
    with confined_to_public_hosts(git_source(location), hosts):
        command = git_command(["fetch"])
    assert [part for part in command if "curlopt" in part] == ([setting] if setting else [])
    assert git_command(["fetch"]) == [part for part in git_command(["fetch"]) if "curl" not in part]


@pytest.mark.parametrize(
    "location", ["https://x.example/y", "git@x.example:y", "git://x.example/y"]
)
def test_a_name_that_leads_elsewhere_by_now(location: str) -> None:
    """Git is not run at all; a missing address may be transient."""
    for addresses in (["127.0.0.1"], ["8.8.8.8", "::1"]):
        with (
            pytest.raises(RefusedByPolicyError),
            confined_to_public_hosts(git_source(location), Answering(*addresses)),
        ):
            raise AssertionError("the context was entered")
    with (
        pytest.raises(TransientError, match=r"no address of x\.example is known"),
        confined_to_public_hosts(git_source(location), Answering()),
    ):
        raise AssertionError("the context was entered")


class Deceived(Application):
    """An application that sees a public address when a source is added."""

    @made_once
    def hosts(self) -> HostResolver:
        return Answering("8.8.8.8")


REMOTE = CallerPolicy()


@contextmanager
def added(tmp_path: Path, location: str) -> Iterator[ServingKodit]:
    """A source that a caller over the network has added."""
    with ServingKodit(tmp_path / "data", Deceived, max_failures=1) as kodit:
        execute(
            kodit.data_dir,
            "INSERT INTO indexes (kind, location, ref, include, exclude, scanned_at_ns, skipped, "
            "created_at, deleted_at, confinement) "
            "VALUES ('git', ?, '', '[]', '[]', 0, '{}', 0, 0, 'public hosts')",
            location,
        )
        yield kodit


def test_a_rebound_name_is_refused_when_it_is_added(
    make_repository: MakeRepository, make_server: Callable[[], GitServer], tmp_path: Path
) -> None:
    """`localhost.` is another spelling: the child that asks the server looks it up again."""
    make_repository().commit(CODE)
    server = make_server()
    location = server.url("origin/.git").replace("127.0.0.1", "localhost")
    request = SourceRequest(git_source(location))

    class Blind(CallerPolicy):
        """Does not look the name up."""

        def check_source(self, source: Source) -> None:
            """Accept every source."""

    with ServingKodit(tmp_path / "data", Deceived, is_serving=False) as kodit:
        with pytest.raises(RefusedByPolicyError):
            kodit.call(lambda application: application.indexes.add([request], Blind()))
        assert read_rows(kodit.data_dir, "SELECT * FROM indexes") == []
    assert server.requests == []


def test_a_rebound_name_is_refused_at_each_run(
    make_repository: MakeRepository, make_server: Callable[[], GitServer], tmp_path: Path
) -> None:
    """Permanently, until the local user adds the source, who may."""
    make_repository().commit(CODE)
    server = make_server()
    location = server.url("origin/.git").replace("127.0.0.1", "localhost")
    with added(tmp_path, location) as kodit:
        run = kodit.call(
            lambda application: application.queue.request_run(1, QueuePriority.USER_INITIATED)
        )
        ended = kodit.wait_for(run.id)
        assert ended.state is RunState.FAILED
        task = failed_task(ended)
        assert task.failures == 0
        assert "the host localhost is this machine or on a private network" in str(task.error)
        assert server.requests == []
        assert kodit.index(location).state is RunState.SUCCEEDED
        assert read_rows(kodit.data_dir, "SELECT confinement FROM indexes") == [(None,)]


def test_every_way_to_a_source_is_confined(tmp_path: Path) -> None:
    """Also those after the look-up, since a name may resolve differently later."""
    with added(tmp_path, "http://localhost:1/x") as kodit:
        (status,) = kodit.status()
        index = status.summary.index
        assert index.is_confined
        with pytest.raises(RefusedByPolicyError):
            kodit.call(lambda application: application.engines.reader.look_up(index))
        with pytest.raises(RefusedByPolicyError):
            kodit.call(
                lambda application: application.engines.reader.scan(index, {}, ignore_report)
            )


class Unasking(PooledSourceReader):
    """A reader that does not check sources: the test has no public server to ask."""

    async def check(
        self,
        source: Source,
        credentials: Credentials | None,
        *,
        is_confined: bool = False,
        is_remote: bool = False,
    ) -> None:
        """Accept every source."""


class UnaskingEngines(Engines):
    """With that reader."""

    @made_once
    def reader(self) -> SourceReader:
        return Unasking(self.settings.data_dir, self.pool)


class UnaskingApplication(Deceived):
    """With these engines."""

    def make_engines(self, pool: ProcessPool) -> Engines:
        return UnaskingEngines(self.settings, self.database, pool)


@pytest.mark.parametrize(
    ("policy", "stored"),
    [
        (REMOTE, "public hosts"),
        (CallerPolicy(allow_private_addresses=True), "any host"),
        (LOCAL, None),
    ],
)
def test_who_has_added_is_stored(tmp_path: Path, policy: CallerPolicy, stored: str | None) -> None:
    """As far as needed: whether the host must stay public, and whose git settings apply."""
    request = SourceRequest(git_source("https://git.example.org/x"))
    with ServingKodit(tmp_path / "data", UnaskingApplication, is_serving=False) as kodit:
        kodit.call(lambda application: application.indexes.add([request], policy))
        assert read_rows(kodit.data_dir, "SELECT confinement FROM indexes") == [(stored,)]


def test_what_is_confined(tmp_path: Path) -> None:
    """Only hosts whose address could change, and not if the operator allows private ones."""
    (tmp_path / "code").mkdir()
    public, folder = git_source("https://git.example.org/x"), parse_source(str(tmp_path / "code"))
    assert REMOTE.confines(public)
    assert not REMOTE.confines(folder.source)
    assert not CallerPolicy(allow_private_addresses=True).confines(public)
