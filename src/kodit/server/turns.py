"""Whose request begins next: a burst of requests keeps nobody else waiting for its end."""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """Lets a few requests begin in each turn of the event loop, in the order in which they came.
    One that was sent ahead, before the answer to the one before it, comes after those of clients
    that wait for their answers; one of them begins in each turn nevertheless."""

    def __init__(self, most: int) -> None:
        """`most` begin in one turn, two at least."""
        self._most = most
        self._started = 0
        self._in_order: deque[asyncio.Future[None]] = deque()
        self._ahead: deque[asyncio.Future[None]] = deque()

    async def wait(self, *, is_ahead: bool) -> None:
        """Wait until a request may begin."""
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
        self._let_begin(self._in_order, self._most - 1)
        self._let_begin(self._ahead, self._most)
        self._let_begin(self._in_order, self._most)

    def _let_begin(self, waiting: deque[asyncio.Future[None]], most: int) -> None:
        """Until so many have started in this turn. A client that has gone takes nobody's turn."""
        while waiting and self._started < most:
            turn = waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._begin()
