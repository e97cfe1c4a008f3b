"""Whatever happens to indexes that share contents, each answers as a fresh installation with its
source alone does, and nothing stays that no index has.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.indexing.sharing import (
    KEEPER,
    LANTERN,
    NEWER,
    STORE,
    found,
    not_had,
    problems,
    tidied,
    told,
    write,
)
from tests.support.command import KoditCommand, finish, kill_group
from tests.support.faults import FaultyApplication
from tests.support.serving import ServingKodit, states
from tests.support.sources import write_file

from kodit.application.services.index_service import SourceRequest
from kodit.composition import Application
from kodit.domain.entities import IndexRun
from kodit.domain.value_objects import TaskType
from kodit.infrastructure.sources.parsing import parse_source

SLOTS = range(3)
NAMES = ("lantern.py", "store.py", "shed/keeper.py", "shed/lantern.py")
TEXTS = (LANTERN, NEWER, STORE, KEEPER, LANTERN.replace("\n", "\r\n"), "")
RULES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    ((), ()),
    ((), ("lantern.py",)),
    (("shed/", "store.py"), ()),
)
"""What is included and excluded."""

slots = st.sampled_from(SLOTS)
names = st.sampled_from(NAMES)
Rules = tuple[tuple[str, ...], tuple[str, ...]]


class StageError(Exception):
    """A stage fails."""


class State(NamedTuple):
    """What the answers of an index depend on."""

    files: frozenset[tuple[str, bytes]]
    rules: Rules


def difference(answers: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """The parts that are not as expected."""
    return {key: (answers[key], expected[key]) for key in expected if answers[key] != expected[key]}


def request(serving: ServingKodit, source: Path, rules: Rules) -> IndexRun:
    """Add or refresh a source with these rules; returns the run as it ended."""

    async def ask(application: Application) -> IndexRun:
        include, exclude = rules
        parsed = parse_source(str(source)).source
        wanted = SourceRequest(parsed, include=include, exclude=exclude)
        [index] = await application.indexes.add([wanted])
        return await application.indexing.queue_index_tasks(index.id)

    return serving.wait_for(serving.call(ask).id)


class Sharing(RuleBasedStateMachine):
    """Three trees, some of which are indexed. What is not used is not kept."""

    keep_days = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp(prefix="kodit-sharing-"))
        self.trees = [write(self.place / f"tree-{slot}") for slot in SLOTS]
        self.ids: dict[int, int] = {}
        self.chosen: dict[int, Rules] = dict.fromkeys(SLOTS, RULES[0])
        self.settled: dict[int, State] = {}
        self.known: dict[State, dict[str, Any]] = {}
        self.serving = self.open()

    def open(self) -> ServingKodit:
        serving = ServingKodit(
            self.place / "data", FaultyApplication, keep_unused_days=self.keep_days
        )
        return serving.__enter__()

    def close(self) -> None:
        self.serving.__exit__(None, None, None)

    def teardown(self) -> None:
        try:
            for slot in list(self.ids):
                self.refresh(slot)
            self.answers_are_those_of_a_fresh_index()
            for slot in list(self.ids):
                self.delete(slot)
                self.answers_are_those_of_a_fresh_index()
        finally:
            self.close()
            shutil.rmtree(self.place)

    # What happens to the trees

    @rule(slot=slots, name=names, text=st.sampled_from(TEXTS))
    def edit(self, slot: int, name: str, text: str) -> None:
        write_file(self.trees[slot] / name, text)

    @rule(slot=slots, name=names, other=names)
    def rename(self, slot: int, name: str, other: str) -> None:
        if (self.trees[slot] / name).exists():
            (self.trees[slot] / other).parent.mkdir(exist_ok=True)
            (self.trees[slot] / name).rename(self.trees[slot] / other)

    @rule(slot=slots, name=names)
    def remove(self, slot: int, name: str) -> None:
        (self.trees[slot] / name).unlink(missing_ok=True)

    @rule(slot=slots, other=slots)
    def copy(self, slot: int, other: int) -> None:
        """The tree of one becomes that of another."""
        if slot != other:
            shutil.rmtree(self.trees[slot])
            shutil.copytree(self.trees[other], self.trees[slot])

    # What happens to the indexes

    @rule(slot=slots, rules=st.sampled_from(RULES))
    def choose(self, slot: int, rules: Rules) -> None:
        """Index what these rules admit."""
        self.chosen[slot] = rules
        self.refresh(slot)

    @rule(slot=slots)
    def refresh(self, slot: int) -> None:
        """Add it, if it is not there."""
        run = request(self.serving, self.trees[slot], self.chosen[slot])
        assert not {"failed", "cancelled"} & set(states(run)), [task.error for task in run.tasks]
        assert run.index_id is not None
        self.ids[slot] = run.index_id
        self.settled[slot] = self.state(slot)

    @precondition(lambda self: self.ids)
    @rule(slot=slots)
    def delete(self, slot: int) -> None:
        if slot in self.ids:
            index_id = self.ids.pop(slot)
            self.settled.pop(slot, None)
            self.serving.call(lambda application: application.indexes.delete(index_id))

    @rule(slot=slots, stage=st.sampled_from(list(TaskType)))
    def fail(self, slot: int, stage: TaskType) -> None:
        """A run ends at a stage, if that has anything to do."""
        application = self.serving.application
        assert isinstance(application, FaultyApplication)
        application.faults.fail(stage, StageError)
        run = request(self.serving, self.trees[slot], self.chosen[slot])
        application.faults.repair(stage)
        assert run.index_id is not None
        self.ids[slot] = run.index_id
        self.settled.pop(slot, None)
        if "failed" not in states(run):
            self.settled[slot] = self.state(slot)

    @precondition(lambda self: self.ids)
    @rule(slot=slots, seconds=st.floats(0.3, 1.5))
    def kill(self, slot: int, seconds: float) -> None:
        """kill -9 for the whole process group, wherever it is then."""
        if slot not in self.ids:
            return
        self.close()
        command = KoditCommand(self.place / "data", KODIT_KEEP_UNUSED_DAYS=str(self.keep_days))
        process = command.start("index", str(self.trees[slot]))
        time.sleep(seconds)
        kill_group(process)
        finish(process)
        self.settled.pop(slot, None)
        self.serving = self.open()

    # What must hold

    def state(self, slot: int) -> State:
        tree = self.trees[slot]
        files = [
            (str(path.relative_to(tree)), path.read_bytes())
            for path in tree.rglob("*")
            if path.is_file()
        ]
        return State(frozenset(files), self.chosen[slot])

    @invariant()
    def answers_are_those_of_a_fresh_index(self) -> None:
        """Of those that are up to date; before that, what engines find is what it was then."""
        for slot, settled in self.settled.items():
            expected = self.fresh(slot, settled)
            if expected is None:
                continue
            if settled == self.state(slot):
                answers = told(self.serving, self.ids[slot])
                assert answers == expected, difference(answers, expected)
            else:
                assert found(self.serving, self.ids[slot]) == expected["found"]
        tidied(self.serving)
        told_by_doctor = problems(self.serving)
        assert told_by_doctor == [], told_by_doctor
        if self.settled.keys() == self.ids.keys() and not self.keep_days:
            left = not_had(self.place / "data")
            assert left == {}, left

    def fresh(self, slot: int, state: State) -> dict[str, Any] | None:
        """What a fresh installation answers; None if the tree has another state by now."""
        if state not in self.known and state == self.state(slot):
            data = self.place / f"fresh-{len(self.known)}"
            with ServingKodit(data) as fresh:
                run = request(fresh, self.trees[slot], self.chosen[slot])
                assert run.index_id is not None
                self.known[state] = told(fresh, run.index_id)
            shutil.rmtree(data)
        return self.known.get(state)


class SharingAndKeeping(Sharing):
    """What is not used is kept."""

    keep_days = 7.0


@pytest.mark.slow
@pytest.mark.parametrize("machine", [Sharing, SharingAndKeeping])
def test_histories_of_indexes_that_share(machine: type[Sharing]) -> None:
    """`KODIT_TEST_EXAMPLES` sets a larger number than the usual few."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(os.environ.get("KODIT_TEST_EXAMPLES", "2")),
            stateful_step_count=14,
            deadline=None,
            derandomize="KODIT_TEST_EXAMPLES" not in os.environ,
            print_blob=True,
        ),
    )
