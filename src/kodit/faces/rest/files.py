"""The files of an index: listing, text, outline."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from kodit.application.views.description import DescriptionsView
from kodit.application.views.files import FilesView, OutlineView, TextView
from kodit.application.views.map import MapView
from kodit.domain.descriptions.kinds import DescriptionKind
from kodit.domain.files import FilePlace, place_at
from kodit.domain.questions import (
    DescribeQuestion,
    FilesQuestion,
    MapQuestion,
    OutlineQuestion,
    ReadQuestion,
    Where,
)
from kodit.faces.rest.accepting import prefers_plain_text
from kodit.faces.rest.asking import ApplicationOf, CallerOf, answer
from kodit.faces.rest.indexes import IndexId
from kodit.faces.rest.parameters import (
    LONGEST_VALUE,
    Describe,
    FileList,
    FilesInQuery,
    Map,
    Parameters,
)
from kodit.faces.rest.problems import HEADERS, documented

router = APIRouter(tags=["files"])

FilePath = Annotated[
    str, Path(min_length=1, max_length=LONGEST_VALUE, description="A path in the index.")
]


_LINES_PATTERN = r"^[Ll]?[1-9][0-9]{0,8}((-|,|:|\.\.)([Ll]?[1-9][0-9]{0,8})?)?$"


class FileListInQuery(FilesInQuery, FileList):
    """Files of an index, in a query string."""


class MapInQuery(FilesInQuery, Map):
    """The most important files of an index, in a query string."""


class DescribeInQuery(FilesInQuery, Describe):
    """A description, in a query string."""


class Lines(Parameters):
    """A range of lines of a file."""

    lines: Annotated[str, Field(pattern=_LINES_PATTERN)] | None = Field(
        None,
        description="`30-60`, `30-` or `30`, also `30,60`, `30:60` and `L30-L60`; all lines "
        "unless given.",
    )


async def _place(path: FilePath, parameters: Annotated[Lines, Query()]) -> FilePlace:
    return FilePlace(path) if parameters.lines is None else place_at(path, parameters.lines)


PlaceOf = Annotated[FilePlace, Depends(_place)]


@router.get(
    "/indexes/{index_id}/files",
    response_model=FilesView,
    responses=documented(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
async def list_files(
    application: ApplicationOf,
    caller: CallerOf,
    index_id: IndexId,
    parameters: Annotated[FileListInQuery, Query()],
) -> Response:
    """The files of an index, by path."""
    where = Where(
        (str(index_id),), languages=tuple(parameters.languages), paths=tuple(parameters.paths)
    )
    question = FilesQuestion(where, parameters.limit, parameters.cursor)
    return await answer(await application.answers.files(caller, question))


@router.get(
    "/indexes/{index_id}/files/{path:path}",
    response_model=TextView,
    responses={
        HTTPStatus.OK.value: {
            "description": "The text, as JSON or, where `Accept` prefers it, as plain text",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
        **documented(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    },
)
async def read_file(
    request: Request,
    application: ApplicationOf,
    caller: CallerOf,
    index_id: IndexId,
    place: PlaceOf,
) -> Response:
    """The text of a file, or some lines of it."""
    view = await application.answers.read(caller, ReadQuestion(place, Where((str(index_id),))))
    headers = {"Vary": "Accept"}
    if prefers_plain_text(request.headers.get("accept", "")):
        is_empty = view.end_line < view.start_line  # a blank line does not count
        text = "" if is_empty else f"{view.text}\n"
        content = text.encode("utf-8", "replace")
        headers = {**HEADERS, **headers}
        return Response(content, headers=headers, media_type="text/plain; charset=utf-8")
    return await answer(view, headers=headers)


@router.get(
    "/indexes/{index_id}/outline/{path:path}",
    response_model=OutlineView,
    responses=documented(HTTPStatus.NOT_FOUND),
)
async def outline(
    application: ApplicationOf, caller: CallerOf, index_id: IndexId, path: FilePath
) -> Response:
    """The definitions in a file: its symbols and their lines."""
    question = OutlineQuestion(path, Where((str(index_id),)))
    return await answer(await application.answers.outline(caller, question))


@router.get(
    "/indexes/{index_id}/map",
    response_model=MapView,
    responses=documented(HTTPStatus.NOT_FOUND),
)
async def map_of_index(
    application: ApplicationOf,
    caller: CallerOf,
    index_id: IndexId,
    parameters: Annotated[MapInQuery, Query()],
) -> Response:
    """The most important files and definitions, within a token budget."""
    where = Where(
        (str(index_id),), languages=tuple(parameters.languages), paths=tuple(parameters.paths)
    )
    question = MapQuestion(where, parameters.budget)
    return await answer(await application.answers.map(caller, question))


@router.get(
    "/indexes/{index_id}/descriptions/{kind}",
    response_model=DescriptionsView,
    responses=documented(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
async def describe_index(
    application: ApplicationOf,
    caller: CallerOf,
    index_id: IndexId,
    kind: Annotated[DescriptionKind, Path(description="What is described.")],
    parameters: Annotated[DescribeInQuery, Query()],
) -> Response:
    """A description of an index, or of a subject in it: an overview, the public interface of
    modules, the schema of a database, what a commit changed, or how a definition is used."""
    where = Where(
        (str(index_id),), languages=tuple(parameters.languages), paths=tuple(parameters.paths)
    )
    question = DescribeQuestion(kind, parameters.subject, where, parameters.budget)
    return await answer(await application.description_answers.describe(caller, question))
