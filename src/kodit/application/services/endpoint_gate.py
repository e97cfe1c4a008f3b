"""Sends requests to an endpoint within its limits, which all workers share through the database."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Generic, Protocol, TypeVar

from kodit.application.services.threads import Lane, in_thread
from kodit.application.services.transactions import written
from kodit.domain.endpoints import (
    LONGEST_OUTAGE,
    Budget,
    Endpoint,
    EndpointState,
    Limits,
    Payer,
    Place,
    Refusal,
    Stored,
    Usage,
)
from kodit.domain.errors import (
    LeaseLost,
    PausedError,
    PermanentError,
    TransientError,
    UserError,
)
from kodit.domain.ports.database import Database, Transaction
from kodit.domain.ports.runtime import Clock
from kodit.domain.run import BUDGET_SPENT

log = logging.getLogger(__name__)

T = TypeVar("T")
Answer_co = TypeVar("Answer_co", covariant=True)

PATIENCE = timedelta(seconds=5)
"""A stage waits for a shorter pause; for a longer one, its task returns to the queue."""
SECONDS_BETWEEN_SIGNS = 1.0
"""How often a waiting stage reports that it has not stalled."""
LONGEST_ALONE = timedelta(minutes=10)
"""After that, others no longer wait for a worker that holds its claim."""
MOST_CLAIMS = 64
"""Of how many claims, the latest, it is known when they began to send."""


class Sendable(Protocol[Answer_co]):
    """A request that blocks while it is sent, and that another thread may abort."""

    def send(self) -> Answer_co:
        """Send it, and return the answer. Raises TransientError and PermanentError."""
        ...

    def abort(self) -> None:
        """Let `send` raise an error at once."""
        ...


@dataclass(frozen=True, slots=True)
class Settlement(Generic[T]):
    """An answer, and the place that its request has held since."""

    answer: T
    place: Place


class EndpointGate:
    """The way to one endpoint for the stages of a worker."""

    def __init__(
        self,
        endpoint: Endpoint,
        database: Database,
        clock: Clock,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """`sleep` lets the time of `clock` pass."""
        self.endpoint = endpoint
        self._sleep_for = sleep
        self.database = database
        self._clock = clock
        self._threads: ThreadPoolExecutor | None = None
        self._began: OrderedDict[tuple[int, int], datetime] = OrderedDict()

    async def send(
        self,
        payer: Payer,
        expected: Usage,
        request: Sendable[T],
        waiting: Callable[[], None],
        *,
        keys: Sequence[bytes] = (),
    ) -> Settlement[T] | Stored:
        """Send a request as soon as the limits allow, and again after failures that pass. The
        caller stores the answer with `settle`, in the same transaction. `keys` are the cache keys
        of the inputs; if another stage has stored some meanwhile, nothing is sent, and those are
        returned.

        Raises PausedError if that would take long or a budget is spent, PermanentError, also if the
        claim has used the endpoint for longer than allowed, and TransientError for an endpoint that
        has not answered for a day.
        """
        while True:
            place = await self._enter(payer, expected, waiting, keys)
            if isinstance(place, Stored):
                return place
            wait = place.starts_at - self._clock.now()
            try:
                await self._sleep(wait.total_seconds(), waiting)
                answer = await self._send(request, waiting)
            except TransientError as error:
                await self._fail(place, error)
            except BaseException:
                await self._give_up(place)
                raise
            else:
                return Settlement(answer, place)

    @asynccontextmanager
    async def alone(
        self, payer: Payer, what: str, waiting: Callable[[], None]
    ) -> AsyncIterator[None]:
        """In the block, no other worker is in one of the same name."""
        lock = replace(
            self.endpoint,
            address=f"{self.endpoint.address} {what}",
            limits=Limits(1),
            budget=Budget(),
            longest_request=LONGEST_ALONE,
        )
        gate = EndpointGate(lock, self.database, self._clock, self._sleep_for)
        place = await gate._enter(payer, Usage(), waiting, ())
        try:
            yield
        finally:
            if isinstance(place, Place):
                await gate._give_up(place)

    def settle(
        self,
        transaction: Transaction,
        payer: Payer,
        place: Place,
        expected: Usage,
        used: Usage,
    ) -> dict[str, int]:
        """Leave the place and pay; returns the counts for the task."""
        transaction.endpoints.leave(self.endpoint, place, expected, used)
        transaction.endpoints.pay(self.endpoint, payer.run_id, used, 0, self._clock.now())
        return {
            "model_calls": used.calls,
            "input_tokens": used.input_tokens,
            "output_tokens": used.output_tokens,
        }

    def note_cached(self, transaction: Transaction, run_id: int, cached: int) -> None:
        """Count the texts for which a stored result was used."""
        if cached:
            now = self._clock.now()
            transaction.endpoints.pay(self.endpoint, run_id, Usage(), cached, now)

    def check_query(self, expected: Usage) -> None:
        """Raises PausedError if a query may not be sent now. Queries are not kept waiting."""
        now = self._clock.now()
        with self.database.read() as transaction:
            refusal = transaction.endpoints.refusal_of_query(self.endpoint, expected, now)
        if refusal is not None:
            until = refusal.until.astimezone()
            raise PausedError(
                f"{self.endpoint.address} is not used until {until:%Y-%m-%d %H:%M:%S}: "
                f"{refusal.reason}",
                (refusal.until - now).total_seconds(),
                code=refusal.code,
                endpoint=self.endpoint.name,
                until=refusal.until.isoformat(),
            )

    def pay_query(self, used: Usage, model: str) -> None:
        """Count a query that `model` has embedded. The search goes on if that is impossible."""
        endpoint, now = replace(self.endpoint, model=model), self._clock.now()
        try:
            written(
                self.database,
                lambda transaction: transaction.endpoints.pay_query(endpoint, used, now),
            )
        except (TransientError, UserError) as error:
            log.debug("a query is not on the bill", extra={"error": str(error)})

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a write transaction of its own."""
        return await in_thread(partial(written, self.database, work), Lane.WRITES)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        def read() -> T:
            with self.database.read() as transaction:
                return work(transaction)

        return await in_thread(read, Lane.READS)

    async def _enter(
        self,
        payer: Payer,
        expected: Usage,
        waiting: Callable[[], None],
        keys: Sequence[bytes],
    ) -> Place | Stored:
        while True:
            self._check_time(payer)
            entered = await self.write(
                lambda transaction: transaction.endpoints.enter(
                    self.endpoint, payer, expected, self._clock.now(), keys=keys
                )
            )
            if isinstance(entered, Place | Stored):
                return entered
            wait = entered.until - self._clock.now()
            if entered.reason is not None and (wait > PATIENCE or entered.code == BUDGET_SPENT):
                raise self._paused(entered, wait)
            await self._sleep(max(0.02, min(wait.total_seconds(), 1.0)), waiting)

    def _check_time(self, payer: Payer) -> None:
        """Raises PermanentError if the claim has used the endpoint for too long."""
        longest = self.endpoint.longest_stage
        if longest is None:
            return
        now = self._clock.now()
        began = self._began.setdefault((payer.task_id, payer.claim_no), now)
        while len(self._began) > MOST_CLAIMS:
            self._began.popitem(last=False)
        if now - began > longest:
            raise PermanentError(
                f"the stage has sent requests to {self.endpoint.name} for "
                f"{longest.total_seconds():g} s, which is as long as "
                f"KODIT_{self.endpoint.purpose.upper()}_STAGE_SECONDS allows; all answers are "
                "stored, and the next run continues",
                code="endpoint_stage_too_long",
            )

    def _paused(self, refusal: Refusal, wait: timedelta) -> PausedError:
        until = refusal.until.astimezone()
        return PausedError(
            f"waits until {until:%Y-%m-%d %H:%M:%S}: {refusal.reason}",
            wait.total_seconds(),
            code=refusal.code,
            endpoint=self.endpoint.name,
            until=refusal.until.isoformat(),
        )

    async def _sleep(self, seconds: float, waiting: Callable[[], None]) -> None:
        while seconds > 0:
            await self._sleep_for(min(seconds, SECONDS_BETWEEN_SIGNS))
            seconds -= SECONDS_BETWEEN_SIGNS
            waiting()

    async def _send(self, request: Sendable[T], waiting: Callable[[], None]) -> T:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(
                self.endpoint.limits.concurrency, thread_name_prefix="kodit-endpoint"
            )
        sending = asyncio.ensure_future(in_thread(request.send, executor=self._threads))
        try:
            while not (await asyncio.wait({sending}, timeout=SECONDS_BETWEEN_SIGNS))[0]:
                waiting()  # the request has a time limit of its own
            return sending.result()
        finally:
            if not sending.done():  # cancelled, or `waiting` has failed
                request.abort()
                await asyncio.wait({sending})
                if not sending.cancelled():
                    sending.exception()

    async def _fail(self, place: Place, error: TransientError) -> None:
        now = self._clock.now()
        state: EndpointState = await self.write(
            lambda transaction: transaction.endpoints.fail(
                self.endpoint,
                place,
                str(error),
                now=now,
                retry_after=error.retry_after_seconds,
            )
        )
        if state.failing_since is not None and now - state.failing_since > LONGEST_OUTAGE:
            raise error

    async def _give_up(self, place: Place) -> None:
        with suppress(TransientError, LeaseLost):  # the place ends by itself
            await asyncio.shield(
                self.write(lambda transaction: transaction.endpoints.give_up(self.endpoint, place))
            )
