"""Secrets are in one file of mode 0600, or in the environment, and nowhere else."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from kodit.domain.errors import SourceError
from kodit.domain.source import Credentials
from kodit.infrastructure.git.clone import synchronise
from kodit.infrastructure.git.credentials import CredentialStore
from kodit.infrastructure.git.history import history
from kodit.infrastructure.sources.parsing import parse_source

if TYPE_CHECKING:
    from tests.git.conftest import GitServer, MakeRepository

TOKEN = "t0p/s3cret@token%20"  # noqa: S105 - of this test alone


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
    reference = store.save(parsed.credentials)
    clone = data / "clones" / "1"
    synchronise(parsed.source, clone, store.load(reference))
    second = origin.commit({"b.py": "two"})
    assert synchronise(parsed.source, clone, store.load(reference)) == second
    assert set(history(clone, second)) == {"a.py", "b.py"}
    server.password = "changed"  # noqa: S105
    with pytest.raises(SourceError):
        synchronise(parsed.source, clone, store.load(reference))

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
    """Removed twice is as good as once; what is not there any more is said."""
    store = CredentialStore(tmp_path)
    kept = Credentials("user", 'pass"wörd\\')
    reference = store.save(kept)
    other = store.save(Credentials("other"))
    assert store.load(reference) == kept
    store.remove(reference)
    store.remove(reference)
    with pytest.raises(SourceError, match="no longer"):
        store.load(reference)
    assert store.load(other) == Credentials("other")


@pytest.mark.parametrize(
    ("value", "credentials"),
    [
        ("token", Credentials("token")),
        ("user:pass:word", Credentials("user", "pass:word")),
    ],
)
def test_credentials_can_stay_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, credentials: Credentials
) -> None:
    """Only the variable's name is kept; the variable is read at each use."""
    store = CredentialStore(tmp_path)
    with pytest.raises(SourceError, match="KODIT_TEST_TOKEN"):
        store.load("env:KODIT_TEST_TOKEN")
    monkeypatch.setenv("KODIT_TEST_TOKEN", value)
    assert store.load("env:KODIT_TEST_TOKEN") == credentials
    store.remove("env:KODIT_TEST_TOKEN")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("reference", ["file:../../x", "file:", "env:a-b", "x", "file:" + "A" * 32])
def test_a_reference_that_names_no_credentials_is_refused(tmp_path: Path, reference: str) -> None:
    """Nor can it lead to another file. To forget it is to do nothing."""
    store = CredentialStore(tmp_path / "data")
    (tmp_path / "x").touch()
    with pytest.raises(SourceError, match="does not name credentials"):
        store.load(reference)
    store.remove(reference)
    assert (tmp_path / "x").exists()
