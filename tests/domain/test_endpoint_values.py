"""Prices and pauses of endpoints, and similarities of different models."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kodit.domain.endpoints import (
    LONGEST_OUTAGE,
    LONGEST_POSTPONEMENT,
    Budget,
    Endpoint,
    EndpointState,
    Limits,
    Prices,
    Purpose,
    Usage,
    month_of,
    pause_after,
)
from kodit.domain.search import VectorKind
from kodit.domain.similarity import BUILT_IN, Scale, ToBuiltIn, mapping


@pytest.mark.parametrize(
    ("prices", "usage", "cost"),
    [
        (Prices(), Usage(1, 1, 10**6, 10**6), 0),
        (Prices(2.0, 0.0), Usage(1, 1, 10**6, 10**6), 2_000_000),
        (Prices(2.0, 10.0), Usage(1, 1, 100, 10), 300),
        (Prices(0.1, 0.0), Usage(1, 1, 1, 0), 1),
        (Prices(0.5, 0.5), Usage(1, 1, 1, 1), 1),
        (Prices(0.5, 0.0), Usage(1, 1, 3, 9), 2),
        (Prices(2.0, 2.0), Usage(), 0),
    ],
)
def test_what_a_usage_costs(prices: Prices, usage: Usage, cost: int) -> None:
    """In millionths, rounded up."""
    assert prices.cost(usage) == cost


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, 0.25), (1, 0.25), (2, 1.0), (3, 2.0), (4, 4.0), (10, 256.0), (11, 300.0), (99, 300.0)],
)
def test_pauses(failures: int, seconds: float) -> None:
    assert pause_after(failures) == seconds


def test_endpoints_without_settings() -> None:
    endpoint = Endpoint(Purpose.EMBEDDING, "http://one", "m")
    assert endpoint.name == "embedding http://one"
    assert endpoint.limits == Limits(4, None, None)
    assert endpoint.prices == Prices(0.0, 0.0)
    assert endpoint.budget == Budget(None, None)
    assert (endpoint.longest_request, endpoint.longest_stage) == (timedelta(minutes=1), None)
    assert Usage() == (0, 0, 0, 0)
    assert EndpointState("x") == EndpointState("x", None, None, 0, None)
    assert timedelta(minutes=10) == LONGEST_POSTPONEMENT
    assert timedelta(days=1) == LONGEST_OUTAGE
    assert month_of(datetime(2026, 1, 31, 23, tzinfo=UTC)) == "2026-01"


@pytest.mark.parametrize("kind", VectorKind)
def test_similarities_of_another_model(kind: VectorKind) -> None:
    """Related and unrelated texts get the similarities that the built-in model gives them."""
    own, others = BUILT_IN[kind].own, BUILT_IN[kind].others
    scaled = mapping(kind, Scale(own=0.9, others=0.6))
    assert scaled(0.9) == pytest.approx(own)
    assert scaled(0.6) == pytest.approx(others)
    assert scaled(0.75) == pytest.approx((own + others) / 2)
    assert scaled(0.0) == others, "it was never sent"
    assert scaled.factor == pytest.approx((own - others) / 0.3)


@pytest.mark.parametrize("kind", VectorKind)
def test_models_that_hardly_tell_texts_apart(kind: VectorKind) -> None:
    """Their differences grow by a factor of four at most, and noise not at all."""
    others = BUILT_IN[kind].others
    assert mapping(kind, Scale(0.52, 0.5)) == ToBuiltIn(0.5, 4.0, others)
    assert mapping(kind, Scale(0.515, 0.5)) == ToBuiltIn(0.5, 1.0, others)
    assert mapping(kind, Scale(0.4, 0.5)) == ToBuiltIn(0.5, 1.0, others)


def test_similarities_stay_within_their_bounds() -> None:
    scale = ToBuiltIn(0.5, 4.0, 0.2)
    assert [scale(one) for one in (1.0, -1.0, 0.5, 0.6)] == [1.0, -1.0, 0.2, pytest.approx(0.6)]
