"""Log lines of requests, control actions and ends of runs: exactly what was stored."""

from __future__ import annotations

import logging

import pytest
from tests.queue.driver import QueueDriver

from kodit.domain.entities import IndexRun
from kodit.domain.errors import UserError
from kodit.domain.value_objects import TaskType


@pytest.fixture
def news(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="kodit")
    return caplog


def told(news: pytest.LogCaptureFixture, *names: str) -> list[tuple[object, ...]]:
    """The events since the last call, each with these of its fields."""
    found = [
        (record.message, *(vars(record).get(name) for name in names)) for record in news.records
    ]
    news.clear()
    return found


def test_requests(queue: QueueDriver, news: pytest.LogCaptureFixture) -> None:
    """New, joined or a follow-up, by whom, and for which run and index."""
    run = queue.request()
    queue.request(user=True)
    queue.take(TaskType.SYNC)
    waiting = queue.request()
    queue.request()
    assert told(news, "run", "index", "request", "by") == [
        ("run requested", run.id, queue.first, "new", "background"),
        ("run requested", run.id, queue.first, "joined", "user_initiated"),
        ("run requested", waiting.id, queue.first, "follow_up", "background"),
        ("run requested", waiting.id, queue.first, "joined", "background"),
    ]


def test_ends(queue: QueueDriver, news: pytest.LogCaptureFixture) -> None:
    """Each once, with its result, and the follow-up that may start now."""
    first, waiting = queue.request(), None
    for stage in TaskType:
        held = queue.take(stage)
        waiting = waiting or queue.request()
        queue.complete(held)
    assert waiting is not None
    queue.fail(queue.take(TaskType.SYNC))
    assert told(news, "run", "index", "outcome")[2:] == [
        ("run ended", first.id, queue.first, "succeeded"),
        ("follow-up queued", waiting.id, queue.first, None),
        ("run ended", waiting.id, queue.first, "failed"),
    ]


def test_steering(queue: QueueDriver, news: pytest.LogCaptureFixture) -> None:
    """Cancel and retry, pause and resume; actions without an effect are not logged."""
    run = queue.request()
    queue.cancel(run.id)
    with pytest.raises(UserError):
        queue.cancel(run.id)
    queue.retry(run.id)
    for steer in (queue.service.pause, queue.service.pause, queue.service.resume):
        queue.ask(steer())
    assert told(news, "run", "outcome")[1:] == [
        ("cancel requested", run.id, None),
        ("run ended", run.id, "cancelled"),
        ("run retried", run.id, None),
        ("queue paused", None, None),
        ("queue resumed", None, None),
    ]


def test_deletion_of_an_index_ends_its_runs(
    queue: QueueDriver, news: pytest.LogCaptureFixture
) -> None:
    run: IndexRun = queue.request()
    queue.ask(queue.service.abandon(lambda _transaction: None, queue.first))
    assert told(news, "run", "outcome")[1:] == [("run ended", run.id, "cancelled")]


def test_what_was_rolled_back_is_not_told(
    queue: QueueDriver, news: pytest.LogCaptureFixture
) -> None:
    """Although the run had ended within the transaction."""
    queue.request()
    news.clear()

    def fail(_transaction: object) -> None:
        raise ValueError("the disk is full")

    with pytest.raises(ValueError, match="full"):
        queue.ask(queue.service.abandon(fail, queue.first))
    assert told(news) == []
