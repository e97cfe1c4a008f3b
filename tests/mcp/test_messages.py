"""Invalid JSON-RPC messages are answered by its rules, over HTTP and by the front alike."""

from __future__ import annotations

import io
import json
from typing import Any

import httpx2
import pytest
from tests.mcp.conftest import Tools

from kodit.composition import Application
from kodit.domain.json_rpc import INVALID_REQUEST, PARSE_ERROR
from kodit.faces.mcp.server import create_mcp_app
from kodit.front.resident import Resident
from kodit.front.stdio import Front

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
UNREADABLE = (
    *(b"{", b"\xff\xfe", b"\x00", b"[" * 100_000, b'{"a":' * 50_000, b"nul", b"7 7"),
    *(PING.replace(b"1", b"9" * 5_000), PING.replace(b"1", b"NaN"), PING.replace(b"1", b"\x81")),
)
INVALID = (
    *(("[]", None), ("7", None), ('"x"', None), ("null", None), ("true", None), ("{}", None)),
    *(('{"id":9}', 9), ('{"jsonrpc":"2.0"}', None), ('{"jsonrpc":"2.0","id":9}', 9)),
    *(('{"id":"a","method":"ping"}', "a"), ('{"jsonrpc":2.0,"id":1,"method":"ping"}', 1)),
    *(('{"jsonrpc":"2.0","id":1,"method":7}', 1), ('{"jsonrpc":"2.0","method":null}', None)),
    *(('{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', 1),),
    *(('{"jsonrpc":"2.0","id":1,"method":"ping","params":null}', 1),),
    *(
        (f'{{"jsonrpc":"2.0","id":{value},"method":"ping"}}', None)
        for value in ("null", "true", "1.5", "1e400", "[1]", "{}")
    ),
)
VALID = ("1", "-1", "0", '""', '"a"', r'"\ud800"', "9" * 400)


def answered_by_front(*lines: bytes) -> list[Any]:
    """The front's answer to messages that must not reach a server."""

    def no_server() -> Resident:
        raise AssertionError("nothing of this is for the server")

    class Kept(io.BytesIO):
        def close(self) -> None:
            pass

    answers = Kept()
    Front(io.BytesIO(b"".join(line + b"\n" for line in lines)), answers, no_server).run()
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def answered_over_http(tools: Tools, body: bytes) -> tuple[int, Any]:
    async def ask(application: Application) -> tuple[int, Any]:
        app = create_mcp_app(application)
        transport = httpx2.ASGITransport(app)
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        async with app.running(), httpx2.AsyncClient(transport=transport) as client:
            reply = await client.post("http://localhost/mcp", content=body, headers=headers)
        text = reply.text.partition("data: ")[2] if "data: " in reply.text else reply.text
        return reply.status_code, json.loads(text) if text else None

    return tools.serving.call(ask)


def problem(answer: Any) -> tuple[Any, int]:
    assert set(answer) == {"jsonrpc", "id", "error"}
    assert set(answer["error"]) == {"code", "message"}
    sentence = answer["error"]["message"]
    assert sentence.isascii()
    assert len(sentence) < 100
    return answer["id"], answer["error"]["code"]


@pytest.mark.parametrize("sent", UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_cannot_be_read(tools: Tools, sent: bytes) -> None:
    [answer, alive] = answered_by_front(sent, PING)
    assert problem(answer) == (None, PARSE_ERROR)
    assert alive["result"] == {}
    status, answer = answered_over_http(tools, sent)
    assert (status, problem(answer)) == (400, (None, PARSE_ERROR))


@pytest.mark.parametrize(("sent", "request_id"), INVALID)
def test_what_is_not_a_message(tools: Tools, sent: str, request_id: object) -> None:
    """Its identifier is repeated if it is valid."""
    [answer, alive] = answered_by_front(sent.encode(), PING)
    assert problem(answer) == (request_id, INVALID_REQUEST)
    assert alive["result"] == {}
    status, answer = answered_over_http(tools, sent.encode())
    assert (status, problem(answer)) == (400, (request_id, INVALID_REQUEST))


@pytest.mark.parametrize("written", VALID[:-2])
def test_identifiers_come_back_as_they_were(tools: Tools, written: str) -> None:
    sent = PING.replace(b"1", written.encode())
    [answer] = answered_by_front(sent)
    assert answer == {"jsonrpc": "2.0", "id": json.loads(written), "result": {}}
    assert answered_over_http(tools, sent) == (200, answer)


@pytest.mark.parametrize("written", VALID[-2:])
def test_identifiers_that_few_can_read_come_back_too(written: str) -> None:
    [answer] = answered_by_front(PING.replace(b"1", written.encode()))
    assert answer["id"] == json.loads(written)


@pytest.mark.parametrize(
    "sent",
    [
        '{"jsonrpc":"2.0","method":"notifications/initialized"}',
        '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":[1]}}',
        '{"jsonrpc":"2.0","method":"notifications/cancelled"}',
        '{"jsonrpc":"2.0","method":"nothing/known","params":{}}',
        '{"jsonrpc":"2.0","id":1,"result":{}}',
    ],
)
def test_messages_without_an_answer(tools: Tools, sent: str) -> None:
    assert answered_by_front(sent.encode()) == []
    assert answered_over_http(tools, sent.encode()) == (202, None)


def test_blank_lines_and_batches() -> None:
    """Each message of a batch is answered on a line of its own."""
    lines = (b"", b"  ", b"\r", b"[" + PING + b",7]", b"\xef\xbb\xbf" + PING)
    answers = answered_by_front(*lines)
    assert [one.get("error", {}).get("code") for one in answers] == [None, INVALID_REQUEST, None]
