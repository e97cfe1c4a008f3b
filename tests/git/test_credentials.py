"""Secrets are in one file of mode 0600, or in the environment, and nowhere else."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from tests.git.sources import history_of

from kodit.domain.errors import SourceError
from kodit.domain.source import Credentials
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.git.askpass import askpass_environment
from kodit.infrastructure.git.clone import synchronise
from kodit.infrastructure.git.credentials import CredentialStore
from kodit.infrastructure.sources.parsing import parse_source

if TYPE_CHECKING:
    from tests.git.conftest import GitServer, MakeRepository

TOKEN = "t0p/s3cret@token%20"  # noqa: S105 - of this test alone
SOURCE = Source(SourceKind.GIT, "https://git.example.org/x")


def test_a_token_is_nowhere_in_the_data_directory_but_in_its_file(
    make_repository: MakeRepository, server: GitServer, tmp_path: Path
) -> None:
    """Cloned, fetched and refused with a token: every file is searched for each of its forms."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    server.password = TOKEN
    data = tmp_path / "data"
    parsed = parse_source(server.url("origin/.git", f"user:{quote(TOKEN, safe='')}@"))
    assert parsed.credentials is not None
    assert TOKEN not in repr(parsed)
    store = CredentialStore(data)
    reference = store.save(parsed.credentials, parsed.source)
    clone = data / "clones" / "1"
    synchronise(parsed.source, clone, store.load(reference, parsed.source))
    second = origin.commit({"b.py": "two"})
    assert synchronise(parsed.source, clone, store.load(reference, parsed.source)) == second
    assert set(history_of(clone, second)) == {"a.py", "b.py"}
    server.password = "changed"  # noqa: S105
    with pytest.raises(SourceError):
        synchronise(parsed.source, clone, store.load(reference, parsed.source))

    forms = [form.encode() for form in (TOKEN, quote(TOKEN), quote(TOKEN, safe=""))]
    holders = [
        path
        for path in data.rglob("*")
        if path.is_file() and any(form in path.read_bytes() for form in forms)
    ]
    assert holders == [data / "credentials" / reference.removeprefix("file:")]
    assert stat.S_IMODE(holders[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(holders[0].parent.stat().st_mode) == 0o700


def test_what_was_saved_can_be_loaded_and_removed(tmp_path: Path) -> None:
    """Removing it twice is harmless; loading it afterwards reports that it is gone."""
    store = CredentialStore(tmp_path)
    kept = Credentials("user", 'pass"wörd\\')
    reference = store.save(kept, SOURCE)
    other = store.save(Credentials("other"), SOURCE)
    assert store.load(reference, SOURCE) == kept
    store.remove(reference)
    store.remove(reference)
    with pytest.raises(SourceError, match="no longer"):
        store.load(reference, SOURCE)
    assert store.load(other, SOURCE) == Credentials("other")


@pytest.mark.parametrize("reference", ["file:../../x", "file:", "env:a-b", "x", "file:" + "A" * 32])
def test_a_reference_that_names_no_credentials_is_refused(tmp_path: Path, reference: str) -> None:
    """Nor can it lead to another file. Removing it does nothing."""
    store = CredentialStore(tmp_path / "data")
    (tmp_path / "x").touch()
    with pytest.raises(SourceError, match="credentials must be given as env:NAME"):
        store.load(reference, SOURCE)
    store.remove(reference)
    assert (tmp_path / "x").exists()


ELSEWHERE = (
    "https://git.example.com/x",
    "https://git.example.org:8443/x",
    "http://git.example.org/x",
    "https://example.org/x",
    "https://git.example.org.example.com/x",
)


@pytest.mark.parametrize("location", ELSEWHERE)
def test_what_is_kept_in_a_file_is_for_one_server(tmp_path: Path, location: str) -> None:
    """Whatever row of the database names the file."""
    store = CredentialStore(tmp_path)
    reference = store.save(Credentials("ada", "secret"), SOURCE)
    with pytest.raises(SourceError, match=r"were not given for .*nothing was sent") as raised:
        store.load(reference, Source(SourceKind.GIT, location))
    assert "secret" not in str(raised.value)
    for same in ("https://git.example.org/other", "https://git.example.org:443/x"):
        assert store.load(reference, Source(SourceKind.GIT, same)) == Credentials("ada", "secret")


@pytest.mark.parametrize(
    "location", ["ssh://git.example.org/x", "git@git.example.org:x", "git://x/y"]
)
def test_a_source_that_takes_no_credentials_is_given_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    """ssh would find them in its environment, and might forward them."""
    monkeypatch.setenv("TOKEN_OF_TEST", "ada:secret")
    store = CredentialStore(tmp_path)
    source = Source(SourceKind.GIT, location)
    store.bind("env:TOKEN_OF_TEST", source)
    assert store.load("env:TOKEN_OF_TEST", source) is None
    assert store.load(store.save(Credentials("ada", "secret"), SOURCE), source) is None
    with askpass_environment(Credentials("ada", "secret"), location) as variables:
        assert variables == {}


@pytest.mark.parametrize(
    "content",
    ["", "[]", "null", '{"username": "ada"}', "[" * 100_000, '{"username": "a", "password": "b"}'],
)
def test_a_file_that_holds_something_else(tmp_path: Path, content: str) -> None:
    """Or was written by a version that did not record the server: the user has to give them
    again.
    """
    store = CredentialStore(tmp_path)
    reference = store.save(Credentials("ada", "secret"), SOURCE)
    (tmp_path / "credentials" / reference.removeprefix("file:")).write_text(content)
    with pytest.raises(SourceError, match=r"give them again$"):
        store.load(reference, SOURCE)


def test_nothing_is_removed_through_a_link(tmp_path: Path) -> None:
    """A data directory from elsewhere could make Kodit remove files in any folder of this user."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / ("a" * 32)).write_text("theirs")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "credentials").symlink_to(outside)
    CredentialStore(tmp_path / "data").remove(f"file:{'a' * 32}")
    assert (outside / ("a" * 32)).read_text() == "theirs"


def test_a_link_among_the_secrets_is_not_followed(tmp_path: Path) -> None:
    """A data directory from elsewhere could name any file of this user."""
    outside = tmp_path / "outside"
    server = "https://git.example.org"
    outside.write_text(json.dumps({"username": "ada", "password": "secret", "server": server}))
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / ("a" * 32)).symlink_to(outside)
    with pytest.raises(SourceError, match="no longer in the data directory"):
        CredentialStore(tmp_path).load(f"file:{'a' * 32}", SOURCE)
