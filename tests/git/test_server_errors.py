"""A server may refuse, fail, hang or redirect. Each gives one clear sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.ports import port_without_server

from kodit.domain.errors import SourceError, TransientError
from kodit.domain.source import Credentials
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.git.clone import synchronise
from kodit.infrastructure.git.remote import look_up
from kodit.infrastructure.git.runner import Limits

if TYPE_CHECKING:
    from tests.git.conftest import GitServer, MakeRepository

TOKEN = "s3cret-t0ken/+with%odd@signs"  # noqa: S105 - of this test alone
SHORT = Limits(silent=1.0, total=5.0)
"""For a server that hangs; any other may take as long as a busy machine needs."""


def source_at(server: GitServer, name: str = "origin/.git") -> Source:
    return Source(SourceKind.GIT, server.url(name))


def failure(
    source: Source,
    clone: Path,
    credentials: Credentials | None = None,
    limits: Limits | None = None,
) -> Exception:
    """The error of a synchronisation, which leaves nothing behind and leaks no secret."""
    with pytest.raises((SourceError, TransientError)) as caught:
        synchronise(source, clone, credentials, limits=limits or Limits())
    message = str(caught.value)
    assert source.location in message
    assert "\n" not in message
    assert TOKEN not in message
    assert not clone.exists()
    assert [path.name for path in clone.parent.iterdir() if path.name.endswith(".tmp")] == []
    return caught.value


def test_a_server_that_requires_credentials_is_a_source_error(
    make_repository: MakeRepository, server: GitServer, tmp_path: Path
) -> None:
    """None given, or wrong ones: a permanent error."""
    make_repository().commit({"a.py": "one"})
    server.password = TOKEN
    for credentials in (None, Credentials("user", "wrong"), Credentials("wrong")):
        error = failure(source_at(server), tmp_path / "clone", credentials)
        assert isinstance(error, SourceError)
        assert "refuses access" in str(error)


@pytest.mark.parametrize("credentials", [Credentials("user", TOKEN), Credentials(TOKEN)])
def test_valid_credentials_are_accepted(
    make_repository: MakeRepository, server: GitServer, tmp_path: Path, credentials: Credentials
) -> None:
    """A password, or a token in the user name's place, with characters that URLs escape."""
    commit = make_repository().commit({"a.py": "one"})
    server.password = TOKEN
    assert look_up(source_at(server), credentials) == commit
    assert synchronise(source_at(server), tmp_path / "clone", credentials) == commit


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (403, SourceError, "refuses access"),
        (404, SourceError, "not a git repository"),
        (410, SourceError, "not a git repository"),
        (429, TransientError, "cannot be reached"),
        (500, TransientError, "cannot be reached"),
        (503, TransientError, "cannot be reached"),
    ],
)
def test_a_status_decides_about_a_retry(
    server: GitServer, tmp_path: Path, status: int, kind: type[Exception], says: str
) -> None:
    """Permanent if the user must act, transient if the server must."""
    server.mode = status
    error = failure(source_at(server), tmp_path / "clone", Credentials("user", TOKEN))
    assert isinstance(error, kind)
    assert says in str(error)


def test_a_missing_repository_is_a_source_error(server: GitServer, tmp_path: Path) -> None:
    """The server is there, the repository is not."""
    assert isinstance(failure(source_at(server, "nope.git"), tmp_path / "clone"), SourceError)


def test_a_page_that_is_no_repository_is_a_source_error(tmp_path: Path, server: GitServer) -> None:
    """A web server that answers with something else."""
    server.mode = 200
    error = failure(source_at(server), tmp_path / "clone")
    assert isinstance(error, SourceError)
    assert "not a git repository" in str(error)


def test_a_server_that_hangs_is_given_up(server: GitServer, tmp_path: Path) -> None:
    """No answer within the limit is transient."""
    server.mode = "hang"
    error = failure(source_at(server), tmp_path / "clone", limits=SHORT)
    assert isinstance(error, TransientError)


def test_a_lookup_is_given_up_sooner_than_a_fetch(
    server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kodit.infrastructure.git.clone.LOOK_UP_LIMITS", SHORT)
    server.mode = "hang"
    error = failure(source_at(server), tmp_path / "clone")
    assert isinstance(error, TransientError)


def test_nobody_at_the_port_is_transient(tmp_path: Path) -> None:
    """A refused connection may be a server that is restarting."""
    url = f"http://127.0.0.1:{port_without_server()}/a.git"
    error = failure(Source(SourceKind.GIT, url), tmp_path / "clone")
    assert isinstance(error, TransientError)
    assert "cannot be reached" in str(error)


def test_an_unknown_host_is_transient(tmp_path: Path) -> None:
    """A name that does not resolve looks the same as no network."""
    source = Source(SourceKind.GIT, "http://no-such-host.invalid/a.git")
    assert isinstance(failure(source, tmp_path / "clone"), TransientError)


def test_a_refused_ssh_connection_is_transient(tmp_path: Path) -> None:
    """ssh does not prompt, and gives the reason."""
    source = Source(SourceKind.GIT, "ssh://git@127.0.0.1:1/a.git")
    assert isinstance(failure(source, tmp_path / "clone"), TransientError)


def test_a_redirect_to_another_server_does_not_get_the_credentials(
    make_repository: MakeRepository, make_server: Callable[[], GitServer], tmp_path: Path
) -> None:
    """The other server requires them, and receives none."""
    make_repository().commit({"a.py": "one"})
    first, second = make_server(), make_server()
    first.mode, first.elsewhere = "redirect", f"http://{second.host}"
    second.password = TOKEN
    error = failure(source_at(first), tmp_path / "clone", Credentials("user", TOKEN))
    assert isinstance(error, SourceError)
    assert second.requests
    assert all(authorisation == "" for _, _, authorisation in second.requests)


def test_a_redirect_is_followed(
    make_repository: MakeRepository, make_server: Callable[[], GitServer], tmp_path: Path
) -> None:
    """Repositories that moved are found."""
    commit = make_repository().commit({"a.py": "one"})
    first, second = make_server(), make_server()
    first.mode, first.elsewhere = "redirect", f"http://{second.host}"
    assert synchronise(source_at(first), tmp_path / "clone") == commit


def test_progress_is_reported(
    make_repository: MakeRepository, server: GitServer, tmp_path: Path
) -> None:
    """git's own counts arrive, so that a long clone is not taken for a stalled one."""
    make_repository().commit({f"{number}.py": str(number) for number in range(40)})
    reports: list[tuple[int, int | None]] = []
    synchronise(
        source_at(server),
        tmp_path / "clone",
        None,
        lambda done, total: reports.append((done, total)),
    )
    assert any(total is not None and done == total > 0 for done, total in reports)
