"""Models that another program serves over HTTP: their limits, prices and bills."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

MICRO = 1_000_000
"""Costs are whole millionths of the currency of the prices, and prices are for a million tokens."""


class Purpose(StrEnum):
    """What an endpoint is used for. Each has settings and limits of its own."""

    EMBEDDING = "embedding"
    ENRICHMENT = "enrichment"


class Usage(NamedTuple):
    """What requests have used."""

    calls: int = 0
    texts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices for a million tokens; 0 if they are not known or nothing is to be paid."""

    input: float = 0.0
    output: float = 0.0

    def cost(self, usage: Usage) -> int:
        """In millionths of the currency, rounded up."""
        exact = usage.input_tokens * self.input + usage.output_tokens * self.output
        return -int(-exact // 1)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an endpoint is used at most, by all workers of a database together. None stands for
    no limit."""

    concurrency: int = 4
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """How much may be spent, in the currency of the prices. None stands for no limit."""

    per_run: float | None = None
    per_month: float | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint as the limits and bills know it. `name` is its purpose and its address without
    secrets. After `longest_stage`, a stage sends nothing more."""

    purpose: Purpose
    address: str
    model: str
    limits: Limits = field(default_factory=Limits)
    prices: Prices = field(default_factory=Prices)
    budget: Budget = field(default_factory=Budget)
    longest_request: timedelta = timedelta(seconds=60)
    longest_stage: timedelta | None = None

    @property
    def name(self) -> str:
        return f"{self.purpose} {self.address}"


@dataclass(frozen=True, slots=True)
class Payer:
    """The claim for which a request is made, and the run that it belongs to."""

    task_id: int
    claim_no: int
    run_id: int


@dataclass(frozen=True, slots=True)
class Place:
    """The right to send one request, at `starts_at`. It ends with its claim, or at `expires_at`."""

    token: str
    starts_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no request may be sent now, and when to ask again. Without a reason, others are using
    the endpoint as much as its limits allow."""

    until: datetime
    reason: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """Inputs of a request whose results are stored by now, so that they need not be sent."""

    keys: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class EndpointState:
    """Whether an endpoint answers. `failures` counts the transient failures since its last answer,
    the first of which was at `failing_since`; until `paused_until`, nothing is sent to it."""

    name: str
    paused_until: datetime | None = None
    reason: str | None = None
    failures: int = 0
    failing_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """What an endpoint was used for in a month, and for how many texts a stored result was used
    instead. `cost` is in millionths."""

    endpoint: str
    model: str
    month: str
    usage: Usage
    cached: int
    cost: int


FIRST_PAUSE_SECONDS = 0.25
"""After a single failure, which may be an accident."""
LONGEST_PAUSE_SECONDS = 300.0
LONGEST_POSTPONEMENT = timedelta(minutes=10)
"""How long a task that waits for an endpoint or a budget is not tried: a setting may change."""
LONGEST_OUTAGE = timedelta(days=1)
"""An endpoint that has not answered for longer is not waited for."""


def pause_after(failures: int) -> float:
    """Seconds to wait after the `failures`-th failure in a row: 0.25, 1, 2, 4 and so on, at most
    five minutes."""
    if failures <= 1:
        return FIRST_PAUSE_SECONDS
    return min(2.0 ** min(failures - 2, 16), LONGEST_PAUSE_SECONDS)


def month_of(moment: datetime) -> str:
    """The month of a bill, as in 2026-01, in UTC."""
    return f"{moment:%Y-%m}"
