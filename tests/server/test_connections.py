"""Connections, turns, heads and names, each by itself: which connection is closed for another, the
order of requests, and values exactly at a limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

import h11
import pytest
from tests.support.listening import patiently, until

from kodit.server.connections import Connections
from kodit.server.heads import HeadChecks
from kodit.server.hosts import HostNames
from kodit.server.limits import Limits
from kodit.server.memory import SMALL_HEAD_BYTES, SharedBytes
from kodit.server.turns import Turns

LIMITS = Limits(connections=3, sweep_seconds=0.001)


class Line:
    """A connection that records being dropped, or is overdue."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_late = False
        self.drops = 0

    def __repr__(self) -> str:
        return self.name

    def is_overdue(self, _now: float) -> bool:
        return self.is_late

    def drop(self) -> None:
        self.drops += 1


async def _nothing(*_: object) -> None:
    raise AssertionError("nobody asks")


def group(*, are_local: bool = False) -> Connections:
    return Connections(_nothing, LIMITS, are_local=are_local)


def test_which_connection_is_closed_for_a_new_one() -> None:
    """The oldest stranger, then the one that has waited longest for its next request; never one
    with an active request."""

    async def run() -> None:
        held = group()
        a, b, c, d, e, f, g = map(Line, "abcdefg")
        assert all(held.enter(one) for one in (a, b, c))
        held.recognize(a)
        held.recognize(b)
        assert [held.is_stranger(one) for one in (a, b, c)] == [False, False, True]
        assert held.enter(d)
        assert (c.drops, len(held)) == (1, 3)
        held.recognize(d)
        held.begin(a)
        held.end(a)  # it waits again, and less long than the others
        assert held.enter(e)
        assert (a.drops, b.drops, d.drops) == (0, 1, 0)
        held.begin(a)
        held.begin(d)
        held.recognize(e)
        held.begin(e)
        assert not held.enter(f)
        assert len(held) == 3
        held.end(d)
        assert held.enter(f)
        assert d.drops == 1
        held.end(d)  # which has gone, and makes room for nobody any more
        held.leave(f)
        assert held.enter(g)
        held.leave(g)
        held.leave(g)
        assert (len(held), held.enter(f)) == (2, True)
        assert (a.drops, e.drops, f.drops, g.drops) == (0, 0, 0, 0)

    patiently(run())


def test_a_stranger_that_is_answered_stays_one() -> None:
    async def run() -> None:
        held = group()
        stranger, known = Line("stranger"), Line("known")
        held.enter(known)
        held.recognize(known)
        held.enter(stranger)
        held.end(stranger)
        assert held.is_stranger(stranger)
        held.recognize(stranger)
        held.recognize(stranger)
        assert not held.is_stranger(stranger)
        held.enter(Line("third"))
        held.leave(known)
        assert held.enter(Line("fourth"))

    patiently(run())


def test_who_was_answered_last_waits_behind_the_others() -> None:
    """From when its client is admitted; a closed one does not wait."""

    async def run() -> None:
        held = group()
        late, first, second = Line("late"), Line("first"), Line("second")
        held.enter(late)
        held.end(late)
        held.enter(first)
        held.enter(second)
        for one in (first, second, late):
            held.recognize(one)
        held.end(first)
        assert held.enter(Line("new"))
        assert (first.drops, second.drops, late.drops) == (0, 1, 0)

        full = group()
        lines = [Line(str(number)) for number in range(4)]
        for one in lines[:3]:
            full.enter(one)
            full.recognize(one)
            full.begin(one)
        full.leave(lines[0])
        full.end(lines[0])
        assert full.enter(lines[3])
        full.recognize(lines[3])
        full.begin(lines[3])
        assert not full.enter(Line("new"))
        assert [one.drops for one in lines] == [0, 0, 0, 0]

    patiently(run())


def test_programs_of_this_user_are_no_strangers() -> None:
    async def run() -> None:
        held = group(are_local=True)
        lines = [Line(str(number)) for number in range(3)]
        assert all(map(held.enter, lines))
        assert not any(map(held.is_stranger, lines))
        held.begin(lines[0])
        assert held.enter(Line("new"))
        assert [one.drops for one in lines] == [0, 1, 0]

    patiently(run())


def test_connections_are_looked_at_while_there_are_any() -> None:
    """Repeatedly, until the last one is closed."""

    async def run() -> None:
        held = group()
        late, other = Line("late"), Line("other")
        held.enter(late)
        sweeping = held._sweeping
        held.enter(other)
        assert held._sweeping is sweeping
        late.is_late = True
        await until(lambda: late.drops > 2)
        assert other.drops == 0
        held.leave(late)
        held.leave(other)
        await until(lambda: held._sweeping is None)
        drops = late.drops
        held.enter(other)
        assert held._sweeping is not None
        other.is_late = True
        await until(lambda: other.drops > 0)
        assert late.drops == drops
        held.leave(other)

    patiently(run())


def test_the_order_of_requests() -> None:
    """Clients that wait for an answer come first, but one pipelined request starts in each turn,
    and a disconnected client uses up no turn."""
    started: list[str] = []

    async def run() -> None:
        turns = Turns(3)

        async def ask(name: str, *, is_ahead: bool = False) -> None:
            await turns.wait(is_ahead=is_ahead)
            started.append(name)

        def asking(name: str, *, is_ahead: bool = False) -> Awaitable[None]:
            return asyncio.ensure_future(ask(name, is_ahead=is_ahead))

        first = [asking(f"now{number}") for number in range(3)]
        ahead = [asking(f"ahead{number}", is_ahead=True) for number in range(3)]
        gone = asyncio.ensure_future(ask("gone"))
        later = [asking(f"later{number}") for number in range(5)]
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(*first, *ahead, *later)

    patiently(run())
    assert started[:3] == ["now0", "now1", "now2"]
    assert started[3:6] == ["later0", "later1", "ahead0"]
    assert started[6:9] == ["later2", "later3", "ahead1"]
    assert started[9:] == ["later4", "ahead2"]


def test_without_pipelined_requests_all_waiting_ones_start() -> None:
    """As many start in each turn as the limit allows."""
    in_turn: list[int] = []

    async def run() -> None:
        turns = Turns(3)
        started: list[int] = []

        async def ask() -> None:
            await turns.wait(is_ahead=False)
            started.append(1)

        asking = [asyncio.ensure_future(ask()) for _ in range(9)]
        while len(started) < 9:
            await asyncio.sleep(0)
            if len(started) > sum(in_turn):
                in_turn.append(len(started) - sum(in_turn))
        await asyncio.gather(*asking)

    patiently(run())
    assert in_turn == [3, 3, 3]


def parsed(
    head: str, limits: Limits, shared: SharedBytes | None = None
) -> tuple[object, HeadChecks]:
    """The result of parsing a head, or the code of its refusal."""
    checks = HeadChecks(limits, shared or SharedBytes(0))
    checks.receive_data(head.encode("ascii"))
    try:
        return type(checks.next_event()), checks
    except h11.RemoteProtocolError as error:
        assert checks.refusal is not None
        assert error.error_status_hint == checks.refusal.status
        return checks.refusal.code, checks


LINE = "GET /abc HTTP/1.1\r\n"


@pytest.mark.parametrize(
    ("head", "limits", "found"),
    [
        (f"{LINE}Host: x\r\n\r\n", {"line_bytes": 18}, h11.Request),
        (f"{LINE}Host: x\r\n\r\n", {"line_bytes": 17}, "line_too_long"),
        ("GET /abcdef", {"line_bytes": 11}, h11.NEED_DATA),
        ("GET /abcdef", {"line_bytes": 10}, "line_too_long"),
        (f"{LINE}Host: x\r\n\r\n", {"fields_bytes": 12}, h11.Request),
        (f"{LINE}Host: x\r\n\r\n", {"fields_bytes": 11}, "header_too_large"),
        (f"{LINE}Host: x\r\nA: b\r\n\r\n", {"fields": 2}, h11.Request),
        (f"{LINE}Host: x\r\nA: b\r\n\r\n", {"fields": 1}, "header_too_large"),
        (f"{LINE}Host: x\r\nA: b\r\nC", {"fields": 2}, h11.NEED_DATA),
        (f"{LINE}Host: x\r\nA: b\r\nC: d\r\n", {"fields": 2}, "header_too_large"),
    ],
)
def test_a_head_exactly_at_its_limit(head: str, limits: dict[str, int], found: object) -> None:
    event, _checks = parsed(head, replace(Limits(), **limits))
    assert event in (found, type(found)) or event is found


def test_heads_share_their_memory_with_what_is_sent_ahead() -> None:
    """Until the answer is complete, or the connection is closed."""
    shared = SharedBytes(100)
    head = f"{LINE}Host: x\r\n\r\n"
    ahead = "x" * (SMALL_HEAD_BYTES + 60 - len(head))
    _event, checks = parsed(head + ahead, Limits(), shared)
    assert shared.left == 40
    event, _other = parsed(head + ahead, Limits(), shared)
    assert event == "overloaded"
    assert shared.left == 40
    checks.close()
    assert shared.left == 100


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        *((name, True) for name in ("localhost", "LOCALHOST:80", "localhost.", "[::1]:8321")),
        *((name, True) for name in ("127.0.0.1", "code.example.org", "[fd00::5]", "10.0.0.9:1")),
        *((name, False) for name in ("", "localhost:", "localhost:123456", "localhost:80x")),
        *((name, False) for name in ("localhost/x", "x@localhost", "0.0.0.0", "[::]", "evil")),  # noqa: S104 - no name
        *((name, False) for name in ("[localhost]x", "10.0.0.8", "localhost..")),
    ],
)
def test_the_names_of_a_server(host: str, *, is_own: bool) -> None:
    names = HostNames("[FD00::5]", ("code.example.org",))
    assert names.has(host, "10.0.0.9") is is_own
    assert HostNames("0.0.0.0", ()).has("0.0.0.0", None) is False  # noqa: S104 - no name
    assert names.has("10.0.0.9", None) is False


@pytest.mark.parametrize(
    ("origin", "is_own"),
    [
        *((page, True) for page in ("http://localhost", "https://LOCALHOST:8443", "http://[::1]")),
        *((page, True) for page in ("http://10.0.0.9:1", "https://code.example.org.")),
        *((page, False) for page in ("null", "", "localhost", "ftp://localhost", "http://")),
        *((page, False) for page in ("http://[::1", "http://evil", "file:///localhost")),
    ],
)
def test_the_pages_of_a_server(origin: str, *, is_own: bool) -> None:
    assert HostNames("127.0.0.1", ("code.example.org",)).has_origin(origin, "10.0.0.9") is is_own
