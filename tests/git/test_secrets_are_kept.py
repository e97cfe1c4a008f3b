"""A secret is in its file of mode 0600 and nowhere else: through every command and mishap."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from tests.support.command import KoditCommand, Outcome
from tests.support.fixtures import kodit
from tests.support.snapshot import read_rows

if TYPE_CHECKING:
    from tests.git.conftest import GitServer, MakeRepository

__all__ = ["kodit"]

FIRST, SECOND = "f1rst/s3cret@t0ken%20", "s3c0nd+t0ken&so"
EVERYTHING = (
    ["status", "--json"],
    ["status"],
    ["doctor", "--json"],
    ["doctor"],
    ["queue", "list", "--all", "--json"],
    ["queue", "show", "1"],
    ["ls", "1"],
    ["search", "quartz", "--json"],
)


def forms(secret: str) -> Iterator[bytes]:
    """A secret as it appears in a URL, in JSON, in a header, and in plain text."""
    for text in (secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1]):
        yield text.encode()
    for text in (secret, f"user:{secret}", f"{secret}:"):
        # What is next to it may change the last digits.
        yield base64.b64encode(text.encode())[:-4]


def tells(data: bytes) -> bool:
    return any(form in data for secret in (FIRST, SECOND) for form in forms(secret))


class Watched:
    """The command line, with all its logs; after each command all its output and files are
    searched.
    """

    def __init__(self, data_dir: Path) -> None:
        self.kodit = KoditCommand(
            data_dir, KODIT_LOG_LEVEL="debug", KODIT_MAX_FAILURES="1", TOKEN_OF_TEST=f"user:{FIRST}"
        )

    def run(self, *arguments: str) -> Outcome:
        return self._searched(self.kodit.run(*arguments), arguments)

    def _searched(self, outcome: Outcome, arguments: Sequence[str]) -> Outcome:
        assert not tells(outcome.out.encode()), arguments
        assert not tells(outcome.err.encode()), arguments
        return outcome

    def holders(self) -> list[Path]:
        """The files that contain a secret; no other user may read one of them."""
        data_dir = self.kodit.data_dir
        files = [path for path in data_dir.rglob("*") if path.is_file()]
        assert data_dir / "kodit.db" in files
        found = [path for path in files if tells(path.read_bytes())]
        for path in found:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        return found

    def look_around(self) -> None:
        for arguments in EVERYTHING:
            self._searched(self.kodit.run_here(*arguments), arguments)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "data")


def kept(watched: Watched) -> list[Path]:
    """The file that contains a secret, if any: the one that the database names."""
    found = watched.holders()
    named = read_rows(watched.kodit.data_dir, "SELECT credentials FROM indexes")
    assert [(f"file:{path.name}",) for path in found] == named
    assert [path.parent.name for path in found] == ["credentials"] * len(found)
    return found


@pytest.mark.slow
def test_a_password_in_a_url(
    make_repository: MakeRepository, server: GitServer, watched: Watched
) -> None:
    """Indexed, replaced, refused, out of order, searched with, and deleted."""
    origin = make_repository()
    origin.commit({"a.py": "def quartz():\n    return 1\n"})
    server.password = FIRST

    def url(secret: str, repository: str = "origin/.git") -> str:
        return server.url(repository, f"user:{quote(secret, safe='')}@")

    assert watched.run("index", url(FIRST)).code == 0
    (first,) = kept(watched)
    watched.look_around()

    server.password = SECOND
    origin.commit({"b.py": "def marrow():\n    return 2\n"})
    assert watched.run("index", url(FIRST)).code == 1  # these are known; it is the server's doing
    assert watched.run("index", url("wrong")).code == 2
    assert kept(watched) == [first]
    assert watched.run("index", url(SECOND)).code == 0
    (second,) = kept(watched)
    assert second != first

    for mode in (503, 401):
        server.mode = mode
        origin.commit({"c.py": f"def spindle():\n    return {mode}\n"})
        assert watched.run("index", server.url("origin/.git")).code == 1
        watched.look_around()
        assert watched.run("index", url(SECOND, "other/.git")).code == 2
        assert watched.run("search", "quartz", url(SECOND)).code == 0  # what is known of it
        assert kept(watched) == [second]
    server.mode = "serve"
    for mistake in (
        url(SECOND).replace("http:", "ftp:"),
        url(SECOND).replace("http:", "ssh:"),
        f"{url(SECOND)}@{'1' * 40}",
        f"{server.url('origin/.git')}?token={SECOND}",
        f"ext::{url(SECOND)}",
        f"https//user:{SECOND}@example.org/x",
    ):
        assert watched.run("index", mistake).code == 2, mistake
    assert watched.run("delete", url(SECOND, "other/.git")).code == 2
    assert kept(watched) == [second]

    assert watched.run("delete", url(SECOND)).code == 0
    assert kept(watched) == []
    watched.look_around()


@pytest.mark.slow
def test_a_token_in_a_variable(
    make_repository: MakeRepository, server: GitServer, watched: Watched
) -> None:
    """It is in no file at all, whatever happens."""
    origin = make_repository()
    origin.commit({"a.py": "def quartz():\n    return 1\n"})
    server.password = FIRST
    url = server.url("origin/.git")

    assert watched.run("index", "--credentials", "env:TOKEN_OF_TEST", url).code == 0
    watched.look_around()
    for given in (FIRST, f"user:{FIRST}", f"env:{FIRST}"):
        assert watched.run("index", "--credentials", given, url).code == 2
    origin.commit({"b.py": "def marrow():\n    return 2\n"})
    server.password = SECOND
    assert watched.run("index", url).code == 1
    watched.look_around()
    assert watched.holders() == []

    assert watched.run("delete", url).code == 0
    assert watched.holders() == []


def test_only_this_user_can_read_what_is_written(
    make_repository: MakeRepository, kodit: KoditCommand
) -> None:
    """With any umask: the database by its own mode, everything else by that of its folder, so that
    a data directory with a wider mode exposes nothing.
    """
    origin = make_repository()
    origin.commit({"a.py": "def quartz():\n    return 1\n"})
    kodit.data_dir.mkdir(mode=0o755)

    assert kodit.run("index", origin.url, umask=0).code == 0

    def others_may(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode) & 0o077

    written = {path.name for path in kodit.data_dir.iterdir()}
    assert {"kodit.db", "keyword", "clones", "workers"} <= written
    assert [path.name for path in kodit.data_dir.iterdir() if others_may(path)] == []
