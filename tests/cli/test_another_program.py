"""The database of another program in Kodit's default data directory."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.mcp.front import RunningFront
from tests.support.command import KoditCommand

from kodit import Kodit, UserError
from kodit.infrastructure.another_program import another_database

LATER = """
    CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
    CREATE TABLE git_repos (
        id INTEGER NOT NULL PRIMARY KEY, created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL,
        sanitized_remote_uri VARCHAR(1024) NOT NULL, remote_uri VARCHAR(1024) NOT NULL,
        cloned_path VARCHAR(1024), last_scanned_at DATETIME, num_commits INTEGER NOT NULL,
        num_branches INTEGER NOT NULL, num_tags INTEGER NOT NULL,
        tracking_type VARCHAR(255) NOT NULL, tracking_name VARCHAR(255) NOT NULL
    );
    CREATE UNIQUE INDEX ix_git_repos_sanitized_remote_uri ON git_repos (sanitized_remote_uri);
    CREATE TABLE git_commits (commit_sha VARCHAR(64) NOT NULL PRIMARY KEY, repo_id INTEGER);
    CREATE TABLE snippets_v2 (sha VARCHAR(64) NOT NULL PRIMARY KEY, content TEXT NOT NULL);
    CREATE TABLE commit_indexes (commit_sha VARCHAR(64) NOT NULL PRIMARY KEY, status VARCHAR(255));
    CREATE TABLE tasks (id INTEGER NOT NULL PRIMARY KEY, dedup_key VARCHAR(255), type VARCHAR(255));
    CREATE TABLE embeddings (id INTEGER NOT NULL PRIMARY KEY, snippet_id VARCHAR(64));
    INSERT INTO alembic_version VALUES ('f9e5ef5e688f');
    INSERT INTO git_repos VALUES (1, '2025-10-01', '2025-10-01', 'https://example.org/a/shop',
        'https://me:hunter2@example.org/a/shop', '/root/.kodit/clones/1', NULL, 3, 1, 0, 'branch',
        'main');
    INSERT INTO git_repos VALUES (2, '2025-10-01', '2025-10-01', 'https://example.org/b/till',
        'https://example.org/b/till', NULL, NULL, 0, 0, 0, 'branch', 'main');
"""
EARLIER = """
    CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
    CREATE TABLE sources (
        id INTEGER NOT NULL PRIMARY KEY, created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL,
        uri VARCHAR(1024) NOT NULL, cloned_path VARCHAR(1024) NOT NULL
    );
    CREATE TABLE indexes (id INTEGER NOT NULL PRIMARY KEY, source_id INTEGER NOT NULL);
    CREATE TABLE files (id INTEGER NOT NULL PRIMARY KEY, source_id INTEGER NOT NULL, uri TEXT);
    CREATE TABLE snippets (id INTEGER NOT NULL PRIMARY KEY, file_id INTEGER NOT NULL);
    INSERT INTO alembic_version VALUES ('9cf0e87de578');
    INSERT INTO sources VALUES (1, '2025-06-01', '2025-06-01',
        'https://me:hunter2@example.org/a/shop', '/root/.kodit/clones/a');
    INSERT INTO sources VALUES (2, '2025-06-01', '2025-06-01', '/home/me/till', '/home/me/till');
"""
WITHOUT_REVISION = LATER.replace("alembic_version", "schema_migrations")
SOURCES = {
    "later": ("https://example.org/a/shop", "https://example.org/b/till"),
    "earlier": ("https://example.org/a/shop", "/home/me/till"),
    "without_revision": ("https://example.org/a/shop", "https://example.org/b/till"),
    "unrelated": (),
}
SCHEMAS = {
    "later": LATER,
    "earlier": EARLIER,
    "without_revision": WITHOUT_REVISION,
    "unrelated": "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT);",
}


def make(folder: Path, schema: str, *, in_log: bool = False) -> Path:
    """The other program's data directory, with a clone in it."""
    (folder / "clones" / "1").mkdir(parents=True)
    (folder / "clones" / "1" / "config").write_text("theirs")
    (folder / ".env").write_text("DEFAULT_ENDPOINT_TYPE=openai\n")
    path = folder / "kodit.db"
    with closing(sqlite3.connect(path)) as connection:
        if in_log:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(schema)
    return path


def state(folder: Path) -> dict[str, tuple[str, int]]:
    """The content and the time of each file."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def at_home(tmp_path: Path) -> KoditCommand:
    """Kodit for a user without any settings."""
    command = KoditCommand(tmp_path / "unused", HOME=str(tmp_path))
    del command.environment["KODIT_DATA_DIR"]
    return command


@pytest.mark.parametrize("name", sorted(SCHEMAS))
@pytest.mark.parametrize("in_log", [False, True], ids=["plain", "write_ahead"])
def test_its_sources_are_read_without_changes(name: str, in_log: bool, tmp_path: Path) -> None:
    path = make(tmp_path / "data", SCHEMAS[name], in_log=in_log)
    before = state(path.parent)

    another = another_database(path)

    assert another is not None
    assert another.sources == SOURCES[name]
    assert state(path.parent) == before


def test_its_write_ahead_log_is_read_too(tmp_path: Path) -> None:
    """While the other program runs, all of its data may still be in the log."""
    path = tmp_path / "kodit.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(LATER)
        another = another_database(path)
        assert another is not None
        assert another.sources == SOURCES["later"]


@pytest.mark.parametrize("content", [None, b"", b"no database at all" * 100], ids=repr)
def test_no_other_database(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "kodit.db").write_bytes(content)
    assert another_database(tmp_path / "kodit.db") is None


def test_our_own_database_is_recognised(tmp_path: Path) -> None:
    """Also while it is open, and after a migration down to no tables."""
    with Kodit(tmp_path) as kodit:
        kodit.status()
        assert another_database(tmp_path / "kodit.db") is None
    assert another_database(tmp_path / "kodit.db") is None
    with closing(sqlite3.connect(tmp_path / "empty.db")) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    assert another_database(tmp_path / "empty.db") is None


@pytest.mark.parametrize(
    "arguments",
    [("status",), ("search", "x"), ("doctor",), ("serve",), ("connect", "cursor", "--project")],
)
@pytest.mark.parametrize("name", ["later", "without_revision"])
def test_a_data_directory_that_was_named_is_refused(
    name: str,
    arguments: tuple[str, ...],
    kodit: KoditCommand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In one sentence with advice; nothing is written beside the database."""
    monkeypatch.chdir(tmp_path)  # where a client would be connected
    make(kodit.data_dir, SCHEMAS[name])
    (kodit.data_dir / ".env").unlink()
    before = state(kodit.data_dir)

    outcome = kodit.run_here(*arguments)

    assert outcome.code == 2, outcome
    assert outcome.said == [
        f"kodit: {kodit.data_dir}/kodit.db is the database of another program, which may also be "
        "called kodit; it was left unchanged; choose another data directory with --data-dir or "
        "KODIT_DATA_DIR"
    ]
    assert state(kodit.data_dir) == before
    with Kodit(kodit.data_dir) as api, pytest.raises(UserError) as refused:
        api.status()
    assert refused.value.code == "database_of_another"


def test_no_server_is_started_for_an_assistant(kodit: KoditCommand, tmp_path: Path) -> None:
    """Its log would be written beside the database."""
    make(kodit.data_dir, LATER)
    (kodit.data_dir / ".env").unlink()
    before = state(kodit.data_dir)

    with RunningFront(kodit, tmp_path) as front:
        answer = front.answer(front.call("search", query="x"))

    assert "is the database of another program" in json.dumps(answer)
    assert "--data-dir" in json.dumps(answer)
    assert state(kodit.data_dir) == before


def test_a_user_of_the_other_program_gets_another_directory(
    at_home: KoditCommand, tmp_path: Path
) -> None:
    """Kodit uses the alternative data directory, and lists the other program's sources."""
    path = make(tmp_path / ".kodit", LATER)
    before = state(path.parent)
    source = tmp_path / "shop"
    source.mkdir()
    (source / "cart.py").write_text("def add_to_cart():\n    pass\n")

    first = at_home.run("status")

    assert first.code == 0
    assert first.said == [
        "Nothing is indexed yet; `kodit index SOURCE` adds a git URL or a folder.",
        f"{path} is the database of another program and is left unchanged; Kodit keeps its own "
        f"data in {tmp_path}/.kodit-search.",
        "To index the same sources:",
        "  kodit index https://example.org/a/shop https://example.org/b/till",
    ]
    assert "hunter2" not in first.err
    assert at_home.run("index", source).code == 0
    assert at_home.run("search", "add_to_cart", "--all").code == 0
    examined = at_home.run("doctor")
    assert examined.code == 0
    assert any("another program" in line for line in examined.said)
    assert (tmp_path / ".kodit-search" / "kodit.db").exists()
    assert state(path.parent) == before


def test_other_users_keep_the_default_directory(at_home: KoditCommand, tmp_path: Path) -> None:
    assert at_home.run("status").code == 0
    assert not (tmp_path / ".kodit-search").exists()
    assert (tmp_path / ".kodit" / "kodit.db").exists()
    again = at_home.run("status")
    assert (again.code, len(again.said)) == (0, 1)
