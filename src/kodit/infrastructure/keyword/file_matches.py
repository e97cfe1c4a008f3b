"""What a search of the keyword index finds in some files."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from kodit.domain.value_objects import Hit
from kodit.infrastructure.keyword.asking import Question
from kodit.infrastructure.keyword.found import Found
from kodit.infrastructure.keyword.schema import FILE_ID, SNIPPET_ID


class TantivyFileMatches:
    """The matches of a search in some files."""

    def __init__(self, question: Question, found: Found, at_least: NDArray[np.float64]) -> None:
        """`at_least` are lower bounds of the exact scores."""
        self._question = question
        self._found = found
        self._at_least = at_least
        self._known: dict[int, float] = {}

    def best(self, per_file: int) -> list[Hit]:
        found, question = self._found, self._question
        if not len(found):
            return []
        file_ids = found.column(FILE_ID)
        # Everything that may be among the best is rescored: what is not certainly below as many.
        order = np.lexsort((-self._at_least, file_ids))
        files = file_ids[order]
        firsts = np.flatnonzero(np.r_[True, files[1:] != files[:-1]])
        lengths = np.diff(np.r_[firsts, len(files)])
        last = np.repeat(firsts + np.minimum(lengths, per_file) - 1, lengths)
        places = order[found.scores[order] * question.most >= self._at_least[order[last]]]
        exact = question.score(found, places)
        ids = found.column(SNIPPET_ID)[places]
        self._known.update(zip(ids.tolist(), exact.tolist(), strict=True))
        hits: list[Hit] = []
        # Snippets of one file are numbered in line order.
        taken, before = 0, -1
        for place in np.lexsort((ids, -exact, file_ids[places])):
            file_id = file_ids[places[place]]
            taken = taken + 1 if file_id == before else 1
            before = file_id
            if taken <= per_file:
                hits.append(Hit(int(ids[place]), float(exact[place])))
        return hits

    def scores(self, snippet_ids: Iterable[int]) -> dict[int, float]:
        wanted = list(snippet_ids)
        missing = [one for one in wanted if one not in self._known]
        if missing and len(self._found):
            places = np.flatnonzero(np.isin(self._found.column(SNIPPET_ID), missing))
            exact = self._question.score(self._found, places)
            ids = self._found.column(SNIPPET_ID)[places]
            self._known.update(zip(ids.tolist(), exact.tolist(), strict=True))
        return {one: self._known[one] for one in wanted if one in self._known}
