"""Selects the indexes, or parts of indexes, that a question is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from posixpath import normpath
from typing import TypeVar

from kodit.application.services.index_locator import IndexLocator, Part
from kodit.domain.addresses import readings_of_page
from kodit.domain.caller import Caller
from kodit.domain.entities import Index
from kodit.domain.errors import InvalidQueryError, NotFoundError, SourceError, UserError
from kodit.domain.files import FilePlace, parse_place, tidy_path
from kodit.domain.questions import Where
from kodit.domain.value_objects import SearchFilter

MOST_SOURCES = 1_000
MOST_NEAR = 3
"""How many indexes are named that have a file of a similar name."""
_UNKNOWN = ("file_not_found", "file_misnamed")
"""Errors that say that nothing is known of a file; others have a more specific reason."""

T = TypeVar("T")
P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The selected files. `is_implied` says that nobody named the index: it is the one that holds
    the caller's folder."""

    filter: SearchFilter
    is_implied: bool = False
    problems: tuple[str, ...] = ()
    """The problems of sources that were named beside valid ones, one sentence each."""

    @property
    def index_ids(self) -> tuple[int, ...]:
        """Empty if every index is selected."""
        return self.filter.index_ids


@dataclass(frozen=True, slots=True)
class Places:
    """Where a file may be: in each of these indexes, at paths from its top, the likeliest first.
    `is_implied` says that the caller named none of several indexes."""

    in_indexes: tuple[tuple[Index, tuple[str, ...]], ...]
    is_implied: bool = False


class ScopeService:
    """The one rule for what a caller means by naming sources, or by naming none. Synchronous."""

    def __init__(self, *, locator: IndexLocator) -> None:
        self._locator = locator

    def choose(self, caller: Caller, where: Where) -> Chosen:
        """The indexes of the named sources; without any, those that hold the caller's folders, or
        else all. A folder or file inside an indexed source means that part of its index. If only
        some of the sources are valid, these are used.

        Raises NotFoundError, SourceError and RefusedByPolicyError if none is valid.
        """
        if len(where.sources) > MOST_SOURCES:
            raise InvalidQueryError(f"at most {MOST_SOURCES} sources can be named")
        parts, errors = self._parts(where.sources, caller)
        is_implied = False
        if not where.sources and not where.everywhere:
            parts = self._held(caller)
            is_implied = bool(parts)
        return Chosen(_filter_of(parts, where), is_implied, tuple(map(str, errors)))

    def _parts(self, names: Sequence[str], caller: Caller) -> tuple[list[Part], list[UserError]]:
        """What the names mean, and the errors of invalid names. Raises the first of these errors if
        no name is valid."""
        parts, errors = [], []
        for name in names:
            try:
                parts.append(self._locator.locate_part(name, caller))
            except UserError as error:
                errors.append(error)
        if errors and not parts:
            raise errors[0]
        return parts, errors

    def look_at(
        self,
        caller: Caller,
        where: Where,
        place: str | FilePlace,
        look: Callable[[int, str | FilePlace], T],
    ) -> tuple[T, Index, bool]:
        """What `look` finds at a place, in the one index that has its file; the index; and whether
        nobody named that index. `look` receives an index and a place in it. Raises NotFoundError if
        no index has the file, and InvalidQueryError if several have."""
        path = place if isinstance(place, str) else place.path
        places = self.places(caller, where, path)
        found, absences = [], []
        for index, paths in places.in_indexes:
            try:
                found.append((_first_existing(index.id, _placed(place, paths), look), index))
            except NotFoundError as error:
                absences.append(error)
        if len({index.id for _, index in found}) == 1:
            return *found[0], places.is_implied
        if not found:
            for absence in absences:
                if len(absences) == 1 or absence.code not in _UNKNOWN:
                    raise absence
            raise _in_no_index(place, [index for index, _ in places.in_indexes], absences)
        names = ", ".join(f"{index.source} ({index.id})" for _, index in found)
        raise InvalidQueryError(
            f"several indexes have a file {path!r}; name one of them: {names}",
            code="sources_several",
            path=path,
        )

    def places(self, caller: Caller, where: Where, place: str) -> Places:
        """Where a file with this path may be: relative to the caller's folder or to the top of an
        index, at an absolute path, or at the address of its page. Raises what `choose` raises, and
        InvalidQueryError if there is no index."""
        if "://" in place and not where.sources:
            page = self._locator.locate_part(place, caller)
            lines = next((one.lines for one in readings_of_page(place) if one.lines), "")
            return Places(((page.index, (f"{page.path}#{lines}" if lines else page.path,)),))
        if place.startswith("../") and caller.folder is not None:
            place = normpath(f"{caller.folder}/{place}")
        if not where.sources and not place.startswith("/") and not self._held(caller):
            place = self._locator.absolute(place, caller) or place
        if not where.sources and place.startswith("/"):
            folder, _, name = place.rpartition("/")
            held = self._locator.holding_at(folder or "/", caller)
            if held is None and (source := self._locator.holding_at(place, caller)) is not None:
                return Places(((source.index, (source.path or ".",)),))
            if held is None:
                raise SourceError(
                    f"{folder or '/'} is not indexed",
                    code="source_not_indexed",
                    source=folder or "/",
                )
            return Places(((held.index, (_joined(held.path, name),)),))
        if where.sources:
            parts, _errors = self._parts(where.sources, caller)
            return Places(_in_each(parts, place))
        held_here = [] if where.everywhere else self._held(caller)
        if held_here:
            return Places(_in_each(held_here, place), is_implied=True)
        indexes = self._locator.all()
        if not indexes:
            raise NotFoundError("nothing is indexed yet", code="nothing_indexed")
        return Places(_in_each([Part(index) for index in indexes], place), len(indexes) > 1)

    def _held(self, caller: Caller) -> list[Part]:
        """The indexes, or their parts, that hold the caller's folders."""
        held = [self._locator.holding(folder) for folder in caller.places]
        return [one for one in held if one is not None]


def _in_each(parts: Sequence[Part], path: str) -> tuple[tuple[Index, tuple[str, ...]], ...]:
    return tuple((part.index, _paths_in(part, path)) for part in parts)


def _placed(place: str | FilePlace, paths: Sequence[str]) -> Sequence[str | FilePlace]:
    """The same place at each of these paths."""
    return paths if isinstance(place, str) else [replace(place, path=path) for path in paths]


def _first_existing(index_id: int, places: Sequence[P], look: Callable[[int, P], T]) -> T:
    """The result at the first place that has a file. Raises the NotFoundError of the last one,
    because that is what the caller typed."""
    for place in places[:-1]:
        with suppress(NotFoundError):
            return look(index_id, place)
    return look(index_id, places[-1])


def _paths_in(part: Part, path: str) -> tuple[str, ...]:
    """The path relative to a folder of an index and to its top; an absolute path only as in the
    index."""
    inside = _from_top(path, part.index)
    if inside is not None:
        return (inside,)
    path = tidy_path(path)
    if not part.path:
        return (path,)
    beside = part.path.rpartition("/")[0]  # the part is a file
    return tuple(dict.fromkeys((_joined(part.path, path), _joined(beside, path), path)))


def _from_top(path: str, index: Index) -> str | None:
    """The path from the top of the index, for an absolute path in its folder; None for any
    other."""
    top = index.source.location
    if not path.startswith("/") or not path.startswith(f"{top.rstrip('/')}/"):
        return None
    return path[len(top) :].lstrip("/")


def _globs_in(parts: Sequence[Part], globs: Sequence[str]) -> tuple[str, ...]:
    """Globs relative to the top of the index, for globs typed as absolute paths or relative to the
    selected folder."""
    found = list(globs)
    for part in parts:
        for glob in globs:
            inside = _from_top(glob, part.index)
            if inside is not None:
                found.append(f"/{inside}")
            elif part.path and "/" in glob.strip("/") and not glob.startswith(("/", "!", "**")):
                found.append(f"/{part.path}/{glob.removeprefix('./')}")
    return tuple(dict.fromkeys(found))


def _joined(folder: str, path: str) -> str:
    """A path relative to a folder of an index, in which `..` goes up, but not above the index."""
    return normpath(f"{folder}/{path}") if folder else path


def _filter_of(parts: Sequence[Part], where: Where) -> SearchFilter:
    whole = {part.index.id for part in parts if not part.path}
    return SearchFilter(
        index_ids=tuple(dict.fromkeys(part.index.id for part in parts)),
        languages=where.languages,
        paths=_globs_in(parts, where.paths),
        authors=where.authors,
        created_after=where.created_after,
        created_before=where.created_before,
        within=tuple(
            dict.fromkeys(
                (part.index.id, part.path) for part in parts if part.index.id not in whole
            )
        ),
    )


def _in_no_index(
    place: str | FilePlace, searched: Sequence[Index], absences: Sequence[NotFoundError]
) -> NotFoundError:
    """The error for a file that none of several indexes has: that of the only one which has a file
    of the same or of a similar name, or one that names some of them."""
    pairs = list(zip(searched, absences, strict=True))
    same = [(index, absence) for index, absence in pairs if "there" in absence.fields]
    near = same or [pair for pair in pairs if pair[1].code == "file_misnamed"]
    if len(near) == 1:
        return near[0][1]
    path = place.path if isinstance(place, FilePlace) else _path_of(place)
    sentence = f"none of {len(searched)} indexes has a file {path!r}"
    if near:
        names = ", ".join(
            f"{absence.fields['there']!r} in {index.source} ({index.id})"
            if same
            else f"{index.source} ({index.id})"
            for index, absence in near[:MOST_NEAR]
        )
        more = f" and {len(near) - MOST_NEAR} more" if len(near) > MOST_NEAR else ""
        sentence += f"; {'there is' if same else 'files of a similar name are in'} {names}{more}"
    return NotFoundError(sentence, code="file_in_no_index", path=path)


def _path_of(place: str) -> str:
    """The path of a place as typed, without its lines."""
    try:
        return parse_place(place).path
    except InvalidQueryError:
        return place
