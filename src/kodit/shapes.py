"""The JSON shapes that every face answers with."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kodit.application.services.index_service import IndexStatus
from kodit.application.services.queue_overview import QueueOverview
from kodit.domain.diagnosis import Problem
from kodit.domain.entities import IndexRun, SearchResult, Task, TaskAttempt
from kodit.domain.task import AT_ONCE

WORK_COUNTS = (
    "files_parsed",
    "snippets_written",
    "snippets_removed",
    "keywords_indexed",
    "texts_embedded",
    "snippets_enriched",
)


def result_shape(result: SearchResult, *, explain: bool = False) -> dict[str, Any]:
    """`end_line` is the last line of `text`, also where a budget has `cut` it."""
    snippet = result.snippet
    shape: dict[str, Any] = {
        "index_id": snippet.index_id,
        "source": snippet.source,
        "path": snippet.path,
        "start_line": snippet.start_line,
        "end_line": snippet.end_line,
        "language": snippet.language,
        "symbol": snippet.symbol,
        "kind": snippet.kind,
        "scope": snippet.scope,
        "score": round(result.score, 6),
        "text": snippet.text,
        "cut": result.is_cut,
    }
    if explain:
        shape["explanation"] = [
            {
                "signal": part.signal,
                "value": round(part.value, 4),
                "weight": part.weight,
                "points": round(part.points, 4),
            }
            for part in result.explanation
        ]
    return shape


def status_shape(status: IndexStatus, queue: QueueOverview | None = None) -> dict[str, Any]:
    """With `queue`, each task of the run says why it stands where it does."""
    index = status.summary.index
    return {
        "id": index.id,
        "source": str(index.source),
        "kind": index.source.kind.value,
        "include": list(index.source.include),
        "exclude": list(index.source.exclude),
        "files": status.summary.files,
        "snippets": status.summary.snippets,
        "commit": index.working_copy.commit,
        "created_at": _moment(index.created_at),
        "updated_at": _moment(index.updated_at),
        "problems": status.summary.problems,
        "skipped": status.summary.skipped,
        "run": None if status.run is None else run_shape(status.run, queue),
    }


def queue_shape(queue: QueueOverview) -> dict[str, Any]:
    return {
        "paused_since": _moment(queue.paused_since),
        "order": queue.rules.order.value,
        "limits": {task_type.name: limit for task_type, limit in queue.rules.limits.items()},
        "workers_differ": queue.rules_differ,
        "workers": list(queue.workers),
        "running": sum(queue.running.values()),
        "waiting": len(queue.waiting),
    }


def run_shape(run: IndexRun, queue: QueueOverview | None = None) -> dict[str, Any]:
    """With `queue`, each task says why it stands where it does and what happens next."""
    return {
        "id": run.id,
        "index_id": run.index_id,
        "state": run.state.value,
        "is_follow_up": run.is_follow_up,
        "is_user_initiated": run.is_user_initiated,
        "cancel_requested": run.cancel_requested,
        "created_at": _moment(run.created_at),
        "started_at": _moment(run.started_at),
        "finished_at": _moment(run.finished_at),
        "tasks": [
            task_shape(task) | ({} if queue is None else {"reason": queue.why(task, run)})
            for task in run.tasks
        ],
    }


def task_shape(task: Task) -> dict[str, Any]:
    """`available_at` is there when the task is put off until then."""
    progress = task.progress
    return {
        "id": task.id,
        "type": task.type_name,
        "state": task.state.value,
        "priority": task.priority,
        "attempts": task.claim_no,
        "failures": task.failures,
        "worker": task.worker,
        "available_at": _moment(None if task.available_at == AT_ONCE else task.available_at),
        "started_at": _moment(task.started_at),
        "finished_at": _moment(task.finished_at),
        "progress": None
        if progress is None
        else {
            "operation": progress.operation,
            "current": progress.current,
            "total": progress.total,
        },
        "error": task.error,
        "work": {name: task.work.get(name, 0) for name in WORK_COUNTS},
    }


def problem_shape(problem: Problem) -> dict[str, Any]:
    return {
        "area": problem.area.value,
        "index_id": problem.index_id,
        "problem": problem.what,
        "repair": problem.remedy if problem.repair else None,
        "advice": None if problem.repair else problem.remedy,
    }


def attempt_shape(attempt: TaskAttempt) -> dict[str, Any]:
    return {
        "task_id": attempt.task_id,
        "claim_no": attempt.claim_no,
        "worker": attempt.worker,
        "started_at": _moment(attempt.started_at),
        "finished_at": _moment(attempt.finished_at),
        "outcome": None if attempt.outcome is None else attempt.outcome.value,
        "error": attempt.error,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
