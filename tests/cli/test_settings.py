"""The places of settings, their order, and what each may set."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from tests.support.settings_places import Places, places

from kodit.domain.claiming import QueueOrder
from kodit.domain.errors import SettingError, UserError
from kodit.domain.value_objects import TaskType
from kodit.infrastructure.clients.places import CLIENTS
from kodit.infrastructure.resident.place import private_folders
from kodit.infrastructure.sources.parsing import parse_source
from kodit.infrastructure.trust import reason_for_distrust, user_folder
from kodit.settings import LogLevel, Settings, may_be_set_by_a_data_directory

__all__ = ["places"]


def test_the_current_folder_sets_nothing(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its own `.env` nor one below it that a default could lead to is read."""
    monkeypatch.setenv("HOME", str(places.data_dir.parent / "home"))
    settings = Settings.load({})
    assert settings.worker_slots == Settings.worker_slots
    assert settings.data_dir == places.data_dir.parent / "home" / ".kodit"


def test_the_order_of_the_places(places: Places) -> None:
    """Each place overrules the later ones."""
    assert places.load().worker_slots == Settings.worker_slots
    (places.data_dir / ".env").write_text("KODIT_WORKER_SLOTS=3\nKODIT_KEEP_RUNS=3\n")
    assert places.load().worker_slots == 3
    places.user.write_text("KODIT_WORKER_SLOTS=4\n")
    assert places.load().worker_slots == 4
    assert places.load({"KODIT_WORKER_SLOTS": "5"}).worker_slots == 5
    assert places.load({"KODIT_WORKER_SLOTS": "5"}, worker_slots=6).worker_slots == 6
    assert places.load().keep_runs == 3


def test_a_database_server_is_the_users_choice(places: Places) -> None:
    """Its address may hold a password, so that it is never shown."""
    url = "postgresql://kodit:secret@db/kodit"
    (places.data_dir / ".env").write_text(f"KODIT_DATABASE_URL={url}\n")
    with pytest.raises(SettingError, match="KODIT_DATABASE_URL cannot be set in") as told:
        places.load()
    (places.data_dir / ".env").unlink()
    places.user.write_text(f"KODIT_DATABASE_URL={url}\n")
    assert places.load().database_url == url
    assert "secret" not in f"{told.value}{places.load()!r}"


def test_an_empty_value_counts_as_unset(places: Places) -> None:
    """In every place; the next one is used."""
    places.user.write_text("KODIT_WORKER_SLOTS=\nKODIT_KEEP_RUNS\nKODIT_DATA_DIR=''\n")
    (places.data_dir / ".env").write_text("KODIT_WORKER_SLOTS=3\nKODIT_ALLOWED_ROOTS=\n")
    assert places.load({"KODIT_WORKER_SLOTS": ""}).worker_slots == 3


def test_the_user_names_the_data_directory(places: Places) -> None:
    """Its `.env` is then read."""
    other = places.data_dir.parent / "other"
    other.mkdir()
    (other / ".env").write_text("KODIT_WORKER_SLOTS=3\n")
    places.user.write_text(f"\ufeffexport KODIT_DATA_DIR='{other}' # mine\nOTHER_TOOL=${{HOME}}\n")
    settings = Settings.load({})
    assert (settings.data_dir, settings.worker_slots) == (other, 3)


def test_a_data_directory_sets_every_number_and_level(places: Places) -> None:
    (places.data_dir / ".env").write_text(
        "KODIT_KEEP_DAYS=1.5\nKODIT_SYNC_EVERY_SECONDS=60\nKODIT_LOG_LEVEL=debug\n"
        "KODIT_QUEUE_ORDER=run_first\nKODIT_TASK_LIMITS=SYNC=3\n"
    )
    settings = places.load()
    assert (settings.keep_days, settings.sync_every_seconds) == (1.5, 60.0)
    assert (settings.log_level, settings.queue_order) == (LogLevel.DEBUG, QueueOrder.RUN_FIRST)
    assert settings.task_limits == {TaskType.SYNC: 3}


@pytest.mark.parametrize("level", ["auto", "debug", "info", "warning", "error"])
def test_every_level_of_the_log_is_taken(places: Places, level: str) -> None:
    assert places.load({"KODIT_LOG_LEVEL": level}).log_level == level


AUTHORITY = {
    "KODIT_DATA_DIR": "/elsewhere",
    "KODIT_DATABASE_URL": "postgresql://db/kodit",
    "KODIT_GIT_CONFIGURATION": "true",
    "KODIT_GIT_CONFIGURATION_FOR_REMOTE_CALLERS": "true",
    "KODIT_ALLOWED_ROOTS": "/",
    "KODIT_ALLOW_PRIVATE_ADDRESSES": "true",
    "KODIT_ALLOWED_CREDENTIALS": "env:TOKEN",
    "KODIT_SOURCES": "/srv/code",
    "KODIT_KEYS_FILE": "/srv/keys.json",
    "KODIT_HOST": "shop-1",
    "KODIT_NODE_SEARCHES": "false",
    "KODIT_SHARED_FOLDERS": "/srv/shared",
    "KODIT_ALLOWED_HOSTS": "kodit.example.org",
    "KODIT_SERVER": "https://kodit.example.org",
    "KODIT_API_KEY": "kodit_abc",
    "KODIT_PAGER": "less",
}
OF_ENDPOINTS = {
    **{
        f"KODIT_{purpose}_{name}": value
        for purpose in ("EMBEDDING", "ENRICHMENT")
        for name, value in {
            "BASE_URL": "https://models.example.org/v1",
            "MODEL": "any",
            "API_KEY": "env:TOKEN",
            "HEADERS": '{"api-key": "env:TOKEN"}',
            "PARAMETERS": "{}",
            "PRICE": "0.02",
            "TOKENIZER": "/srv/tokenizer.json",
        }.items()
    },
    "KODIT_EMBEDDING_QUERY_INSTRUCTION": "query: ",
    "KODIT_EMBEDDING_DOCUMENT_INSTRUCTION": "passage: ",
    "KODIT_ENRICHMENT_OUTPUT_PRICE": "0.6",
    "KODIT_BUDGET_PER_RUN": "1",
    "KODIT_BUDGET_PER_MONTH": "20",
    "KODIT_PRIVATE": "secret/",
    "KODIT_MODEL_CA_FILE": "/srv/ca.pem",
}
"""Where code and money go, and what is never sent."""
AUTHORITY |= OF_ENDPOINTS


@pytest.mark.parametrize("name", AUTHORITY)
def test_a_data_directory_grants_no_authority(places: Places, name: str) -> None:
    """Such a setting is refused by name, with a place where it may be set."""
    (places.data_dir / ".env").write_text(f"{name}={AUTHORITY[name]}\n")
    with pytest.raises(UserError, match=f"{name} cannot be set in .*only numbers and levels") as no:
        places.load()
    assert str(places.user) in str(no.value)


def test_every_setting_is_a_number_a_level_or_authority() -> None:
    """A new setting of another kind has to be classified in the code before it is added here."""
    no = [
        setting.name for setting in fields(Settings) if not may_be_set_by_a_data_directory(setting)
    ]
    assert {f"KODIT_{name.upper()}" for name in no} == set(AUTHORITY)


@pytest.mark.parametrize("value", ["data", "./data", "../data"])
def test_a_relative_data_directory_in_a_file(places: Places, value: str) -> None:
    """It would depend on the current folder."""
    places.user.write_text(f"KODIT_DATA_DIR={value}\n")
    with pytest.raises(UserError, match=r"KODIT_DATA_DIR in .* must be an absolute path"):
        Settings.load({})


def test_a_data_directory_without_an_owner(places: Places) -> None:
    with pytest.raises(UserError, match="the home folder of an unknown user"):
        Settings.load({"KODIT_DATA_DIR": "~nobody-of-this-name/x"})


def test_a_data_directory_below_a_folder_that_is_gone(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An absolute path still means something."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(SettingError, match="data is relative to the current folder, which no lon"):
        Settings.load({"KODIT_DATA_DIR": "data"})
    assert Settings.load({"KODIT_DATA_DIR": str(tmp_path)}).data_dir == tmp_path


def test_a_user_without_a_home_folder(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs with an unknown user id."""
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999_999)
    with pytest.raises(SettingError, match="this user has no home folder; set HOME to"):
        Settings.load({})
    assert places.load().data_dir == places.data_dir


def test_a_relative_folder_of_settings_is_not_taken_from_here(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the standard of `XDG_CONFIG_HOME` requires."""
    monkeypatch.setenv("XDG_CONFIG_HOME", "config")
    monkeypatch.setenv("HOME", str(places.data_dir.parent / "home"))
    Path("config/kodit").mkdir(parents=True)
    Path("config/kodit/.env").write_text("KODIT_WORKER_SLOTS=9\n")
    assert places.load().worker_slots == Settings.worker_slots


@pytest.mark.parametrize("home", [".", "home", "../home"])
def test_a_relative_home_folder_is_not_taken_from_here(
    places: Places, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    """Settings in it are refused; everything else works."""
    monkeypatch.setenv("HOME", home)
    monkeypatch.delenv("XDG_CONFIG_HOME")
    refused: list[Callable[[], object]] = [
        lambda: Settings.load({}),
        lambda: Settings.load({"KODIT_DATA_DIR": "~"}),
        lambda: Settings.load(data_dir="~/x"),
        lambda: places.load({"KODIT_KEYS_FILE": "~/keys.json"}),
        lambda: places.load({"KODIT_ALLOWED_ROOTS": "~/code"}),
        lambda: parse_source("~/code"),
        *(CLIENTS[name].user_file for name in CLIENTS),
    ]
    for load in refused:
        with pytest.raises(SettingError, match=f"HOME must be an absolute path: '{home}' would"):
            load()
    assert places.load().data_dir == places.data_dir
    assert list(Path.cwd().iterdir()) == [Path.cwd() / ".env"]


@pytest.mark.parametrize("variable", ["XDG_RUNTIME_DIR", "TMPDIR"])
def test_a_relative_folder_for_sockets_is_not_taken_from_here(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("XDG_RUNTIME_DIR", "TMPDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "run")
    assert all(folder.is_absolute() for folder in private_folders())


def directory(path: Path) -> None:
    path.mkdir()


def fifo(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    os.chdir(path.parent)  # the whole path may be too long
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path.name)


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def binary(path: Path) -> None:
    path.write_bytes(b"KODIT_WORKER_SLOTS=3\xff\xfe\n")


def with_zeros(path: Path) -> None:
    path.write_bytes(b"# \0\nKODIT_WORKER_SLOTS=3\n")


def no_assignment(path: Path) -> None:
    path.write_text("KODIT_WORKER_SLOTS=3\nworker slots are three\n")


def a_loop(path: Path) -> None:
    path.symlink_to(path.name)


def writable_by_all(path: Path) -> None:
    path.write_text("KODIT_WORKER_SLOTS=3\n")
    path.chmod(0o666)


@pytest.mark.parametrize("where", ["user", "data directory"])
@pytest.mark.parametrize(
    "make",
    [directory, fifo, a_socket, huge, binary, with_zeros, no_assignment, a_loop, writable_by_all],
)
def test_a_file_that_cannot_be_used(
    places: Places, where: str, make: Callable[[Path], None]
) -> None:
    """One sentence names it at once; nothing waits for a pipe."""
    path = places.user if where == "user" else places.data_dir / ".env"
    make(path)
    with pytest.raises(UserError) as refused:
        places.load()
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("where", ["user", "data directory"])
def test_a_file_of_another_user(places: Places, where: str) -> None:
    path = places.user if where == "user" else places.data_dir / ".env"
    path.write_text("KODIT_WORKER_SLOTS=3\n")
    os.chown(path, 12345, -1)
    with pytest.raises(UserError, match="belongs to another user"):
        places.load()


def test_links_to_files_of_settings(places: Places) -> None:
    """Users who keep settings in a repository link to them; a data directory has no reason to."""
    target = places.data_dir.parent / "dotfiles"
    target.write_text("KODIT_WORKER_SLOTS=3\n")
    places.user.symlink_to(target)
    assert places.load().worker_slots == 3
    (places.data_dir / ".env").symlink_to(target)
    with pytest.raises(UserError, match="symbolic link"):
        places.load()


def test_a_bad_value_names_its_place(places: Places) -> None:
    places.user.write_text("KODIT_WORKER_SLOTS=several\n")
    with pytest.raises(UserError, match=f"KODIT_WORKER_SLOTS in {places.user} must be a number"):
        places.load()


def test_a_home_folder_in_a_file_of_settings(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is an absolute path, whoever's it is."""
    monkeypatch.setenv("HOME", str(places.data_dir.parent))
    places.user.write_text("KODIT_DATA_DIR=~/data\n")
    assert Settings.load({}).data_dir == places.data_dir


def test_a_line_that_is_no_assignment_is_told_by_its_number(places: Places) -> None:
    places.user.write_text("# mine\n\nKODIT_KEEP_RUNS=3\nno assignment\n")
    with pytest.raises(UserError, match=f"line 4 of {places.user} is not of the form NAME=value"):
        places.load()


def test_a_group_may_write_a_file_of_settings(places: Places) -> None:
    """Many systems give each user a group of their own."""
    places.user.write_text("KODIT_KEEP_RUNS=3\n")
    places.user.chmod(0o660)
    assert places.load().keep_runs == 3


def test_a_large_file_of_settings(places: Places) -> None:
    """Exactly one megabyte is read."""
    text = "KODIT_KEEP_RUNS=3\n".ljust(1_000_000, "#")
    places.user.write_text(text)
    assert places.load().keep_runs == 3
    places.user.write_text(f"{text}#")
    with pytest.raises(UserError, match="is larger than 1,000,000 bytes"):
        places.load()


def test_a_loop_of_links_is_told_as_what_it_is(places: Places) -> None:
    """Links are followed in the user's own folder."""
    a_loop(places.user)
    with pytest.raises(UserError, match=f"{places.user} cannot be read: "):
        places.load()


def test_a_file_in_the_place_of_the_folder_of_settings(places: Places) -> None:
    """It counts as a folder without settings."""
    places.user.parent.rmdir()
    places.user.parent.touch()
    assert places.load().worker_slots == Settings.worker_slots


@pytest.mark.parametrize(
    ("owner", "mode", "reason"),
    [
        (1000, 0o600, None),
        (0, 0o644, None),
        (1000, 0o664, None),
        (1001, 0o600, r"belongs to another user \(number 1001\)"),
        (1000, 0o602, "every user of this machine can write to it"),
        (0, 0o666, "every user of this machine can write to it"),
    ],
)
def test_trusted_owners_of_settings(
    owner: int, mode: int, reason: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user and root, and no other user who may have written it."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    found = reason_for_distrust(os.stat_result((0o100000 | mode, 0, 0, 1, owner, 0, 0, 0, 0, 0)))
    assert found is None if reason is None else re.search(reason, found or "")


@pytest.mark.parametrize("make", [directory, fifo])
def test_a_settings_path_that_is_not_a_file(places: Places, make: Callable[[Path], None]) -> None:
    make(places.user)
    with pytest.raises(UserError, match=f"{places.user} is not a file; move it away"):
        places.load()


def test_where_the_folder_of_settings_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the home folder unless the environment has another one."""
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/elsewhere")
    assert user_folder() == Path("/elsewhere/kodit")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert user_folder() == Path("/home/ada/.config/kodit")
    monkeypatch.setenv("HOME", "relative")
    assert user_folder() is None
