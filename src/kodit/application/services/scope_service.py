"""Which indexes, or which parts of one, a question is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kodit.application.services.index_locator import IndexLocator
from kodit.domain.caller import Caller
from kodit.domain.entities import Index
from kodit.domain.errors import InvalidQueryError, SourceError
from kodit.domain.questions import Where
from kodit.domain.value_objects import SearchFilter

MOST_SOURCES = 1_000


@dataclass(frozen=True, slots=True)
class Chosen:
    """The files that are meant. `is_implied` says that nobody named the index: it is the one that
    holds the caller's folder."""

    filter: SearchFilter
    is_implied: bool = False

    @property
    def index_ids(self) -> tuple[int, ...]:
        """Without any, every index is meant."""
        return self.filter.index_ids


class ScopeService:
    """The one rule for what a caller means by naming sources, or by naming none. Synchronous."""

    def __init__(self, *, locator: IndexLocator) -> None:
        self._locator = locator

    def choose(self, caller: Caller, where: Where) -> Chosen:
        """The indexes of the sources that are named; without any, the index that holds the
        caller's folder, or else all. A folder below an indexed one means that part of its index.

        Raises NotFoundError, SourceError and RefusedByPolicyError.
        """
        if len(where.sources) > MOST_SOURCES:
            raise InvalidQueryError(f"at most {MOST_SOURCES} sources can be named")
        parts = [self._locator.locate_part(name, caller) for name in where.sources]
        is_implied = False
        if not parts and not where.everywhere and caller.folder is not None:
            held = self._locator.holding(caller.folder)
            parts, is_implied = ([held], True) if held is not None else ([], False)
        return Chosen(_filter_of(parts, where), is_implied)

    def places(self, caller: Caller, where: Where, place: str) -> tuple[Index, list[str]]:
        """The one index that a path in it is of, and the paths from its top that may be meant, the
        likeliest first: from where the caller stands, and from the top. Whoever is on this machine
        may also name a file by its absolute path.

        Raises what `choose` raises, and InvalidQueryError where it could be about several.
        """
        if caller.is_local and not where.sources and place.startswith("/"):
            folder, _, name = place.rpartition("/")
            held = self._locator.holding(folder or "/")
            if held is None:
                raise SourceError(
                    f"{folder or '/'} is not indexed",
                    code="source_not_indexed",
                    source=folder or "/",
                )
            return held[0], [_joined(held[1], name)]
        index, folder = self._choose_one(caller, where)
        return index, [_joined(folder, place), place] if folder else [place]

    def _choose_one(self, caller: Caller, where: Where) -> tuple[Index, str]:
        if len(where.sources) == 1:
            return self._locator.locate_part(where.sources[0], caller)
        if not where.sources and caller.folder is not None:
            held = self._locator.holding(caller.folder)
            if held is not None:
                return held
        if not where.sources and (only := self._locator.only_one()) is not None:
            return only, ""
        raise InvalidQueryError(
            "this is about one index: name its source",
            code="source_missing" if not where.sources else "sources_several",
        )


def _joined(folder: str, path: str) -> str:
    return f"{folder}/{path.removeprefix('./')}" if folder else path


def _filter_of(parts: Sequence[tuple[Index, str]], where: Where) -> SearchFilter:
    whole = {index.id for index, folder in parts if not folder}
    return SearchFilter(
        index_ids=tuple(dict.fromkeys(index.id for index, _folder in parts)),
        languages=tuple(language.lower() for language in where.languages),
        paths=where.paths,
        authors=where.authors,
        created_after=where.created_after,
        created_before=where.created_before,
        within=tuple(
            dict.fromkeys((index.id, folder) for index, folder in parts if index.id not in whole)
        ),
    )
