"""Workers that are only names."""

from __future__ import annotations

from kodit.domain.claiming import DEFAULT_RULES, ClaimRules


class MemoryWorkerRegistry:
    """Workers of one process; `kill` simulates the sudden death of one."""

    def __init__(self) -> None:
        self._alive: dict[str, ClaimRules] = {}
        self._entered = 0

    def enter(self, rules: ClaimRules = DEFAULT_RULES) -> str:
        self._entered += 1
        name = f"worker-{self._entered}"
        self._alive[name] = rules
        return name

    def leave(self) -> None:
        """A worker of this process leaves nothing behind."""

    def kill(self, worker: str) -> None:
        """Mark this worker as dead, so that its tasks can be reclaimed."""
        self._alive.pop(worker, None)

    def is_dead(self, worker: str) -> bool:
        return worker not in self._alive

    def living(self) -> list[str]:
        return sorted(self._alive)

    def rules(self) -> list[ClaimRules]:
        return list(self._alive.values())

    def hosts(self) -> list[str]:
        return [rules.host for rules in self._alive.values() if rules.host]

    def sweep(self) -> None:
        """Dead workers leave nothing behind."""
