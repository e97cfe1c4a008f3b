"""Admission, request by request without a server: repeated headers, several keys at once, and paths
that must not be allowed by name alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from kodit.application.services.key_service import KeyService
from kodit.domain.caller import LOCAL_CALLER, Caller
from kodit.domain.keys import KeyScope
from kodit.domain.policy import CallerPolicy
from kodit.infrastructure.clock import SystemClock
from kodit.infrastructure.keys_file import KeysFile
from kodit.server.access import LocalAccess, RemoteAccess
from kodit.server.hosts import HostNames
from kodit.server.problems import Refusal, Scope

OWN = ("host", "localhost")
OWN_PAGE = ("origin", "http://localhost")
FOREIGN_PAGE = ("origin", "http://evil.example.org")


@dataclasses.dataclass
class Door:
    """The access rule of the network, with a key for each scope."""

    keys: KeyService
    reading: str = ""
    writing: str = ""

    def admit(
        self,
        *headers: tuple[str, str],
        method: str = "GET",
        path: str = "/nothing",
        needs_key: bool = False,
    ) -> Caller | Refusal:
        access = RemoteAccess(
            HostNames("127.0.0.1", ()), self.keys, CallerPolicy(), needs_key=needs_key
        )
        return access.admit(_request(*headers, method=method, path=path))

    def refusal(
        self, *headers: tuple[str, str], method: str = "GET", path: str = "/nothing"
    ) -> str:
        """The code of a refusal."""
        admitted = self.admit(OWN, *headers, method=method, path=path)
        assert isinstance(admitted, Refusal)
        return admitted.code

    def may_write(self, *headers: tuple[str, str], method: str = "GET", path: str = "/x") -> bool:
        """Whether an admitted caller may change something."""
        admitted = self.admit(OWN, *headers, method=method, path=path)
        assert isinstance(admitted, Caller)
        return admitted.may_write


def _request(*headers: tuple[str, str], method: str = "GET", path: str = "/") -> Scope:
    return {
        "method": method,
        "path": path,
        "server": ("127.0.0.1", 8321),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(KeyService(KeysFile(tmp_path / "keys.json"), SystemClock()))


@pytest.fixture
def guarded(door: Door) -> Door:
    door.reading = door.keys.add("ada", KeyScope.READ)
    door.writing = door.keys.add("bob", KeyScope.WRITE)
    return door


def test_one_host_names_the_server(door: Door) -> None:
    """Programs differ in which of two they use."""
    for headers in ((), (OWN, OWN), (OWN, ("host", "evil.example.org"))):
        admitted = door.admit(*headers)
        assert isinstance(admitted, Refusal)
        assert admitted.code == "host_refused"
    assert isinstance(door.admit(OWN), Caller)


def test_every_origin_is_looked_at(door: Door) -> None:
    assert door.refusal(OWN_PAGE, FOREIGN_PAGE) == "origin_refused"
    assert door.refusal(FOREIGN_PAGE, OWN_PAGE) == "origin_refused"
    assert door.may_write(OWN_PAGE)


def test_the_better_of_two_keys_counts(guarded: Door) -> None:
    reading, writing = ("x-api-key", guarded.reading), ("x-api-key", guarded.writing)
    for keys in ((reading, writing), (writing, reading)):
        assert guarded.may_write(*keys, method="POST")
    wrong = ("authorization", "Bearer of nothing")
    assert guarded.may_write(writing, wrong)
    assert not guarded.may_write(reading, wrong)


def test_no_more_than_two_keys_are_tried(guarded: Door) -> None:
    """Each costs a comparison with every key."""
    wrong = [("x-api-key", "kodit_wrong")] * 2
    assert guarded.refusal(*wrong, ("x-api-key", guarded.writing)) == "key_unknown"
    assert guarded.may_write(wrong[0], ("x-api-key", guarded.writing))


def test_white_space_around_a_key_is_no_part_of_it(guarded: Door) -> None:
    assert guarded.may_write(("x-api-key", f" {guarded.writing} "))
    assert guarded.may_write(("authorization", f"BEARER  {guarded.writing}"))


@pytest.mark.parametrize(
    ("method", "path", "is_reading"),
    [
        ("GET", "/api/v1/indexes", True),
        ("HEAD", "/api/v1/indexes", True),
        ("OPTIONS", "/api/v1/indexes", True),
        ("POST", "/api/v1/search", True),
        ("POST", "/api/v1/grep", True),
        ("POST", "/mcp", True),
        ("POST", "/mcp/", True),
        ("DELETE", "/api/v1/search", False),
        ("PUT", "/api/v1/grep", False),
        ("DELETE", "/mcp", False),
        ("POST", "/api/v1/indexes", False),
        ("post", "/api/v1/search", False),
    ],
)
def test_what_a_key_for_reading_opens(
    guarded: Door, method: str, path: str, is_reading: bool
) -> None:
    key = ("x-api-key", guarded.reading)
    if is_reading:
        assert not guarded.may_write(key, method=method, path=path)
    else:
        refused = guarded.admit(OWN, key, method=method, path=path)
        assert isinstance(refused, Refusal)
        assert refused.code == "key_may_not_write"
        assert "the key ada may only read" in refused.detail


def test_open_pages_change_nothing(guarded: Door) -> None:
    for path in ("/healthz", "/readyz"):
        assert not guarded.may_write(path=path)
        assert guarded.refusal(FOREIGN_PAGE, path=path) == "origin_refused"


def test_without_any_key_everybody_or_nobody_comes_in(door: Door) -> None:
    assert door.may_write()
    refused = door.admit(OWN, needs_key=True)
    assert isinstance(refused, Refusal)
    assert refused.code == "key_missing"
    assert door.refusal(("x-api-key", "kodit_removed")) == "key_unknown"


@pytest.mark.parametrize(
    ("sent", "folder"),
    [
        ("/home/ada", "/home/ada"),
        ("/a%20b/%C3%A4", "/a b/ä"),
        ("/%FF", "/\udcff"),  # a name that is no text, as the file system gives it
    ],
)
def test_the_folder_of_a_local_caller(sent: str, folder: str) -> None:
    caller = LocalAccess().admit(_request(("x-kodit-folder", sent)))
    assert isinstance(caller, Caller)
    assert caller.folder == folder
    assert caller.may_write
    assert caller.is_local


def test_the_roots_of_a_local_caller() -> None:
    """Of a caller whose folder is known; an empty one is ignored."""
    folder, roots = ("x-kodit-folder", "/a"), ("x-kodit-roots", "/a,,/b%2C%20c,")
    caller = LocalAccess().admit(_request(folder, roots))
    assert isinstance(caller, Caller)
    assert caller.roots == ("/a", "/b, c")
    alone = LocalAccess().admit(_request(folder))
    assert isinstance(alone, Caller)
    assert alone.roots == ()
    assert LocalAccess().admit(_request(roots)) == LOCAL_CALLER
    assert LocalAccess().admit(_request(("x-kodit-folder", ""), roots)) == LOCAL_CALLER


@pytest.mark.parametrize(
    ("site", "mode", "method", "is_let_in"),
    [
        ("cross-site", "navigate", "GET", True),
        ("cross-site", "navigate", "HEAD", True),
        ("cross-site", "navigate", "POST", False),
        ("cross-site", "no-cors", "GET", False),
        ("cross-site", "", "GET", False),
        ("same-site", "no-cors", "GET", False),
        ("same-site", "navigate", "GET", True),
        ("same-origin", "no-cors", "GET", True),
        ("none", "no-cors", "GET", True),
    ],
)
def test_the_browser_reports_the_requesting_page(
    door: Door, site: str, mode: str, method: str, is_let_in: bool
) -> None:
    """Links may be followed, but embedded resources are refused."""
    headers = [("sec-fetch-site", site), *([("sec-fetch-mode", mode)] if mode else [])]
    admitted = door.admit(OWN, *headers, method=method)
    assert isinstance(admitted, Caller) is is_let_in
    # A page of another port of this machine names itself, and is still of another server.
    with_origin = door.admit(OWN, OWN_PAGE, *headers, method=method)
    assert isinstance(with_origin, Caller) is (is_let_in or site == "cross-site")


def test_a_refusal_says_how_to_authenticate(door: Door, tmp_path: Path) -> None:
    """And sent values are shown in printable form."""
    refused = door.admit(OWN, needs_key=True)
    assert isinstance(refused, Refusal)
    assert refused.status == 401
    assert refused.headers == ((b"www-authenticate", b'Bearer realm="kodit"'),)
    strange = door.admit(("host", "\x1b" + "x" * 200))
    assert isinstance(strange, Refusal)
    assert strange.status == 421
    shown = "'\\x1b" + "x" * 99 + "'"
    assert f"this server is not called {shown};" in strange.detail
    nameless = door.admit()
    assert isinstance(nameless, Refusal)
    assert "is not called by no name;" in nameless.detail
    (tmp_path / "keys.json").write_text("{")
    unreadable = door.admit(OWN, ("x-api-key", "kodit_a"))
    assert isinstance(unreadable, Refusal)
    assert (unreadable.status, unreadable.code) == (503, "keys_unreadable")
