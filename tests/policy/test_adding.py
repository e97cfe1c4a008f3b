"""Adding sources as a caller with a policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest
from tests.support.serving import ServingKodit
from tests.support.snapshot import read_rows

from kodit.application.services.index_service import SourceRequest
from kodit.composition import Application
from kodit.composition.made_once import made_once
from kodit.domain.errors import RefusedByPolicyError, SourceError
from kodit.domain.policy import CallerPolicy
from kodit.domain.ports.hosts import HostResolver
from kodit.domain.value_objects import Source, SourceKind


async def add_all(
    requests: Sequence[SourceRequest], policy: CallerPolicy, application: Application
) -> None:
    """Add the sources as a caller whom this policy is for."""
    await application.indexes.add(requests, policy)


def git_source(location: str) -> Source:
    return Source(SourceKind.GIT, location)


class KnownHosts:
    """Answers from a table, and records the questions."""

    def __init__(self, table: Mapping[str, Sequence[str]]) -> None:
        self._table = table
        self.asked: list[str] = []

    def addresses(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        return self._table.get(host, ())


class WithKnownHosts(Application):
    """An application that looks names up in a table."""

    table = KnownHosts({"rebound.example": ["8.8.8.8", "127.0.0.1"]})

    @made_once
    def hosts(self) -> HostResolver:
        return self.table


def test_adding_is_refused_before_anything_is_asked_or_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One refused source of several is enough; the policy does not apply to the local user."""
    monkeypatch.setenv("TOKEN_OF_TEST", "s3cret")
    (tmp_path / "code").mkdir()
    folder = Source(SourceKind.FOLDER, str(tmp_path / "code"))
    roots = CallerPolicy(allowed_roots=(tmp_path,))
    refused = {
        "folder": SourceRequest(Source(SourceKind.FOLDER, "/etc")),
        "file_url": SourceRequest(git_source((tmp_path / "code").as_uri())),
        "host": SourceRequest(git_source("https://rebound.example/x")),
        "credentials": SourceRequest(folder, reference="env:TOKEN_OF_TEST"),
    }
    with ServingKodit(tmp_path / "data", WithKnownHosts, is_serving=False) as kodit:
        for what, request in refused.items():
            with pytest.raises(RefusedByPolicyError) as error:
                requests = [SourceRequest(folder), request]
                kodit.call(partial(add_all, requests, roots))
            assert error.value.fields["what"] == what
        nowhere = SourceRequest(git_source("https://nowhere.example/x"))
        with pytest.raises(SourceError, match=r"nowhere\.example has no address"):
            kodit.call(lambda application: application.indexes.add([nowhere], roots))
        assert WithKnownHosts.table.asked == ["rebound.example", "nowhere.example"]
        assert read_rows(kodit.data_dir, "SELECT * FROM indexes") == []
        kodit.call(lambda application: application.indexes.add([SourceRequest(folder)], roots))
        kodit.call(lambda application: application.indexes.add([refused["credentials"]]))
        assert read_rows(kodit.data_dir, "SELECT confinement FROM indexes") == [(None,)]
