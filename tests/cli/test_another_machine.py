"""`--server URL`: a server that is used over the network, like one on another machine."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.command import KoditCommand, Outcome, succeeded
from tests.support.server import RunningServer
from tests.support.sources import (
    commit_all,
    python_function,
    wait_until_old,
    write_file,
    write_tree,
)

from kodit.faces.cli import remote

ANSWERS = [
    "search quartz",
    "search quartz -s 1 -n 1 --explain",
    "search quartz --path nothing/**",
    "search quartz -n 700 --path deep/ --offset 9",
    "search quartz -s 99",
    "search quartz -s 1 -s 99",
    "grep quartz",
    "grep quartz -i -C 1 -n 2",
    "grep ( 1",
    "grep quartz -s 99 -s 1 -s 1",
    "grep shared --path nothing/** --language python",
    "ls",
    "ls 1 deep/*",
    "ls --language cobol",
    "ls --path *.py --files",
    "ls 99",
    "ls -s 99 -s folder",
    "read 1 deep/quartz.py",
    "read 1 deep/quartz.py:1-2",
    "read deep/quartz.py",
    "read shared.py",
    "read 1 nothing.py",
    "read 99 shared.py",
    "read 1 deep/quartz.py:900",
    "symbols quartz",
    "symbols nothing_is_called_this",
    "symbols quarz",
    "symbols folder quartz",
    "describe overview nothing_at_all",
    "describe usage nothing_at_all -s 1 -s 2",
    "describe interface folder",
    "read deep/quartz.py folder",
    "symbols quartz -s 99 -s 1 -n 1",
    "related 1 deep/quartz.py:1",
    "related 1 deep/quartz.py:1 --all --language python --path nothing/**",
    "status",
    "status 1",
    "status 99",
    "status folder",
    "status der",
    "search quartz -s folder",
    "ls repository",
    "read repository shared.py",
    "read shared.py -s folder -s repository",
    "related deep/quartz.py:1 -s repository -s folder",
    "related shared.py:1 -s repository -s folder",
    "queue list",
    "queue list --all -n 1",
    "queue show 1",
    "queue show 99",
    "queue cancel 1",
    "queue retry 99",
]
"""What a user sees who stands in no indexed folder is the same from far away."""


class Far:
    """A server with a folder and a repository, and a command that knows only its address."""

    def __init__(self, place: Path, server: RunningServer) -> None:
        self.place = place
        self.near = server.command
        self.server = server
        self.key = self.near.succeed("keys", "add", "writer", "--scope", "write").out.strip()
        self.kodit = KoditCommand(
            place / "elsewhere",
            KODIT_SERVER=f"http://127.0.0.1:{server.port}",
            KODIT_API_KEY=self.key,
        )
        del self.kodit.environment["KODIT_DATA_DIR"]
        self.kodit.environment["HOME"] = str(place / "home")

    def run(self, *arguments: str | Path) -> Outcome:
        return self.kodit.run_here(*arguments)


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    place = tmp_path_factory.mktemp("far").resolve()
    for name in ("folder", "repository", "later"):
        write_tree(place / name, files=2)
        write_file(place / name / "shared.py", "shared = 1\n")
    write_file(place / "folder" / "deep" / "quartz.py", python_function("quartz", "a b c".split()))
    commit_all(place / "repository")
    kodit = KoditCommand(place / "data", KODIT_ALLOWED_ROOTS=str(place))
    kodit.succeed("index", place / "folder", (place / "repository").as_uri())
    wait_until_old(place / "folder")
    succeeded(kodit.run_here("index", place / "folder"))
    with RunningServer(kodit, "--port", "0", "--workers", "1") as server:
        yield Far(place, server)


def timeless(text: str) -> str:
    """Without ages, and without the server's own disk usage."""
    text = re.sub(r"^On disk: .*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"\d+ (s|min) ago", "0 s ago", text)


def placeless(text: str, far: Far) -> str:
    """Without absolute paths, which are printed where a file can be opened."""
    return re.sub(rf"{far.place}/folder[/ ]|\[1\] ", "", text)


@pytest.mark.parametrize("command", ANSWERS)
def test_an_answer(command: str, far: Far) -> None:
    """Text, messages and exit code are those of the same command on the server's machine."""
    near, there = far.near.run_here(*command.split()), far.run(*command.split())

    assert (there.code, placeless(timeless(there.out), far)) == (
        near.code,
        placeless(timeless(near.out), far),
    )
    # Where the user stands means nothing over there.
    said = re.sub(r"^The current folder is in no index; .*\n", "", near.err, flags=re.MULTILINE)
    assert timeless(there.err) == timeless(said)
    assert not (far.place / "home").exists()


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("search quartz -n 8", "results"),
        ("search quartz -n 8 --offset 2", "results"),
        ("grep e -n 20", "matches"),
        ("ls", "files"),
        ("symbols shared -n 4", "references"),
        ("queue list --all", "runs"),
        ("status", "indexes"),
    ],
)
def test_pages_are_combined(
    command: str, name: str, far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages are put together up to the requested number of results."""
    monkeypatch.setattr(remote, "MOST_AT_ONCE", 3)
    near, there = (one.ask(*command.split())[name] for one in (far.near, far.kodit))

    identity = ("id", "path", "line", "start_line")
    assert [[one.get(part) for part in identity] for one in there] == [
        [one.get(part) for part in identity] for one in near
    ]
    assert there or name == "references"


@pytest.mark.parametrize(
    "command",
    [
        "search quartz -s {}",
        "grep quartz {}",
        "ls {}",
        "read {} quartz.py",
        "related {} quartz.py:1",
    ],
)
def test_a_folder_below_an_indexed_one(command: str, far: Far) -> None:
    """It selects that part of its index, also over the network."""
    words = [word.format(far.place / "folder" / "deep") for word in command.split()]
    near, there = far.near.run_here(*words), far.run(*words)

    assert near.code == 0
    assert (there.code, there.err) == (0, near.err)
    assert placeless(timeless(there.out), far) == placeless(timeless(near.out), far)


def test_one_page_hides_no_index(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second index is found by name, however few a page contains."""
    monkeypatch.setattr(remote, "MOST_AT_ONCE", 1)

    assert [index["id"] for index in far.kodit.ask("status")["indexes"]] == [1, 2]
    assert far.run("ls", "repository", "shared.py").out.endswith("shared.py\n")


def test_the_life_of_an_index(far: Far) -> None:
    """Added, searched after a refresh, and deleted, all by the server."""
    later = far.place / "later"
    assert far.run("index", far.place.parent).said[0].startswith("kodit: ")

    indexed = far.run("index", later)
    assert (indexed.code, indexed.err) == (0, "")
    assert f"] {later}: 3 files" in indexed.out

    write_file(later / "opal.py", python_function("opal", "d e f".split()))
    assert "opal.py" in far.run("search", "opal", later).out
    [index] = json.loads(far.run("status", later, "--json").out)["indexes"]
    assert index["run"]["state"] == "succeeded"

    options = ("--include", "*.py", "--exclude", "docs/", "--sync-every", "2h")
    assert far.run("index", later, *options, "--no-wait").said == [
        f"Queued; the workers of {far.kodit.environment['KODIT_SERVER']} will do the work."
    ]
    [index] = json.loads(far.near.run_here("status", later, "--json").out)["indexes"]
    chosen = (index["include"], index["exclude"], index["sync_every"])
    assert chosen == (["*.py"], ["docs/"], 7200)
    both = far.run("index", later, later, far.place / "nowhere")
    assert (both.code, len(both.out.splitlines())) == (1, 4)
    assert [line for line in both.said if line.startswith("kodit: ")] == both.said[-1:]

    deleted = far.run("delete", later)
    assert deleted.said == [f"Deleted index {index['id']} of {later}."]
    assert far.run("delete", later).said[0].startswith(f"kodit: {later} is not indexed; ")


def test_an_index_whose_source_callers_may_not_add(far: Far, tmp_path: Path) -> None:
    """They may refresh it by any of its names."""
    write_file(tmp_path / "own" / "topaz.py", python_function("topaz", "a b c".split()))
    (own,) = far.near.ask("index", tmp_path / "own")["indexes"]
    try:
        names = (str(own["id"]), "own", str(tmp_path / "own"))
        refreshed = [far.run("index", name) for name in names]
        found = far.run("search", "topaz", "own", "--files")
    finally:
        succeeded(far.near.run_here("delete", str(own["id"])))
    refused = far.run("index", tmp_path / "own")

    for one in refreshed:
        assert (one.code, f"[{own['id']}] {tmp_path / 'own'}" in one.out) == (0, True)
    assert (found.code, found.out) == (0, "topaz.py\n")
    assert (refused.code, "may not be added" in refused.err) == (2, True)


def test_the_queue(far: Far) -> None:
    assert far.run("queue", "pause").said[0] == "Paused; running tasks finish first."
    assert far.run("queue", "pause").said[0] == "The queue was already paused."
    assert "paused" in far.near.run_here("queue", "list").out
    assert far.run("queue", "resume").said[0] == "Resumed."
    assert far.run("queue", "resume").said[0] == "The queue was not paused."


@pytest.mark.parametrize("command", ["doctor", "worker", "serve", "keys list", "savings"])
def test_local_sources_on_another_machine(command: str, far: Far) -> None:
    """Local options are refused if another machine is named, and the variable leaves them alone."""
    outcome = far.run(*command.split(), "--server", far.kodit.environment["KODIT_SERVER"])

    assert outcome.code == 2
    assert outcome.said == [
        f"kodit: `kodit {command}` works on the data of this machine and does not take --server; "
        "run it where the server runs"
    ]


def test_a_dry_run_is_made_where_the_source_is(far: Far, tmp_path: Path) -> None:
    """The other machine has settings of its own."""
    outcome = far.run("index", "--dry-run", tmp_path)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.said[0].startswith("kodit: a dry run reads the sources on this machine, not on ")
    assert outcome.said[0].endswith("; leave out the server")


def test_a_named_data_directory_overrules_the_variable(far: Far) -> None:
    """It overrules the variable; naming both is refused."""
    empty = far.place / "empty"
    assert far.run("status", "--data-dir", empty).said[0].startswith("Nothing is indexed yet")

    outcome = far.run("status", "--data-dir", empty, "--server", "http://127.0.0.1:1")
    assert (outcome.code, len(outcome.said)) == (2, 1)


@pytest.mark.parametrize(
    ("url", "key", "code", "sentence"),
    [
        ("http://127.0.0.1:{port}", "", 2, "a key is needed"),
        ("http://127.0.0.1:{port}", "kodit_wrong", 2, "the key is not known to this server"),
        ("http://127.0.0.1:{port}", "no\nkey", 2, "KODIT_API_KEY is not a key"),
        ("http://127.0.0.1:1", "", 2, "the server http://127.0.0.1:1 does not answer: "),
        ("http://127.0.0.1:{port}/nowhere", "{key}", 2, "there is nothing at this path"),
        ("127.0.0.1:{port}", "", 2, "is not the address of a server, which looks like https://"),
        ("ftp://127.0.0.1", "", 2, "is not the address of a server, which looks like https://"),
        ("http://ada:secret@127.0.0.1", "", 2, "'127.0.0.1' is not the address of a server"),
    ],
)
def test_a_server_that_does_not_answer(
    url: str, key: str, code: int, sentence: str, far: Far
) -> None:
    """One sentence says why, and no secret."""
    named = {"port": far.server.port, "key": far.key}
    kodit = KoditCommand(far.place / "unused", KODIT_API_KEY=key.format(**named))
    outcome = kodit.run_here("search", "quartz", "--server", url.format(**named))

    assert (outcome.code, len(outcome.said)) == (code, 1)
    assert sentence in outcome.said[0]
    assert "secret" not in outcome.err


class Stranger(http.server.BaseHTTPRequestHandler):
    """Some other server: what it answers is in the path."""

    def do_GET(self) -> None:
        status = 302 if "/away/" in self.path else 200
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()
        self.wfile.write(b"<p>Welcome" if "/page/" in self.path else b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("page", "does not answer as a Kodit server does (status 200)"),
        ("away", "does not answer as a Kodit server does (status 302)"),
        ("empty", "answers in a way that this version of Kodit does not understand"),
    ],
)
def test_a_server_that_is_not_kodit(path: str, sentence: str, tmp_path: Path) -> None:
    """It is told apart from a server that does not answer; a redirect is not followed with the
    key."""
    with http.server.HTTPServer(("127.0.0.1", 0), Stranger) as stranger:
        thread = threading.Thread(target=stranger.serve_forever, args=(0.01,))
        thread.start()
        address = f"http://127.0.0.1:{stranger.server_port}/{path}"
        kodit = KoditCommand(tmp_path / "unused", KODIT_API_KEY="kodit_secret")
        outcome = kodit.run_here("status", "--server", address)
        stranger.shutdown()
        thread.join()

    assert (outcome.code, len(outcome.said)) == (1, 1)
    assert sentence in outcome.said[0]
