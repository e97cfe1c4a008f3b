"""Workers that are names and nothing else."""

from __future__ import annotations


class MemoryWorkerRegistry:
    """Workers of one process; `kill` is the death of one that had no time to leave."""

    def __init__(self) -> None:
        self._alive: set[str] = set()
        self._entered = 0

    def enter(self) -> str:
        self._entered += 1
        name = f"worker-{self._entered}"
        self._alive.add(name)
        return name

    def leave(self) -> None:
        """Nothing is left behind by a worker of this process."""

    def kill(self, worker: str) -> None:
        """From here on this worker is dead; what it held can be taken back."""
        self._alive.discard(worker)

    def is_dead(self, worker: str) -> bool:
        return worker not in self._alive

    def living(self) -> list[str]:
        return sorted(self._alive)

    def sweep(self) -> None:
        """Dead workers leave nothing behind."""
