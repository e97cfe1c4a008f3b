"""A client's workspace folders, and the headers that report them to a server."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from kodit.front import roots as roots_module
from kodit.front.messages import VERSION_KEY
from kodit.front.resident import Resident
from kodit.front.roots import Roots
from kodit.front.stdio import Front
from kodit.settings import Settings


def roots_of(*uris: object) -> tuple[str, ...]:
    """The folders that an answer with these roots names."""
    sent: list[dict[str, Any]] = []
    roots = Roots(sent.append)
    roots.ask()
    listed = [{"uri": uri} for uri in uris]
    roots.take({"id": sent[0]["id"], "result": {"roots": [*listed, "none", {}]}})
    return roots.folders()


def test_roots_are_folders_of_this_machine(tmp_path: Path) -> None:
    """Each once, with every link followed."""
    one, two = tmp_path.resolve() / "a b", tmp_path.resolve() / "é"
    one.mkdir()
    two.mkdir()
    (tmp_path / "link").symlink_to(one)
    (tmp_path / "file").write_bytes(b"")
    local = f"FILE://LocalHost{two.as_uri().removeprefix('file://')}"
    link = (tmp_path / "link").as_uri()
    assert roots_of(link, one.as_uri(), local) == (str(one), str(two))
    for uri in (
        *("", "/", "file:", "file://", f"http://{one}", f"file://elsewhere{one}", 7, None),
        *((tmp_path / "file").as_uri(), (tmp_path / "none").as_uri(), f"{one.as_uri()}%00"),
        f"file://{one}{'/' * 5_000}",
    ):
        assert roots_of(uri) == ()
    long = "".join(f"%{byte:02X}" for byte in b"/." * 750)
    of_one = one.as_uri().removeprefix("file://")
    assert roots_of(f"file:///{long}{of_one}") == ()
    assert roots_of(f"file:///{long[:3_000]}{of_one}") == (str(one),)
    assert roots_of(*["file:///none"] * 31, one.as_uri()) == (str(one),)
    assert roots_of(*["file:///none"] * 32, one.as_uri()) == ()


def test_the_latest_answer_about_roots_counts(tmp_path: Path) -> None:
    """An error keeps the known roots, and an answer to an earlier request changes nothing."""
    sent: list[dict[str, Any]] = []
    roots = Roots(sent.append)
    place = str(tmp_path.resolve())
    listed = {"roots": [{"uri": tmp_path.as_uri()}]}
    roots.ask()
    roots.take({"id": sent[0]["id"], "result": listed})
    assert roots.folders() == (place,)
    roots.ask()
    assert [one["id"] for one in sent] == ["kodit-roots-1", "kodit-roots-2"]
    roots.take({"id": sent[0]["id"], "result": {"roots": []}})
    roots.take({"id": sent[1]["id"], "error": {"code": 1, "message": "no"}})
    assert roots.folders() == (place,)
    roots.ask()
    roots.take({"id": sent[2]["id"], "result": {"roots": []}})
    assert roots.folders() == ()
    assert len(sent) == 3


def test_a_client_that_was_slow_once_is_waited_for_when_it_answers_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roots_module, "SECONDS_FOR_AN_ANSWER", 0.001)
    sent: list[dict[str, Any]] = []
    waits: list[float] = []
    roots = Roots(sent.append)
    wait = roots._answered.wait

    def counted(seconds: float) -> bool:
        waits.append(seconds)
        return wait(seconds)

    monkeypatch.setattr(roots._answered, "wait", counted)
    assert (roots.folders(), roots.folders(), len(waits), len(sent)) == ((), (), 1, 1)
    roots.take({"id": sent[0]["id"], "result": {"roots": [{"uri": tmp_path.as_uri()}]}})
    assert roots.folders() == (str(tmp_path.resolve()),)
    roots.ask()
    assert roots.folders() == (str(tmp_path.resolve()),)
    assert len(waits) == 2


@pytest.mark.parametrize(
    ("folder", "roots", "sent"),
    [
        (None, (), {}),
        ("/a/b", (), {"X-Kodit-Folder": "/a/b"}),
        ("/a/b", ("/x", "/a"), {"X-Kodit-Folder": "/a/b", "X-Kodit-Roots": "/x,/a"}),
        ("/a/b", ("/a/b",), {"X-Kodit-Folder": "/a/b", "X-Kodit-Roots": "/a/b"}),
        ("/ab", ("/a", "/b,c"), {"X-Kodit-Folder": "/a", "X-Kodit-Roots": "/a,/b%2Cc"}),
        ("/a", ("/",), {"X-Kodit-Folder": "/a", "X-Kodit-Roots": "/"}),
        (None, ("/x",), {"X-Kodit-Folder": "/x", "X-Kodit-Roots": "/x"}),
    ],
)
def test_the_clients_working_folder(
    folder: str | None, roots: tuple[str, ...], sent: dict[str, str], tmp_path: Path
) -> None:
    """Its folder, unless that lies in none of its roots."""
    assert Resident(Settings(data_dir=tmp_path), folder, "1").headers(roots) == sent


def test_a_request_of_the_newest_revision_has_no_roots(tmp_path: Path) -> None:
    """Nor has a client that has announced none."""
    front = Front(
        io.BytesIO(), io.BytesIO(), lambda: Resident(Settings(data_dir=tmp_path), None, "1")
    )
    plain = {"id": 1, "method": "tools/call"}
    newest = plain | {"params": {"_meta": {VERSION_KEY: "2026-07-28"}}}
    assert front._folders(plain) == ()
    front._roots = Roots(lambda _message: None)
    front._roots.ask()
    front._roots.take({"id": "kodit-roots-1", "result": {"roots": [{"uri": tmp_path.as_uri()}]}})
    assert front._folders(plain) == (str(tmp_path.resolve()),)
    assert front._folders(newest) == ()
    assert front._get_resident() is front._get_resident()
