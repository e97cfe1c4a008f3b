"""The configuration of the server, the routes of requests, and what its own programs may ask and
hand over: each part by itself, without a listening server."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.support.listening import patiently

import kodit
from kodit.composition import Application
from kodit.composition.keys import make_keys
from kodit.domain.caller import LOCAL_CALLER, Caller
from kodit.domain.policy import CallerPolicy
from kodit.infrastructure.resident.connecting import (
    ASK_PATH,
    END_PATH,
    HANDSHAKE_PATH,
    SECRETS_PATH,
)
from kodit.server import log_file, workers
from kodit.server.activity import Activity
from kodit.server.app import App
from kodit.server.asking import Asking
from kodit.server.connections import Connections
from kodit.server.faces import Face
from kodit.server.http_server import HttpServer
from kodit.server.limits import Limits
from kodit.server.memory import SMALL_HEAD_BYTES
from kodit.server.options import ServeOptions
from kodit.server.problems import AsgiApp, Message, Receive, Scope, Send, send_body
from kodit.server.process import ServerProcess
from kodit.server.resident import Residence
from kodit.server.secrets import HandedSecrets
from kodit.server.serving import SYNC_EVERY_SECONDS
from kodit.server.sockets import BACKLOG, LocalSocket
from kodit.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"
FAR = Caller(CallerPolicy())


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    with Application(Settings(data_dir=tmp_path / "data")) as application:
        yield application


def asked(
    app: AsgiApp, scope: dict[str, Any], body: bytes = b""
) -> tuple[int, dict[str, str], Any]:
    """The status, headers and JSON of an answer."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    patiently(app({"method": "GET", "kodit.caller": LOCAL_CALLER, **scope}, receive, send))  # type: ignore[arg-type] # a coroutine
    start, end = sent
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    assert headers["cache-control"] == "no-store"
    assert headers["content-length"] == str(len(end["body"]))
    return start["status"], headers, json.loads(end["body"])


def test_a_request_is_active_until_its_end() -> None:
    activity = Activity()
    activity.last_at -= 100
    began = activity.last_at
    with activity.request(), activity.request():
        assert (activity.requests, activity.last_at) == (2, began)
    assert activity.requests == 0
    assert activity.last_at > began + 99


def test_limits_match_the_documentation() -> None:
    limits, text = Limits(), (DOCS / "security.md").read_text("utf-8")
    for row in (
        f"| a request's line and header | {limits.header_seconds:g} s |",
        f"| the same | {limits.line_bytes // 1024} KB for the line",
        f"{limits.fields_bytes // 1024} KB and {limits.fields} fields for the header",
        f"| {limits.heads_bytes // 10**6} MB, and {SMALL_HEAD_BYTES // 1024} KB for each",
        f"if one is needed | {limits.stranger_seconds:g} s in all |",
        f"| {limits.body_seconds:g} s, {limits.body_bytes // 10**6} MB and {limits.chunks:,} chunk",
        f"| all bodies together | {limits.bodies_bytes // 10**6} MB |",
        f"starts after {limits.request_seconds:g} s at the latest",
        f"ends after {limits.request_seconds + limits.progress_seconds:g} s at the latest",
        f"| {limits.streams} each over the socket and TCP | the oldest one ends",
        f"does not read | {limits.write_seconds:g} s |",
        f"| connections | {limits.connections} each over the socket and TCP",
        f"| {limits.started_at_once} per iteration of the event loop",
    ):
        assert row in text
    assert 2 * limits.body_bytes < limits.sent_body_bytes < 3 * limits.body_bytes
    assert limits.keep_alive_seconds == limits.stop_seconds == 60
    assert (limits.linger_seconds, limits.sweep_seconds) == (5, 1)
    for page in ("settings.md", "serve.md"):
        assert f"{SYNC_EVERY_SECONDS:.0f}" in (DOCS / page).read_text("utf-8")


def test_the_configuration_of_uvicorn() -> None:
    """Without web sockets and lifespan; it reveals nothing about itself, trusts no proxy, logs no
    request, and waits for answers as long as the limits say."""
    logging.getLogger("uvicorn.error").setLevel(logging.INFO)

    async def run() -> HttpServer:
        limits = Limits(stop_seconds=7.0)
        group = Connections(cast(Any, None), limits)
        return HttpServer(local=group, remote=group, limits=limits, stop=asyncio.Event())

    config = asyncio.run(run()).config
    config.load()
    assert config.ws_protocol_class is None
    assert not (config.proxy_headers or config.server_header or config.date_header)
    assert (config.lifespan, config.access_log, config.log_config) == ("off", False, None)
    assert (config.timeout_graceful_shutdown, config.backlog) == (7, BACKLOG)
    assert logging.getLogger("uvicorn.error").level == logging.ERROR


def test_only_a_real_log_file_is_kept_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not if standard error goes elsewhere, or if the name is a link."""
    log = tmp_path / "server.log"
    assert log_file.log_chores(tmp_path) == []
    descriptor = os.open(tmp_path / "elsewhere", os.O_CREAT | os.O_WRONLY)
    monkeypatch.setattr(log_file, "_STANDARD_ERROR", descriptor)
    log.write_text("")
    assert log_file.log_chores(tmp_path) == []
    log.unlink()
    log.symlink_to(tmp_path / "elsewhere")
    assert log_file.log_chores(tmp_path) == []
    log.unlink()
    (tmp_path / "elsewhere").rename(log)
    [chore] = log_file.log_chores(tmp_path)
    log.write_bytes(b"x" * (log_file.LARGEST_BYTES + 1))
    patiently(_done(chore.do_piece()))
    assert log.read_bytes() == b""
    assert log.with_name("server.log.1").stat().st_size == log_file.LARGEST_BYTES == 5_000_000
    os.close(descriptor)


async def _done(work: Any) -> None:
    await work


SECRET = {"reference": "env:T", "server": "git.example.org", "username": "u", "password": "p"}


@pytest.mark.parametrize(
    ("method", "body", "status", "code"),
    [
        ("POST", json.dumps(SECRET), 200, None),
        ("GET", json.dumps(SECRET), 405, "method_not_allowed"),
        ("POST", "{", 422, "request_invalid"),
        ("POST", "[]", 422, "request_invalid"),
        ("POST", json.dumps({**SECRET, "password": 7}), 422, "request_invalid"),
        *(
            ("POST", json.dumps({k: v for k, v in SECRET.items() if k != name}), 422, "request_in")
            for name in SECRET
        ),
    ],
)
def test_secrets_that_may_be_handed_over(
    method: str, body: str, status: int, code: str | None
) -> None:
    secrets = HandedSecrets()
    told, headers, answer = asked(secrets, {"method": method}, body.encode())
    assert told == status
    assert (answer == {}) if code is None else answer["code"].startswith(code)
    assert headers.get("allow") == ("POST" if status == 405 else None)
    assert "p" not in [answer.get("password"), answer.get("detail")]
    [found] = _told(secrets, ["env:T", "git.example.org"])
    assert found == ({"username": "u", "password": "p"} if status == 200 else None)


def _told(secrets: HandedSecrets, *questions: list[str]) -> list[Any]:
    """What a worker is told by the server."""
    ours, theirs = socket.socketpair()

    async def run() -> None:
        answering = asyncio.ensure_future(secrets.answer(ours))
        reader, writer = await asyncio.open_unix_connection(sock=theirs)
        for question in questions:
            writer.write(json.dumps(question).encode() + b"\n")
            found.append(json.loads(await reader.readline()))
        writer.close()
        await answering

    found: list[Any] = []
    patiently(run())
    return found


def test_a_secret_is_for_one_server_and_the_latest_counts() -> None:
    secrets = HandedSecrets()
    for password in ("old", "new"):
        asked(secrets, {"method": "POST"}, json.dumps({**SECRET, "password": password}).encode())
    answers = _told(
        secrets, ["env:T", "evil.org"], ["env:X", "git.example.org"], ["env:T", SECRET["server"]]
    )
    assert answers == [None, None, {"username": "u", "password": "new"}]


def test_a_worker_that_is_killed_while_it_asks() -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(b'["a", "b"]\n' * 1_000)
    theirs.close()
    patiently(HandedSecrets().answer(ours))


def test_the_route_of_each_request() -> None:
    """The user's own paths are closed to everybody else."""

    def part(name: str) -> AsgiApp:
        async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send_body(send, 200, json.dumps(name).encode())

        return answer

    activity = Activity()
    app = App(
        rest=Face(lambda: part("rest")),
        mcp=Face(lambda: part("mcp")),
        residence=part("residence"),
        asking=part("asking"),
        secrets=part("secrets"),
        activity=activity,
        failure=lambda: None,
    )
    for path, near, far in (
        (HANDSHAKE_PATH, "residence", "rest"),
        (END_PATH, "residence", "rest"),
        (ASK_PATH, "asking", "rest"),
        (SECRETS_PATH, "secrets", "rest"),
        ("/mcp", "mcp", "mcp"),
        ("/mcp/", "mcp", "mcp"),
        ("/mcpx", "rest", "rest"),
        ("/healthz/", "rest", "rest"),
        (f"{ASK_PATH}/", "rest", "rest"),
        ("/api/v1/search", "rest", "rest"),
    ):
        assert asked(app, {"path": path})[2] == near
        assert asked(app, {"path": path, "kodit.caller": FAR})[2] == far
    for method in ("GET", "HEAD"):
        assert asked(app, {"path": "/healthz", "method": method})[::2] == (200, {"status": "ok"})
    assert asked(app, {"path": "/readyz"})[::2] == (503, {"status": "not ready"})
    activity.become_ready()
    assert asked(app, {"path": "/readyz"})[::2] == (200, {"status": "ready"})
    activity.give_up()
    assert asked(app, {"path": "/readyz"})[0] == 503
    for method in ("PUT", "DELETE", "OPTIONS"):
        assert asked(app, {"path": "/readyz", "method": method})[0] == 405
    status, headers, problem = asked(app, {"path": "/healthz", "method": "POST"})
    assert (status, headers["allow"]) == (405, "GET, HEAD")
    assert (problem["code"], problem["detail"]) == (
        "method_not_allowed",
        "/healthz can only be read",
    )


def test_questions_of_the_command_line(application: Application) -> None:
    """A program of another version, or with other settings, is refused."""
    question: dict[str, Any] = {"kind": "StatusQuestion", "fields": {"source": None}}
    right: dict[str, Any] = {
        "version": kodit.__version__,
        "settings": application.settings.digest,
        "question": question,
    }

    def answer(**changes: Any) -> tuple[int, Any]:
        status, _headers, told = asked(
            Asking(application), {"path": ASK_PATH}, json.dumps({**right, **changes}).encode()
        )
        return status, told

    status, told = answer()
    assert (status, set(told), told["answer"]["indexes"]) == (200, {"answer"}, [])
    unknown = {"kind": "RunQuestion", "fields": {"run_id": 7}}
    status, told = answer(question=unknown)
    assert (status, told["error"]["code"]) == (200, "run_not_found")
    for changes in ({"version": "0"}, {"settings": "other"}):
        status, told = answer(**changes)
        assert (status, told["code"]) == (409, "program_differs")
    for body in (b"{", b"[]", b"7", b"{}", json.dumps({**right, "question": 7}).encode()):
        status, _headers, told = asked(Asking(application), {"path": ASK_PATH}, body)
        assert (status, told["code"]) == (422, "request_invalid")
        assert told["detail"].startswith("not a question: ")


def test_the_status_of_a_server(application: Application) -> None:
    activity = Activity()
    residence = Residence(application, activity, lambda: 1, stays=True)
    status, _headers, about = asked(residence, {"path": HANDSHAKE_PATH})
    assert (status, about) == (
        200,
        {
            "version": kodit.__version__,
            "settings": application.settings.digest,
            "pid": os.getpid(),
            "stays": True,
            "busy_with": "it is starting",
        },
    )
    for method, path, allowed in (("POST", HANDSHAKE_PATH, "GET"), ("GET", END_PATH, "POST")):
        status, headers, problem = asked(residence, {"method": method, "path": path})
        assert (status, headers["allow"], problem["code"]) == (405, allowed, "method_not_allowed")
    status, _headers, problem = asked(residence, {"method": "POST", "path": END_PATH})
    assert (status, problem["code"]) == (409, "server_busy")
    assert problem["detail"] == "the server keeps running: it was started to keep running"
    activity.become_ready()
    leaving = Residence(application, activity, lambda: 1, stays=False)
    status, _headers, told = asked(leaving, {"method": "POST", "path": END_PATH})
    assert (status, told, activity.stop.is_set()) == (202, {"pid": os.getpid()}, True)


@pytest.mark.parametrize(
    ("options", "count", "services"),
    [
        (ServeOptions(), None, ["add sources", "watch folders", "load the faces"]),
        (ServeOptions(workers=0), 0, ["add sources", "watch folders", "load the faces"]),
        (
            ServeOptions(host=None, workers=3, idle_minutes=0.001),
            3,
            ["add sources", "watch folders", "exit when idle"],
        ),
    ],
    ids=["usual", "without-workers", "unattended"],
)
def test_the_parts_of_a_server(
    tmp_path: Path,
    options: ServeOptions,
    count: int | None,
    services: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded: list[str] = []

    async def load(_app: App) -> None:
        loaded.append("faces")

    monkeypatch.setattr(App, "load_faces", load)
    settings = Settings(data_dir=tmp_path, sync_every_seconds=60.0, allowed_hosts=("own.example",))

    async def run() -> None:
        process = ServerProcess(settings, options, make_keys(settings), Limits(), needs_key=False)
        expected = workers.default_workers() if count is None else count
        assert process._workers._count == expected
        assert process._residence.stays is (options.idle_minutes is None)
        beside = process._services()
        assert [one.name for one in beside] == services
        access = cast(Any, process._guards[1]._access)
        assert access._names.has("own.example", None)
        process._application.open()
        local = LocalSocket(tmp_path)
        chores = {one.name: one for one in process._chores(local)}
        assert set(chores) == {
            "update indexes",
            "rebuild the keyword index",
            "release memory",
            "release pages",
            "end unused child processes",
            "check the socket",
        }
        assert not await chores["check the socket"].do_piece()
        assert not process._activity.stop.is_set()
        local.remove()
        assert not await chores["check the socket"].do_piece()
        assert process._activity.stop.is_set()
        process._activity.stop.clear()
        if options.idle_minutes is None:
            await beside[2].run()
            assert loaded == ["faces"]
        else:
            process._activity.become_ready()
            process._activity.last_at -= 0.05
            await beside[-1].run()
            assert process._activity.stop.is_set()
        process._application.close()

    patiently(run())
