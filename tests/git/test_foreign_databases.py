"""A database from somebody else has no authority: rows that nobody could have typed are refused,
and no terminal escape sequence in it is printed.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.command import KoditCommand
from tests.support.fixtures import kodit
from tests.support.snapshot import execute, read_rows
from tests.support.sources import python_function, write_file

from kodit.domain.errors import SourceError
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.sources.parsing import check_stored, parse_source
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite

__all__ = ["kodit"]

CODE = {"a.py": "def quartz():\n    return 1\n"}
HOSTILE = "evil\x1b[2J\x1b]0;x\x07"


@pytest.mark.parametrize(
    ("kind", "location"),
    [
        ("git", "ext::sh -c touch% sprung"),
        ("git", "--upload-pack=touch sprung"),
        ("git", "-c"),
        ("git", "https://ada:s3cret@git.example.org/x"),
        ("git", "https://git.example.org\\@evil.example/x"),
        ("git", "https://git.example.org/x\n"),
        ("git", "https://git.example.org/x?y"),
        ("git", "ftp://git.example.org/x"),
        ("git", "file://server/x"),
        ("git", "ssh://-oProxyCommand=touch/x"),
        ("git", "git@-oProxyCommand=touch:x"),
        ("git", "relative/path"),
        ("git", ""),
        ("folder", "relative/path"),
        ("folder", ""),
        ("folder", "/with\0zero"),
    ],
)
def test_a_stored_source_that_nobody_could_have_typed(kind: str, location: str) -> None:
    """It is refused before a program is started for it."""
    with pytest.raises(SourceError, match="is not valid; delete its index") as refused:
        check_stored(Source(SourceKind(kind), location))
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("location", [".", "source"])
def test_a_stored_source_is_not_parsed_again(
    location: str, kodit: KoditCommand, tmp_path: Path
) -> None:
    """A search that refreshes an index by its number would otherwise index the current folder."""
    here = tmp_path / "here"
    for name, text in CODE.items():
        write_file(here / "source" / name, text)
    kodit.succeed("index", here / "source")
    execute(kodit.data_dir, "UPDATE indexes SET location = ?", location)

    outcome = kodit.run("search", "quartz", "1", cwd=here)

    assert outcome.code == 2
    assert "is not valid; delete its index" in outcome.err
    assert read_rows(kodit.data_dir, "SELECT location FROM indexes") == [(location,)]


@pytest.mark.parametrize(
    "ref", ["--output=sprung", "-c", "a..b", "a b", "a\nb", "+x:y", "x^{tree}"]
)
def test_a_stored_ref_that_nobody_could_have_typed(ref: str) -> None:
    with pytest.raises(SourceError, match="is not valid; delete its index"):
        check_stored(Source(SourceKind.GIT, "https://git.example.org/x", ref))


@pytest.mark.parametrize(
    "typed",
    [
        "https://git.example.org/x.git",
        "https://user:p@Git.example.org:8443/@scope/x/@v1",
        "http://[::1]:80/x@main",
        "ssh://git@git.example.org:22/~x/y",
        "ssh://us%40er@git.example.org/x",
        "git://git.example.org/x@pkg@1.0",
        "git@git.example.org:x/y.git@main",
        "git@[::1]:x",
        "https://münchen.example/x",
        ".",
        "/",
    ],
)
def test_stored_sources_are_what_was_typed(typed: str, tmp_path: Path) -> None:
    """Every result of parsing is accepted."""
    check_stored(parse_source(typed, cwd=tmp_path).source)


def test_a_queued_run_of_a_source_that_executes(kodit: KoditCommand, tmp_path: Path) -> None:
    """Through the whole program: it fails permanently, with the reason."""
    write_file(tmp_path / "code" / "a.py", CODE["a.py"])
    kodit.succeed("index", "--no-wait", tmp_path / "code")
    execute(
        kodit.data_dir, "UPDATE indexes SET kind = 'git', location = 'ext::sh -c touch% sprung'"
    )
    write_file(tmp_path / "mine" / "a.py", CODE["a.py"])
    assert kodit.run("search", "quartz", tmp_path / "mine", cwd=tmp_path).code == 0
    assert read_rows(kodit.data_dir, "SELECT state FROM index_runs WHERE id = 1") == [("failed",)]
    assert not (tmp_path / "sprung").exists()
    assert "is not valid; delete its index" in kodit.run_here("queue", "show", "1").out


def test_a_password_in_a_stored_address_is_sent_to_nobody(
    kodit: KoditCommand, tmp_path: Path
) -> None:
    """As Kodit stores none: who asks for the index by its number is told so."""
    write_file(tmp_path / "code" / "a.py", CODE["a.py"])
    assert kodit.run_here("index", "--no-wait", tmp_path / "code").code == 0
    execute(
        kodit.data_dir, "UPDATE indexes SET kind = 'git', location = 'http://a:b@127.0.0.1:9/x'"
    )
    (said,) = kodit.run_here("index", "1").said
    assert "the stored source 'http://127.0.0.1:9/x' is not valid; delete its index" in said


def test_nothing_in_a_database_controls_the_terminal(kodit: KoditCommand, tmp_path: Path) -> None:
    """Every text of every table is hostile; printed text is escaped."""
    write_file(tmp_path / "code" / "a.py", python_function("quartz", "a b c".split()))
    kodit.succeed("index", tmp_path / "code")
    free = {
        "indexes": ("location", "ref", "credentials"),
        "files": ("problem",),
        "paths": ("path",),
        "versions": ("path", "problem", "language"),
        "snippets": ("symbol", "scope", "text", "language"),
        "task_attempts": ("worker", "error"),
        "tasks": ("error", "worker"),
        "enrichments": ("text",),
        "snippet_texts": ("text",),
    }
    with closing(sqlite3.connect(kodit.data_dir / "kodit.db")) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for table, columns in free.items():
            known = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            assert known.issuperset(columns), (table, known)
            for column in columns:
                connection.execute(f"UPDATE {table} SET {column} = ?", (HOSTILE,))  # noqa: S608
    workers = kodit.data_dir / "workers"
    (workers / f"{HOSTILE}.lock").touch()
    shown = 0
    for arguments in (
        *(["status"], ["queue", "list", "--all"], ["queue", "show", "1"], ["doctor"], ["ls"]),
        *(["search", "quartz"], ["search", "quartz", "--explain"], ["symbols", "quartz"]),
        *(["grep", "return"], ["read", "1", HOSTILE], ["index"], ["delete", HOSTILE]),
    ):
        for options in ([], ["--json"]):
            if options and arguments[0] == "delete":
                continue
            outcome = kodit.run_here(*arguments, *options)
            said = outcome.out + outcome.err
            assert "\x1b" not in said and "\x07" not in said, (arguments, said)
            shown += "evil" in said
    assert shown > 10


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("kind", "evil"), ("include", "x"), ("exclude", "1"), ("skipped", "[" * 100_000)),
        *(("created_at", 1 << 62), ("updated_at", "never")),
    ],
)
def test_a_row_that_nobody_could_have_stored(
    kodit: KoditCommand, tmp_path: Path, column: str, value: object
) -> None:
    """Gives one sentence, whatever is requested."""
    write_file(tmp_path / "code" / "a.py", CODE["a.py"])
    assert kodit.run_here("index", "--no-wait", tmp_path / "code").code == 0
    with closing(sqlite3.connect(kodit.data_dir / "kodit.db")) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(f"UPDATE indexes SET {column} = ?", (value,))  # noqa: S608
    for arguments in (["status"], ["search", "quartz", "--source", "1"]):
        outcome = kodit.run_here(*arguments)
        assert outcome.code != 0
        (said,) = outcome.said
        assert "index 1 cannot be read; restore a backup" in said


@pytest.mark.parametrize(
    "when",
    [
        *("INSERT ON snippets", "UPDATE ON files", "INSERT ON index_runs", "INSERT ON tasks"),
        *("UPDATE ON tasks", "INSERT ON task_attempts", "UPDATE ON indexes"),
    ],
)
def test_a_trigger_that_refuses_writes(kodit: KoditCommand, tmp_path: Path, when: str) -> None:
    """Gives one sentence, wherever it fires, and never the trigger's message alone."""
    write_file(tmp_path / "code" / "a.py", CODE["a.py"])
    assert kodit.run_here("index", tmp_path / "code").code == 0
    write_file(tmp_path / "code" / "a.py", CODE["a.py"] * 2)
    says = f"'trust\nme {'x' * 1000}'"
    execute(
        kodit.data_dir,
        f"CREATE TRIGGER mine BEFORE {when} BEGIN SELECT RAISE(ABORT, {says}); END",
    )
    outcome = kodit.run_here("index", tmp_path / "code")
    assert outcome.code not in (0, None)
    (said,) = [line for line in outcome.said if not line.startswith("[1] ")]
    assert "rejects what Kodit stores (trust me xxx" in said
    assert len(said) < 600
    errors = read_rows(kodit.data_dir, "SELECT error FROM tasks WHERE error IS NOT NULL")
    assert all("rejects what Kodit stores" in error for (error,) in errors)


def test_triggers_of_a_database_can_only_compute(tmp_path: Path) -> None:
    """And views: functions with side effects are not available to its schema."""
    database = SqliteDatabase(open_sqlite(tmp_path / "kodit.db"), tmp_path / "write.lock")
    with closing(database), database.read() as transaction:
        trusted = transaction.connection.exec_driver_sql("PRAGMA trusted_schema").scalar()
    assert trusted == 0
