"""Each endpoint asked once, as indexing asks it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kodit.domain.diagnosis import Area, Problem
from kodit.domain.errors import KoditError


class EndpointExaminer:
    """Tries the endpoints that the settings name."""

    area = Area.ENDPOINTS

    def __init__(self, trials: Sequence[Callable[[], None]]) -> None:
        """A trial raises KoditError, whose sentence says what is wrong and what to do."""
        self._trials = trials

    def examine(self) -> list[Problem]:
        return [problem for trial in self._trials for problem in self._try(trial)]

    def _try(self, trial: Callable[[], None]) -> list[Problem]:
        try:
            trial()
        except KoditError as error:
            sentence, _, advice = str(error).partition("; ")
            remedy = advice or "try again later; indexing waits for it"
            return [Problem(self.area, sentence, remedy, code=error.code, fields=error.fields)]
        return []
