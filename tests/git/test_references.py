"""Parsing references to secrets, and handing secrets over."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from kodit.domain.entities import Index, WorkingCopy
from kodit.domain.errors import SourceError, UserError
from kodit.domain.source import Credentials
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.git import bindings
from kodit.infrastructure.git.askpass import askpass_environment
from kodit.infrastructure.git.bindings import Bindings
from kodit.infrastructure.git.credentials import CredentialStore, server_of
from kodit.infrastructure.processes.pool import ProcessPool
from kodit.infrastructure.sources.source_reader import PooledSourceReader


@pytest.mark.parametrize(
    ("value", "credentials"),
    [
        ("ada:secret", Credentials("ada", "secret")),
        ("ada:se:cr:et", Credentials("ada", "se:cr:et")),
        (":secret", Credentials("git", "secret")),
        ("token", Credentials("token")),
        ("", None),
        ("se\ncret", None),
        ("se\x7fcret", None),
    ],
    ids=ascii,
)
def test_what_a_variable_holds(
    value: str, credentials: Credentials | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name and a password, or a token."""
    monkeypatch.setenv("TOKEN_OF_TEST", value)
    store = CredentialStore(tmp_path, Bindings(tmp_path / "user"))
    if credentials is not None:
        assert store.load_named("env:TOKEN_OF_TEST") == credentials
        return
    with pytest.raises(SourceError) as unusable:
        store.load_named("env:TOKEN_OF_TEST")
    assert unusable.value.code == "variable_unusable"
    assert unusable.value.fields == {"variable": "TOKEN_OF_TEST"}
    assert not value or value not in str(unusable.value)


def test_a_secret_in_place_of_a_reference(tmp_path: Path) -> None:
    """It is not repeated; only variables have names for users."""
    store = CredentialStore(tmp_path, Bindings(tmp_path / "user"))
    for given in ("s3cret", "env:", "env:a-b", f"file:{'a' * 32}"):
        with pytest.raises(SourceError, match="must be given as env:NAME") as refused:
            store.load_named(given)
        assert (refused.value.code, refused.value.fields) == ("credentials_invalid", {})
        assert given == "env:" or given not in str(refused.value)


class Exchange:
    """Records the secrets handed over, and answers requests."""

    def __init__(self) -> None:
        self.given: list[tuple[str, str, Credentials]] = []

    def give(self, reference: str, server: str, credentials: Credentials) -> None:
        self.given.append((reference, server, credentials))

    def find(self, _reference: str, _server: str) -> Credentials | None:
        return self.given[-1][2] if self.given else None


def test_what_is_handed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of this process, to the server it was approved for; never a file."""
    source = Source(SourceKind.GIT, "https://example.org/a")
    folder = Source(SourceKind.FOLDER, "/a")
    exchange = Exchange()
    store = CredentialStore(tmp_path, Bindings(tmp_path / "user"), exchange)
    store.hand_over(store.save(Credentials("ada", "secret"), source), source)
    store.hand_over("env:TOKEN_OF_TEST", source)
    monkeypatch.setenv("TOKEN_OF_TEST", "ada:secret")
    store.hand_over("env:TOKEN_OF_TEST", source)
    store.bind("env:TOKEN_OF_TEST", source)
    store.hand_over("env:TOKEN_OF_TEST", folder)
    assert exchange.given == []
    store.hand_over("env:TOKEN_OF_TEST", source)
    credentials = Credentials("ada", "secret")
    assert exchange.given == [("env:TOKEN_OF_TEST", "https://example.org", credentials)]
    monkeypatch.delenv("TOKEN_OF_TEST")
    assert store.load("env:TOKEN_OF_TEST", source) == credentials
    exchange.given[-1] = ("", "", Credentials("eve", "secret"))
    with pytest.raises(SourceError, match="holds no credentials"):
        store.load("env:TOKEN_OF_TEST", source)


def test_an_index_without_a_secret_hands_none_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(SourceKind.GIT, "https://example.org/a")
    exchange = Exchange()
    pool = cast(ProcessPool, None)  # nothing here asks it
    reader = PooledSourceReader(tmp_path, pool, exchange=exchange)
    monkeypatch.setenv("TOKEN_OF_TEST", "ada:secret")
    reader.bind("env:TOKEN_OF_TEST", source)
    index = Index(1, source, WorkingCopy(), datetime.now(UTC))
    reader.hand_over(index)
    assert exchange.given == []
    reader.hand_over(replace(index, credentials="env:TOKEN_OF_TEST"))
    assert [reference for reference, _, _ in exchange.given] == ["env:TOKEN_OF_TEST"]


def test_a_secret_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power failure meanwhile leaves no empty file."""
    seen: list[list[str]] = []
    kept = tmp_path / "credentials"
    monkeypatch.setattr(
        os, "fsync", lambda _file: seen.append([one.name for one in kept.iterdir()])
    )
    store = CredentialStore(tmp_path, Bindings(tmp_path / "user"))
    name = store.save(Credentials("ada"), Source(SourceKind.GIT, "https://example.org/a"))[5:]
    assert seen[0] == [f".{name}.tmp"]
    assert [one.name for one in kept.iterdir()] == [name]


def test_a_user_without_a_folder_has_approved_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bindings, "user_folder", lambda: None)
    binding = bindings.Binding("env:A", "https://example.org", None)
    assert not Bindings().holds(binding)
    with pytest.raises(UserError, match="has no home folder") as refused:
        Bindings().add(binding)
    assert refused.value.code == "user_folder_unusable"


def test_the_helper_is_private_to_the_user() -> None:
    """And removed at the end of its block."""
    with askpass_environment(Credentials("a/b", "secret"), "https://example.org/x") as variables:
        helper = Path(variables["GIT_ASKPASS"])
        assert stat.S_IMODE(helper.stat().st_mode) == 0o700
        assert "secret" not in helper.read_text()
        assert variables["KODIT_ASKPASS_AS_IT_IS"] == "https://a/b@example.org"
        assert variables["KODIT_ASKPASS_ESCAPED"] == "https://a%2Fb@example.org"
    assert not helper.exists()


def test_what_is_a_reference_and_is_there(tmp_path: Path) -> None:
    store = CredentialStore(tmp_path, Bindings(tmp_path / "user"))
    kept = store.save(Credentials("ada"), Source(SourceKind.GIT, "https://example.org/a"))
    for text, is_reference in ((kept, True), ("env:A_1", True), ("env:", False), ("a", False)):
        assert store.is_reference(text) is is_reference
    assert store.holds(kept)
    assert store.holds("env:A_1")
    store.remove(kept)
    assert not store.holds(kept)
    os.mkfifo(tmp_path / "credentials" / ("b" * 32))
    with pytest.raises(SourceError, match="no longer in the data directory"):
        store.load(f"file:{'b' * 32}", Source(SourceKind.GIT, "https://example.org/a"))
    assert server_of(Source(SourceKind.FOLDER, "https://example.org")) is None
