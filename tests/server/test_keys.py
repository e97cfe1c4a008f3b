"""`kodit keys`: created once, shown once, stored as digests."""

from __future__ import annotations

import json
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.command import KoditCommand

from kodit.composition.keys import make_keys
from kodit.domain.errors import NotFoundError, UserError
from kodit.domain.keys import KeyScope
from kodit.settings import Settings


@pytest.fixture
def command(tmp_path: Path) -> KoditCommand:
    return KoditCommand(tmp_path / "data")


def test_a_key_is_printed_once_and_not_kept(command: KoditCommand) -> None:
    """Its digest has a salt of its own, in a file that only its user can read."""
    secrets = [command.run_here("keys", "add", name).out.strip() for name in ("ada", "bob")]
    path = command.user_folder / "keys.json"

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not any(secret in path.read_text() for secret in secrets)
    written = json.loads(path.read_text())
    assert [key["name"] for key in written] == ["ada", "bob"]
    assert len({key["salt"] for key in written}) == 2
    assert not command.data_dir.exists()


def test_keys_are_listed_with_their_scopes(command: KoditCommand) -> None:
    command.run_here("keys", "add", "ada", "--scope", "write")
    command.run_here("keys", "add", "ci")
    listed = command.ask("keys", "list")["keys"]
    assert [(key["name"], key["scope"]) for key in listed] == [("ada", "write"), ("ci", "read")]
    text = command.run_here("keys", "list").out
    assert [line.split()[:2] for line in text.splitlines()] == [["ada", "write"], ["ci", "read"]]


def test_the_last_key_opens_the_server_again(command: KoditCommand) -> None:
    """The command warns about that."""
    for name in ("ada", "ci"):
        command.run_here("keys", "add", name)
    first, last = (command.run_here("keys", "remove", name).said for name in ("ada", "ci"))
    assert first == ["kodit: the key ada was removed"]
    assert last[0] == "kodit: the key ci was removed"
    assert "answers everyone on this machine" in last[1]


def test_no_key_is_listed_in_words(command: KoditCommand) -> None:
    assert command.ask("keys", "list") == {"keys": []}
    assert command.run_here("keys", "list").said == [
        "kodit: there are no keys; `kodit keys add NAME` creates one"
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("add", "ada"), "a key ada already exists; remove it, or choose another name"),
        (("add", "x y"), "'x y' is not a valid key name"),
        (("add", ""), "'' is not a valid key name"),
        (("add", "é"), "is not a valid key name"),
        (("add", "eve", "--scope", "all"), "the scope of a key must be read or write, not 'all'"),
        (("remove", "eve"), "there is no key eve; `kodit keys list` lists the keys"),
    ],
)
def test_mistakes(command: KoditCommand, arguments: tuple[str, ...], sentence: str) -> None:
    command.run_here("keys", "add", "ada")
    outcome = command.run_here("keys", *arguments)
    assert outcome.code == 2
    assert sentence in outcome.err
    assert [key["name"] for key in command.ask("keys", "list")["keys"]] == ["ada"]


def test_a_file_of_ones_own(command: KoditCommand, tmp_path: Path) -> None:
    command.environment["KODIT_KEYS_FILE"] = str(tmp_path / "deep" / "team.json")
    command.run_here("keys", "add", "ada")
    assert (tmp_path / "deep" / "team.json").exists()
    assert not command.user_folder.exists()


def test_a_data_directory_names_no_keys(command: KoditCommand) -> None:
    command.data_dir.mkdir()
    (command.data_dir / ".env").write_text("KODIT_KEYS_FILE=/tmp/keys.json\n")
    outcome = command.run_here("keys", "list")
    assert outcome.code == 2
    assert "KODIT_KEYS_FILE cannot be set in" in outcome.err


def test_a_file_of_keys_has_an_absolute_path(command: KoditCommand) -> None:
    """It would depend on the server's current folder."""
    command.environment["KODIT_KEYS_FILE"] = "keys.json"
    outcome = command.run_here("keys", "list")
    assert outcome.code == 2
    assert "KODIT_KEYS_FILE must be an absolute path; 'keys.json' is not one" in outcome.err


@pytest.mark.parametrize("host", ["https://kodit.example.org", "kodit.example.org:443", "*"])
def test_hosts_are_names_alone(command: KoditCommand, host: str) -> None:
    command.environment["KODIT_ALLOWED_HOSTS"] = f"localhost, {host}"
    outcome = command.run_here("keys", "list")
    assert outcome.code == 2
    assert f"without scheme and port, such as kodit.example.org; '{host}' is not one" in outcome.err


def test_keys_made_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, keys_file=tmp_path / "keys.json")
    threads = [
        threading.Thread(target=make_keys(settings).add, args=(f"k{number}", KeyScope.READ))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(make_keys(settings).list_all()) == 8


def test_a_change_within_the_same_moment_is_seen(tmp_path: Path) -> None:
    """Whatever the resolution of the file system's clock: a replaced file is another one."""
    settings = Settings(data_dir=tmp_path, keys_file=tmp_path / "keys.json")
    reader, writer = make_keys(settings), make_keys(settings)
    for number in range(20):
        secret = writer.add("ada", KeyScope.READ)
        assert reader.recognize(secret) is not None, number
        writer.remove("ada")
        assert reader.recognize(secret) is None, number


def test_a_name_is_of_one_key(tmp_path: Path) -> None:
    """By its whole name, not by a prefix."""
    keys = make_keys(Settings(data_dir=tmp_path, keys_file=tmp_path / "keys.json"))
    first = keys.add("ada", KeyScope.READ)
    keys.add("ada-2", KeyScope.READ)
    with pytest.raises(UserError) as taken:
        keys.add("ada", KeyScope.WRITE)
    assert taken.value.code == "key_exists"
    assert [key.name for key in keys.list_all()] == ["ada", "ada-2"]
    keys.remove("ada")
    assert [key.name for key in keys.list_all()] == ["ada-2"]
    assert keys.recognize(first) is None
    with pytest.raises(NotFoundError):
        keys.remove("ada")


def test_a_key_is_recognized_among_others(tmp_path: Path) -> None:
    keys = make_keys(Settings(data_dir=tmp_path, keys_file=tmp_path / "keys.json"))
    secrets = {name: keys.add(name, KeyScope.READ) for name in ("ada", "bob", "eve")}
    for name, secret in secrets.items():
        found = keys.recognize(secret)
        assert found is not None
        assert found.name == name
        assert not replace(found, salt="0" * 32).matches(secret)
    for wrong in ("", "kodit_", "\udce4", secrets["ada"].swapcase()):
        assert keys.recognize(wrong) is None
