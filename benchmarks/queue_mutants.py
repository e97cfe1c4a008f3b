"""Ways to break the queue: the change, and the invariant that it breaks."""

from __future__ import annotations

from benchmarks.mutating.mutation import mutant
from benchmarks.queue_mutants_of_claims import MUTANTS as OF_CLAIMS

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

_OF_RUNS = (
    # 1. The DAG gates
    mutant("all five ready at once", 1, RUN, "if missing.isdisjoint(predecessors):", "if True:"),
    mutant(
        "ENRICH waits for one of two",
        1,
        TASK,
        "TaskType.ENRICH: (TaskType.BM25_INDEX, TaskType.CODE_EMBEDDINGS),",
        "TaskType.ENRICH: (TaskType.BM25_INDEX,),",
    ),
    mutant(
        "a failure unblocks what follows",
        8,
        RUN,
        "if task.state is not TaskState.SUCCEEDED}",
        "if task.state not in (TaskState.SUCCEEDED, TaskState.FAILED)}",
    ),
    # 2. One active run
    mutant(
        "a retry beside an active run",
        2,
        TRANSITIONS,
        "if not is_last or tasks.active_run(run.index_id) is not None:",
        "if not is_last:",
    ),
    mutant(
        "a follow-up starts at once",
        2,
        RUN,
        "        if not is_follow_up:\n            run._unblock()\n",
        "        run._unblock()\n",
    ),
    # 3. The order of claims
    mutant(
        "no order",
        3,
        CLAIMING,
        "        .order_by(*ORDERS[order])\n        .limit",
        "        .order_by(TASKS.c.id)\n        .limit",
    ),
    mutant(
        "the user does not come first at a tie",
        11,
        CLAIMING,
        "        TASKS.c.priority.desc(),\n        TASKS.c.is_user_initiated.desc(),\n",
        "        TASKS.c.priority.desc(),\n",
    ),
    mutant(
        "run_first lets background overtake",
        11,
        CLAIMING,
        "        TASKS.c.is_user_initiated.desc(),\n        TASKS.c.run_has_started.desc(),\n",
        "        TASKS.c.run_has_started.desc(),\n",
    ),
    mutant(
        "the back-off is ignored",
        3,
        CLAIMING,
        '            TASKS.c.available_at <= bindparam("now"),\n',
        "",
    ),
    mutant(
        "the pause is ignored",
        3,
        CLAIMING,
        "            ~exists(select(QUEUE_PAUSES.c.id)),\n",
        "",
    ),
    # 4. Zombies
    mutant(
        "no fence on changes of state",
        4,
        TASK,
        "            and self.claim_no == claim.claim_no\n",
        "",
    ),
    mutant(
        "an ended task can be ended again",
        4,
        TASK,
        "            and self.state is TaskState.RUNNING\n",
        "",
    ),
    mutant(
        "no fence on renewals and on data",
        4,
        TASKS,
        '    TASKS.c.claim_no == bindparam("held_claim"),\n',
        "",
    ),
    mutant(
        "a stage writes its data outside the fenced transaction",
        4,
        STAGE,
        "                transaction.tasks.fence(self.task.claim)\n"
        "                result, counts = work(transaction)\n",
        "                result, counts = work(transaction)\n"
        "            with self._database.write() as transaction:\n",
    ),
    mutant(
        "a renewed lease is taken back",
        4,
        TRANSITIONS,
        "if task.lease_expires_at != seen.lease_expires_at:",
        "if False:",
    ),
    # 5. No stuck chain
    mutant(
        "a single task that is retried stays blocked",
        5,
        RUN,
        "predecessors = PREDECESSORS[task.type] if isinstance(task.type, TaskType) else ()",
        "predecessors = (TaskType.SYNC,) if task.type is not TaskType.SYNC else ()",
    ),
    mutant(
        "the run ends while a stage still runs",
        6,
        RUN,
        "if states & {TaskState.READY, TaskState.RUNNING}:",
        "if states & {TaskState.READY}:",
    ),
    # 6. Terminal states
    mutant(
        "an ended run can be cancelled",
        6,
        TRANSITIONS,
        "        run = transaction.tasks.lock_run(run_id)\n        if run.state.is_terminal:\n",
        "        run = transaction.tasks.lock_run(run_id)\n        if run is None:\n",
    ),
    mutant(
        "a retried run has ended",
        6,
        RUN,
        "        self.finished_at = None\n        self._unblock()",
        "        self._unblock()",
    ),
    mutant(
        "a retry runs everything again",
        6,
        RUN,
        "if task.state in (TaskState.FAILED, TaskState.CANCELLED):",
        "if task.state.is_terminal:",
    ),
    # 7. No request is lost
    mutant(
        "the follow-up is lost", 7, TRANSITIONS, "        if freed:\n", "        if not runs:\n"
    ),
    mutant(
        "a cancel loses the follow-up",
        7,
        TRANSITIONS,
        "for run in ended if run.index_id is not None",
        "for run in ended if run.state is not RunState.CANCELLED and run.index_id is not None",
    ),
    mutant(
        "a request joins a run under way",
        7,
        RUN,
        "            self.state is RunState.QUEUED\n            and not self.cancel_requested\n",
        "            not self.cancel_requested\n",
    ),
    mutant(
        "a request joins a run that is stopping",
        7,
        RUN,
        "            self.state is RunState.QUEUED\n            and not self.cancel_requested\n",
        "            self.cancel_requested\n            or self.state is RunState.QUEUED\n",
    ),
    mutant(
        "a request joins a run retried after its SYNC",
        7,
        RUN,
        "            and not any(task.state.is_terminal for task in self.tasks)\n",
        "",
    ),
    mutant(
        "a follow-up each time",
        7,
        TRANSITIONS,
        "        if not waiting:\n",
        "        if waiting or not waiting:\n",
    ),
    # 8. Skips
    mutant("the skip is ignored", 8, RUN, "        if nothing_to_do:\n", "        if False:\n"),
)

MUTANTS = (*_OF_RUNS, *OF_CLAIMS)
