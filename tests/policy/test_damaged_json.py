"""What is stored as JSON may be damaged, or made by somebody else, in any way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kodit.domain.errors import KoditError, UserError
from kodit.domain.savings import Savings
from kodit.infrastructure.clients.connecting import _load
from kodit.infrastructure.git.bindings import Bindings
from kodit.infrastructure.git.submodules import Record, read_record
from kodit.infrastructure.keys_file import _read
from kodit.infrastructure.keyword.standing import (
    NAME,
    DamagedIndexError,
    _checksum,
    _Needed,
    read_standing,
)
from kodit.infrastructure.mappers.claim_rules import text_to_rules
from kodit.infrastructure.remote.connection import RemoteConnection
from kodit.infrastructure.savings_file import SavingsFile
from kodit.infrastructure.trust import read_trusted_file

DAMAGED = {
    "empty": b"",
    "not text": b"\xff\xfe\xfa",
    "not closed": b"[",
    "deep": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "a number": b"1",
    "a very long number": b"1" * 5_000,
    "no number": b"NaN",
    "nothing": b"null",
    "a text": b'"text"',
    "texts": b'["text"]',
    "numbers": b"[1, 2]",
    "objects": b"[{}]",
    "other names": b'{"a": 1}',
}


@pytest.fixture(params=[*DAMAGED.values()], ids=[*DAMAGED])
def data(request: pytest.FixtureRequest) -> bytes:
    damaged: bytes = request.param
    return damaged


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def test_savings(tmp_path: Path, data: bytes) -> None:
    """Are counted from the start."""
    written(tmp_path / "savings.json", data)
    assert SavingsFile(tmp_path).load() == Savings()


@pytest.mark.parametrize("tools", ["[]", '{"a": 1}', '{"a": ["x", 1, 1]}', '{"a": [1e999, 1, 1]}'])
def test_savings_of_a_tool(tmp_path: Path, tools: str) -> None:
    written(tmp_path / "savings.json", f'{{"since": "2026-01-01", "tools": {tools}}}'.encode())
    assert SavingsFile(tmp_path).load() == Savings()


def test_submodules_that_were_fetched(tmp_path: Path, data: bytes) -> None:
    """Are fetched again."""
    written(tmp_path / "kodit-submodules.json", data)
    assert read_record(tmp_path) == Record()


@pytest.mark.parametrize("read", [_read, Bindings._read], ids=["keys", "bindings"])
def test_files_of_the_user(tmp_path: Path, data: bytes, read: Callable[[Path], object]) -> None:
    """Are not overwritten, but named."""
    path = written(tmp_path / "file.json", data)
    with pytest.raises(UserError, match=f"^{path} "):
        read(path)
    assert path.read_bytes() == data


def test_rules_of_claims(data: bytes) -> None:
    assert text_to_rules(data) is None


@pytest.mark.parametrize(
    "text",
    [
        '{"order": "other", "limits": {}}',
        '{"order": "priority", "limits": []}',
        '{"order": "priority", "limits": {"OTHER": 1}}',
        '{"order": "priority", "limits": {"SYNC": -1}}',
        '{"order": "priority", "limits": {"SYNC": 1e999}}',
        '{"order": "priority", "limits": {"SYNC": null}}',
    ],
)
def test_rules_that_no_worker_has_written(text: str) -> None:
    assert text_to_rules(text) is None


def test_what_a_keyword_index_holds(tmp_path: Path, data: bytes) -> None:
    """Though its checksum is right, or it is a file of tantivy's."""
    written(tmp_path / NAME, _checksum(data) + b"\n" + data)
    with pytest.raises(DamagedIndexError):
        read_standing(tmp_path)
    with pytest.raises(DamagedIndexError):
        _Needed.by(data)


def test_what_a_keyword_index_holds_with_another_checksum(tmp_path: Path) -> None:
    body = b'{"positions": {}, "files": {}, "meta": 1}'
    written(tmp_path / NAME, _checksum(body) + b"\n" + body)
    assert read_standing(tmp_path).meta == 1
    written(tmp_path / NAME, _checksum(body + b" ") + b"\n" + body)
    with pytest.raises(DamagedIndexError):
        read_standing(tmp_path)


def test_how_a_connection_is_undone(tmp_path: Path, data: bytes) -> None:
    """By what is in the settings now, if what was there before is not known."""
    found = _load(written(tmp_path / "undo.json", data))
    assert found is None or found == {"a": 1}
    assert _load(tmp_path / "nowhere.json") is None


def test_an_answer_of_a_server(data: bytes) -> None:
    """That is none of Kodit: an error says so."""
    connection = RemoteConnection("http://kodit.example", "")
    with pytest.raises(KoditError, match=r"^http://kodit\.example does not answer as a Kodit"):
        connection._understood(500, data)
    problem = b'{"code": "no_index", "detail": "there is no index 7"}'
    with pytest.raises(KoditError, match="there is no index 7"):
        connection._understood(404, problem)
    assert connection._understood(200, b"[1]") == [1]


def test_a_file_of_the_user_may_be_a_link(tmp_path: Path) -> None:
    """To a file of theirs; where Kodit writes by itself, none is followed."""
    written(tmp_path / "real.json", b"[]")
    (tmp_path / "link.json").symlink_to("real.json")
    assert read_trusted_file(tmp_path / "link.json") == b"[]"
    assert _read(tmp_path / "link.json") == ()
    with pytest.raises(UserError, match="is a symbolic link, which is not followed here"):
        read_trusted_file(tmp_path / "link.json", follow=False)
    assert read_trusted_file(tmp_path / "real.json" / "below") is None
    assert read_trusted_file(tmp_path / "nowhere.json") is None
    (tmp_path / "loop.json").symlink_to("loop.json")
    with pytest.raises(UserError, match="cannot be read: Too many levels of symbolic links"):
        read_trusted_file(tmp_path / "loop.json")
