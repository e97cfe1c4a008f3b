"""Schedules the start of requests, so that a burst of requests does not delay others until its
end."""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """Starts a few requests in each turn of the event loop, in the order in which they came.
    Pipelined requests, sent before the previous answer, come after those of clients that wait for
    their answers; but one of them starts in each turn."""

    def __init__(self, most: int) -> None:
        """`most` requests start in one turn, at least two."""
        self._most = most
        self._started = 0
        self._in_order: deque[asyncio.Future[None]] = deque()
        self._ahead: deque[asyncio.Future[None]] = deque()

    async def wait(self, *, is_ahead: bool) -> None:
        """Wait until a request may start."""
        if self._started < self._most:
            self._begin()
            return
        turn = asyncio.get_running_loop().create_future()
        (self._ahead if is_ahead else self._in_order).append(turn)
        await turn

    def _begin(self) -> None:
        if self._started == 0:
            asyncio.get_running_loop().call_soon(self._next_turn)
        self._started += 1

    def _next_turn(self) -> None:
        self._started = 0
        self._start_waiting(self._in_order, self._most - 1)
        self._start_waiting(self._ahead, self._most)
        self._start_waiting(self._in_order, self._most)

    def _start_waiting(self, waiting: deque[asyncio.Future[None]], most: int) -> None:
        """Start requests until `most` have started in this turn. A disconnected client uses up no
        turn."""
        while waiting and self._started < most:
            turn = waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._begin()
