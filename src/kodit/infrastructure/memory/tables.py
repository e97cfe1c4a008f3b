"""The tables of the in-memory database: rows are never modified, only replaced.

A transaction works on a copy of the tables, which costs one dictionary each because the rows are
shared; a commit replaces the original by the copy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from kodit.domain.entities import Index, IndexedFile, IndexRun, Task, TaskAttempt


@dataclass(slots=True)
class Tables:
    """`runs` are stored without their tasks; `attempts` by task and claim number. Ids are counted
    separately from the rows, so that none is reused.
    """

    runs: dict[int, IndexRun] = field(default_factory=dict)
    tasks: dict[int, Task] = field(default_factory=dict)
    attempts: dict[tuple[int, int], TaskAttempt] = field(default_factory=dict)
    indexes: dict[int, Index] = field(default_factory=dict)
    deleted_indexes: set[int] = field(default_factory=set)
    deleted_folders: set[tuple[str, str]] = field(default_factory=set)
    files: dict[int, tuple[int, IndexedFile]] = field(default_factory=dict)
    """Index id and file, by the file's id."""
    last_ids: dict[str, int] = field(default_factory=dict)
    paused_since: datetime | None = None

    def copy(self) -> Tables:
        return Tables(
            dict(self.runs),
            dict(self.tasks),
            dict(self.attempts),
            dict(self.indexes),
            set(self.deleted_indexes),
            set(self.deleted_folders),
            dict(self.files),
            dict(self.last_ids),
            self.paused_since,
        )

    def new_id(self, table: str) -> int:
        self.last_ids[table] = self.last_ids.get(table, 0) + 1
        return self.last_ids[table]


def copy_of(task: Task) -> Task:
    """A copy of a task that shares nothing mutable with the row, with its payload as JSON would
    return it.
    """
    return replace(task, payload=json.loads(json_of(task.payload)), work=dict(task.work))


def json_of(payload: Mapping[str, Any]) -> str:
    """The payload in a canonical form, so that equal ones can be found."""
    return json.dumps(dict(payload), sort_keys=True)
