"""Snippets for which a model has no usable answer: the rest is complete, and they are asked about
again, but not for ever."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.endpoints.stage_work import TEXTS, stage_work
from tests.support.model_server import ModelServer
from tests.support.serving import ServingKodit, states, work_of
from tests.support.snapshot import read_rows
from tests.support.sources import python_function, write_file

from kodit.application.views.indexes import IndexView
from kodit.domain.batches import MOST_PER_TRANSACTION
from kodit.domain.endpoints import Limits
from kodit.domain.entities import IndexRun
from kodit.domain.errors import PermanentError
from kodit.domain.value_objects import QueuePriority, TaskType, VectorKind
from kodit.faces.cli.terminal.tables import index_lines

WORDS = ["anchor", "basket", "copper", "dragon"]
PENDING = "SELECT count(*) FROM pending_snippets"


def refuses(*names: str) -> Callable[[str], str]:
    def describe(text: str) -> str:
        is_refused = any(name in text for name in names)
        return "I'm sorry, but I can't help." if is_refused else "It deals with an anchor."

    return describe


def asked_about(server: ModelServer, name: str) -> int:
    """How often the code of a function was to be described."""
    return sum("messages" in one.body and name in one.texts[0] for one in server.asked)


def write(folder: Path, *names: str) -> None:
    for name in names:
        write_file(folder / f"{name}.py", python_function(name, WORDS))


def view_of(serving: ServingKodit) -> IndexView:
    [status] = serving.call(lambda application: application.indexes.status([1]))
    return IndexView.of(status)


def in_background(serving: ServingKodit) -> IndexRun:
    run = serving.call(
        lambda application: application.indexes.request_run(1, QueuePriority.BACKGROUND)
    )
    return serving.wait_for(run.id)


def test_the_index_is_complete_without_a_refused_snippet(
    tmp_path: Path, server: ModelServer
) -> None:
    """It is searched like any other, and says what was refused. A run that a user asks for asks
    again once for each of them, and one in the background never."""
    folder = tmp_path / "source"
    write(folder, "shown", "awkward")
    server.describe = refuses("awkward")
    settings = server.settings("embedding", "enrichment")
    with ServingKodit(tmp_path / "data", **settings) as serving:
        run = serving.index(folder)
        assert states(run) == ["succeeded"] * 5
        assert work_of(run)["snippets_refused"] == 1
        assert asked_about(server, "awkward") == 3
        view = view_of(serving)
        assert view.updated_at is not None
        assert view.refused is not None
        assert view.refused.snippets == 1
        assert view.refused.reason == "the model refused"
        assert view.refused.first == ("awkward.py:1",)
        lines = "\n".join(index_lines(view))
        assert "no usable description of 1 snippet (the model refused): awkward.py:1;" in lines
        assert {one.path for one in serving.search("awkward", "keyword")} >= {"awkward.py"}
        assert {one.path for one in serving.search("awkward", "code")} == {
            "shown.py",
            "awkward.py",
        }
        assert {one.path for one in serving.search("an anchor", "text")} == {"shown.py"}

        assert states(in_background(serving))[1:] == ["skipped"] * 4
        assert asked_about(server, "awkward") == 3
        again = serving.index(folder)
        assert states(again) == ["succeeded"] * 5
        assert asked_about(server, "awkward") == 4
        assert work_of(again)["snippets_refused"] == 1

        write(folder, "added")  # a change elsewhere asks only about what is new
        assert states(in_background(serving)) == ["succeeded"] * 5
        assert (asked_about(server, "awkward"), asked_about(server, "added")) == (4, 1)

        server.describe = refuses()
        answered = serving.index(folder)
        assert "snippets_refused" not in work_of(answered)
        assert asked_about(server, "awkward") == 5
        assert view_of(serving).refused is None
        assert {one.path for one in serving.search("an anchor", "text")} == {
            *("shown.py", "awkward.py", "added.py")
        }
        assert states(serving.index(folder))[1:] == ["skipped"] * 4


def test_a_refused_snippet_that_changes_or_goes(tmp_path: Path, server: ModelServer) -> None:
    """Changed code is new code; nothing is left of what is gone."""
    folder = tmp_path / "source"
    write(folder, "shown", "awkward")
    server.describe = refuses("awkward")
    settings = server.settings("embedding", "enrichment")
    with ServingKodit(tmp_path / "data", **settings, keep_unused_days=0.0) as serving:
        serving.index(folder)
        write_file(folder / "awkward.py", python_function("awkward_too", WORDS))
        assert states(serving.index(folder)) == ["succeeded"] * 5
        assert asked_about(server, "awkward_too") == 3
        (folder / "awkward.py").unlink()
        assert states(serving.index(folder)) == ["succeeded"] * 5
        assert view_of(serving).refused is None
    assert read_rows(tmp_path / "data", "SELECT * FROM refused_snippets") == []


def test_another_model_is_asked_afresh(tmp_path: Path, server: ModelServer) -> None:
    """While the vectors of the former one are replaced, a snippet is refused only once; afterwards
    there are vectors of one model only."""
    folder = tmp_path / "source"
    write(folder, "shown", "awkward", "fickle")
    server.describe = refuses("awkward")
    settings = server.settings("embedding", "enrichment")
    with ServingKodit(tmp_path / "data", **settings) as serving:
        serving.index(folder)
    server.asked.clear()
    server.describe = refuses("awkward", "fickle")
    settings |= {"embedding_model": "another", "enrichment_model": "another"}
    with ServingKodit(tmp_path / "data", **settings) as serving:
        assert states(serving.index(folder)) == ["succeeded"] * 5
        assert asked_about(server, "awkward") == asked_about(server, "fickle") == 3
        refused = view_of(serving).refused
        assert refused is not None
        assert refused.snippets == 2
    models = read_rows(tmp_path / "data", "SELECT DISTINCT model FROM vectors")
    assert models == [("endpoint another/1.1",)]
    server.asked.clear()
    with ServingKodit(tmp_path / "data", **server.settings("embedding")) as serving:
        assert states(serving.index(folder)) == ["succeeded"] * 5
        assert view_of(serving).refused is None


def test_copies_of_a_refused_snippet(tmp_path: Path, server: ModelServer) -> None:
    """Are refused with it."""
    server.describe = refuses("three")
    with stage_work(tmp_path, server, endpoint={"limits": Limits(1)}) as work:
        work.fill(b=[TEXTS[2], "def five(): pass", TEXTS[2]])
        assert work.enrich().work["snippets_refused"] == 3
        assert asked_about(server, "three") == 3 + 3  # those of the two files have other names
        assert work.sql(PENDING + " WHERE stage = 'ENRICH'") == [0]


def test_a_model_that_answers_nothing(tmp_path: Path, server: ModelServer) -> None:
    """Such as one that reasons longer than it may: the stage fails soon, says what to check, and
    records nothing."""
    server.describe = lambda _text: ""
    with stage_work(tmp_path, server, endpoint={"limits": Limits(1)}) as work:
        work.fill(b=[f"def f_{number}(): ..." for number in range(40)])
        with pytest.raises(PermanentError, match=r"first 20 snippets .*: a:1, a:2, a:3") as failure:
            work.enrich()
        assert "KODIT_ENRICHMENT_OUTPUT_TOKENS" in str(failure.value)
        assert len(server.asked) <= 3 * 21
        assert work.sql("SELECT count(*) FROM refused_snippets") == [0]
        server.describe = lambda _text: "It does something."
        work.enrich()
        assert len(work.vectors(VectorKind.TEXT)) == 44


def test_many_refusals_of_a_model_that_answers(tmp_path: Path, server: ModelServer) -> None:
    """Are no failure, and neither is it if they are all that is left to ask about."""
    server.describe = refuses("f_")
    with stage_work(tmp_path, server, endpoint={"limits": Limits(1)}) as work:
        work.fill(b=[f"def f_{number}(): ..." for number in range(25)])
        assert work.enrich().work["snippets_refused"] == 25
        with work.database.write() as transaction:
            transaction.refusals.ask_again(work.index_id)
        server.asked.clear()
        assert work.enrich().work["snippets_refused"] == 25
        assert len([one for one in server.asked if "messages" in one.body]) == 25


def test_refusals_are_marked_in_steps(tmp_path: Path, server: ModelServer) -> None:
    """However many there are; those that are no longer current are not."""
    with stage_work(tmp_path, server) as work:
        work.fill(b=[f"def f_{number}(): ..." for number in range(1200)])
        with work.database.write() as transaction:
            ids = work.sql("SELECT id FROM snippets WHERE state = 'live' ORDER BY id")
            transaction.refusals.refuse(work.index_id, dict.fromkeys(ids, "the model refused"))
        assert work.sql(PENDING + " WHERE stage = 'ENRICH'") == [0]
        after: int | None = 0
        steps = 0
        while after is not None:
            with work.database.write() as transaction:
                after = transaction.refusals.ask_again(work.index_id, after)
            steps += 1
        assert steps == len(ids) // MOST_PER_TRANSACTION.rows + 1
        assert work.sql(PENDING + " WHERE stage = 'ENRICH'") == [len(ids)]
        with work.database.read() as transaction:
            pending = transaction.snippets.count_pending(work.index_id, TaskType.ENRICH)
        assert pending == len(ids)
