"""The sources whose secrets a process does not have."""

from __future__ import annotations

import time
from dataclasses import replace

from kodit.domain.claiming import ClaimRules


class DeclinedSources:
    """Remembers for a while which indexes are left to other machines. For use by any thread."""

    def __init__(self) -> None:
        self._until: dict[int, float] = {}

    def add(self, index_id: int, seconds: float) -> None:
        """Claim nothing that reads the source of an index for so long."""
        self._until[index_id] = time.monotonic() + seconds

    def within(self, rules: ClaimRules) -> ClaimRules:
        """The rules, with what is declined at the moment."""
        if not self._until:
            return rules
        now = time.monotonic()
        declined = [one for one, until in self._until.copy().items() if until > now]
        return replace(rules, declined=frozenset(declined))
