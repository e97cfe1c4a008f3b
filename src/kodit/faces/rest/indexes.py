"""Indexes: listing, adding, refreshing, deleting."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BeforeValidator, Field

from kodit.application.services.source_service import IndexRequest
from kodit.application.views.indexes import AcceptedView, IndexPageView, OneIndexView
from kodit.domain.intervals import LONGEST_SYNC_EVERY, SHORTEST_SYNC_EVERY
from kodit.domain.questions import IndexesQuestion
from kodit.faces.rest.asking import ApplicationOf, CallerOf, Writer, answer
from kodit.faces.rest.background import background_of
from kodit.faces.rest.parameters import (
    MOST_RESULTS,
    Cursor,
    Identifier,
    InQuery,
    Parameters,
    Text,
    Texts,
    Whole,
    whole,
)
from kodit.faces.rest.problems import documented

router = APIRouter(tags=["indexes"])

SyncEvery = (
    Annotated[int, Field(ge=0, le=LONGEST_SYNC_EVERY), BeforeValidator(whole)] | Literal["default"]
)
IndexId = Annotated[Identifier, Path(description="The identifier of an index.")]


class IndexList(Parameters):
    """Pages of indexes."""

    limit: Whole = Field(
        MOST_RESULTS, ge=1, le=MOST_RESULTS, description="At most this many indexes."
    )
    cursor: Cursor | None = None


class NewIndex(Parameters):
    """A source to add, or to refresh if it is known."""

    source: Annotated[Text, Field(min_length=1)] = Field(
        description="A git URL, or the absolute path of a folder on the server."
    )
    ref: Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"^[^\x00]*$")] | None = (
        Field(None, description="The branch, tag or commit of a git source.")
    )
    include: Texts | None = Field(
        None,
        description="Index only files that match one of these globs. If omitted, the previous "
        "globs are kept; an empty list clears them.",
    )
    exclude: Texts | None = Field(
        None,
        description="Do not index files that match one of these globs; otherwise like `include`.",
    )
    credentials: Text | None = Field(
        None,
        description="`env:NAME`: the environment variable of the server that holds "
        "`user:password` or a token. Over the network, only variables that the "
        "operator has allowed.",
    )
    submodules: bool | None = Field(
        None,
        description="Whether the submodules of a repository are indexed with it, and in a folder "
        "the repositories within it. If omitted, it is not changed.",
    )
    sync_every: SyncEvery | None = Field(
        None,
        description="How many seconds apart the server updates it by itself, at least "
        f"{SHORTEST_SYNC_EVERY}, or 0 for never; `default` is the server's own "
        "interval. If omitted, it is not changed.",
    )


class IndexListInQuery(InQuery, IndexList):
    """Pages of indexes, in a query string."""


@router.get("/indexes", response_model=IndexPageView, responses=documented(HTTPStatus.BAD_REQUEST))
async def list_indexes(
    application: ApplicationOf,
    _caller: CallerOf,
    parameters: Annotated[IndexListInQuery, Query()],
) -> Response:
    """All indexes, by identifier."""
    question = IndexesQuestion(parameters.limit, parameters.cursor)
    return await answer(await application.index_answers.list_indexes(question))


@router.post(
    "/indexes",
    status_code=HTTPStatus.ACCEPTED,
    response_model=AcceptedView,
    responses=documented(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
async def add_index(application: ApplicationOf, caller: Writer, parameters: NewIndex) -> Response:
    """Add a source, or refresh it. The answer comes when a run is queued, which `Location`
    names."""
    request = IndexRequest(
        [parameters.source],
        None if parameters.include is None else tuple(parameters.include),
        None if parameters.exclude is None else tuple(parameters.exclude),
        parameters.credentials,
        ref=parameters.ref,
        sync_every=parameters.sync_every,
        submodules=parameters.submodules,
    )
    return await _accepted(await application.index_answers.add(request, caller))


@router.get(
    "/indexes/{index_id}",
    response_model=OneIndexView,
    responses=documented(HTTPStatus.NOT_FOUND),
)
async def show_index(application: ApplicationOf, _caller: CallerOf, index_id: IndexId) -> Response:
    """One index, its size, and its standing."""
    return await answer(await application.index_answers.show(index_id))


@router.delete(
    "/indexes/{index_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=documented(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
async def delete_index(
    request: Request, application: ApplicationOf, _caller: Writer, index_id: IndexId
) -> Response:
    """Delete an index and everything derived from it; the source itself is never touched."""
    hidden = await application.index_answers.hide(index_id)
    # Removing its data takes long, and nobody sees it any more.
    background_of(request).run(application.index_answers.remove(hidden), index=index_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/indexes/{index_id}/runs",
    status_code=HTTPStatus.ACCEPTED,
    response_model=AcceptedView,
    responses=documented(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
async def sync_index(application: ApplicationOf, _caller: Writer, index_id: IndexId) -> Response:
    """Bring an index up to date. The answer comes when a run is queued, which `Location` names."""
    return await _accepted(await application.index_answers.sync(index_id))


async def _accepted(view: AcceptedView) -> Response:
    return await answer(view, HTTPStatus.ACCEPTED, {"Location": f"/api/v1/runs/{view.run.id}"})
