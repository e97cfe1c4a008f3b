"""Real repositories made by the git command line, and a real git server on loopback."""

from __future__ import annotations

import base64
import http.server
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.command import PATIENCE_SECONDS

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


class Repository:
    """A git repository with a work tree."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._time = 1_700_000_000

    def git(
        self, *arguments: str, stdin: bytes | None = None, check: bool = True, **variables: str
    ) -> str:
        """Run git in the repository, which may fail without `check`; returns what it printed."""
        done = subprocess.run(
            ["git", "-C", str(self.path), *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            env=ENVIRONMENT | variables,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file of the work tree."""
        target = self.path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, files: dict[str, str] | None = None, author: str = "Ada") -> str:
        """Commit the work tree, one hour after the last commit; returns the commit's id."""
        for path, content in (files or {}).items():
            self.write(path, content)
        self.git("add", "--all", "--force", ".")
        self._time += 3600
        date = f"{self._time} +0000"
        self.git(
            "commit",
            "--quiet",
            "--allow-empty",
            "--message=change",
            GIT_AUTHOR_NAME=author,
            GIT_AUTHOR_EMAIL=f"{author.lower()}@example.org",
            GIT_AUTHOR_DATE=date,
            GIT_COMMITTER_DATE=date,
        )
        return self.git("rev-parse", "HEAD")

    @property
    def url(self) -> str:
        return self.path.as_uri()


MakeRepository = Callable[..., Repository]


@pytest.fixture
def make_repository(tmp_path: Path) -> MakeRepository:
    """Makes repositories, each with its branch `main`."""

    def make(name: str = "origin", *options: str) -> Repository:
        path = tmp_path / name
        path.mkdir(parents=True)
        repository = Repository(path)
        repository.git("init", "--quiet", "--initial-branch=main", *options)
        return repository

    return make


class GitServer(http.server.ThreadingHTTPServer):
    """Serves the repositories below a folder by `git http-backend`.

    `mode` is its reaction to every request: serve, or answer with that status, or `hang`, or
    `redirect` to `elsewhere`, or do so only `redirect after the password`. With `password` it
    requires credentials; with `oldest_protocol` it does not support version 2.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.mode: str | int = "serve"
        self.password = ""
        self.elsewhere = ""
        self.oldest_protocol = False
        self.requests: list[tuple[str, str, str]] = []
        """The method, path and authorisation of each request."""
        self.released = threading.Event()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def url(self, name: str, credentials: str = "") -> str:
        """The URL of a repository below the folder."""
        return f"http://{credentials}{self.host}/{name}"

    def fetches(self) -> int:
        """The number of requests for anything beyond the list of refs."""
        return sum("fetch" in kind for kind, _, _ in self.requests)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: GitServer
    protocol_version = "HTTP/1.0"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def _answer(self, body: bytes) -> None:
        server = self.server
        kind = f"{self.command} {'fetch' if b'command=fetch' in body else ''}"
        authorisation = self.headers.get("Authorization", "")
        server.requests.append((kind, self.path, authorisation))
        if server.mode == "hang":
            server.released.wait(60)
            return
        if server.mode == "redirect":
            self._send_elsewhere()
            return
        if isinstance(server.mode, int):
            self.send_error(server.mode)
            return
        if server.password and not self._is_welcome(authorisation):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="test"')
            self.end_headers()
            return
        if server.mode == "redirect after the password":
            self._send_elsewhere()
            return
        self._serve(body)

    def _send_elsewhere(self) -> None:
        self.send_response(301)
        self.send_header("Location", self.server.elsewhere + self.path)
        self.end_headers()

    def _is_welcome(self, authorisation: str) -> bool:
        given = base64.b64decode(authorisation.removeprefix("Basic ")).decode()
        return self.server.password in given.split(":")

    def _serve(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        done = subprocess.run(
            ["git", "http-backend"],
            input=body,
            capture_output=True,
            check=False,
            env=ENVIRONMENT
            | {
                "GIT_PROJECT_ROOT": str(self.server.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": ""
                if self.server.oldest_protocol
                else self.headers.get("Git-Protocol", ""),
            },
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[[], GitServer]]:
    """Starts servers for the repositories below the test's folder."""
    servers: list[tuple[GitServer, threading.Thread]] = []

    def make() -> GitServer:
        server = GitServer(tmp_path)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        servers.append((server, thread))
        return server

    yield make
    for server, thread in servers:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server(make_server: Callable[[], GitServer]) -> GitServer:
    """One server."""
    return make_server()


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> bool:
    """Whether a condition comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
