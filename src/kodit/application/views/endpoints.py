"""Endpoints of models: what they were used for, and whether they answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from kodit.application.views.serialization import ONLY_WHEN_SET, moment
from kodit.domain.endpoints import MICRO

if TYPE_CHECKING:
    from kodit.domain.endpoints import Bill, EndpointState


@dataclass(frozen=True, slots=True)
class EndpointView:
    """What a model behind an endpoint was used for in a month: `calls` for `texts`, their tokens
    and `cost` by the prices of the settings. For `cached` texts, a stored result was used instead.
    If it fails, `reason` says how, and nothing is sent to it until `paused_until`."""

    endpoint: str
    model: str
    month: str
    calls: int
    texts: int
    input_tokens: int
    output_tokens: int
    cached: int
    cost: float
    paused_until: str | None = field(default=None, metadata=ONLY_WHEN_SET)
    reason: str | None = field(default=None, metadata=ONLY_WHEN_SET)

    @classmethod
    def of(cls, bill: Bill, state: EndpointState | None) -> Self:
        return cls(
            endpoint=bill.endpoint,
            model=bill.model,
            month=bill.month,
            calls=bill.usage.calls,
            texts=bill.usage.texts,
            input_tokens=bill.usage.input_tokens,
            output_tokens=bill.usage.output_tokens,
            cached=bill.cached,
            cost=bill.cost / MICRO,
            paused_until=None if state is None else moment(state.paused_until),
            reason=None if state is None else state.reason,
        )
