"""Searching indexed code: `/search`, `/grep`, `/symbols` and `/related`."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response

from kodit.application.views.files import GrepView, SymbolsView
from kodit.application.views.search import RelatedView, SearchView
from kodit.domain.files import FilePlace
from kodit.domain.questions import (
    GrepQuestion,
    RelatedQuestion,
    SearchQuestion,
    SymbolsQuestion,
    Where,
)
from kodit.faces.rest.asking import ApplicationOf, CallerOf, answer
from kodit.faces.rest.parameters import (
    AUTHORS,
    FewTexts,
    FilesInQuery,
    Grep,
    PlacesInQuery,
    Related,
    Search,
    Symbols,
)
from kodit.faces.rest.problems import documented

router = APIRouter(tags=["search"])

_REFUSALS = documented(
    HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT
)


class SearchInQuery(PlacesInQuery, Search):
    """A search, in a query string."""

    authors: FewTexts = AUTHORS


class SymbolsInQuery(PlacesInQuery, Symbols):
    """A name, in a query string."""


class RelatedInQuery(FilesInQuery, Related):
    """A place, in a query string."""


@router.get("/search", response_model=SearchView, responses=_REFUSALS)
async def search(
    application: ApplicationOf,
    caller: CallerOf,
    parameters: Annotated[SearchInQuery, Query()],
) -> Response:
    """Search: the best snippets for a question in words, or for a name."""
    return await answer(await application.answers.search(caller, _search(parameters)))


@router.post("/search", response_model=SearchView, responses=_REFUSALS)
async def search_by_body(
    application: ApplicationOf, caller: CallerOf, parameters: Search
) -> Response:
    """The same with the parameters in a body, where long ones fit."""
    return await answer(await application.answers.search(caller, _search(parameters)))


def _search(asked: Search) -> SearchQuestion:
    where = replace(
        asked.where(),
        authors=tuple(asked.authors),
        created_after=asked.created_after,
        created_before=asked.created_before,
    )
    return SearchQuestion(
        asked.query,
        where,
        asked.mode,
        tuple(asked.kinds),
        limit=asked.limit,
        offset=asked.offset,
        budget=asked.budget,
        cursor=asked.cursor,
        explain=asked.explain,
        wait=asked.wait,
    )


@router.post("/grep", response_model=GrepView, responses=_REFUSALS)
async def grep(application: ApplicationOf, caller: CallerOf, parameters: Grep) -> Response:
    """Lines of indexed files that match a regular expression, by index, path and line."""
    question = GrepQuestion(
        parameters.pattern,
        parameters.where(),
        ignore_case=parameters.ignore_case,
        fixed_strings=parameters.fixed_strings,
        whole_words=parameters.whole_words,
        inverted=parameters.inverted,
        more_patterns=tuple(parameters.more_patterns),
        context=parameters.context,
        before=parameters.before,
        after=parameters.after,
        only_matching=parameters.only_matching,
        one_per_file=parameters.one_per_file,
        limit=parameters.limit,
        cursor=parameters.cursor,
    )
    return await answer(await application.answers.grep(caller, question))


@router.get("/symbols", response_model=SymbolsView, responses=_REFUSALS)
async def symbols(
    application: ApplicationOf,
    caller: CallerOf,
    parameters: Annotated[SymbolsInQuery, Query()],
) -> Response:
    """Where a name is defined, and where it is used."""
    question = SymbolsQuestion(
        parameters.name,
        parameters.where(),
        tuple(parameters.kinds),
        parameters.limit,
        parameters.uses or "",
        parameters.cursor,
    )
    return await answer(await application.answers.symbols(caller, question))


@router.get("/related", response_model=RelatedView, responses=_REFUSALS)
async def related(
    application: ApplicationOf,
    caller: CallerOf,
    parameters: Annotated[RelatedInQuery, Query()],
) -> Response:
    """Snippets whose code is similar to that at a place, at most two per file."""
    where = Where(
        () if parameters.source is None else (parameters.source,),
        languages=tuple(parameters.languages),
        paths=tuple(parameters.paths),
    )
    question = RelatedQuestion(
        FilePlace(parameters.path, parameters.line, parameters.line),
        where,
        in_all=parameters.everywhere,
        limit=parameters.limit,
    )
    return await answer(await application.answers.related(caller, question))
