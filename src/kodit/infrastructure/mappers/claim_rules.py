"""Conversion of claim rules to text and back."""

from __future__ import annotations

import json

from kodit.domain.claiming import ClaimRules, QueueOrder
from kodit.domain.value_objects import TaskType


def rules_to_text(rules: ClaimRules) -> str:
    """JSON, in ASCII."""
    limits = {task_type.name: limit for task_type, limit in rules.limits.items()}
    return json.dumps({"order": rules.order, "limits": limits})


def text_to_rules(text: str | bytes) -> ClaimRules | None:
    """None for rules that a worker of this version could not have written."""
    try:
        rules = json.loads(text)
        limits = {TaskType[name]: int(limit) for name, limit in rules["limits"].items()}
        order = QueueOrder(rules["order"])
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None
    return ClaimRules(order, limits) if min(limits.values(), default=0) >= 0 else None
