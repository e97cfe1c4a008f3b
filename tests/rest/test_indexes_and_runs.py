"""Adding, refreshing and deleting indexes; listing and controlling runs and the queue."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.browsing.conftest import write_files
from tests.rest.conftest import Idle, Indexed
from tests.support.command import wait_until
from tests.support.rest import READER, REMOTE, Rest, code
from tests.support.serving import ServingKodit
from tests.support.sources import commit_all, git, write_file

from kodit.application.services.source_service import SourceService
from kodit.domain.caller import LOCAL_CALLER
from kodit.domain.entities import IndexRun
from kodit.domain.errors import PermanentError
from kodit.domain.value_objects import Claim


def test_indexes_are_listed_with_their_standing(indexed: Indexed) -> None:
    rest = indexed.rest
    answer = rest.get("indexes").json()
    assert [one["id"] for one in answer["indexes"]] == [1, 2]
    assert [one["source"] for one in answer["indexes"]] == [
        str(indexed.shop),
        indexed.bank.as_uri(),
    ]
    assert [one["state"] for one in answer["standing"]] == ["complete", "complete"]
    assert answer["next"] is None
    one = rest.get("indexes/2").json()
    assert {**answer["indexes"][1], "standing": answer["standing"][1:]} == one
    page = rest.get("indexes", limit=1).json()
    assert [one["id"] for one in page["indexes"]] == [1]
    assert len(page["standing"]) == 1
    following = rest.get("indexes", limit=1, cursor=page["next"]).json()
    assert ([one["id"] for one in following["indexes"]], following["next"]) == ([2], None)
    assert code(rest.get("indexes/3")) == (404, "index_not_found")


def test_a_source_is_added(idle: Idle) -> None:
    """The answer comes at once, with a location; a second request joins the first."""
    rest, caller = idle.rest, idle.caller
    source = str(idle.root / "one")
    globs = {"include": ["*.py"], "exclude": ["test_*"]}
    reply = rest.post("indexes", caller, source=source, sync_every=3600, **globs)
    assert reply.status == 202
    answer = reply.json()
    assert reply.headers["location"] == f"/api/v1/runs/{answer['run']['id']}"
    index = answer["index"]
    assert {"source": source, "sync_every": 3600, **globs}.items() <= index.items()
    assert (answer["run"]["state"], answer["run"]["index_id"]) == ("queued", index["id"])
    assert answer["run"]["is_user_initiated"]

    again = rest.post("indexes", caller, source=source, exclude=[]).json()
    assert (again["index"]["id"], again["run"]["id"]) == (index["id"], answer["run"]["id"])
    assert (again["index"]["include"], again["index"]["exclude"]) == (["*.py"], [])

    assert "submodules" not in again["index"]
    reply = rest.post("indexes", caller, source=source, submodules=True)
    assert reply.json()["index"]["submodules"] is True

    for seconds, status in ((59, 409), (-1, 422), (0, 202)):
        reply = rest.post("indexes", caller, source=source, sync_every=seconds)
        assert reply.status == status
    assert reply.json()["index"]["sync_every"] == 0

    synced = rest.ask("POST", f"indexes/{index['id']}/runs")
    assert synced.status == 202
    assert synced.headers["location"] == f"/api/v1/runs/{answer['run']['id']}"
    assert synced.json()["run"]["id"] == answer["run"]["id"]
    assert code(rest.ask("POST", "indexes/99/runs")) == (404, "index_not_found")


def test_an_index_that_is_deleted_while_it_is_added(idle: Idle) -> None:
    """Between the request for a run and the answer: it is added again."""
    answers = idle.rest.application.index_answers
    deleted: list[int] = []

    class Deleting(SourceService):
        def __init__(self, sources: SourceService) -> None:
            self._sources = sources

        async def add(self, *asked: Any) -> list[IndexRun]:
            [run] = await self._sources.add(*asked)
            if not deleted and run.index_id is not None:
                deleted.append(run.index_id)
                await answers.hide(run.index_id)
            return [run]

    sources = answers._sources
    answers._sources = Deleting(sources)
    try:
        reply = idle.rest.post("indexes", idle.caller, source=str(idle.root / "one"))
    finally:
        answers._sources = sources
    assert reply.status == 202
    [index] = idle.rest.get("indexes").json()["indexes"]
    assert index["id"] == reply.json()["index"]["id"] != deleted[0]


def test_a_ref_is_chosen(idle: Idle) -> None:
    """As a parameter beside the source, or in it, but not both."""
    commit_all(idle.root / "one")
    uri = (idle.root / "one").as_uri()
    rest = idle.rest
    answer = rest.post("indexes", LOCAL_CALLER, source=uri, ref="main").json()
    assert answer["index"]["source"] == f"{uri}@main"
    for ref in ("other", "main"):
        twice = rest.post("indexes", LOCAL_CALLER, source=f"{uri}@main", ref=ref)
        assert code(twice) == (409, "source_invalid")
    assert code(rest.post("indexes", LOCAL_CALLER, source=uri, ref="a b")) == (
        409,
        "source_invalid",
    )


def add_at(rest: Rest, source: object, **options: str) -> str:
    """The source of the index that is added, or why none is."""
    answer = rest.post("indexes", LOCAL_CALLER, source=str(source), **options).json()
    return str(answer.get("detail") or answer["index"]["source"])


def test_a_ref_beside_a_folder_whose_name_ends_like_it(idle: Idle) -> None:
    """`one` at `v1` is not the folder `one@v1`, and either keeps its own index."""
    rest, one, named_like_it = idle.rest, idle.root / "one", idle.root / "one@v1"
    commit_all(one)
    for tag in ("v1", "v2"):
        git(one, "tag", tag)
    write_file(named_like_it / "other.py", "OTHER = 1\n")
    assert add_at(rest, named_like_it) == str(named_like_it)
    for source in (one, f"{one}/", one.as_uri()):
        assert add_at(rest, source, ref="v1") == f"{one.as_uri()}@v1"
    assert add_at(rest, 2) == f"{one.as_uri()}@v1"
    assert add_at(rest, one) == str(one)
    assert add_at(rest, 3, ref="v2") == f"{one.as_uri()}@v2"
    assert add_at(rest, 1, ref="v2") == f"{named_like_it} is not a git repository"
    both = f"{one.as_uri()}@v1 already names a ref; give only one of the two"
    assert add_at(rest, 2, ref="v2") == both
    shutil.rmtree(named_like_it)
    assert add_at(rest, 1) == f"the folder {named_like_it} does not exist"


def test_a_ref_beside_the_name_of_a_repository(idle: Idle) -> None:
    """Of which another ref is indexed."""
    one = idle.root / "one"
    commit_all(one)
    for tag in ("v1", "v2"):
        git(one, "tag", tag)
    assert add_at(idle.rest, one.as_uri(), ref="v1") == f"{one.as_uri()}@v1"
    for name in ("sources/one", f"{one.as_uri()}/"):
        assert add_at(idle.rest, name, ref="v2") == f"{one.as_uri()}@v2"
    both = f"{one.as_uri()}@v1 already names a ref; give only one of the two"
    assert add_at(idle.rest, "one@v1", ref="v2") == both


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("/etc", (403, "refused_by_policy")),
        ("/no/such/folder", (403, "refused_by_policy")),
        ("relative", (403, "refused_by_policy")),
        ("file:///etc", (403, "refused_by_policy")),
        ("ROOT/one/../../..", (403, "refused_by_policy")),
        ("ROOT/out", (403, "refused_by_policy")),
        ("http://127.0.0.1/repository", (403, "refused_by_policy")),
        ("https://localhost/repository", (403, "refused_by_policy")),
        ("ROOT/nothing", (404, "folder_missing")),
        ("ROOT/two/code.py", (409, "source_invalid")),
        ("ext::sh -c true", (409, "source_invalid")),
        ("ftp://example.org/x", (409, "source_invalid")),
        ("a\nb", (409, "source_invalid")),
        ("a\x00b", (422, "request_invalid")),
        ("", (422, "request_invalid")),
    ],
)
def test_sources_that_may_not_be_added(
    unchanged: Idle, source: str, problem: tuple[int, str]
) -> None:
    """Over the network; and folders outside the allowed ones are refused alike, whether they exist
    or not."""
    source = source.replace("ROOT", str(unchanged.root))
    reply = unchanged.rest.post("indexes", unchanged.caller, source=source)
    assert code(reply) == problem
    assert [one["id"] for one in unchanged.rest.get("indexes").json()["indexes"]] == [1]


def test_a_secret_of_the_server_may_not_be_named(unchanged: Idle) -> None:
    reply = unchanged.rest.post(
        "indexes", unchanged.caller, source="https://github.com/a/b", credentials="env:HOME"
    )
    assert code(reply) == (403, "refused_by_policy")
    assert reply.json()["what"] == "credentials"


def test_globs_are_checked(unchanged: Idle) -> None:
    for name in ("include", "exclude"):
        reply = unchanged.rest.post(
            "indexes", unchanged.caller, source=str(unchanged.root / "two"), **{name: ["[z-a]"]}
        )
        assert code(reply) == (409, "glob_invalid")
        assert name in reply.json()["detail"]


def test_an_index_may_have_an_interval_of_its_own(idle: Idle) -> None:
    """It is kept until changed; an interval that was never set is not shown."""
    source = str(idle.root / "one")

    def shown(**given: int | str) -> object:
        reply = idle.rest.post("indexes", idle.caller, source=source, **given)
        assert reply.status == 202, reply.body
        return reply.json()["index"].get("sync_every")

    assert [shown(), shown(sync_every=600), shown(), shown(sync_every=0), shown()] == [
        None,
        600,
        600,
        0,
        0,
    ]
    assert shown(sync_every="default") is None
    too_often = idle.rest.post("indexes", idle.caller, source=source, sync_every=59)
    assert code(too_often) == (409, "sync_every_invalid")
    for malformed in (-1, 10**9, "often"):
        reply = idle.rest.post("indexes", idle.caller, source=source, sync_every=malformed)
        assert code(reply) == (422, "request_invalid")


def add(idle: Idle, name: str) -> tuple[int, int]:
    """The identifiers of an index and its run."""
    answer = idle.rest.post("indexes", idle.caller, source=str(idle.root / name)).json()
    return answer["index"]["id"], answer["run"]["id"]


def test_an_index_is_deleted(idle: Idle) -> None:
    """It is hidden once that is answered, and all of its data is removed."""
    rest = idle.rest
    index_id, run_id = add(idle, "one")
    reply = rest.ask("DELETE", f"indexes/{index_id}")
    assert (reply.status, reply.body) == (204, b"")
    assert rest.get("indexes").json()["indexes"] == []
    for again in (rest.get(f"indexes/{index_id}"), rest.ask("DELETE", f"indexes/{index_id}")):
        assert code(again) == (404, "index_not_found")
    wait_until(lambda: rest.get(f"runs/{run_id}").status == 404)
    assert (idle.root / "one" / "code.py").exists()


def test_runs_are_listed_newest_first(idle: Idle) -> None:
    rest = idle.rest
    (one, first), (two, second) = add(idle, "one"), add(idle, "two")
    rest.ask("POST", f"runs/{first}/cancel")

    def listed(**asked: Any) -> list[int]:
        return [run["id"] for run in rest.get("runs", **asked).json()["runs"]]

    assert listed() == [second, first]
    assert listed(indexes=[one]) == [first]
    assert listed(indexes=[one, two]) == [second, first]
    assert listed(states=["queued"]) == [second]
    assert listed(states=["queued", "cancelled"]) == [second, first]
    assert listed(indexes=[two], states=["cancelled"]) == []
    page = rest.get("runs", limit=1).json()
    assert [run["source"] for run in page["runs"]] == [str(idle.root / "two")]
    following = rest.get("runs", limit=1, cursor=page["next"]).json()
    assert ([run["id"] for run in following["runs"]], following["next"]) == ([first], None)


def test_a_run_is_cancelled_and_retried(idle: Idle) -> None:
    rest = idle.rest
    _index_id, run_id = add(idle, "one")
    assert code(rest.ask("POST", f"runs/{run_id}/retry")) == (409, "run_under_way")
    cancelled = rest.ask("POST", f"runs/{run_id}/cancel").json()
    assert (cancelled["id"], cancelled["state"]) == (run_id, "cancelled")
    assert code(rest.ask("POST", f"runs/{run_id}/cancel")) == (409, "run_has_ended")
    retried = rest.ask("POST", f"runs/{run_id}/retry").json()
    assert (retried["id"], retried["state"]) == (run_id, "queued")
    for what in ("cancel", "retry"):
        assert code(rest.ask("POST", f"runs/99/{what}")) == (404, "run_not_found")


def test_a_run_has_its_attempts_and_errors(idle: Idle) -> None:
    _index_id, run_id = add(idle, "one")
    queue = idle.rest.application.queue

    async def fail(_application: object) -> None:
        task = await queue.claim("somebody")
        assert task is not None
        assert isinstance(task.claim, Claim)
        error = PermanentError("the disk is on fire", code="disk_hot", degrees=451)
        await queue.fail(task.claim, error)

    idle.rest.serving.call(fail)
    run = idle.rest.get(f"runs/{run_id}").json()
    sync = run["tasks"][0]
    assert (run["state"], sync["state"], sync["error"]) == (
        "failed",
        "failed",
        "the disk is on fire",
    )
    [attempt] = sync["history"]
    assert (attempt["worker"], attempt["outcome"]) == ("somebody", "failed")
    about = ("disk_hot", {"degrees": 451})
    assert (sync["error_code"], sync["error_fields"]) == about
    assert (attempt["error_code"], attempt["error_fields"]) == about
    assert "error_code" not in run["tasks"][1]
    assert sync["reason"] == "not retried"
    retried = idle.rest.ask("POST", f"runs/{run_id}/retry").json()["tasks"][0]
    assert "error_code" not in retried
    assert retried["history"][0]["error_code"] == "disk_hot"
    assert code(idle.rest.get("runs/99")) == (404, "run_not_found")


def test_the_queue_is_shown_paused_and_resumed(idle: Idle) -> None:
    rest = idle.rest
    (_one, first), (_two, second) = add(idle, "one"), add(idle, "two")
    shown = rest.get("queue").json()
    assert [run["id"] for run in shown["runs"]] == [first, second]
    assert (shown["queue"]["waiting"], shown["queue"]["paused_since"]) == (2, None)
    assert [run["id"] for run in rest.get("queue", limit=1).json()["runs"]] == [first]
    for _ in range(2):  # a second time changes nothing, and is no mistake
        paused = rest.ask("POST", "queue/pause").json()
        assert paused["queue"]["paused_since"] is not None
        assert "runs" not in paused
    for _ in range(2):
        assert rest.ask("POST", "queue/resume").json()["queue"]["paused_since"] is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "indexes"),
        ("DELETE", "indexes/1"),
        ("POST", "indexes/1/runs"),
        ("POST", "runs/1/cancel"),
        ("POST", "runs/1/retry"),
        ("POST", "queue/pause"),
        ("POST", "queue/resume"),
    ],
)
def test_a_read_only_caller_changes_nothing(unchanged: Idle, method: str, path: str) -> None:
    """Nor does a caller whom no listener has identified. The refusal comes before anything is
    read."""
    rest = unchanged.rest
    body = b'{"source": "/etc"}' if path == "indexes" else b""
    for caller in (READER, None):
        reply = rest.ask(method, path, caller, body=body)
        assert code(reply) == (403, "caller_may_not_write")
        assert reply.json()["detail"].startswith("this caller may only read, and the request would")
    assert [one["id"] for one in rest.get("indexes", READER).json()["indexes"]] == [1]
    assert rest.get("runs/1", READER).json()["state"] == "queued"
    assert rest.get("queue", READER).json()["queue"]["paused_since"] is None


def test_from_the_request_to_the_answer(tmp_path: Path) -> None:
    """With a worker: added, indexed, found, deleted."""
    write_files(tmp_path / "code", {"quartz.py": "def quartz():\n    return 'a mineral'\n"})
    with ServingKodit(tmp_path / "data") as serving:
        rest = Rest(serving)
        run = rest.post("indexes", LOCAL_CALLER, source=str(tmp_path / "code")).json()["run"]
        wait_until(lambda: rest.get(f"runs/{run['id']}").json()["state"] == "succeeded")
        [found] = rest.get("search", REMOTE, query="quartz").json()["results"]
        assert found["path"] == "quartz.py"
        assert rest.ask("DELETE", f"indexes/{run['index_id']}").status == 204
        assert rest.get("search", REMOTE, query="quartz").json()["results"] == []
        rest.close()
