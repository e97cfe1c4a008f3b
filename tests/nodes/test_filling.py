"""Filling a node's keyword index goes on piece by piece, as far as the index takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

from kodit.application.services.keyword_filling import fill
from kodit.domain.keyword import KeywordBatch, KeywordPosition
from kodit.domain.ports.database import Transaction
from kodit.domain.ports.engines import KeywordIndex

STORE = 7
PIECES = [cast(KeywordBatch, f"piece {number}") for number in range(3)]


class Engine:
    """Takes as many pieces as it is told to; of those it `ignores`, its position does not move."""

    def __init__(self, takes: int = 99, ignores: Sequence[KeywordBatch] = ()) -> None:
        self.takes, self.ignores = takes, ignores
        self.at = 0
        self.done: list[object] = []

    def positions(self, store_ids: Sequence[int]) -> dict[int, KeywordPosition | None]:
        return dict.fromkeys(store_ids, cast(KeywordPosition, self.at))

    async def apply(self, batches: Sequence[KeywordBatch]) -> list[bool]:
        assert len(batches) == 1
        if self.takes == 0:
            return [False]
        self.takes -= 1
        self.done += batches
        if batches[0] not in self.ignores:
            self.at += 1
        return [True]

    async def drop(self, store_id: int, generation: object) -> None:
        assert generation is None
        self.done.append(("dropped", store_id))


def filled(engine: Engine, pieces: Sequence[KeywordBatch] = PIECES) -> tuple[bool, list[object]]:
    left = [*pieces]

    async def read(_work: Callable[[Transaction], Any]) -> KeywordBatch | None:
        return left.pop(0) if left else None

    has_filled = asyncio.run(fill(read, cast(KeywordIndex, engine), STORE))
    return has_filled, engine.done


def test_all_pieces_are_put_there() -> None:
    assert filled(Engine()) == (True, PIECES)


def test_a_store_without_anything_to_fill() -> None:
    assert filled(Engine(), []) == (False, [])


def test_a_piece_that_is_not_taken_ends_it() -> None:
    """Whether something was put there before decides whether the log can be followed."""
    assert filled(Engine(takes=0)) == (False, [])
    assert filled(Engine(takes=1)) == (True, PIECES[:1])


def test_a_store_whose_position_does_not_move_was_dropped_here() -> None:
    """And is then dropped once more, before the next piece, at which it may go on."""
    found = filled(Engine(ignores=PIECES[:1]))
    assert found == (True, [PIECES[0], ("dropped", STORE), *PIECES[1:]])
