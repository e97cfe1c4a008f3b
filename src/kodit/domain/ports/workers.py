"""Which workers are alive."""

from __future__ import annotations

from typing import Protocol

from kodit.domain.claiming import DEFAULT_RULES, ClaimRules


class WorkerRegistry(Protocol):
    """Detects immediately when a worker on this machine has died."""

    def enter(self, rules: ClaimRules = DEFAULT_RULES) -> str:
        """Register this worker, which claims by these rules, and return its name, new at each
        start."""
        ...

    def leave(self) -> None:
        """Unregister this worker, which holds no task any more."""
        ...

    def is_dead(self, worker: str) -> bool:
        """Whether the worker and all its child processes are gone."""
        ...

    def living(self) -> list[str]:
        """The names of the workers that are alive."""
        ...

    def rules(self) -> list[ClaimRules]:
        """The claim rules of each living worker that has registered them."""
        ...

    def hosts(self) -> list[str]:
        """The host of each living worker, where several machines share a database."""
        ...

    def sweep(self) -> None:
        """Remove what dead workers have left behind."""
        ...
