"""Log lines: one per event, with its context, and without secrets."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from kodit.application.log_context import log_context
from kodit.application.services.indexing_worker_service import (
    IndexingWorkerService,
    WorkerSettings,
)
from kodit.application.services.queue_service import QueueService
from kodit.application.services.threads import in_thread
from kodit.domain.errors import TransientError
from kodit.domain.ports.workers import WorkerRegistry
from kodit.infrastructure.clock import SystemClock
from kodit.infrastructure.logs import KeyValueFormatter, configure_logs
from kodit.infrastructure.memory import MemoryWakeUp

log = logging.getLogger("kodit.tests")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """The logged lines; the root logger is restored afterwards."""
    root, kodit = logging.getLogger(), logging.getLogger("kodit")
    handlers, level = root.handlers[:], kodit.level
    stream = io.StringIO()
    configure_logs("info", stream)
    yield stream
    root.handlers[:] = handlers
    kodit.setLevel(level)


def test_line_carries_context_and_fields(lines: io.StringIO) -> None:
    """The event first, then the context, then the fields of the call, also from a thread."""

    async def work() -> None:
        with log_context(run=7, task=31):
            await in_thread(lambda: log.info("task ended", extra={"seconds": 0.41236}))

    asyncio.run(work())
    log.info("afterwards")
    first, second = lines.getvalue().splitlines()
    assert first.endswith('event="task ended" run=7 task=31 seconds=0.412')
    assert second.endswith("event=afterwards")


def test_what_is_logged_cannot_forge_a_line(lines: io.StringIO) -> None:
    """Line ends, quotes and control characters are escaped."""
    log.warning("failed", extra={"error": 'no\nlevel=error "x"\x1b[2J\u2028'})
    (line,) = lines.getvalue().splitlines()
    assert line.endswith(r'error="no\nlevel=error \"x\"\u001b[2J\u2028"')


def test_credentials_in_urls_are_left_out(lines: io.StringIO) -> None:
    """Even if they are logged by mistake."""
    log.error("cannot reach https://ada:secret@example.org/x and ssh://key@example.org")
    assert "secret" not in lines.getvalue()
    assert "https://example.org/x" in lines.getvalue()


def test_level_is_that_of_kodit(lines: io.StringIO) -> None:
    """Lower levels are left out; an error has its traceback in the same line."""
    log.debug("too much")
    try:
        int("broken")
    except ValueError:
        log.exception("a stage failed")
    (line,) = lines.getvalue().splitlines()
    assert "level=error" in line
    assert r"\nValueError: invalid literal" in line


def test_configuring_twice_writes_once(lines: io.StringIO) -> None:
    """No line is repeated."""
    configure_logs("info", lines)
    log.info("once")
    assert lines.getvalue().count("once") == 1


def test_formatter_names_time_and_level() -> None:
    """Time in UTC, to the millisecond."""
    record = logging.makeLogRecord({"msg": "x", "created": 1.5, "levelname": "INFO", "name": "k"})
    line = KeyValueFormatter().format(record)
    assert line == "time=1970-01-01T00:00:01.500Z level=info logger=k event=x"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", "plain"),
        ("a=b", '"a=b"'),
        ('a"b', '"a\\"b"'),
        ("a b", '"a b"'),
        ("", '""'),
        ("a\x1b[2J", r'"a\u001b[2J"'),
        ("a\u2028b", r'"a\u2028b"'),
        (1.0, "1.000"),
        (7, "7"),
    ],
)
def test_how_a_value_is_written(lines: io.StringIO, value: object, written: str) -> None:
    """Unquoted if it is unambiguous."""
    log.warning("event", extra={"value": value})
    assert lines.getvalue().endswith(f" event=event value={written}\n")
    assert " level=warning logger=kodit.tests " in lines.getvalue()


def test_logs_that_are_set_up_twice_are_written_once(lines: io.StringIO) -> None:
    """To the last stream."""
    other = io.StringIO()
    configure_logs("info", other)
    log.info("once")
    assert lines.getvalue() == ""
    assert other.getvalue().count("event=once") == 1


def test_other_programs_keep_their_handlers_and_levels(
    lines: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """Kodit's own earlier handler is replaced, by default with standard error."""
    root, other = logging.getLogger(), logging.StreamHandler(io.StringIO())
    level = root.level
    root.addHandler(other)
    configure_logs("debug")
    log.debug("seen")
    logging.getLogger("another.library").info("unseen")
    assert other in root.handlers
    assert root.level == level
    told = capsys.readouterr()
    assert (told.out, "event=seen" in told.err, "unseen" in told.err) == ("", True, False)
    assert lines.getvalue() == ""


@pytest.mark.parametrize(
    ("error", "has_traceback"),
    [(TransientError("no thread can be started"), False), (ZeroDivisionError("a bug"), True)],
)
def test_the_end_of_a_slot_is_told_without_a_traceback_unless_it_is_a_bug(
    error: Exception, has_traceback: bool, lines: io.StringIO
) -> None:
    async def fail() -> None:
        raise error

    async def end() -> None:
        worker = IndexingWorkerService(
            queue=cast(QueueService, SimpleNamespace(wall_clock=SystemClock().now)),
            handlers={},
            registry=cast(WorkerRegistry, None),
            wake_up=MemoryWakeUp(),
            settings=WorkerSettings(),
        )
        slot = asyncio.create_task(fail())
        await asyncio.wait([slot])
        worker._on_end(slot)

    asyncio.run(end())
    assert "a slot of the worker ended with an error" in lines.getvalue()
    assert str(error) in lines.getvalue()
    assert ("Traceback" in lines.getvalue()) == has_traceback
