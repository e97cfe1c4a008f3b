"""Describes indexed code in several ways, each of which can be turned off."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from kodit.application.services.threads import Lane, in_thread
from kodit.domain.descriptions.description import Description
from kodit.domain.descriptions.kinds import (
    ALL_KINDS,
    LEAST_BUDGET,
    LONGEST_SUBJECT,
    MOST_BUDGET,
    DescriptionKind,
)
from kodit.domain.descriptions.unknown import subject_unknown
from kodit.domain.errors import InvalidQueryError, NotFoundError
from kodit.domain.search import CHARACTERS_PER_TOKEN
from kodit.domain.text import is_text
from kodit.domain.value_objects import SearchFilter

if TYPE_CHECKING:
    from kodit.domain.files import IndexedFiles
    from kodit.domain.ports.catalogue import Catalogue
    from kodit.domain.ports.describing import Describer

MakeDescriber = Callable[[], "Describer"]


class DescriptionService:
    """Each description is made from one state of its index."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        describers: Mapping[DescriptionKind, MakeDescriber],
        kinds: Collection[DescriptionKind] = ALL_KINDS,
    ) -> None:
        """`describers` make the describer of each kind when it is first needed; `kinds` are those
        that are turned on."""
        self._catalogue = catalogue
        self._describers = describers
        self._kinds = kinds

    async def describe(
        self, kind: DescriptionKind, search_filter: SearchFilter, subject: str, budget: int
    ) -> list[Description]:
        """The description of each index that passes the filter, within `budget` tokens for all of
        them. An index that lacks the subject is left out if another one has it. Raises
        InvalidQueryError and NotFoundError."""
        if kind not in self._kinds:
            raise InvalidQueryError(
                f"descriptions of the kind {kind} are turned off by KODIT_DESCRIPTIONS",
                code="kind_turned_off",
                kind=kind.value,
            )
        if not LEAST_BUDGET <= budget <= MOST_BUDGET:
            raise InvalidQueryError(
                f"the budget is {budget} tokens; it must be {LEAST_BUDGET} to {MOST_BUDGET}"
            )
        if not is_text(subject) or "\0" in subject or len(subject) > LONGEST_SUBJECT:
            raise InvalidQueryError(
                f"the subject is not text of at most {LONGEST_SUBJECT} characters"
            )
        describer = self._describers[kind]()
        described: list[Description] = []
        unknown: list[NotFoundError] = []
        indexed = await in_thread(lambda: self._files(search_filter), Lane.READS)
        share = budget * CHARACTERS_PER_TOKEN // max(1, len(indexed))
        for one in indexed:
            about = subject.strip() or _part(kind, one.index.id, search_filter)
            try:
                described.append(await describer.describe(self._catalogue, one, about, share))
            except NotFoundError as error:
                unknown.append(error)
        if unknown and not described:
            raise subject_unknown(kind, subject.strip(), unknown)
        known = [one for one in described if not one.is_empty]
        share = budget * CHARACTERS_PER_TOKEN // max(1, len(known))
        return [one.within(share) for one in known]

    def _files(self, search_filter: SearchFilter) -> list[IndexedFiles]:
        with self._catalogue.open() as catalogue:
            return catalogue.files(search_filter)


def _part(kind: DescriptionKind, index_id: int, search_filter: SearchFilter) -> str:
    """The only folder or file of an index that is described, if descriptions of the kind can be of
    one; empty if it is the whole index."""
    if kind not in {DescriptionKind.OVERVIEW, DescriptionKind.INTERFACE}:
        return ""
    parts = [path for of_index, path in search_filter.within if of_index == index_id]
    return parts[0] if len(parts) == 1 else ""
