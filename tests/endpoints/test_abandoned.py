"""A stage that ends while requests are under way."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.endpoints.stage_work import TEXTS, stage_work
from tests.support.command import PATIENCE_SECONDS
from tests.support.model_server import Asked, ModelServer

from kodit.application.services import endpoint_gate
from kodit.application.services.stage import Stage
from kodit.domain.endpoints import Limits, Usage
from kodit.domain.errors import LeaseLost, TransientError
from kodit.domain.value_objects import TaskType


@pytest.mark.parametrize(("stage", "second"), [("embed_code", TEXTS[2]), ("enrich", TEXTS[1])])
def test_a_stage_that_has_lost_its_claim_leaves_no_request_under_way(
    tmp_path: Path,
    server: ModelServer,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    second: str,
) -> None:
    """Nobody would store the answer. They have ended before the stage has."""
    is_asked, is_over = threading.Event(), threading.Event()
    left: list[Any] = []

    def hold_the_second(asked: Asked) -> None:
        if second in str(asked.body):
            is_asked.set()
            assert is_over.wait(PATIENCE_SECONDS)
        elif TEXTS[0] in str(asked.body):
            assert is_asked.wait(PATIENCE_SECONDS)

    async def lose(*_arguments: Any) -> None:
        raise LeaseLost("another worker has it")

    with stage_work(tmp_path, server, endpoint={"limits": Limits(2)}) as work:
        stages = work.make_stages(work.embedder)
        do = getattr(stages, stage)

        async def do_and_look(*arguments: Any) -> None:
            try:
                await do(*arguments)
            finally:
                left.extend(asyncio.all_tasks() - {asyncio.current_task()})

        monkeypatch.setattr(stages, stage, do_and_look)
        monkeypatch.setattr(Stage, "commit", lose)
        server.script = hold_the_second
        try:
            with pytest.raises(LeaseLost):
                work.do(TaskType.ENRICH if stage == "enrich" else TaskType.CODE_EMBEDDINGS, stages)
        finally:
            is_over.set()
    assert is_asked.is_set()
    assert left == []


class Endless:
    """A request that is answered only once it is aborted."""

    def __init__(self) -> None:
        self.is_aborted = threading.Event()
        self.has_ended = False

    def send(self) -> None:
        assert self.is_aborted.wait(PATIENCE_SECONDS)
        self.has_ended = True
        raise TransientError("it was aborted")

    def abort(self) -> None:
        self.is_aborted.set()


def test_a_request_whose_sign_of_life_fails_is_aborted(
    tmp_path: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its place is given up, so that another request follows."""
    monkeypatch.setattr(endpoint_gate, "SECONDS_BETWEEN_SIGNS", 0.01)
    request = Endless()

    def fail() -> None:
        raise BrokenPipeError

    with stage_work(tmp_path, server) as work:
        payer = work.hold()
        with pytest.raises(BrokenPipeError):
            asyncio.run(work.gate.send(payer, Usage(1, 1, 1), request, fail))
    assert request.has_ended
