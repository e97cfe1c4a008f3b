"""Refused requests: with a wrong host, from another page, without a key, or with an insufficient
one. One server for all, at loopback and with one more name."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.command import PATIENCE_SECONDS, KoditCommand
from tests.support.server import Reply, RunningServer

NAME = "kodit.example.org"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("refusals")
    command = KoditCommand(folder / "data", KODIT_ALLOWED_HOSTS=NAME)
    with RunningServer(command) as server:
        yield server


@pytest.fixture
def server(running: RunningServer) -> RunningServer:
    """The server of all, without a key."""
    keys_file(running).unlink(missing_ok=True)
    return running


@pytest.fixture
def guarded(server: RunningServer) -> RunningServer:
    """The server of all, with keys for reading and for writing."""
    make_key(server, "ada", "read")
    make_key(server, "bob", "write")
    return server


_secrets: dict[str, str] = {}


def make_key(server: RunningServer, name: str, scope: str) -> str:
    _secrets[name] = server.command.run_here("keys", "add", name, "--scope", scope).out.strip()
    return _secrets[name]


def keys_file(server: RunningServer) -> Path:
    return server.command.user_folder / "keys.json"


def code(reply: Reply) -> str | None:
    """Of a problem as of RFC 9457."""
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json()
    assert problem["status"] == reply.status
    assert problem["detail"]
    return str(problem["code"])


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.org",
        "localhost.evil.example.org",
        f"{NAME}.evil.example.org",
        "evil.example.org:8321",
        "127.0.0.1.evil.example.org",
        "10.0.0.1",
        "0.0.0.0",  # noqa: S104 - a name, not an address
        "localhost@evil.example.org",
        "",
        "[::1",
    ],
)
def test_a_host_that_is_not_the_servers(server: RunningServer, host: str) -> None:
    """On every path, including the open ones."""
    for path in ("/healthz", "/api/v1/search?query=x", "/mcp"):
        reply = server.get(path, Host=host)
        assert (reply.status, code(reply)) == (421, "host_refused")


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:99", "127.0.0.1:8321", "[::1]:8321", NAME, f"{NAME}:443", f"{NAME}."],
)
def test_the_servers_own_names(server: RunningServer, host: str) -> None:
    assert server.get("/healthz", Host=host).status == 200


def test_two_hosts_or_none(server: RunningServer) -> None:
    """Programs differ in which of two they believe."""
    for head in ("Host: localhost\r\nHost: evil.example.org\r\n", ""):
        for version in ("1.0", "1.1"):
            with socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as raw:
                raw.sendall(f"GET /healthz HTTP/{version}\r\n{head}\r\n".encode())
                assert raw.recv(100).split()[1] in (b"400", b"421")


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example.org",
        "null",
        "file://",
        "http://localhost.evil.example.org",
        "http://localhost@evil.example.org",
        "chrome-extension://localhost",
        "ftp://localhost",
        "",
        "http://[::1",
    ],
)
def test_a_page_that_is_not_the_servers(server: RunningServer, origin: str) -> None:
    reply = server.ask("POST", "/mcp", b"{}", {"Origin": origin})
    assert (reply.status, code(reply)) == (403, "origin_refused")


def test_what_a_page_of_another_site_embeds(server: RunningServer) -> None:
    """It sends no origin; whether an image loads would reveal whether a file exists. Following a
    link reveals nothing."""
    embedded = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    reply = server.ask("GET", "/api/v1/indexes/1/files/a.py", headers=embedded)
    assert (reply.status, code(reply)) == (403, "origin_refused")
    followed = embedded | {"Sec-Fetch-Mode": "navigate"}
    assert server.ask("GET", "/healthz", headers=followed).status == 200
    own = embedded | {"Sec-Fetch-Site": "same-origin"}
    assert server.ask("GET", "/healthz", headers=own).status == 200


def test_what_a_page_at_another_port_sends(server: RunningServer) -> None:
    """It is of the same site, and its origin has a name of this server; but it may be another
    user's. Nor may a form of another site change anything, although its answer is shown as a
    page."""
    neighbour = {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}
    for mode in ("cors", "no-cors", "navigate"):
        sent = neighbour | {"Sec-Fetch-Mode": mode}
        reply = server.ask("POST", "/api/v1/queue/pause", headers=sent)
        assert (reply.status, code(reply)) == (403, "origin_refused")
    form = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert server.ask("POST", "/api/v1/queue/pause", headers=form).status == 403
    followed = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"}
    assert server.ask("GET", "/healthz", headers=followed).status == 200


def test_two_ways_to_say_where_a_request_ends(server: RunningServer) -> None:
    """Programs differ in which of them they trust; the rest is not taken for another request."""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as raw:
        raw.sendall(
            b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\n"
            b"Host: localhost\r\n\r\n"
        )
        answered = b"".join(iter(lambda: raw.recv(65_536), b""))
    assert answered.startswith(b"HTTP/1.1 400 ")
    assert answered.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("origin", ["http://localhost:8321", "http://127.0.0.1", f"https://{NAME}"])
def test_the_servers_own_pages(server: RunningServer, origin: str) -> None:
    assert server.get("/healthz", Origin=origin).status == 200


def test_a_body_that_is_too_large(server: RunningServer) -> None:
    """Known at once, or found while it arrives."""
    reply = server.ask("POST", "/api/v1/search", bytes(1_000_001))
    assert (reply.status, code(reply)) == (413, "body_too_large")

    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as raw:
        raw.sendall(b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(16):
            raw.sendall(b"10000\r\n" + bytes(0x10000) + b"\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 413 ")


def test_everything_needs_a_key_once_there_is_one(server: RunningServer) -> None:
    """From the next request on, without a restart; except the two open pages."""
    paths = ("/api/v1/indexes", "/mcp", "/docs", "/openapi.json", "/metrics", "/", "//healthz")
    assert server.get("/nothing").status == 404
    assert server.get("/nothing", X_API_KEY="removed").status == 401, "also where there is none"

    make_key(server, "ada", "read")
    for path in (*paths, "/healthz/", "/healthz/../docs", "/%2e/healthz", "/resident"):
        reply = server.get(path)
        assert (reply.status, code(reply)) == (401, "key_missing"), path
        assert reply.headers["www-authenticate"].startswith("Bearer")
    assert [server.get(path).status for path in ("/healthz", "/readyz")] == [200, 200]


def test_an_invalid_key(guarded: RunningServer) -> None:
    right = _secrets["ada"]
    for wrong in (right[:-1], right + "x", right.upper(), "x", "kodit_", "ä" * 40, "x" * 5000):
        for header in ({"X-API-KEY": wrong}, {"Authorization": f"Bearer {wrong}"}):
            reply = guarded.get("/nothing", **header)
            assert (reply.status, code(reply)) == (401, "key_unknown")
    assert guarded.get("/nothing", Authorization=f"Basic {right}").status == 401
    assert guarded.get(f"/nothing?key={right}&api_key={right}").status == 401


def test_a_key_is_sent_in_either_header(guarded: RunningServer) -> None:
    for name in ("ada", "bob"):
        secret = _secrets[name]
        assert guarded.get("/nothing", X_API_KEY=secret).status == 404
        assert guarded.get("/nothing", Authorization=f"Bearer {secret}").status == 404
        assert guarded.get("/nothing", Authorization=f"bearer  {secret}").status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/indexes"),
        ("DELETE", "/api/v1/indexes/1"),
        ("POST", "/api/v1/indexes/1/runs"),
        ("POST", "/api/v1/runs/1/cancel"),
        ("POST", "/api/v1/runs/1/retry"),
        ("POST", "/api/v1/queue/pause"),
        ("PUT", "/api/v1/search"),
        ("PATCH", "/mcp"),
        ("POST", "/api/v1/search/"),
        ("POST", "/api/v1/grep/../indexes"),
        ("BREW", "/api/v1/indexes"),
    ],
)
def test_a_key_for_reading_changes_nothing(guarded: RunningServer, method: str, path: str) -> None:
    reply = guarded.ask(method, path, b"{}", {"X-API-KEY": _secrets["ada"]})
    assert (reply.status, code(reply)) == (403, "key_may_not_write")
    reply = guarded.ask(method, path, b"{}", {"X-API-KEY": _secrets["bob"]})
    assert reply.status != 403


def test_a_key_for_reading_may_ask_by_post(guarded: RunningServer) -> None:
    for path in ("/api/v1/search", "/api/v1/grep", "/mcp"):
        reply = guarded.ask("POST", path, b"{}", {"X-API-KEY": _secrets["ada"]})
        assert reply.status not in (401, 403)


def test_a_key_that_is_removed(guarded: RunningServer) -> None:
    """While its holder is connected."""
    connection = http.client.HTTPConnection("127.0.0.1", guarded.port, timeout=PATIENCE_SECONDS)
    statuses = []
    for _ in range(2):
        connection.request("GET", "/nothing", headers={"X-API-KEY": _secrets["bob"]})
        with connection.getresponse() as response:
            statuses.append(response.status)
            response.read()
        guarded.command.run_here("keys", "remove", "bob")
    connection.close()
    assert statuses == [404, 401]


@pytest.mark.parametrize("content", ["{", "[{}]", '[{"name": 1}]', "[" * 100_000])
def test_a_file_of_keys_that_cannot_be_understood(guarded: RunningServer, content: str) -> None:
    """Every caller is refused."""
    keys_file(guarded).write_text(content)
    reply = guarded.get("/nothing", X_API_KEY=_secrets["bob"])
    assert (reply.status, code(reply)) == (503, "keys_unreadable")


def test_a_file_of_keys_that_others_may_write(guarded: RunningServer) -> None:
    keys_file(guarded).chmod(0o666)
    reply = guarded.get("/nothing", X_API_KEY=_secrets["bob"])
    assert (reply.status, code(reply)) == (503, "keys_unreadable")


def test_the_socket_needs_no_key(guarded: RunningServer) -> None:
    """Anyone who can open it is the user of the server, whatever host they name."""
    assert guarded.ask_locally("GET", "/nothing").status == 404
    reply = guarded.ask_locally("GET", "/healthz", Host="a", Origin="http://evil.example.org")
    assert reply.status == 200


def test_the_server_says_of_itself_only_over_its_socket(server: RunningServer) -> None:
    assert server.get("/resident").status == 404
    assert server.ask("POST", "/resident/end").status == 404
    assert server.ask_locally("GET", "/resident").json()["pid"] == server.process.pid


def test_nothing_is_said_of_the_program_that_serves(server: RunningServer) -> None:
    for reply in (server.get("/healthz"), server.get("/nothing")):
        assert "server" not in reply.headers
        assert "x-powered-by" not in reply.headers
        assert "date" in reply.headers


def test_what_a_proxy_says_is_not_believed(server: RunningServer) -> None:
    reply = server.get(
        "/resident", X_Forwarded_For="127.0.0.1", X_Forwarded_Host="localhost", Forwarded="for=::1"
    )
    assert reply.status == 404
    assert server.get("/healthz", Host="evil.example.org", X_Forwarded_Host=NAME).status == 421


def test_beyond_this_machine_only_with_keys(tmp_path: Path) -> None:
    command = KoditCommand(tmp_path / "data")
    outcome = command.run("serve", "--host", "0.0.0.0", "--port", "0")  # noqa: S104 - it is refused
    assert outcome.code == 2
    assert outcome.said == [
        "kodit: without a key, the server listens on this machine only, not on 0.0.0.0; "
        "`kodit keys add NAME --scope read` creates one"
    ]


def test_beyond_this_machine_nobody_comes_in_when_the_last_key_goes(tmp_path: Path) -> None:
    command = KoditCommand(tmp_path / "data")
    secret = command.run_here("keys", "add", "ada").out.strip()
    arguments = ("--host", "0.0.0.0", "--port", "0", "--no-worker")  # noqa: S104 - with a key
    with RunningServer(command, *arguments) as server:
        assert server.get("/nothing", X_API_KEY=secret).status == 404
        command.run_here("keys", "remove", "ada")
        assert server.get("/nothing", X_API_KEY=secret).status == 401
        assert server.get("/nothing").status == 401


def test_ten_thousand_connections_of_another_process(server: RunningServer) -> None:
    """Others are answered meanwhile, and the server keeps no more of them than its limit."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(server.port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        for _ in range(20):
            assert server.get("/readyz").status == 200
            assert server.ask_locally("GET", "/readyz").status == 200
        open_files = len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))
        assert open_files < 2000
    finally:
        holder.kill()
        holder.communicate()
    assert server.get("/readyz").status == 200


HOLD = """
import resource, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (20_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
held = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(10_000)]
print("held", flush=True)
sys.stdin.read()
"""
