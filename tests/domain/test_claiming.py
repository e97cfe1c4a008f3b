"""How many tasks of a type may run at once."""

from __future__ import annotations

from kodit.domain.claiming import ClaimRules
from kodit.domain.value_objects import TaskType


def test_a_limit_is_that_of_its_type() -> None:
    """An unknown type, or a type without a limit, may run any number of times."""
    rules = ClaimRules(limits={TaskType.SYNC: 2})
    assert [rules.has_capacity_for(TaskType.SYNC, {TaskType.SYNC: n}) for n in (0, 1, 2, 3)] == [
        True,
        True,
        False,
        False,
    ]
    assert rules.has_capacity_for(TaskType.SYNC, {TaskType.ENRICH: 9})
    assert rules.has_capacity_for(TaskType.ENRICH, {TaskType.ENRICH: 9})
    assert rules.has_capacity_for("TRANSLATE", {"TRANSLATE": 9})


def test_a_limit_of_none_lets_none_run() -> None:
    assert not ClaimRules(limits={TaskType.SYNC: 0}).has_capacity_for(TaskType.SYNC, {})
