"""Which workers are alive, and which have died."""

from __future__ import annotations

from typing import Protocol

from kodit.domain.claiming import DEFAULT_RULES, ClaimRules


class WorkerRegistry(Protocol):
    """Detects at once that a worker of this machine has died."""

    def enter(self, rules: ClaimRules = DEFAULT_RULES) -> str:
        """Register this worker, which claims by these rules, and return its name, new at each
        start."""
        ...

    def leave(self) -> None:
        """This worker holds nothing any more."""
        ...

    def is_dead(self, worker: str) -> bool:
        """Whether the worker and all its child processes are gone."""
        ...

    def living(self) -> list[str]:
        """The names of the workers that are alive."""
        ...

    def rules(self) -> list[ClaimRules]:
        """The rules by which the workers that are alive claim, of each that has registered them."""
        ...

    def sweep(self) -> None:
        """Remove what dead workers have left behind."""
        ...
