"""The results of a search as they are shown: the best snippets of a file joined, with the places of
their copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

from kodit.application.services.listing import Listed, explanation_of, places_of
from kodit.domain.entities import SearchResult
from kodit.domain.search import joined

if TYPE_CHECKING:
    from kodit.domain.ports.database import Transaction


def shown_results(transaction: Transaction, listed: Sequence[Listed]) -> list[SearchResult]:
    """The snippets, each merged with its neighbours."""
    search = transaction.search
    wanted = list(chain.from_iterable(one.snippet_ids for one in listed))
    snippets = {snippet.id: snippet for snippet in search.get_many(wanted)}
    following = search.following(
        [found for one in listed if len(one.snippet_ids) > 1 for found in one.snippet_ids]
    )
    owners = search.owners(
        {copy.file_id: copy.index_id for one in listed for copy in one.copies}
        | {snippet.file_id: snippet.index_id for snippet in snippets.values()}
    )
    others_in = {index_id for some in owners.values() for index_id in some}
    sources = search.sources(others_in) if len(others_in) > 1 else {}
    return [
        SearchResult(
            joined(
                snippets[shown],
                [snippets[other] for other in others if other in snippets],
                following,
            ),
            one.result.score,
            explanation_of(one.result),
            also_in=tuple(places_of(snippets[shown], one.copies, owners, sources)),
        )
        for one in listed
        for shown, *others in (one.snippet_ids,)
        if shown in snippets
    ]
