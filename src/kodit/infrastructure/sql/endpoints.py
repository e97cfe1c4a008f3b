"""Reading what is known of endpoints and embedding models."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from kodit.domain.endpoints import (
    LONGEST_OUTAGE,
    MICRO,
    Bill,
    Endpoint,
    EndpointState,
    Refusal,
    Usage,
    month_of,
)
from kodit.domain.ports.endpoints import ModelFacts
from kodit.domain.run import BUDGET_SPENT
from kodit.domain.value_objects import VectorKind
from kodit.infrastructure.mappers.moments import to_microseconds, to_moment, to_optional_moment
from kodit.infrastructure.sql.statements import Cursors, Statement

HOUR = 3600 * MICRO
"""A moment that is further ahead means that the clock was set back."""
MOST_AHEAD = 10 * MICRO
"""How far requests may be reserved ahead for a query to be sent even so. Queries are not kept
waiting; the stages send so much later."""
TOO_MANY = timedelta(milliseconds=100)
"""How long to wait for the end of other workers' requests before asking again."""

_STATE = Statement(
    "SELECT endpoints.paused_until, endpoints.reason, endpoints.requests_at, endpoints.tokens_at "
    "FROM endpoints WHERE endpoints.name = :name"
)
_SPENT_BY_RUN = Statement(
    "SELECT sum(endpoint_bills.cost) FROM endpoint_bills WHERE endpoint_bills.run_id = :run"
)
_SPENT_IN_MONTH = Statement(
    "SELECT sum(endpoint_bills.cost) FROM endpoint_bills WHERE endpoint_bills.month = :month"
)
_RESERVED_BY_RUN = Statement(
    "SELECT sum(endpoint_places.cost) FROM endpoint_places WHERE endpoint_places.run_id = :run"
)
_RESERVED = Statement("SELECT sum(endpoint_places.cost) FROM endpoint_places")
_FAILING = Statement(
    "SELECT endpoints.name, endpoints.paused_until, endpoints.reason, endpoints.failures, "
    "endpoints.failing_since FROM endpoints WHERE endpoints.failures > 0 ORDER BY endpoints.name"
)
_BILLS = Statement(
    "SELECT endpoint_bills.endpoint, endpoint_bills.model, sum(endpoint_bills.calls), "
    "sum(endpoint_bills.texts), sum(endpoint_bills.input_tokens), "
    "sum(endpoint_bills.output_tokens), sum(endpoint_bills.cached), sum(endpoint_bills.cost) "
    "FROM endpoint_bills WHERE endpoint_bills.month = :month "
    "GROUP BY endpoint_bills.endpoint, endpoint_bills.model "
    "ORDER BY endpoint_bills.endpoint, endpoint_bills.model"
)
_FACTS = Statement(
    "SELECT embedding_models.facts FROM embedding_models WHERE embedding_models.model = :model"
)
_ONE_MODEL = (
    "SELECT vectors.model FROM vectors WHERE vectors.index_id = :index AND vectors.kind = :kind "
    "ORDER BY vectors.snippet_id {} LIMIT 1"
)
_FIRST_MODEL = Statement(_ONE_MODEL.format("ASC"))
_LAST_MODEL = Statement(_ONE_MODEL.format("DESC"))


class EndpointReads:
    """Reads over one connection."""

    def __init__(self, driver: Cursors) -> None:
        self._driver = driver

    def refusal_of_query(
        self, endpoint: Endpoint, expected: Usage, now: datetime
    ) -> Refusal | None:
        moment = to_microseconds(now)
        for paused_until, reason, requests_at, tokens_at in _STATE.run(
            self._driver, {"name": endpoint.name}
        ):
            if moment < paused_until <= moment + microseconds(LONGEST_OUTAGE):
                return Refusal(to_moment(paused_until), reason, "endpoint_paused")
            limits = endpoint.limits
            ahead = max(
                requests_at if limits.requests_per_minute is not None else 0,
                tokens_at if limits.tokens_per_minute is not None else 0,
            )
            if moment + MOST_AHEAD < ahead <= moment + HOUR:
                return Refusal(
                    to_moment(ahead - MOST_AHEAD),
                    "more is sent than its requests or tokens per minute allow",
                    "endpoint_paused",
                )
        return self._over_budget(endpoint, None, expected, now)

    def _over_budget(
        self, endpoint: Endpoint, run_id: int | None, expected: Usage, now: datetime
    ) -> Refusal | None:
        """Why the budget does not allow a request; without a run, only that of the month counts."""
        next_month = (now.replace(day=1) + timedelta(days=32)).replace(
            day=1, hour=0, minute=0, second=0, microsecond=0
        )
        cost = endpoint.prices.cost(expected)
        of_run, of_month = {"run": run_id}, {"month": month_of(now)}
        for most, what, spent, reserved in (
            (
                None if run_id is None else endpoint.budget.per_run,
                "KODIT_BUDGET_PER_RUN",
                (_SPENT_BY_RUN, of_run),
                (_RESERVED_BY_RUN, of_run),
            ),
            (
                endpoint.budget.per_month,
                "KODIT_BUDGET_PER_MONTH",
                (_SPENT_IN_MONTH, of_month),
                (_RESERVED, {}),
            ),
        ):
            if most is None:
                continue
            used, under_way = self._sum(*spent), self._sum(*reserved)
            if used + under_way + cost > most * MICRO:
                if under_way and run_id is not None:
                    return Refusal(now + TOO_MANY)  # they may cost less than expected
                return Refusal(
                    next_month,
                    f"the budget of {most:g} is spent but for {max(0.0, most - used / MICRO):.4g} "
                    f"({what}); the next request costs up to {cost / MICRO:.4g}",
                    BUDGET_SPENT,
                )
        return None

    def _sum(self, statement: Statement, parameters: Mapping[str, object]) -> int:
        ((total,),) = statement.run(self._driver, parameters)
        return int(total or 0)

    def states(self) -> list[EndpointState]:
        return [
            EndpointState(name, to_moment(until), reason, failures, to_optional_moment(since))
            for name, until, reason, failures, since in _FAILING.run(self._driver)
        ]

    def bills(self, month: str) -> list[Bill]:
        return [
            Bill(
                endpoint,
                model,
                month,
                Usage(*(int(count) for count in (calls, texts, read, written))),
                int(cached),
                int(cost),
            )
            for endpoint, model, calls, texts, read, written, cached, cost in _BILLS.run(
                self._driver, {"month": month}
            )
        ]

    def facts(self, model: str) -> ModelFacts | None:
        for row in _FACTS.run(self._driver, {"model": model}):
            facts = json.loads(row[0])
            return ModelFacts(
                int(facts["dimensions"]),
                (float(facts["code"][0]), float(facts["code"][1])),
                (float(facts["text"][0]), float(facts["text"][1])),
            )
        return None

    def models_of(self, index_ids: Sequence[int], kind: VectorKind) -> dict[int, tuple[str, ...]]:
        found = {}
        for index_id in index_ids:
            of = {"index": index_id, "kind": kind.value}
            models = [
                row[0]
                for statement in (_FIRST_MODEL, _LAST_MODEL)
                for row in statement.run(self._driver, of)
            ]
            found[index_id] = tuple(dict.fromkeys(models))
        return found


def microseconds(duration: timedelta) -> int:
    return int(duration.total_seconds() * MICRO)
