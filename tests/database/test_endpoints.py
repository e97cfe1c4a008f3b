"""Limits, pauses and bills of endpoints, as all workers of a database share them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.database.content import Content, change

from kodit.domain.claiming import ClaimRules
from kodit.domain.embedding import PackedVector
from kodit.domain.endpoints import (
    LONGEST_OUTAGE,
    Bill,
    Budget,
    Endpoint,
    EndpointState,
    Limits,
    Payer,
    Place,
    Prices,
    Purpose,
    Refusal,
    Stored,
    Usage,
)
from kodit.domain.entities import IndexRun
from kodit.domain.ports.endpoints import ModelFacts
from kodit.domain.value_objects import QueuePriority, VectorKind
from kodit.infrastructure.memory.clock import ManualClock
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction

pytestmark = pytest.mark.every_store

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
ENDPOINT = Endpoint(Purpose.EMBEDDING, "http://one", "m", Limits(concurrency=2))
OTHER = replace(ENDPOINT, address="http://other")
ONE = Usage(1, 1, 100, 0)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def payer(transaction: SqlTransaction, content: Content) -> Payer:
    """A task that is running."""
    run = IndexRun.create(content.id, QueuePriority.BACKGROUND, NOW)
    transaction.tasks.add_run(run)
    [task] = transaction.tasks.claim(
        "ada", ManualClock(NOW), timedelta(seconds=60), ClaimRules(), 1
    )
    assert task.run_id is not None
    return Payer(task.claim.task_id, task.claim.claim_no, task.run_id)


def entered(
    transaction: SqlTransaction,
    endpoint: Endpoint,
    payer: Payer,
    now: datetime = NOW,
    *,
    expected: Usage = ONE,
    keys: tuple[bytes, ...] = (),
) -> Place:
    place = transaction.endpoints.enter(endpoint, payer, expected, now, keys=keys)
    assert isinstance(place, Place), place
    return place


def refused(
    transaction: SqlTransaction,
    endpoint: Endpoint,
    payer: Payer,
    now: datetime = NOW,
    *,
    expected: Usage = ONE,
    keys: tuple[bytes, ...] = (),
) -> Refusal:
    refusal = transaction.endpoints.enter(endpoint, payer, expected, now, keys=keys)
    assert isinstance(refusal, Refusal), refusal
    return refusal


def test_requests_at_once(transaction: SqlTransaction, payer: Payer) -> None:
    """Each endpoint has places of its own, and one that is given up leaves the others."""
    first, second = (entered(transaction, ENDPOINT, payer) for _ in range(2))
    assert first.token != second.token
    assert (first.starts_at, first.expires_at) == (NOW, NOW + ENDPOINT.longest_request)
    assert refused(transaction, ENDPOINT, payer) == Refusal(after(0.1))
    kept = entered(transaction, OTHER, payer)
    transaction.endpoints.give_up(ENDPOINT, first)
    third = entered(transaction, ENDPOINT, payer)
    refused(transaction, ENDPOINT, payer)
    transaction.endpoints.leave(ENDPOINT, second, ONE, ONE)
    transaction.endpoints.give_up(OTHER, third)  # which is none of its places
    entered(transaction, ENDPOINT, payer)
    refused(transaction, ENDPOINT, payer)
    entered(transaction, OTHER, payer)
    refused(transaction, OTHER, payer)
    transaction.endpoints.give_up(OTHER, kept)
    entered(transaction, OTHER, payer)


@pytest.mark.parametrize(
    "end",
    [
        "UPDATE tasks SET state = 'succeeded' WHERE state = 'running'",
        "UPDATE tasks SET claim_no = claim_no + 1 WHERE state = 'running'",
    ],
)
def test_places_of_lost_claims_are_free(
    transaction: SqlTransaction, payer: Payer, end: str
) -> None:
    for _ in range(2):
        entered(transaction, ENDPOINT, payer)
    refused(transaction, ENDPOINT, payer)
    change(transaction, end)
    entered(transaction, ENDPOINT, payer)


def test_places_expire(transaction: SqlTransaction, payer: Payer) -> None:
    for _ in range(2):
        entered(transaction, ENDPOINT, payer)
    refused(transaction, ENDPOINT, payer, after(59.9))
    entered(transaction, ENDPOINT, payer, after(60))


KEYS = tuple(bytes([number]) * 16 for number in range(3))


def test_what_is_under_way_is_not_sent_twice(transaction: SqlTransaction, payer: Payer) -> None:
    place = entered(transaction, ENDPOINT, payer, keys=KEYS[:2])
    assert refused(transaction, ENDPOINT, payer, keys=KEYS[1:]) == Refusal(after(0.1))
    entered(transaction, OTHER, payer, keys=KEYS[:2])
    transaction.endpoints.give_up(ENDPOINT, place)
    entered(transaction, ENDPOINT, payer, keys=KEYS[1:])


def test_what_is_stored_is_not_sent(
    transaction: SqlTransaction, payer: Payer, content: Content
) -> None:
    transaction.embeddings.add(content.id, {KEYS[1]: PackedVector(b"vector", b"code")})
    found = transaction.endpoints.enter(ENDPOINT, payer, ONE, NOW, keys=KEYS)
    assert found == Stored(frozenset({KEYS[1]}))
    entered(transaction, replace(ENDPOINT, purpose=Purpose.ENRICHMENT), payer, keys=KEYS)


def seconds_until_starts(
    transaction: SqlTransaction, limits: Limits, payer: Payer, count: int, expected: Usage = ONE
) -> list[float]:
    """When each of some requests at one moment starts; the last number is that of a refusal."""
    endpoint = replace(ENDPOINT, limits=replace(limits, concurrency=99))
    found: list[float] = []
    for _ in range(count):
        place = transaction.endpoints.enter(endpoint, payer, expected, NOW)
        moment = place.until if isinstance(place, Refusal) else place.starts_at  # type: ignore[union-attr]
        found.append(round((moment - NOW).total_seconds(), 2))
    return found


def test_requests_per_minute(transaction: SqlTransaction, payer: Payer) -> None:
    """They start one after another; what would start much later is asked again later."""
    limits = Limits(requests_per_minute=30)
    assert seconds_until_starts(transaction, limits, payer, 4) == [0.0, 1.92, 3.94, 3.46]
    assert not transaction.endpoints.states()


def test_tokens_per_minute(transaction: SqlTransaction, payer: Payer) -> None:
    """By what a request is expected to take, which is put right when it has ended."""
    limits = Limits(tokens_per_minute=6_000)
    expected = Usage(1, 1, 100, 100)
    starts = seconds_until_starts(transaction, limits, payer, 3, expected)
    assert starts == [0.0, 1.92, 3.94]
    endpoint = replace(ENDPOINT, limits=replace(limits, concurrency=99))
    place = Place("none", NOW, NOW)
    transaction.endpoints.leave(endpoint, place, expected, Usage(1, 1, 50, 50))
    assert seconds_until_starts(transaction, limits, payer, 1, expected) == [4.95]
    transaction.endpoints.leave(endpoint, place, expected, Usage(1, 1, 400, 0))
    assert seconds_until_starts(transaction, limits, payer, 1, expected) == [6.49]


def test_a_clock_that_was_set_back_keeps_nobody_waiting(
    transaction: SqlTransaction, payer: Payer
) -> None:
    limits = Limits(concurrency=99, requests_per_minute=30, tokens_per_minute=6_000)
    endpoint = replace(ENDPOINT, limits=limits)
    entered(transaction, endpoint, payer)
    earlier = NOW - timedelta(hours=2)
    assert entered(transaction, endpoint, payer, earlier).starts_at == earlier


def test_pauses_after_failures(transaction: SqlTransaction, payer: Payer) -> None:
    """Twice as long after each; requests that were under way count as one."""
    endpoints = transaction.endpoints
    first, second = (entered(transaction, ENDPOINT, payer) for _ in range(2))
    state = endpoints.fail(ENDPOINT, first, "it is down", now=after(1), retry_after=None)
    assert state == EndpointState(ENDPOINT.name, after(1.25), "it is down", 1, after(1))
    assert endpoints.states() == [state]
    again = endpoints.fail(ENDPOINT, second, "so it is", now=after(1.1), retry_after=None)
    assert again == EndpointState(ENDPOINT.name, after(1.25), "so it is", 1, after(1))
    refusal = refused(transaction, ENDPOINT, payer, after(1.2))
    assert refusal == Refusal(after(1.25), "so it is", "endpoint_paused")
    entered(transaction, OTHER, payer, after(1.2))
    for number, (seconds, wait) in enumerate(((2, 1), (4, 2), (8, 4)), 2):
        place = entered(transaction, ENDPOINT, payer, after(seconds))
        state = endpoints.fail(ENDPOINT, place, "x", now=after(seconds), retry_after=None)
        assert state.failures == number
        assert (state.paused_until, state.failing_since) == (after(seconds + wait), after(1))
    place = entered(transaction, ENDPOINT, payer, after(20))
    endpoints.leave(ENDPOINT, place, ONE, ONE)
    assert endpoints.states() == []
    place = entered(transaction, ENDPOINT, payer, after(20))
    assert endpoints.fail(ENDPOINT, place, "x", now=after(21), retry_after=None).failures == 1


def test_a_server_says_how_long_to_wait(transaction: SqlTransaction, payer: Payer) -> None:
    """At most a day, and not less than without it."""
    for retry_after, wait in ((7.0, 7.0), (0.1, 1.0), (10**9, LONGEST_OUTAGE.total_seconds())):
        place = entered(transaction, ENDPOINT, payer)
        moment = place.starts_at
        state = transaction.endpoints.fail(
            ENDPOINT, place, "x", now=moment, retry_after=retry_after
        )
        assert state.paused_until == moment + timedelta(seconds=wait)
        change(transaction, "UPDATE endpoints SET paused_until = 0, failed_at = failed_at - 1")


def test_an_answer_to_an_older_request_ends_no_pause(
    transaction: SqlTransaction, payer: Payer
) -> None:
    older = entered(transaction, ENDPOINT, payer)
    newer = entered(transaction, ENDPOINT, payer, after(1))
    transaction.endpoints.fail(ENDPOINT, newer, "x", now=after(2), retry_after=None)
    transaction.endpoints.leave(ENDPOINT, older, ONE, ONE)
    assert [one.failures for one in transaction.endpoints.states()] == [1]


PAID = replace(ENDPOINT, prices=Prices(2.0, 10.0), limits=Limits(concurrency=9))
USED = Usage(1, 2, 100_000, 10_000)
"""Which costs 0.3."""


def test_the_budget_of_a_run(transaction: SqlTransaction, payer: Payer) -> None:
    """Requests under way count as much as they may cost."""
    endpoint = replace(PAID, budget=Budget(per_run=0.6))
    first, second = (entered(transaction, endpoint, payer, expected=USED) for _ in range(2))
    assert refused(transaction, endpoint, payer, expected=ONE) == Refusal(after(0.1))
    for place in (first, second):
        transaction.endpoints.leave(endpoint, place, USED, USED)
        transaction.endpoints.pay(endpoint, payer.run_id, USED, 3, NOW)
    refusal = refused(transaction, endpoint, payer, expected=ONE)
    assert refusal.until == datetime(2026, 2, 1, tzinfo=UTC)
    assert refusal.code == "budget_spent"
    assert refusal.reason == (
        "the budget of 0.6 is spent but for 0 (KODIT_BUDGET_PER_RUN); "
        "the next request costs up to 0.0002"
    )
    entered(transaction, endpoint, replace(payer, run_id=payer.run_id + 1), expected=USED)
    assert transaction.endpoints.refusal_of_query(endpoint, ONE, NOW) is None
    least = replace(PAID, budget=Budget(per_run=0.0001))
    refused(transaction, least, payer, expected=USED)
    assert transaction.endpoints.refusal_of_query(least, USED, NOW) is None  # it is of no run


def test_the_budget_of_a_month(transaction: SqlTransaction, payer: Payer) -> None:
    """For all runs together, and for queries."""
    endpoint = replace(PAID, budget=Budget(per_month=0.7))
    for run_id in (payer.run_id, payer.run_id + 1):
        transaction.endpoints.pay(endpoint, run_id, USED, 0, NOW)
    assert transaction.endpoints.refusal_of_query(endpoint, ONE, NOW) is None
    refusal = transaction.endpoints.refusal_of_query(endpoint, USED, NOW)
    assert refusal is not None
    assert "the budget of 0.7 is spent but for 0.1 (KODIT_BUDGET_PER_MONTH)" in str(refusal.reason)
    refused(transaction, endpoint, payer, expected=USED)
    entered(transaction, endpoint, payer, now=datetime(2026, 2, 1, tzinfo=UTC), expected=USED)


def test_bills(transaction: SqlTransaction, payer: Payer) -> None:
    """By month, endpoint and model, over all runs and queries."""
    pay = transaction.endpoints.pay
    pay(PAID, payer.run_id, USED, 3, NOW)
    pay(PAID, payer.run_id, USED, 4, NOW)
    pay(replace(PAID, model="n"), payer.run_id, ONE, 0, NOW)
    pay(PAID, payer.run_id, ONE, 0, NOW + timedelta(days=31))
    transaction.endpoints.pay_query(PAID, ONE, NOW)
    assert transaction.endpoints.bills("2026-01") == [
        Bill(PAID.name, "m", "2026-01", Usage(3, 5, 200_100, 20_000), 7, 600_200),
        Bill(PAID.name, "n", "2026-01", ONE, 0, 200),
    ]
    assert len(transaction.endpoints.bills("2026-02")) == 1
    assert transaction.endpoints.bills("2025-12") == []


def test_queries_are_refused_only_if_much_was_sent(
    transaction: SqlTransaction, payer: Payer
) -> None:
    """They are counted, and do not wait for their turn."""
    endpoint = replace(ENDPOINT, limits=Limits(requests_per_minute=30))
    endpoints = transaction.endpoints
    for _ in range(5):
        assert endpoints.refusal_of_query(endpoint, ONE, NOW) is None
        endpoints.pay_query(endpoint, ONE, NOW)
    endpoints.pay_query(endpoint, ONE, NOW)
    refusal = endpoints.refusal_of_query(endpoint, ONE, NOW)
    assert refusal is not None
    assert refusal.code == "endpoint_paused"
    assert round((refusal.until - NOW).total_seconds(), 2) == 2.02
    assert endpoints.refusal_of_query(endpoint, ONE, refusal.until) is None
    assert endpoints.refusal_of_query(endpoint, ONE, NOW - timedelta(hours=1)) is None
    assert endpoints.refusal_of_query(ENDPOINT, ONE, NOW) is None
    place = entered(transaction, ENDPOINT, payer)
    endpoints.fail(ENDPOINT, place, "down", now=NOW, retry_after=5.0)
    assert endpoints.refusal_of_query(ENDPOINT, ONE, NOW) == Refusal(
        after(5), "down", "endpoint_paused"
    )
    assert endpoints.refusal_of_query(ENDPOINT, ONE, after(5)) is None


def test_facts_about_models(transaction: SqlTransaction) -> None:
    """The latest ones count."""
    endpoints = transaction.endpoints
    assert endpoints.facts("m") is None
    endpoints.note_facts("m", ModelFacts(8, (0.5, 0.1), (0.4, 0.2)))
    endpoints.note_facts("n", ModelFacts(16, (1.0, 0.0), (1.0, 0.0)))
    facts = ModelFacts(12, (0.6, 0.1), (0.7, 0.3))
    endpoints.note_facts("m", facts)
    assert endpoints.facts("m") == facts
    assert endpoints.facts("x") is None


def test_the_models_that_indexes_have(
    transaction: SqlTransaction, content: Content, other: Content
) -> None:
    """Two while an index changes from one to the other."""
    content.replace(a=["one", "two"])
    models_of = transaction.endpoints.models_of
    assert models_of([content.id, other.id], VectorKind.CODE) == {content.id: (), other.id: ()}
    content.embed(limit=1, model="m")
    assert models_of([content.id], VectorKind.CODE) == {content.id: ("m",)}
    content.embed(model="n")
    assert models_of([content.id], VectorKind.CODE) == {content.id: ("m", "n")}
    assert models_of([content.id], VectorKind.TEXT) == {content.id: ()}
