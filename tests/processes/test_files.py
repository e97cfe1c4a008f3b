"""Files that Kodit makes: their owner and mode, the state after an error, and the message on a full
disk.
"""

from __future__ import annotations

import json
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kodit.composition.sqlite_store import SqliteStore
from kodit.domain.errors import SettingError, TransientError, UserError
from kodit.domain.keys import Key, KeyScope
from kodit.domain.savings import Cost, Savings
from kodit.infrastructure import files, savings_file
from kodit.infrastructure.data_directory import (
    clear_derived,
    is_read_only,
    make_data_directory,
)
from kodit.infrastructure.descriptors import NEEDED, check_descriptors
from kodit.infrastructure.home import expand_home, home_folder
from kodit.infrastructure.hosts import SystemHostResolver
from kodit.infrastructure.keys_file import KeysFile
from kodit.infrastructure.savings_file import SavingsFile
from kodit.infrastructure.trust import open_plain_file, read_trusted_file
from kodit.infrastructure.work_log import VARIABLE, record_work
from kodit.settings import Settings


@pytest.fixture(autouse=True)
def _no_umask() -> Iterator[None]:
    """So that modes are as requested."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def _open_files() -> Iterator[tuple[int, int]]:
    """Device and inode of all open files of this process."""
    for descriptor in range(resource.getrlimit(resource.RLIMIT_NOFILE)[0])[:4096]:
        with suppress(OSError):
            found = os.fstat(descriptor)
            yield found.st_dev, found.st_ino


def test_new_files_belong_to_this_user_alone(tmp_path: Path) -> None:
    """Existing files are not changed."""
    files.make_private(tmp_path / "kodit.db")
    files.make_private_folder(tmp_path / "a" / "b")
    files.write_atomically(tmp_path / "whole", b"new")
    os.close(open_plain_file(tmp_path / "log", os.O_WRONLY | os.O_CREAT))
    for name, mode in {"kodit.db": 0o600, "a": 0o700, "a/b": 0o700}.items():
        assert mode_of(tmp_path / name) == mode
    assert (mode_of(tmp_path / "whole"), mode_of(tmp_path / "log")) == (0o600, 0o600)
    (tmp_path / "kodit.db").write_bytes(b"rows")
    (tmp_path / "kodit.db").chmod(0o640)
    (tmp_path / "a").chmod(0o750)
    files.make_private(tmp_path / "kodit.db")
    files.make_private_folder(tmp_path / "a")
    assert (tmp_path / "kodit.db").read_bytes() == b"rows"
    assert (mode_of(tmp_path / "kodit.db"), mode_of(tmp_path / "a")) == (0o640, 0o750)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    """And nothing else; its error names the file."""
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    for error, named in (
        (OSError(28, "No space left on device"), str(path)),
        (OSError(13, "Permission denied", "/elsewhere"), "/elsewhere"),
        (KeyboardInterrupt(), None),
    ):
        with pytest.raises(type(error)) as told, files.replacing(path) as file:
            file.write(b"half")
            raise error
        assert getattr(told.value, "filename", None) == named
        assert [one.name for one in tmp_path.iterdir()] == ["a.json"]
        assert path.read_bytes() == b"old"


@pytest.mark.parametrize(("durable", "synced"), [(True, 2), (False, 0)])
def test_durable_files_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool, synced: int
) -> None:
    """The file first, then its name; no descriptor stays open."""
    seen: list[bool] = []

    def sync(descriptor: int) -> None:
        seen.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))

    monkeypatch.setattr("kodit.infrastructure.files.os.fsync", sync)
    files.write_atomically(tmp_path / "a", b"new", durable=durable)
    assert seen == [False, True][:synced]
    own = {(found.st_dev, found.st_ino) for found in (tmp_path.stat(), (tmp_path / "a").stat())}
    assert not own & set(_open_files())


def test_a_name_that_is_taken_is_neither_opened_nor_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "made")
    (tmp_path / "file").write_bytes(b"old")
    for name in ("link", "file"):
        with pytest.raises(FileExistsError):
            files.open_new_file(tmp_path / name)
    assert not (tmp_path / "made").exists()


def test_what_is_removed_is_no_more_than_what_was_named(tmp_path: Path) -> None:
    (tmp_path / "kept" / "a").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "folder" / "b").mkdir(parents=True)
    (tmp_path / "file").write_bytes(b"")
    for name in ("link", "folder", "file", "missing"):
        files.remove_tree(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert (tmp_path / "kept" / "a").is_dir()
    assert files.entries_of(tmp_path / "missing") == []
    (tmp_path / "file").write_bytes(b"")
    assert files.entries_of(tmp_path / "file") == []


def test_why_a_write_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit of the process, a full disk, or a failing one; nothing is left behind."""
    assert files.why_write_fails(tmp_path, 1) is None
    assert list(tmp_path.iterdir()) == []
    gone = files.why_write_fails(tmp_path / "gone", 1)
    assert gone == f"the disk of {tmp_path / 'gone'} is full or failing: No such file or directory"

    def fail(_descriptor: int) -> None:
        raise OSError(122, "Disk quota exceeded")

    monkeypatch.setattr("kodit.infrastructure.files.os.fsync", fail)
    assert str(files.why_write_fails(tmp_path, 1)).endswith("failing: Disk quota exceeded")
    assert list(tmp_path.iterdir()) == []
    room = SimpleNamespace(f_bavail=3 << 10, f_frsize=1 << 10)
    monkeypatch.setattr("kodit.infrastructure.files.os.statvfs", lambda _folder: room)
    assert (
        files.why_write_fails(tmp_path, 4 << 20) == f"the disk of {tmp_path} is full: 3 MB are free"
    )
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (1000, 1000))
    told = "files of this process may not grow beyond 1000 bytes (ulimit -f)"
    assert files.why_write_fails(tmp_path, 1) == told


def test_whose_home_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert expand_home(Path("~/a")) == Path("/home/ada/a")
    assert expand_home(Path("/b/~")) == Path("/b/~")
    with pytest.raises(RuntimeError):
        expand_home(Path("~nobody-of-this-name/a"))
    monkeypatch.setenv("HOME", "here")
    for ask in (home_folder, lambda: expand_home(Path("~/a"))):
        with pytest.raises(SettingError, match="HOME must be an absolute path: 'here'") as told:
            ask()
        assert (told.value.code, told.value.fields) == ("home_invalid", {"home": "here"})

    def without() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", without)
    with pytest.raises(SettingError, match="this user has no home folder") as told:
        home_folder()
    assert told.value.code == "home_invalid"


def test_the_addresses_of_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each address once; none for an invalid host."""
    found = [(2, 1, 6, "", (address, 0)) for address in ("127.0.0.2", "127.0.0.1", "127.0.0.2")]
    resolver = SystemHostResolver()
    assert resolver.addresses("a" * 100) == ()
    assert resolver.addresses("nothing.invalid") == ()
    monkeypatch.setattr("kodit.infrastructure.hosts.socket.getaddrinfo", lambda *_a, **_b: found)
    assert resolver.addresses("two") == ("127.0.0.2", "127.0.0.1")


def test_descriptors_are_looked_for_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    closed: list[int] = []

    def open_one(_path: str, _flags: int) -> int:
        if len(opened) % (NEEDED + 1) == NEEDED:
            raise OSError(24, "Too many open files")
        opened.append(len(opened))
        return opened[-1]

    monkeypatch.setattr("kodit.infrastructure.descriptors.os.open", open_one)
    monkeypatch.setattr("kodit.infrastructure.descriptors.os.close", closed.append)
    check_descriptors()
    assert (opened, closed) == ([0, 1, 2, 3], [0, 1, 2, 3])
    with pytest.raises(OSError, match="Too many open files"):
        check_descriptors()
    assert closed == opened


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "1", "{}", '{"since": 1, "tools": {}}', '{"since": "x", "tools": {}}'),
        *('{"since": "2026-11-25", "tools": []}', '{"since": "2026-11-25", "tools": {"a": 1}}'),
        '{"since": "2026-11-25", "tools": {"a": ["x", 1, 2]}}',
        '{"since": "2026-11-25", "tools": {"a": [1, 2, 3, 4]}}',
    ],
)
def test_an_invalid_file_of_savings_counts_nothing(tmp_path: Path, text: str) -> None:
    """And is replaced by the next answer."""
    store = SavingsFile(tmp_path)
    (tmp_path / "savings.json").write_text(text)
    assert store.load() == Savings()
    store.add("grep", Cost(1, 2, 3), date(2026, 11, 25))
    store.add("grep", Cost(1, 20, 30), date(2026, 11, 26))
    kept = {"since": "2026-11-25", "tools": {"grep": [2, 22, 33]}}
    assert json.loads((tmp_path / "savings.json").read_text()) == kept
    assert store.load().by_tool == {"grep": Cost(2, 22, 33)}


@pytest.mark.parametrize("error", [OSError("full"), TransientError("locked"), UserError("a pipe")])
def test_an_answer_that_cannot_be_counted_is_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: Any) -> None:
        raise error

    monkeypatch.setattr(savings_file, "file_lock", refuse)
    SavingsFile(tmp_path).add("grep", Cost(1, 2, 3), date(2026, 11, 25))
    assert not (tmp_path / "savings.json").exists()


def test_a_file_of_keys_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "keys.json"
    keys = KeysFile(path)
    assert keys.read() == ()
    moment = "2026-11-26T10:00:00+01:00"
    one = Key("ci", KeyScope.READ, "ab", "cd", datetime.fromisoformat(moment))
    keys.change(lambda _before: [one])
    assert mode_of(path.parent) == 0o700
    assert json.loads(path.read_text()) == [
        {
            "name": "ci",
            "scope": "read",
            "salt": "ab",
            "digest": "cd",
            "created_at": "2026-11-26T09:00:00Z",
        }
    ]
    assert [key.name for key in KeysFile(path).read()] == ["ci"]
    whole = json.loads(path.read_text())[0]
    for wrong in (
        *("{", "1", '"a"', "[1]", "[" * 100_000),
        *(json.dumps([{**whole, name: 1}]) for name in whole),
        json.dumps([{**whole, "salt": "ä"}]),
        json.dumps([{name: whole[name] for name in whole if name != "digest"}]),
    ):
        path.write_text(wrong)
        with pytest.raises(UserError, match="is not a valid keys file; remove it"):
            keys.read()
        with pytest.raises(UserError, match="is not a valid keys file; remove it"):
            keys.change(lambda before: before)
    path.unlink()
    assert keys.read() == ()


def test_keys_that_cannot_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kodit.infrastructure.keys_file.user_folder", lambda: None)
    assert KeysFile(None).path is None
    assert KeysFile(None).read() == ()
    with pytest.raises(UserError, match="set KODIT_KEYS_FILE to a file"):
        KeysFile(None).change(lambda before: before)
    monkeypatch.setattr("kodit.infrastructure.keys_file.user_folder", lambda: tmp_path)
    assert KeysFile(None).path == tmp_path / "keys.json"
    assert KeysFile(tmp_path / "other").path == tmp_path / "other"
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match=r"which holds the keys, cannot be written: .*; set KODIT"):
        KeysFile(tmp_path / "file" / "keys.json").change(lambda before: before)


def test_a_file_at_the_limits_of_trust(tmp_path: Path) -> None:
    """A group may write it, and it has the largest allowed size."""
    path = tmp_path / "bindings"
    path.write_bytes(b"a" * 1_000_000)
    path.chmod(0o660)
    assert read_trusted_file(path) == b"a" * 1_000_000
    path.write_bytes(b"a" * 1_000_001)
    with pytest.raises(UserError, match="is larger than 1,000,000 bytes") as told:
        read_trusted_file(path)
    assert (told.value.code, told.value.fields) == ("user_file_invalid", {"path": str(path)})
    path.write_bytes(b"a")
    path.chmod(0o662)
    with pytest.raises(UserError, match="every user of this machine can write") as told:
        read_trusted_file(path)
    assert told.value.code == "user_file_untrusted"
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(UserError, match="is a symbolic link, which is not followed here"):
        read_trusted_file(tmp_path / "link", follow=False)
    assert read_trusted_file(path / "below") is None


def test_a_data_directory_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For this user alone, with an empty database; an existing one stays."""
    place = tmp_path / "deep" / "data"
    store = SqliteStore(Settings(data_dir=place))
    store.make_data_directory()
    assert (mode_of(place), mode_of(place / "kodit.db")) == (0o700, 0o600)
    (place / "kodit.db").write_bytes(b"")
    (place / "notes").symlink_to("anywhere")  # of somebody else
    store.make_data_directory()
    assert sorted(path.name for path in place.iterdir()) == ["kodit.db", "notes"]
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="cannot be created: ") as told:
        make_data_directory(tmp_path / "file" / "data")
    assert told.value.code == "data_dir_unusable"
    assert told.value.fields == {"data_dir": str(tmp_path / "file" / "data")}

    allowed = {(place, os.R_OK): True, (place / "kodit.db", os.R_OK): True}
    monkeypatch.setattr(
        "kodit.infrastructure.data_directory.os.access",
        lambda path, mode: allowed.get((path, mode), False),
    )
    assert is_read_only(place)
    allowed[place, os.W_OK] = True
    assert not is_read_only(place)
    del allowed[place, os.W_OK], allowed[place / "kodit.db", os.R_OK]
    assert not is_read_only(place)
    with pytest.raises(UserError, match="cannot be read and written by this user"):
        make_data_directory(place)


def test_only_what_engines_have_made_is_cleared(tmp_path: Path) -> None:
    for name in ("keyword/notes", "vectors/1-code.pack", "vectors/12-text.pack", "vectors/a.pack"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    clear_derived(tmp_path)
    assert (tmp_path / "keyword" / "notes").exists()  # no folder of an engine
    assert [path.name for path in (tmp_path / "vectors").iterdir()] == ["a.pack"]
    (tmp_path / "keyword" / "keyword.lock").write_bytes(b"")
    clear_derived(tmp_path)
    assert not (tmp_path / "keyword").exists()
    assert not is_read_only(tmp_path)


def test_work_is_appended_to_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    record_work("texts_embedded", 1)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "log"))
    record_work("texts_embedded", 2)
    record_work("snippets_enriched", 3)
    assert (tmp_path / "log").read_text() == "texts_embedded 2\nsnippets_enriched 3\n"
    assert mode_of(tmp_path / "log") == 0o600
