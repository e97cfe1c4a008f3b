"""The counts of answers, in one small file in the data directory."""

from __future__ import annotations

import json
import logging
from datetime import date
from pathlib import Path

from kodit.domain.errors import TransientError, UserError
from kodit.domain.savings import Cost, Savings
from kodit.infrastructure.files import write_atomically
from kodit.infrastructure.locks import file_lock

log = logging.getLogger(__name__)

LOCK_SECONDS = 2.0
LARGEST_FILE_BYTES = 1_000_000


class SavingsFile:
    """Safe with any number of processes."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "savings.json"
        self._lock = data_dir / "savings.lock"

    def load(self) -> Savings:
        try:
            with self._path.open("rb") as file:
                stored = json.loads(file.read(LARGEST_FILE_BYTES))
            return Savings(
                date.fromisoformat(stored["since"]),
                {str(tool): Cost(*map(int, counts)) for tool, counts in stored["tools"].items()},
            )
        except (
            OSError,
            ValueError,
            TypeError,
            KeyError,
            AttributeError,
            OverflowError,
            RecursionError,
        ):
            return Savings()

    def add(self, tool: str, cost: Cost, today: date) -> None:
        try:
            with file_lock(self._lock, LOCK_SECONDS, "the file of savings"):
                savings = self.load().with_answer(tool, cost, today)
                stored = {
                    "since": str(savings.since),
                    "tools": {
                        name: [one.answers, one.answer_characters, one.file_bytes]
                        for name, one in savings.by_tool.items()
                    },
                }
                write_atomically(self._path, json.dumps(stored).encode(), durable=False)
        except (OSError, TransientError, UserError) as error:
            log.debug("an answer was not counted", extra={"error": str(error)})
