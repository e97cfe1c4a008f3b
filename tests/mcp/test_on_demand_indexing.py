"""The first question about an unindexed repository."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from tests.mcp.conftest import Tools, text_of
from tests.support.command import PATIENCE_SECONDS
from tests.support.serving import ServingKodit
from tests.support.snapshot import execute
from tests.support.sources import git, write_file

from kodit.application.services.threads import in_thread
from kodit.composition import Application
from kodit.domain.caller import Caller
from kodit.domain.entities import IndexRun
from kodit.domain.policy import CallerPolicy
from kodit.domain.questions import SearchQuestion, Where, cursor_at
from kodit.faces.mcp.calls import Answer
from kodit.faces.mcp.definitions import BY_NAME
from kodit.faces.mcp.dispatch import Dispatcher
from kodit.faces.mcp.tools import on_demand_indexing


@pytest.fixture
def idle(make_repository: Callable[[], Path], tmp_path: Path) -> Iterator[Tools]:
    """The tools over a new repository and an empty data directory, with a worker that is not
    started yet."""
    with ServingKodit(tmp_path / "data", is_serving=False) as serving:
        yield Tools(serving, make_repository())


def test_lines_are_found_before_indexing_ends(idle: Tools) -> None:
    """Before anything is indexed, by reading the current files; the answers say so."""
    (idle.folder / ".gitignore").write_text("secret.txt\n")
    write_file(idle.folder / "secret.txt", "round_price\n")
    text = idle.text("grep", pattern="def round_price")
    assert "shop/prices.py\n26:def round_price(amount):" in text
    assert "still indexing, 0 %" in text
    assert "secret.txt" not in idle.text("grep", pattern="round_price")
    assert "docs/basket.md" not in idle.text("grep", pattern="basket", paths=["shop/**"])
    ranked = idle.text("search", query="how to ROUND an amount of cents")
    assert "still indexing, 0 %" in ranked
    assert "\nResults cannot be ranked yet. Lines that contain amount, ROUND, cents:\n" in ranked
    assert "26:def round_price(amount):" in ranked
    assert "contain tax:\nshop/prices.py\n3:TAX = 0.19" in idle.text("search", query="a tax")
    assert "Nothing found so far." in idle.text("search", query="no_such_word")
    assert "Nothing found so far." in idle.text("search", query="a of")
    cursor = cursor_at(SearchQuestion("round", Where()), 3)
    assert "There are no more results." in idle.text("search", query="round", cursor=cursor)
    counted = idle.serving.call(lambda it: in_thread(it.savings.totals)).by_tool["search"]
    assert counted.answers == 2
    symbols = idle.text("symbols", name="round_price")
    assert "still indexing" in symbols
    assert "Nothing found so far." in symbols
    idle.serving.serve()
    done = idle.text("index", source=str(idle.folder), wait=50)
    assert "It is up to date." in done
    assert idle.text("search", query="round an amount").startswith("shop/prices.py:26-29")


def test_whatever_needs_all_of_an_index_waits_for_it(
    idle: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But not the question that starts the indexing, nor questions answered from the files."""
    waited: list[str] = []

    async def wait(*_: object) -> None:
        waited.append("waited")

    monkeypatch.setattr(idle.serving.application.on_demand_indexing, "wait_until_made", wait)
    calls: list[tuple[str, dict[str, Any], bool]] = [
        ("search", {"query": "x"}, False),
        ("search", {"query": "x"}, True),
        ("symbols", {"name": "round_price"}, True),
        ("related", {"path": "shop/prices.py", "line": 27}, True),
        ("files", {"map": True}, True),
        ("files", {}, False),
        ("grep", {"pattern": "x"}, False),
        ("read", {"path": "shop/prices.py"}, False),
    ]
    for name, arguments, waits in calls:
        waited.clear()
        idle.call(name, **arguments)
        assert bool(waited) is waits, (name, arguments)


def test_how_the_index_tool_tells_of_a_run(idle: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stage, its error, and its result."""
    idle.serving.queue(idle.folder, is_user_initiated=False)
    idle.text("index", source="1")
    listed = idle.serving.call(lambda it: it.queue.list_runs())
    assert [one.is_user_initiated for one in listed] == [True]
    run = "Run 1 continues in the background; search and grep work in the meantime."
    asked = {"source": str(idle.folder)}
    text = idle.text("index", **asked)
    assert f"\n{run} Call indexes, or index again with wait, to see its progress." in text
    assert "up to date" not in text
    told = idle.serving.call(partial(_told, caller=Caller(folder=str(idle.folder))))
    assert told == [(0, 100, "sync")]
    said = idle.text("index", **asked, action="cancel")
    assert said == "Run 1 was cancelled. What it has indexed stays; call index to resume."
    said = idle.text("index", **asked, action="cancel")
    assert said == f"No run of {idle.folder} is in progress."
    idle.text("index", **asked)
    shutil.move(idle.folder, idle.folder.with_name("moved"))
    idle.serving.serve()
    looks: list[bool] = []
    queue = idle.serving.application.queue
    get_runs = queue.get_runs

    async def get(run_ids: Sequence[int]) -> list[IndexRun]:
        runs = await get_runs(run_ids)
        looks.extend(one.state.is_terminal for one in runs)
        return runs

    monkeypatch.setattr(queue, "get_runs", get)
    text = idle.text("index", source="1", wait=50)
    assert looks.count(True) == 1  # it is not looked at any more
    assert "its last run failed (SYNC" in text
    assert re.search(r"^SYNC: The folder .*[^.]\.$", text, re.MULTILINE)
    assert "continues" not in text
    assert "up to date" not in text


_DONE = "UPDATE tasks SET state = 'succeeded' WHERE type IN ('SYNC', 'EXTRACT', 'BM25_INDEX')"


def test_stages_are_named_in_words(idle: Tools) -> None:
    """Not as in the database."""
    idle.text("index", source=str(idle.folder))
    told: list[str | None] = []

    async def ask(application: Application) -> None:
        is_told = asyncio.Event()

        async def tell(
            progress: float, total: float | None = None, message: str | None = None
        ) -> None:
            told.append(message)
            if len(told) == 1:
                await in_thread(partial(execute, idle.serving.data_dir, _DONE))
            else:
                is_told.set()

        asked = Dispatcher(application).answer(
            Caller(), BY_NAME["index"], {"source": "1", "wait": 50}, tell
        )
        answering = asyncio.ensure_future(asked)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await is_told.wait()
        answering.cancel()

    idle.serving.call(ask)
    assert told == ["sync", "code embeddings"]


async def _told(application: Application, caller: Caller) -> list[tuple[float, float | None, str]]:
    """The reported progress of index 1 during a short wait."""
    told: list[tuple[float, float | None, str]] = []

    async def tell(progress: float, total: float | None = None, message: str | None = None) -> None:
        told.append((progress, total, str(message)))

    arguments = {"source": "1", "wait": 0.3}
    await Dispatcher(application).answer(caller, BY_NAME["index"], arguments, tell)
    return told


def test_an_index_that_is_deleted_while_it_is_waited_for(idle: Tools) -> None:
    idle.text("index", source=str(idle.folder))

    async def ask(application: Application) -> Answer:
        dispatcher = Dispatcher(application)
        answering = asyncio.ensure_future(
            dispatcher.answer(Caller(), BY_NAME["index"], {"source": "1", "wait": 50}, deleting)
        )
        return await answering

    async def deleting(
        progress: float, total: float | None = None, message: str | None = None
    ) -> None:
        await idle.serving.application.indexes.delete(1)

    answer = idle.serving.call(ask)
    assert answer == Answer("The index was deleted while its run was in progress.")


def test_cancelled_work_stops(idle: Tools) -> None:
    """After a time limit, or after its client has disconnected."""
    arguments = {"source": str(idle.folder), "wait": 50}

    async def ask(application: Application) -> set[str]:
        before = asyncio.all_tasks()
        dispatcher = Dispatcher(application, seconds_of_a_call=0.2)
        await dispatcher.answer(Caller(), BY_NAME["index"], arguments, _silent)
        patient = Dispatcher(application)
        going = asyncio.ensure_future(
            patient.answer(Caller(), BY_NAME["index"], arguments, _silent)
        )
        await asyncio.sleep(0)
        going.cancel()
        for one in (dispatcher, patient):
            await one.finish()
        await asyncio.wait({going})
        assert going.cancelled()
        return {str(task) for task in asyncio.all_tasks() - before}

    assert idle.serving.call(ask) == set()


def test_an_error_that_nobody_expected_is_told_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def ask() -> Answer:
        dispatcher = Dispatcher(cast(Application, None))
        return await dispatcher.answer(Caller(), BY_NAME["indexes"], {}, _silent)

    answer = asyncio.run(ask())
    assert answer == Answer(
        "The call to indexes failed because of an error in Kodit (AttributeError). The log has the "
        "details; other tools may still work.",
        is_error=True,
    )
    [record] = [one for one in caplog.records if one.name == "kodit.faces.mcp.dispatch"]
    assert (record.levelname, vars(record)["tool"]) == ("ERROR", "indexes")


async def _silent(progress: float, total: float | None = None, message: str | None = None) -> None:
    """Nobody wants to know."""


@pytest.mark.parametrize("stands_within", [True, False])
def test_the_next_question_waits_for_an_index_that_is_nearly_made(
    idle: Tools, monkeypatch: pytest.MonkeyPatch, *, stands_within: bool
) -> None:
    """So that it gets a complete answer, also if every index is selected; lines and files are
    answered from the current state."""
    caller = Caller(folder=str(idle.folder) if stands_within else None)
    assert "still indexing" in idle.text("search", query="round an amount")
    monkeypatch.setattr(on_demand_indexing, "FIRST_WAIT_SECONDS", PATIENCE_SECONDS)
    assert "still indexing" in idle.text("grep", pattern="round_price")
    idle.serving.serve()
    found = text_of(idle.call("search", caller=caller, query="round an amount"))
    assert found.startswith("shop/prices.py:26-29")


def test_all_runs_are_waited_for(idle: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    """With several named new sources: until the last run has ended."""
    application = idle.serving.application
    sources = [str(idle.folder), str(idle.folder.parent / "other")]
    write_file(Path(sources[1]) / "own.py", "x = 1\n")
    get_runs = application.queue.get_runs
    looks: list[int] = []

    async def end_one_and_get(run_ids: Sequence[int]) -> list[IndexRun]:
        await application.queue.cancel(run_ids[len(looks)])
        looks.append(len(looks))
        return await get_runs(run_ids)

    monkeypatch.setattr(application.queue, "get_runs", end_one_and_get)
    where = Where(tuple(sources))
    idle.serving.call(lambda it: it.on_demand_indexing.start(Caller(), where, PATIENCE_SECONDS))
    assert len(looks) == 2


def test_the_whole_repository_is_indexed_from_any_folder_of_it(idle: Tools) -> None:
    """And questions are about the folder."""
    below = Caller(folder=str(idle.folder / "shop"))
    text = text_of(idle.call("grep", caller=below, pattern="basket", ignore_case=True))
    assert "shop/orders.py" in text
    assert "docs/basket.md" not in text
    assert f"[1] {idle.folder}: " in idle.text("indexes")


def test_a_deleted_index_stays_deleted(idle: Tools) -> None:
    """No question from its folder creates it again, even after a restart, until it is named."""
    idle.serving.serve()
    idle.text("index", source=str(idle.folder), wait=50)
    said = idle.text("index", source=str(idle.folder), action="delete")
    assert "not indexed again until it is named" in said
    below = Caller(folder=str(idle.folder / "shop"))
    for name, arguments in (
        ("search", {"query": "round an amount"}),
        ("grep", {"pattern": "round_price"}),
        ("symbols", {"name": "round_price"}),
        ("files", {}),
    ):
        given: dict[str, Any] = arguments
        text = text_of(idle.call(name, caller=below, **given))
        assert text.startswith(f"The index of {idle.folder} was deleted"), name
        assert "Nothing is indexed yet" in text
    assert "Nothing is indexed yet" in idle.text("indexes")
    named = idle.text("grep", pattern="def round_price", source=[str(idle.folder)])
    assert "shop/prices.py" in named
    assert "was deleted" not in named
    assert "was deleted" not in idle.text("grep", pattern="def round_price")


def test_what_is_more_than_a_project_is_not_indexed_by_itself(
    idle: Tools, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The home folder and a folder of repositories are not projects; named ones are indexed."""
    home, work = tmp_path / "home", tmp_path / "work"
    for folder in (home / "inner", work / "one"):
        folder.mkdir(parents=True)
    git(work / "one", "init", "--quiet")
    monkeypatch.setenv("HOME", str(home))
    for folder in (home, tmp_path, Path("/"), work):
        answer = idle.call("search", caller=Caller(folder=str(folder)), query="x")
        assert "Nothing is indexed yet" in text_of(answer)
    named = idle.call("grep", caller=Caller(folder=str(home)), pattern="x", source="inner")
    assert "still indexing" in text_of(named)


def test_a_call_that_takes_too_long_is_answered(idle: Tools) -> None:
    """Whatever it waits for; and so is the next one."""

    async def ask(application: Application) -> list[Answer]:
        dispatcher = Dispatcher(application, seconds_of_a_call=0.5)
        caller = Caller(folder=str(idle.folder))
        arguments = {"source": str(idle.folder), "wait": 50}
        answers = [
            await dispatcher.answer(caller, BY_NAME[name], arguments, _silent)
            for name, arguments in (("index", arguments), ("indexes", {}))
        ]
        await dispatcher.finish()
        return answers

    stopped, answered = idle.serving.call(ask)
    assert stopped.is_error
    assert "stopped after 0.5 seconds" in stopped.text
    assert not answered.is_error


def test_remote_callers_cannot_index_folders(idle: Tools) -> None:
    """Except folders that the operator has opened, for callers who may write."""
    remote = Caller(CallerPolicy(), folder=None)
    refused = idle.call("grep", caller=remote, pattern="x", source=str(idle.folder))
    assert refused.is_error
    assert "may not be added by a caller over the network" in text_of(refused)
    opened = CallerPolicy(allowed_roots=(idle.folder.parent,))
    reader = Caller(opened, folder=None, may_write=False)
    assert idle.call("grep", caller=reader, pattern="x", source=str(idle.folder)).is_error
    writer = Caller(opened, folder=None)
    found = idle.call("grep", caller=writer, pattern="TAX", source=str(idle.folder))
    assert "shop/prices.py" in text_of(found)


def test_a_source_that_is_refused_is_refused_by_name(idle: Tools) -> None:
    """With what is wrong with it, which is more than that nobody has indexed it."""
    for name, arguments in (("grep", {"pattern": "x"}), ("search", {"query": "x"})):
        said = idle.refused(name, source="/", **arguments)
        assert said.startswith("/ holds much more than code")
