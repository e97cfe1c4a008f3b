"""Indexing and searching with models behind an endpoint."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections import Counter
from pathlib import Path

import pytest
from tests.support.command import wait_until
from tests.support.model_server import KEY, Asked, ModelServer, Reply, error, repeated
from tests.support.serving import ServingKodit, states, work_of
from tests.support.snapshot import read_rows
from tests.support.sources import commit_all, python_function, write_file, write_tree

from kodit.application.services.refresh_service import failure_of
from kodit.application.services.source_service import IndexRequest
from kodit.composition import Application
from kodit.domain.entities import Task
from kodit.domain.errors import TransientError
from kodit.domain.value_objects import RunState, Source, SourceKind, TaskState
from kodit.faces.cli.advice import with_advice
from kodit.infrastructure.endpoints.private import PrivatePatterns, _in_folder
from kodit.infrastructure.endpoints.probes import PROBES
from kodit.infrastructure.sources.location import Location
from kodit.settings import Settings

WORDS = ["first", "second", "third", "fourth"]
MODELS = "SELECT DISTINCT kind, model FROM vectors ORDER BY kind"


def test_every_text_is_sent_once_and_found(tmp_path: Path, server: ModelServer) -> None:
    """Code goes to the embedding endpoint, and each snippet to the chat endpoint, whose answers
    are embedded.
    """
    write_tree(tmp_path / "source", files=8)
    settings = server.settings("embedding", "enrichment")
    with ServingKodit(tmp_path / "data", **settings) as serving:
        run = serving.index(tmp_path / "source")
        assert states(run) == ["succeeded"] * 5
        assert serving.search("anchor basket", "code")
        assert serving.search("anchor basket", "text")
        done = work_of(run)
        again = serving.index(tmp_path / "source")

    assert states(again)[1:] == ["skipped"] * 4
    described = [one for one in server.asked if one.path.endswith("/chat/completions")]
    assert len(described) == done["snippets_enriched"] > 0
    assert repeated(server.texts) == ["anchor basket"] or repeated(server.texts) == []
    assert done["model_calls"] == len(server.asked) - server.texts.count("anchor basket") - 1
    assert all(one.headers["authorization"] == f"Bearer {KEY}" for one in server.asked)
    assert {model for _kind, model in read_rows(tmp_path / "data", MODELS)} == {
        "endpoint embedding-model/1.1"
    }


def test_an_endpoint_that_is_down_for_a_part_of_a_run(tmp_path: Path, server: ModelServer) -> None:
    """The run ends complete after it has returned, and each text was answered once. Meanwhile the
    task says what it waits for, and its retries are not spent.
    """
    write_tree(tmp_path / "source", files=4)
    answered: list[str] = []
    is_back = threading.Event()

    def script(asked: Asked) -> Reply | None:
        is_probe = any(asked.texts[-1] in one for one in PROBES)
        if not is_probe and not is_back.is_set():
            return error(503, "at lunch", Retry_After="30")
        answered.extend(asked.texts)
        return None

    server.script = script
    with ServingKodit(tmp_path / "data", **server.settings(embedding_batch=4)) as serving:
        queued = serving.queue(tmp_path / "source")

        def paused() -> Task | None:
            [run] = serving.call(lambda application: application.queue.get_runs([queued.id]))
            about = [task for task in run.tasks if task.error_about is not None]
            return about[0] if about else None

        wait_until(lambda: paused() is not None)
        task = paused()
        assert task is not None
        assert task.state is TaskState.READY
        assert task.failures == 0
        assert task.error_about is not None
        assert task.error_about.code == "endpoint_paused"
        assert "answered 503 (Service Unavailable): at lunch" in str(task.error)
        assert str(task.error).startswith("waits until ")

        is_back.set()
        with serving.application.database.write() as transaction:
            transaction.connection.exec_driver_sql("UPDATE endpoints SET paused_until = 0")
        serving.queue(tmp_path / "source")  # by the user, which ends the back-off
        assert states(serving.wait_for(queued.id)) == ["succeeded"] * 5
        assert serving.search("anchor basket", "code")
    assert [text for text, times in Counter(answered).items() if times > 1] == []


def test_stored_results_are_on_the_bill(tmp_path: Path, server: ModelServer) -> None:
    """Descriptions and vectors, with an endpoint for either or for both, each once."""
    write_tree(tmp_path / "source", files=3)
    # At other paths, so that the indexes share no more than texts.
    shutil.copytree(tmp_path / "source", tmp_path / "copy" / "below")
    for purposes in (("enrichment",), ("embedding", "enrichment")):
        data = tmp_path / f"data{len(purposes)}"
        with ServingKodit(data, **server.settings(*purposes)) as serving:
            first = work_of(serving.index(tmp_path / "source"))
            copied = work_of(serving.index(tmp_path / "copy"))
        bills = (
            "SELECT endpoint, run_id, texts, cached FROM endpoint_bills ORDER BY endpoint, run_id"
        )
        described = first["snippets_enriched"]
        by_endpoint = {
            (endpoint.partition(" ")[0], run): (texts, cached)
            for endpoint, run, texts, cached in read_rows(data, bills)
        }
        assert by_endpoint["enrichment", 1] == (described, 0)
        assert by_endpoint["enrichment", 2] == (0, described)
        if "embedding" in purposes:
            assert by_endpoint["embedding", 2] == (0, 2 * described)
        assert copied["texts_cached"] == len(purposes) * described + described * (len(purposes) - 1)


def test_a_budget_ends_the_waiting(tmp_path: Path, server: ModelServer) -> None:
    """`kodit index` says why, and has failed; a larger budget pays only for the rest."""
    write_tree(tmp_path / "source", files=4)
    settings = server.settings(embedding_price=1.0, embedding_batch=2, embedding_concurrency=1)
    request = IndexRequest([str(tmp_path / "source")])
    # The texts by which the model is compared, and a few of the source.
    with Application(
        Settings(data_dir=tmp_path / "data", **settings, budget_per_run=0.0035)
    ) as application:
        [run] = asyncio.run(application.source_indexing.index(request))
        assert not run.state.is_terminal
        failure = failure_of(run)
        assert failure is not None
        assert failure.code == "budget_spent"
        assert "CODE_EMBEDDINGS waits until" in str(failure)
        assert "the budget of 0.0035 is spent" in with_advice(failure)
        sent = len(server.texts)
        assert sent > 48
        # Again: the request waits for the run that waits for the budget.
        [same] = asyncio.run(application.source_indexing.index(request))
        assert same.id == run.id
        again = failure_of(same)
        assert again is not None
        assert (again.code, len(server.texts)) == ("budget_spent", sent)
    with Application(Settings(data_dir=tmp_path / "data", **settings)) as application:
        [run] = asyncio.run(application.source_indexing.index(request))
        assert run.state is RunState.SUCCEEDED
    assert repeated(server.texts) == []


def test_copies_and_renames_cost_nothing(tmp_path: Path, server: ModelServer) -> None:
    """Neither does a revert."""
    write_tree(tmp_path / "source", files=4)
    settings = server.settings("embedding", "enrichment")
    with ServingKodit(tmp_path / "data", **settings) as serving:
        serving.index(tmp_path / "source")
        calls = len(server.asked)
        shutil.copytree(tmp_path / "source", tmp_path / "copy")
        assert states(serving.index(tmp_path / "copy")) == ["succeeded"] * 5
        (tmp_path / "source" / "src").rename(tmp_path / "source" / "lib")
        assert states(serving.index(tmp_path / "source")) == ["succeeded"] * 5
        [*_others, path] = sorted((tmp_path / "copy").rglob("*.py"))
        text = path.read_text()
        path.write_text("")
        serving.index(tmp_path / "copy")
        path.write_text(text)
        back = serving.index(tmp_path / "copy")
        assert len(serving.search("anchor basket")) > 0
        assert len([one for one in server.asked if "anchor basket" not in one.texts]) == calls
        assert work_of(back)["files_reused"] == 1


def test_private_files_of_a_repository(tmp_path: Path, server: ModelServer) -> None:
    """That is cloned: the rules are those of the commit, in any of its folders."""
    folder = tmp_path / "source"
    for name in ("shown", "deep/hidden", "all/hidden_too"):
        write_file(folder / f"{name}.py", python_function(f"of_{name.replace('/', '_')}", WORDS))
    write_file(folder / "deep" / ".kodit-private", "hid*\n")
    write_file(folder / "all" / ".kodit-private", "")
    commit_all(folder)
    with ServingKodit(tmp_path / "data", **server.settings("embedding", "enrichment")) as serving:
        assert states(serving.index(folder.as_uri())) == ["succeeded"] * 5
        assert {one.path for one in serving.search("of_deep_hidden", "keyword")} >= {
            "deep/hidden.py"
        }
    sent = "\n".join(server.texts)
    assert "of_shown" in sent
    assert "hidden" not in sent


def test_rules_that_cannot_be_read_keep_all_back(tmp_path: Path) -> None:
    """They might name any file."""
    (tmp_path / "deep" / ".kodit-private").mkdir(parents=True)
    location = Location(Source(SourceKind.FOLDER, str(tmp_path)), str(tmp_path))
    rules = PrivatePatterns((), lambda folder: _in_folder(location, folder))
    assert not rules.holds("a.py")
    with pytest.raises(TransientError, match="nothing is sent to the endpoint: Is a dir") as told:
        rules.holds("deep/a.py")
    assert told.value.code == "private_files_unreadable"


def test_two_indexes_of_the_same_code_pay_once(tmp_path: Path, server: ModelServer) -> None:
    """Though their stages run at the same time: a text that is under way is waited for, and so are
    those by which the model is compared."""
    write_tree(tmp_path / "one", files=6)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    server.delay = 0.05
    settings = server.settings("embedding", "enrichment", embedding_batch=4)
    with ServingKodit(tmp_path / "data", **settings) as serving:
        runs = [serving.queue(tmp_path / name) for name in ("one", "two")]
        assert [states(serving.wait_for(run.id)) for run in runs] == [["succeeded"] * 5] * 2
    assert repeated(server.texts) == []
