"""Ways to break claims, limits, retries and history."""

from __future__ import annotations

from benchmarks.mutating.mutation import Change, Mutant, mutant

RUN = "domain/run.py"
TASK = "domain/task.py"
TRANSITIONS = "application/services/queue_transitions.py"
SERVICE = "application/services/queue_service.py"
WORKER = "application/services/indexing_worker_service.py"
STAGE = "application/services/stage.py"
MAPPER = "infrastructure/mappers/task_mapper.py"
TASKS = "infrastructure/sqlalchemy/tasks.py"
CLAIMING = "infrastructure/sqlalchemy/claiming.py"
RUNS = "infrastructure/sqlalchemy/runs.py"
DATABASE = "infrastructure/sqlalchemy/database.py"

MUTANTS = (
    # 9. The token
    Mutant(
        "the token is reset on release",
        9,
        (
            Change(
                TASK,
                "        self.available_at = available_at\n",
                "        self.available_at = available_at\n        self.claim_no = 0\n",
            ),
            Change(
                MAPPER,
                '    "failures",\n    "cancel_requested",\n',
                '    "failures",\n    "claim_no",\n    "cancel_requested",\n',
            ),
        ),
    ),
    mutant(
        "a claim does not raise the token",
        9,
        CLAIMING,
        "claim_no=TASKS.c.claim_no + 1,",
        "claim_no=TASKS.c.claim_no,",
    ),
    mutant(
        "attempts stay open",
        9,
        TRANSITIONS,
        "[task.claim for _run, task in moved]",
        "[task.claim for _run, task in moved if error is not None]",
    ),
    mutant(
        "an attempt of another claim is closed",
        9,
        TASKS,
        '            TASK_ATTEMPTS.c.claim_no == bindparam("no"),\n',
        "",
    ),
    mutant(
        "a write that failed is not undone",
        4,
        DATABASE,
        "        driver.rollback()\n",
        "        driver.commit()\n",
    ),
    # 10. Limits
    mutant(
        "one more than the limit",
        10,
        CLAIMING,
        "if running.get(stored_type(task_type), 0) >= limit",
        "if running.get(stored_type(task_type), 0) > limit",
    ),
    mutant(
        "limits leak with a lost worker",
        10,
        CLAIMING,
        "    .where(TASKS.c.state == constant(TaskState.RUNNING))\n    .group_by",
        "    .where(TASKS.c.claim_no > 0, TASKS.c.finished_at.is_(None))\n    .group_by",
    ),
    # 11. Classes
    mutant(
        "a merge lowers the priority",
        11,
        TASK,
        "self.priority = max(self.priority, task_priority(self.type, base))",
        "self.priority = task_priority(self.type, base)",
    ),
    mutant(
        "a user's request does not raise the run under way",
        11,
        TRANSITIONS,
        "        active.raise_priority(base)\n",
        "",
    ),
    mutant(
        "a user's request does not raise the follow-up that it joins",
        11,
        TRANSITIONS,
        "        waiting[0].raise_priority(base)\n",
        "",
    ),
    mutant(
        "a raised follow-up is not stored",
        11,
        TRANSITIONS,
        '        tasks.save_runs(waiting)\n        return waiting[0], "joined"',
        '        return waiting[0], "joined"',
    ),
    mutant(
        "a running task is not raised",
        11,
        RUN,
        "                task.raise_priority(base)\n",
        "                if task.state is not TaskState.RUNNING:\n"
        "                    task.raise_priority(base)\n",
    ),
    # 12. The retry budget
    mutant(
        "a lost lease is free",
        12,
        TRANSITIONS,
        "        task.failures += 1\n",
        "        task.failures += outcome is not AttemptOutcome.LOST\n",
    ),
    mutant(
        "a release spends the budget",
        12,
        TRANSITIONS,
        "            run.try_again(task, None, AT_ONCE, now)\n",
        "            task.failures += 1\n            run.try_again(task, None, AT_ONCE, now)\n",
    ),
    mutant("a retry keeps the spent budget", 12, TASK, "        self.failures = 0\n", ""),
    mutant(
        "a user's request renews the budget",
        12,
        RUN,
        "                    task.make_ready()\n",
        "                    task.failures = 0\n",
    ),
    mutant(
        "a batch does not restore the budget",
        12,
        TASKS,
        "        if restores_budget:\n",
        "        if not values:\n",
    ),
    mutant(
        "a batch that gets nowhere restores the budget",
        12,
        STAGE,
        "restores_budget=current > step.current or any(counts.values()),",
        "restores_budget=True,",
    ),
    mutant(
        "a failed run is not superseded by its follow-up",
        7,
        TRANSITIONS,
        "                self._supersede(tasks, run.index_id)\n",
        "",
    ),
    mutant(
        "a task without a back-off waits after the clock was set back",
        5,
        TASK,
        "AT_ONCE = datetime.fromtimestamp(0, UTC)",
        "AT_ONCE = datetime.fromtimestamp(1_900_000_000, UTC)",
    ),
    mutant("a lease never runs out", 12, SERVICE, "task.lease_expires_at < now\n", "now < now\n"),
    # The worker
    mutant(
        "a heartbeat without progress",
        12,
        WORKER,
        "if seen.seconds_ago() > self._settings.stall_limit:",
        "if False:",
    ),
    mutant(
        "a stopped worker keeps what it holds",
        12,
        WORKER,
        "            return await self._queue.release_all(worker)\n",
        "            return 0\n",
    ),
    mutant(
        "a cancel does not reach what runs",
        6,
        WORKER,
        "            return await self._queue.heartbeat(task.claim, seen.progress())\n",
        "            await self._queue.heartbeat(task.claim, seen.progress())\n"
        "            return False\n",
    ),
    mutant(
        "the dead are not noticed",
        5,
        SERVICE,
        "if worker is not None and registry.is_dead(worker)",
        "if worker is None",
    ),
    mutant(
        "a worker takes back what it holds itself",
        12,
        SERVICE,
        "by_lease and task.worker != worker and",
        "by_lease and",
    ),
    mutant(
        "a clock that jumps takes everything back",
        12,
        WORKER,
        "        return now >= self._leases_trusted_at\n",
        "        return True\n",
    ),
    # Hidden by SQLite
    Mutant(
        "the run row is not locked",
        5,
        (
            Change(
                RUNS,
                "TASKS.c.id.in_(ids))))\n        .order_by(INDEX_RUNS.c.id)\n"
                "        .with_for_update()\n",
                "TASKS.c.id.in_(ids))))\n        .order_by(INDEX_RUNS.c.id)\n",
            ),
        ),
        survives="SQLite has one writer at a time, so that every row is locked",
    ),
)
