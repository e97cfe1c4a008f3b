"""Task types between the database and the domain."""

from __future__ import annotations

import pytest

from kodit.domain.value_objects import TaskType
from kodit.infrastructure.mappers.task_mapper import TASK_TYPE_MAPPING, stored_type
from kodit.infrastructure.sqlalchemy import entities


def test_the_mapping_leads_from_the_database_to_the_domain() -> None:
    """Every type of the one to that of the same name of the other, and none left out."""
    assert {stored: TASK_TYPE_MAPPING[stored] for stored in entities.TaskType} == {
        stored: TaskType[stored.name] for stored in entities.TaskType
    }
    assert list(TASK_TYPE_MAPPING.values()) == list(TaskType)


@pytest.mark.parametrize("task_type", TaskType)
def test_a_type_is_stored_by_its_name(task_type: TaskType) -> None:
    """And a type that this program does not know by the name it came with."""
    assert stored_type(task_type) == task_type.name
    assert stored_type("COMPOST") == "COMPOST"
