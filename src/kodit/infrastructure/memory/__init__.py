"""The queue without files or processes: for tests, and for programs that embed Kodit's queue.

Everything here satisfies its port, and passes the same conformance suite; nothing outlives the
process.
"""

from kodit.infrastructure.memory.clock import ManualClock
from kodit.infrastructure.memory.database import MemoryDatabase, MemoryTransaction
from kodit.infrastructure.memory.wake_up import MemoryWakeUp
from kodit.infrastructure.memory.workers import MemoryWorkerRegistry

__all__ = [
    "ManualClock",
    "MemoryDatabase",
    "MemoryTransaction",
    "MemoryWakeUp",
    "MemoryWorkerRegistry",
]
