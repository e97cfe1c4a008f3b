"""Lines about nodes, endpoints and moves, letter by letter."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from kodit.application.views.dry_run import DryRunEndpointView
from kodit.application.views.endpoints import EndpointView
from kodit.application.views.indexes import RefusedView
from kodit.application.views.moving import MoveView
from kodit.application.views.nodes import NodeView
from kodit.application.views.standing import StandingView
from kodit.domain.diagnosis import Area, Diagnosis, Problem
from kodit.domain.moving import Move, MovedTable
from kodit.domain.ports.nodes import Node
from kodit.faces.cli.terminal import doctor, dry_run, moving
from kodit.faces.cli.terminal.notices import warn_of_missing_keywords
from kodit.faces.cli.terminal.tables import endpoint_lines, node_line, refused_line
from kodit.settings import Settings

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NODE = NodeView("n", "ada", "/data\x07", "1", "following", NOW.isoformat(), 0, 0, ())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "following"),
        ({"state": "idle", "roles": ("work",)}, "idle, works"),
        ({"roles": ("work", "search")}, "following, works and searches"),
        ({"roles": ("search",), "behind": 1}, "following, searches, 1 change behind"),
        ({"behind": 2, "lacks": 1}, "following, 2 changes behind, does not search 1 index by "),
        ({"lacks": 3}, "following, does not search 3 indexes by keyword yet"),
        ({"state": "gone", "roles": ("work",)}, "gone, seen "),
    ],
)
def test_a_node(changes: dict[str, Any], said: str) -> None:
    line = node_line(replace(NODE, **changes))
    assert line.startswith(rf"node ada:/data\x07: {said}")
    assert ("works" in line) is ("works" in said)


@pytest.mark.parametrize(
    ("is_alive", "follows", "state"),
    [(True, True, "following"), (True, False, "idle"), (False, True, "gone")],
)
def test_the_state_and_the_roles_of_a_node(is_alive: bool, follows: bool, state: str) -> None:
    node = Node(
        name="n",
        host="ada",
        location="/data",
        version="1",
        seen_at=NOW,
        is_alive=is_alive,
        follows=follows,
        works=True,
        searches=not follows,
        behind=3,
        lacks=4,
    )
    view = NodeView.of(node)
    assert (view.state, view.behind, view.lacks) == (state, 3, 4)
    assert view.roles == (("work",) if follows else ("work", "search"))


USED = EndpointView("embedding http://a", "m", "2026-01", 2_000, 3_000, 40_000, 0, 0, 0.0)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, ["2,000 calls, 3,000 texts, 40,000 tokens"]),
        (
            {"output_tokens": 5_000, "cost": 0.12345, "cached": 6_000},
            [
                "2,000 calls, 3,000 texts, 40,000 tokens and 5,000 tokens of output, cost 0.1235, "
                "6,000 texts from the cache"
            ],
        ),
        ({"calls": 0, "texts": 0, "input_tokens": 0}, []),
        (
            {"calls": 0, "texts": 0, "input_tokens": 0, "cached": 7},
            ["0 calls, 0 texts, 0 tokens, 7 texts from the cache"],
        ),
        (
            {"reason": "it is down"},
            ["2,000 calls, 3,000 texts, 40,000 tokens", "is paused: it is down"],
        ),
    ],
)
def test_what_an_endpoint_was_used_for(changes: dict[str, Any], told: list[str]) -> None:
    starts = ("embedding http://a (m), 2026-01: ", "embedding http://a ")
    expected = [f"{start}{one}" for start, one in zip(starts, told, strict=False)]
    assert endpoint_lines(replace(USED, **changes)) == expected


def test_until_when_an_endpoint_is_paused() -> None:
    """In the time of the user's own clock."""
    local = NOW.astimezone()
    paused = replace(USED, calls=0, paused_until=NOW.isoformat(), reason="it is down")
    assert endpoint_lines(paused) == [
        f"embedding http://a is paused until {local:%Y-%m-%d %H:%M:%S}: it is down"
    ]


def test_what_would_be_sent() -> None:
    """Exactly, if the tokens were counted; and at which cost."""
    view = DryRunEndpointView("e", "m", 2_000, 3_000, True, 5, (10, 20, 3_000), 0, 0.0, 0.0)
    first = "e (m): 2,000 texts with 3,000 characters; 5 more are in the cache"
    about = "  some 20 input tokens (10 to 3,000)"
    unpriced = "  no price is set; KODIT_EMBEDDING_PRICE and others tell the cost"
    assert dry_run.endpoint_lines(view) == [first, about, unpriced]
    priced = replace(view, most_output_tokens=4_000, least_cost=0.5, most_cost=1.25)
    assert dry_run.endpoint_lines(priced) == [
        first,
        f"{about}, at most 4,000 output tokens",
        "  cost 0.5000 to 1.2500",
    ]
    exact = replace(view, is_exact=False, input_tokens=(20, 20, 20), texts=0)
    assert dry_run.endpoint_lines(exact) == [
        first.replace("(m): 2,000", "(m): at most 0"),
        "  20 input tokens",
    ]


def test_snippets_that_were_refused() -> None:
    """The first ones by name."""
    refused = RefusedView(2, "no\x07", ("a.py:1", "b.py:2"))
    line = refused_line(refused)
    assert line.startswith(
        r"the model gave no usable description of 2 snippets (no\x07): a.py:1, b.py:2; they "
    )
    assert ": a.py:1, b.py:2 and others; " in refused_line(replace(refused, snippets=3))


STANDING = StandingView(
    index_id=1,
    source="/shop",
    state="complete",
    commit=None,
    indexed_at=None,
    run=None,
    changed_files=0,
    pending=(),
    failed=(),
    left_out={},
    unsearched=(),
)


def test_what_is_not_searched_on_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    """Of all indexes together."""
    behind = [replace(STANDING, behind=count) for count in (1, 2)]
    nowhere = replace(STANDING, is_searchable_nowhere=True)
    follow = "not searched on this machine yet; `kodit serve` and `kodit index` follow them."
    for standing, told in (
        ([STANDING], ""),
        (behind[:1], f"1 change is {follow}\n"),
        (behind, f"3 changes are {follow}\n"),
        (
            [nowhere],
            "The last changes of /shop are searchable nowhere yet, because no node that searches "
            "is running.\n",
        ),
    ):
        warn_of_missing_keywords(standing)
        assert capsys.readouterr().err == told


async def repair() -> None: ...


REPAIRED = Problem(Area.QUEUE, "it is wrong", "repairs it", repair=repair)
LASTING = Problem(Area.CLONES, "it is broken", "look at it", index_id=3)


@pytest.mark.parametrize(
    ("diagnosis", "repairs", "out", "err"),
    [
        (Diagnosis((), ()), False, [], ["No problems were found."]),
        (Diagnosis((), (), 3_000_000), False, [], ["No problems were found.", "free; `kodit"]),
        (Diagnosis((), (), 3_000_000), True, [], ["No problems were found.", "free."]),
        (Diagnosis((LASTING,), (LASTING,)), False, ["clones, index 3: it is broken → look"], []),
        (
            Diagnosis((REPAIRED,), (REPAIRED,)),
            False,
            ["queue: it is wrong → repairs it"],
            ["`kodit doc"],
        ),
        (
            Diagnosis((REPAIRED,), ()),
            True,
            ["queue: it is wrong → repairs it"],
            ["All of this was rep"],
        ),
        (
            Diagnosis((REPAIRED, LASTING), (LASTING,)),
            True,
            [
                "queue: it is wrong",
                "clones, index 3: it is broken",
                "clones, index 3: it is broken",
            ],
            ["These problems remain after the repair:"],
        ),
    ],
)
def test_what_doctor_tells(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    diagnosis: Diagnosis,
    repairs: bool,
    out: list[str],
    err: list[str],
) -> None:
    monkeypatch.setattr(doctor, "_check", lambda *_asked, **_how: diagnosis)
    is_healthy = doctor.check_and_show(Settings(), repair=repairs, as_json=False)
    assert is_healthy is (not diagnosis.remaining)
    shown = capsys.readouterr()
    for lines, expected in ((shown.out, out), (shown.err, err)):
        assert len(lines.splitlines()) == len(expected)
        for line, part in zip(lines.splitlines(), expected, strict=True):
            assert part in line


MOVE = Move(
    "file", "server", (MovedTable("a", 1_000), MovedTable("none", 0), MovedTable("bb", 2)), "old.db"
)


def test_what_was_moved(capsys: pytest.CaptureFixture[str]) -> None:
    """Tables with rows, in columns; then what to do next, by the way it went."""
    moving._show(MOVE, Diagnosis((LASTING,), (LASTING,)))
    assert capsys.readouterr().out.splitlines()[:2] == [
        "a            1,000",
        "bb               2",
    ]
    moving._say_what_next(MOVE, is_to_file=True)
    first, what_next, kept = capsys.readouterr().err.splitlines()
    assert first == "kodit: moved 1,002 rows, compared one by one, from file to server"
    assert what_next.startswith("kodit: unset KODIT_DATABASE_URL for every command")
    assert kept.startswith("kodit: the original is kept in old.db")
    moving._say_what_next(replace(MOVE, tables=()), is_to_file=False)
    first, what_next, _kept = capsys.readouterr().err.splitlines()
    assert first == "kodit: moved from file to server"
    assert what_next.startswith("kodit: set KODIT_DATABASE_URL to that address")
    moving._show(replace(MOVE, tables=()), Diagnosis((), ()))
    assert capsys.readouterr().out == ""
    view = MoveView.of(MOVE, Diagnosis((LASTING,), (LASTING,)))
    assert (view.source, view.target, view.kept, view.rows) == ("file", "server", "old.db", 1_002)
    assert [(one.name, one.rows) for one in view.tables] == [("a", 1_000), ("none", 0), ("bb", 2)]
    assert [one.problem for one in view.doctor.problems] == ["it is broken"]


def test_the_progress_of_a_move_is_told_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    lines = moving.MoveLines()
    for now, rows in ((101.9, 1), (102.0, 2_000), (103.9, 3), (104.0, 4)):  # noqa: B007 - the clock reads `now`
        lines.show("copied", "snippets", rows, 5_000)
    assert capsys.readouterr().err.splitlines() == [
        "kodit: snippets: copied 2,000 of 5,000 rows",
        "kodit: snippets: copied 4 of 5,000 rows",
    ]
