"""Which indexes, or which parts of one, a question is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from posixpath import normpath

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


@dataclass(frozen=True, slots=True)
class Places:
    """Where a file may be: in each of these indexes, at paths from its top, the likeliest first.
    `is_implied` says that nobody named one of several indexes."""

    in_indexes: tuple[tuple[Index, tuple[str, ...]], ...]
    is_implied: bool = False


class ScopeService:
    """The one rule for what a caller means by naming sources, or by naming none. Synchronous."""

    def __init__(self, *, locator: IndexLocator) -> None:
        self._locator = locator

    def choose(self, caller: Caller, where: Where) -> Chosen:
        """The indexes of the sources that are named; without any, those that hold the folders the
        caller works in, or else all. A folder below an indexed one means that part of its index.

        Raises NotFoundError, SourceError and RefusedByPolicyError.
        """
        if len(where.sources) > MOST_SOURCES:
            raise InvalidQueryError(f"at most {MOST_SOURCES} sources can be named")
        parts = [self._locator.locate_part(name, caller) for name in where.sources]
        is_implied = False
        if not parts and not where.everywhere:
            parts = self._held(caller)
            is_implied = bool(parts)
        return Chosen(_filter_of(parts, where), is_implied)

    def places(self, caller: Caller, where: Where, place: str) -> Places:
        """Where a file may be that is named by its path: from where the caller stands, or from the
        top of an index. Whoever is on this machine may also name it by its absolute path.

        Raises what `choose` raises, and InvalidQueryError where there is no index.
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
            return Places(((held[0], (_joined(held[1], name),)),))
        if where.sources:
            parts = [self._locator.locate_part(name, caller) for name in where.sources]
            return Places(_in_each(parts, place))
        held_here = [] if where.everywhere else self._held(caller)
        if held_here:
            return Places(_in_each(held_here, place), is_implied=True)
        indexes = self._locator.all()
        if not indexes:
            raise InvalidQueryError(
                "this is about one index: name its source", code="source_missing"
            )
        return Places(_in_each([(index, "") for index in indexes], place), len(indexes) > 1)

    def _held(self, caller: Caller) -> list[tuple[Index, str]]:
        """The indexes, or their parts, that hold the folders the caller works in."""
        held = [self._locator.holding(folder) for folder in caller.places]
        return [one for one in held if one is not None]


def _in_each(
    parts: Sequence[tuple[Index, str]], path: str
) -> tuple[tuple[Index, tuple[str, ...]], ...]:
    return tuple(
        (index, (_joined(folder, path), path) if folder else (path,)) for index, folder in parts
    )


def _joined(folder: str, path: str) -> str:
    """A path from a folder of an index, in which `..` goes up; nothing is above the index."""
    return normpath(f"{folder}/{path}") if folder else path


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
