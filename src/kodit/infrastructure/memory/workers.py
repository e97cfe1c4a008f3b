"""Workers that are names and nothing else."""

from __future__ import annotations

from kodit.domain.claiming import DEFAULT_RULES, ClaimRules


class MemoryWorkerRegistry:
    """Workers of one process; `kill` is the death of one that had no time to leave."""

    def __init__(self) -> None:
        self._alive: dict[str, ClaimRules] = {}
        self._entered = 0

    def enter(self, rules: ClaimRules = DEFAULT_RULES) -> str:
        self._entered += 1
        name = f"worker-{self._entered}"
        self._alive[name] = rules
        return name

    def leave(self) -> None:
        """Nothing is left behind by a worker of this process."""

    def kill(self, worker: str) -> None:
        """From here on this worker is dead; what it held can be taken back."""
        self._alive.pop(worker, None)

    def is_dead(self, worker: str) -> bool:
        return worker not in self._alive

    def living(self) -> list[str]:
        return sorted(self._alive)

    def rules(self) -> list[ClaimRules]:
        return list(self._alive.values())

    def sweep(self) -> None:
        """Dead workers leave nothing behind."""
