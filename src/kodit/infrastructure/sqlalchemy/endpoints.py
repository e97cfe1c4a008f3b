"""What all workers know of the endpoints: limits, pauses and bills.

Limits are kept as the moment at which the next request is within them (the "generic cell rate
algorithm"), so that they cost one row and no history. A request reserves its moment and waits for
it, so that workers never compete for the same one.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select, text, update

from kodit.domain.endpoints import (
    LONGEST_OUTAGE,
    MICRO,
    Endpoint,
    EndpointState,
    Payer,
    Place,
    Purpose,
    Refusal,
    Stored,
    Usage,
    month_of,
    pause_after,
)
from kodit.domain.ports.endpoints import ModelFacts
from kodit.infrastructure.mappers.moments import to_microseconds, to_moment
from kodit.infrastructure.sql.chunks import in_chunks
from kodit.infrastructure.sql.endpoints import HOUR, TOO_MANY, EndpointReads, microseconds
from kodit.infrastructure.sqlalchemy.entities import (
    EMBEDDINGS,
    ENDPOINT_PLACES,
    ENDPOINTS,
    ENRICHMENTS,
    TASKS,
)
from kodit.infrastructure.sqlalchemy.prepared import Driver

MINUTE = 60 * MICRO
KEY_BYTES = 16
NO_RUN = 0
"""Queries belong to no run."""
SHARE_OF_LIMIT = 0.99
"""Servers count minutes by clocks of their own."""
CATCHING_UP = 100_000
"""Microseconds by which a late request may catch up with the limit."""
LONGEST_RESERVATION = 5 * MICRO
"""How far in advance a request is reserved."""

_ADD_ENDPOINT = text(
    "INSERT INTO endpoints (name, requests_at, tokens_at, paused_until, failures, failed_at) "
    "VALUES (:name, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING"
)
_PAY = text(
    "INSERT INTO endpoint_bills (month, run_id, endpoint, model, calls, texts, input_tokens, "
    "output_tokens, cached, cost) VALUES (:month, :run, :endpoint, :model, :calls, :texts, "
    ":input_tokens, :output_tokens, :cached, :cost) "
    "ON CONFLICT (month, run_id, endpoint, model) DO UPDATE SET "
    "calls = endpoint_bills.calls + excluded.calls, "
    "texts = endpoint_bills.texts + excluded.texts, "
    "input_tokens = endpoint_bills.input_tokens + excluded.input_tokens, "
    "output_tokens = endpoint_bills.output_tokens + excluded.output_tokens, "
    "cached = endpoint_bills.cached + excluded.cached, "
    "cost = endpoint_bills.cost + excluded.cost"
)
_NOTE_FACTS = text(
    "INSERT INTO embedding_models (model, facts) VALUES (:model, :facts) "
    "ON CONFLICT (model) DO UPDATE SET facts = excluded.facts"
)


class SqlEndpointRepository(EndpointReads):
    """Endpoints over one connection."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(Driver(connection))
        self._connection = connection

    def enter(
        self,
        endpoint: Endpoint,
        payer: Payer,
        expected: Usage,
        now: datetime,
        *,
        keys: Sequence[bytes] = (),
    ) -> Place | Refusal | Stored:
        moment = to_microseconds(now)
        if stored := self._stored(endpoint, keys):
            return Stored(stored)
        self._connection.execute(_ADD_ENDPOINT, {"name": endpoint.name})
        row = self._connection.execute(
            select(ENDPOINTS).where(ENDPOINTS.c.name == endpoint.name).with_for_update()
        ).one()
        # A later end than any pause means that the clock was set back.
        if moment < row.paused_until <= moment + microseconds(LONGEST_OUTAGE):
            return Refusal(to_moment(row.paused_until), row.reason, "endpoint_paused")
        if (refusal := self._over_budget(endpoint, payer.run_id, expected, now)) is not None:
            return refusal
        others = self._under_way(endpoint, moment)
        if len(others) >= endpoint.limits.concurrency or any(
            not one.isdisjoint(keys) for one in others
        ):
            return Refusal(now + TOO_MANY)
        starts = self._reserve(endpoint, row.requests_at, row.tokens_at, expected, moment)
        if isinstance(starts, Refusal):
            return starts
        starts_at = to_moment(starts)
        place = Place(secrets.token_hex(8), starts_at, starts_at + endpoint.longest_request)
        self._connection.execute(
            ENDPOINT_PLACES.insert().values(
                endpoint=endpoint.name,
                token=place.token,
                task_id=payer.task_id,
                claim_no=payer.claim_no,
                run_id=payer.run_id,
                cost=endpoint.prices.cost(expected),
                input_keys=b"".join(keys),
                expires_at=to_microseconds(place.expires_at),
            )
        )
        return place

    def _reserve(
        self, endpoint: Endpoint, requests_at: int, tokens_at: int, expected: Usage, moment: int
    ) -> int | Refusal:
        """When the request is within the limits; a time too far ahead is not reserved."""
        starts, values = _next(endpoint, requests_at, tokens_at, expected, moment)
        if starts - moment > LONGEST_RESERVATION:
            return Refusal(to_moment(starts - LONGEST_RESERVATION // 2))
        self._set(endpoint, values)
        return starts

    def _set(self, endpoint: Endpoint, values: Mapping[str, int]) -> None:
        if values:
            self._connection.execute(
                update(ENDPOINTS).where(ENDPOINTS.c.name == endpoint.name).values(**values)
            )

    def _stored(self, endpoint: Endpoint, keys: Sequence[bytes]) -> frozenset[bytes]:
        """Those of the inputs that have a result."""
        of_embeddings = endpoint.purpose is Purpose.EMBEDDING
        table = EMBEDDINGS if of_embeddings else ENRICHMENTS
        return frozenset(
            bytes(key)
            for some in in_chunks(keys)
            for key in self._connection.execute(
                select(table.c.key).where(table.c.key.in_(some))
            ).scalars()
        )

    def _under_way(self, endpoint: Endpoint, moment: int) -> list[set[bytes]]:
        """The inputs of each request whose claim is still held; those of dead workers do not
        count."""
        places = ENDPOINT_PLACES.c
        held = (
            select(TASKS.c.id)
            .where(TASKS.c.id == places.task_id, TASKS.c.claim_no == places.claim_no)
            .where(TASKS.c.state == "running")
            .exists()
        )
        self._connection.execute(
            delete(ENDPOINT_PLACES).where(
                places.endpoint == endpoint.name, (places.expires_at <= moment) | ~held
            )
        )
        found = select(places.input_keys).where(places.endpoint == endpoint.name)
        return [
            {keys[start : start + KEY_BYTES] for start in range(0, len(keys), KEY_BYTES)}
            for keys in map(bytes, self._connection.execute(found).scalars())
        ]

    def leave(self, endpoint: Endpoint, place: Place, expected: Usage, used: Usage) -> None:
        self.give_up(endpoint, place)
        values: dict[str, object] = {}
        if endpoint.limits.tokens_per_minute is not None:
            surplus = sum(expected[2:]) - sum(used[2:])
            per_token = MINUTE / (endpoint.limits.tokens_per_minute * SHARE_OF_LIMIT)
            values["tokens_at"] = ENDPOINTS.c.tokens_at - int(surplus * per_token)
        if values:
            self._connection.execute(
                update(ENDPOINTS).where(ENDPOINTS.c.name == endpoint.name).values(values)
            )
        self._connection.execute(
            update(ENDPOINTS)
            .where(ENDPOINTS.c.name == endpoint.name, ENDPOINTS.c.failures > 0)
            .where(ENDPOINTS.c.failed_at < to_microseconds(place.starts_at))
            .values(failures=0, paused_until=0, reason=None, failing_since=None)
        )

    def give_up(self, endpoint: Endpoint, place: Place) -> None:
        self._connection.execute(
            delete(ENDPOINT_PLACES).where(
                ENDPOINT_PLACES.c.endpoint == endpoint.name, ENDPOINT_PLACES.c.token == place.token
            )
        )

    def fail(
        self,
        endpoint: Endpoint,
        place: Place,
        reason: str,
        *,
        now: datetime,
        retry_after: float | None,
    ) -> EndpointState:
        self.give_up(endpoint, place)
        row = self._connection.execute(
            select(ENDPOINTS).where(ENDPOINTS.c.name == endpoint.name).with_for_update()
        ).one()
        moment = to_microseconds(now)
        is_first = row.failed_at < to_microseconds(place.starts_at)
        failures = row.failures + 1 if is_first else max(1, row.failures)
        wait = max(pause_after(failures) if is_first else 0.0, retry_after or 0.0)
        longest = LONGEST_OUTAGE.total_seconds()
        until = max(row.paused_until if not is_first else 0, moment + int(min(wait, longest) * 1e6))
        since = row.failing_since if row.failures and row.failing_since is not None else moment
        self._connection.execute(
            update(ENDPOINTS)
            .where(ENDPOINTS.c.name == endpoint.name)
            .values(
                failures=failures,
                failed_at=moment if is_first else row.failed_at,
                paused_until=until,
                reason=reason,
                failing_since=since,
            )
        )
        return EndpointState(endpoint.name, to_moment(until), reason, failures, to_moment(since))

    def pay(self, endpoint: Endpoint, run_id: int, used: Usage, cached: int, now: datetime) -> None:
        self._connection.execute(
            _PAY,
            {
                "month": month_of(now),
                "run": run_id,
                "endpoint": endpoint.name,
                "model": endpoint.model,
                **used._asdict(),
                "cached": cached,
                "cost": endpoint.prices.cost(used),
            },
        )

    def pay_query(self, endpoint: Endpoint, used: Usage, now: datetime) -> None:
        self.pay(endpoint, NO_RUN, used, 0, now)
        limits = endpoint.limits
        if limits.requests_per_minute is None and limits.tokens_per_minute is None:
            return
        self._connection.execute(_ADD_ENDPOINT, {"name": endpoint.name})
        row = self._connection.execute(
            select(ENDPOINTS).where(ENDPOINTS.c.name == endpoint.name).with_for_update()
        ).one()
        moment = to_microseconds(now)
        _starts, values = _next(endpoint, row.requests_at, row.tokens_at, used, moment)
        self._set(endpoint, values)

    def note_facts(self, model: str, facts: ModelFacts) -> None:
        told = {"dimensions": facts.dimensions, "code": facts.code, "text": facts.text}
        self._connection.execute(_NOTE_FACTS, {"model": model, "facts": json.dumps(told)})


def _next(
    endpoint: Endpoint, requests_at: int, tokens_at: int, expected: Usage, moment: int
) -> tuple[int, dict[str, int]]:
    """When the limits allow a request, and what to store if it is sent then."""
    limits = endpoint.limits
    earliest = moment - CATCHING_UP
    far = moment + HOUR
    by_requests = max(requests_at, earliest) if requests_at <= far else earliest
    by_tokens = max(tokens_at, earliest) if tokens_at <= far else earliest
    starts = moment
    if limits.requests_per_minute is not None:
        starts = max(starts, by_requests)
    if limits.tokens_per_minute is not None:
        starts = max(starts, by_tokens)
    values = {}
    if limits.requests_per_minute is not None:
        apart = MINUTE / (limits.requests_per_minute * SHARE_OF_LIMIT)
        values["requests_at"] = int(max(by_requests, starts - CATCHING_UP) + apart)
    if limits.tokens_per_minute is not None:
        tokens = expected.input_tokens + expected.output_tokens
        apart = MINUTE * tokens / (limits.tokens_per_minute * SHARE_OF_LIMIT)
        values["tokens_at"] = int(max(by_tokens, starts - CATCHING_UP) + apart)
    return starts, values
