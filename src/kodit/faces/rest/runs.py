"""Runs, and the queue that they are in."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from kodit.application.views.runs import ListedRunView, RunPageView, RunsView
from kodit.domain.questions import QueueQuestion, RunsQuestion
from kodit.domain.value_objects import RunState
from kodit.faces.rest.asking import ApplicationOf, CallerOf, Writer, answer
from kodit.faces.rest.parameters import (
    MOST_RESULTS,
    MOST_VALUES,
    Cursor,
    Identifier,
    Identifiers,
    InQuery,
    Parameters,
    Whole,
)
from kodit.faces.rest.problems import documented

router = APIRouter(tags=["runs"])

RunId = Annotated[Identifier, Path(description="The identifier of a run.")]

_CHANGES = documented(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


class RunList(Parameters):
    """Which runs to list."""

    indexes: Identifiers = Field([], description="Only runs of these indexes.")
    states: Annotated[
        list[Annotated[RunState, Field(strict=False)]], Field(max_length=MOST_VALUES)
    ] = Field([], description="Only runs in these states.")
    limit: Whole = Field(100, ge=1, le=MOST_RESULTS, description="At most this many runs.")
    cursor: Cursor | None = None


class QueueList(Parameters):
    """How much of the queue to show."""

    limit: Whole = Field(
        50, ge=1, le=MOST_RESULTS, description="At most this many runs of each state."
    )


class RunListInQuery(InQuery, RunList):
    """Which runs to list, in a query string."""


class QueueListInQuery(InQuery, QueueList):
    """How much of the queue to show, in a query string."""


@router.get("/runs", response_model=RunPageView, responses=documented(HTTPStatus.BAD_REQUEST))
async def list_runs(
    application: ApplicationOf,
    _caller: CallerOf,
    parameters: Annotated[RunListInQuery, Query()],
) -> Response:
    """Runs, newest first."""
    question = RunsQuestion(
        tuple(parameters.indexes), tuple(parameters.states), parameters.limit, parameters.cursor
    )
    return await answer(await application.run_answers.list_runs(question))


@router.get(
    "/runs/{run_id}", response_model=ListedRunView, responses=documented(HTTPStatus.NOT_FOUND)
)
async def show_run(application: ApplicationOf, _caller: CallerOf, run_id: RunId) -> Response:
    """One run: its tasks, what each did, every attempt, and its errors."""
    return await answer(await application.run_answers.show(run_id))


@router.post("/runs/{run_id}/cancel", response_model=ListedRunView, responses=_CHANGES)
async def cancel_run(application: ApplicationOf, _caller: Writer, run_id: RunId) -> Response:
    """Cancel a run: waiting tasks at once, running ones at their next heartbeat or commit."""
    return await answer(await application.run_answers.cancel(run_id))


@router.post("/runs/{run_id}/retry", response_model=ListedRunView, responses=_CHANGES)
async def retry_run(application: ApplicationOf, _caller: Writer, run_id: RunId) -> Response:
    """Retry the failed or cancelled stages of a run, and the later stages. If a newer run has
    superseded it, that one is retried and returned."""
    return await answer(await application.run_answers.retry(run_id))


@router.get("/queue", response_model=RunsView, responses=documented())
async def show_queue(
    application: ApplicationOf,
    _caller: CallerOf,
    parameters: Annotated[QueueListInQuery, Query()],
) -> Response:
    """The queue, with running runs, waiting ones in queue order, and failed ones."""
    return await answer(await application.run_answers.queue(QueueQuestion(limit=parameters.limit)))


@router.post("/queue/pause", response_model=RunsView, responses=documented(HTTPStatus.FORBIDDEN))
async def pause_queue(application: ApplicationOf, _caller: Writer) -> Response:
    """Stop all workers from starting tasks; running stages finish first."""
    return await answer(await application.run_answers.pause())


@router.post("/queue/resume", response_model=RunsView, responses=documented(HTTPStatus.FORBIDDEN))
async def resume_queue(application: ApplicationOf, _caller: Writer) -> Response:
    """Let workers start tasks again."""
    return await answer(await application.run_answers.resume())
