"""A secret is sent only to servers that this user has approved for its reference."""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import subprocess
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.command import KoditCommand
from tests.support.snapshot import execute, read_rows

from kodit.domain.errors import SourceError, UserError
from kodit.domain.source import Credentials
from kodit.domain.value_objects import Source, SourceKind
from kodit.faces.cli.advice import with_advice
from kodit.infrastructure.git.askpass import askpass_environment
from kodit.infrastructure.git.bindings import Binding, Bindings
from kodit.infrastructure.git.credentials import CredentialStore, server_of

if TYPE_CHECKING:
    from tests.git.conftest import GitServer, MakeRepository

SECRET = "s3cret-of-this-user"  # noqa: S105 - of this test alone
REFERENCE = "env:TOKEN_OF_TEST"
CODE = {"a.py": "def quartz():\n    return 1\n"}


def git_source(location: str) -> Source:
    return Source(SourceKind.GIT, location)


SOURCE = git_source("https://git.example.org/x")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CredentialStore:
    """A data directory, and a variable with a name and a password in it."""
    monkeypatch.setenv("TOKEN_OF_TEST", f"ada:{SECRET}")
    return CredentialStore(tmp_path / "data", Bindings(tmp_path / "user" / "kodit"))


@pytest.mark.parametrize(
    ("location", "server"),
    [
        ("https://git.example.org/x", "https://git.example.org"),
        ("https://git.example.org:443/x", "https://git.example.org"),
        ("http://git.example.org:80/x", "http://git.example.org"),
        ("http://git.example.org:443/x", "http://git.example.org:443"),
        ("https://Git.Example.Org:8443/x", "https://git.example.org:8443"),
        ("https://[::1]:80/x", "https://[::1]:80"),
        ("https://git.example.org@evil.example/x", "https://evil.example"),
        ("https://git.example.org:x/x", None),
        ("ssh://git@git.example.org/x", None),
        ("git@git.example.org:x", None),
        ("git://git.example.org/x", None),
        ("file:///x", None),
        ("ext::https://git.example.org/x", None),
    ],
)
def test_the_server_of_a_source(location: str, server: str | None) -> None:
    """The part of its address that identifies the receiver of credentials."""
    assert server_of(git_source(location)) == server


def test_a_reference_that_was_not_approved_is_not_used(store: CredentialStore) -> None:
    """The message says how to approve it, and never the secret."""
    with pytest.raises(SourceError) as refused:
        store.load(REFERENCE, SOURCE)
    assert str(refused.value) == (
        "this user has not approved env:TOKEN_OF_TEST for https://git.example.org as ada, so "
        "nothing was sent; give it with the source again"
    )


def test_a_command_to_copy_quotes_its_source(store: CredentialStore) -> None:
    """The address may be somebody else's: a shell takes it for one word."""
    with pytest.raises(SourceError) as refused:
        store.load(REFERENCE, git_source("https://git.example.org/$(touch sprung)`x`'"))
    told = with_advice(refused.value)
    (command,) = re.findall("`(kodit .*)` does that", told)
    assert shlex.split(command)[-1] == "https://git.example.org/$(touch sprung)`x`'"
    assert told.endswith(f"with --credentials {REFERENCE}")


@pytest.mark.parametrize(
    "location",
    [
        "https://git.example.com/x",
        "https://git.example.org:8443/x",
        "http://git.example.org/x",
        "https://git.example.org.evil.example/x",
        "https://git.example.org@evil.example/x",
    ],
)
def test_a_reference_is_for_the_server_it_was_approved_for(
    store: CredentialStore, location: str
) -> None:
    """For every repository on that server."""
    store.bind(REFERENCE, SOURCE)
    assert store.load(REFERENCE, git_source("https://git.example.org/other")) == Credentials(
        "ada", SECRET
    )
    with pytest.raises(SourceError, match="nothing was sent"):
        store.load(REFERENCE, git_source(location))


def test_a_reference_is_for_the_user_it_was_approved_for(
    store: CredentialStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new password is the same user's; another name in the variable is not."""
    store.bind(REFERENCE, SOURCE)
    monkeypatch.setenv("TOKEN_OF_TEST", "ada:changed")
    assert store.load(REFERENCE, SOURCE) == Credentials("ada", "changed")
    for other in ("grace:changed", "token-alone"):
        monkeypatch.setenv("TOKEN_OF_TEST", other)
        with pytest.raises(SourceError, match="nothing was sent") as refused:
            store.load(REFERENCE, SOURCE)
        assert "token-alone" not in str(refused.value)
        store.bind(REFERENCE, SOURCE)
        assert store.load(REFERENCE, SOURCE) is not None


def test_another_variable_was_not_given(
    store: CredentialStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_OF_TEST", f"ada:{SECRET}")
    store.bind(REFERENCE, SOURCE)
    with pytest.raises(SourceError, match="nothing was sent"):
        store.load("env:OTHER_OF_TEST", SOURCE)


def test_no_secret_is_written_down(
    store: CredentialStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even a token in place of a name; only this user can read the file, with any umask."""
    monkeypatch.setenv("ALONE_OF_TEST", SECRET)
    before = os.umask(0)
    try:
        for reference in (REFERENCE, "env:ALONE_OF_TEST"):
            store.bind(reference, SOURCE)
    finally:
        os.umask(before)
    folder = tmp_path / "user" / "kodit"
    written = json.loads((folder / "credentials.json").read_text())
    assert written == [
        {"reference": REFERENCE, "server": "https://git.example.org", "user": "ada"},
        {"reference": "env:ALONE_OF_TEST", "server": "https://git.example.org", "user": None},
    ]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert sorted(path.name for path in folder.iterdir()) == [
        "credentials.json",
        "credentials.lock",
    ]
    assert not (tmp_path / "data").exists()


def test_a_folder_that_was_made_by_hand_is_closed(store: CredentialStore, tmp_path: Path) -> None:
    """It may have been made for settings."""
    folder = tmp_path / "user" / "kodit"
    folder.mkdir(parents=True, mode=0o755)
    store.bind(REFERENCE, SOURCE)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_missing_folders_are_made_for_this_user_alone(tmp_path: Path) -> None:
    """The one for settings of all programs too."""
    folder = tmp_path / "home" / ".config" / "kodit"
    Bindings(folder).add(Binding("env:A", "https://a.example", None))
    made = (folder, folder.parent, folder.parent.parent)
    assert [stat.S_IMODE(one.stat().st_mode) for one in made] == [0o700] * 3


def _bind_one(folder: Path, number: int) -> None:
    Bindings(folder).add(Binding("env:A", f"https://{number}.example", None))


def test_processes_that_bind_at_once_lose_nothing(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4) as processes:
        list(processes.map(_bind_one, [tmp_path] * 40, range(40)))
    bindings = Bindings(tmp_path)
    assert all(bindings.holds(Binding("env:A", f"https://{n}.example", None)) for n in range(40))


@pytest.mark.parametrize(
    "content",
    [
        *("", "{}x", "{}", "[1]", '[{"server": "x"}]', "[" * 100_000),
        '[{"reference": 1, "server": "x", "user": null}]',
    ],
    ids=lambda content: content[:20],
)
def test_an_invalid_file_of_bindings(store: CredentialStore, tmp_path: Path, content: str) -> None:
    """It approves nothing, and is not overwritten: the user may want to see its content."""
    store.bind(REFERENCE, SOURCE)
    path = tmp_path / "user" / "kodit" / "credentials.json"
    path.write_text(content)
    for use in (store.load, store.bind):
        with pytest.raises(UserError, match=f"{path} cannot be parsed; remove it") as refused:
            use(REFERENCE, SOURCE)
        told = (refused.value.code, refused.value.fields)
        assert told == ("user_file_invalid", {"path": str(path)})
    assert path.read_text() == content


def test_bindings_that_others_may_have_written(store: CredentialStore, tmp_path: Path) -> None:
    """They are not used."""
    store.bind(REFERENCE, SOURCE)
    path = tmp_path / "user" / "kodit" / "credentials.json"
    path.chmod(0o666)
    with pytest.raises(UserError, match="every user of this machine can write to it"):
        store.load(REFERENCE, SOURCE)


def test_a_user_whose_folder_cannot_be_written(store: CredentialStore, tmp_path: Path) -> None:
    """The message says so, and which variable to set."""
    (tmp_path / "user").write_text("a file")
    sentence = r"cannot be written: .*; set XDG_CONFIG_HOME to a folder"
    with pytest.raises(UserError, match=sentence) as refused:
        store.bind(REFERENCE, SOURCE)
    fields = {"folder": str(tmp_path / "user" / "kodit")}
    assert (refused.value.code, refused.value.fields) == ("user_folder_unusable", fields)


def answer(question: str, credentials: Credentials, url: str) -> str | None:
    """The helper's answer to git's prompt; None if it refuses."""
    with askpass_environment(credentials, url) as variables:
        done = subprocess.run(
            [variables["GIT_ASKPASS"], question],
            env=os.environ | variables,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.stderr == ""
    return done.stdout.removesuffix("\n") if done.returncode == 0 else None


def test_what_the_helper_answers() -> None:
    """The user's name and password, for the server, each to its own prompt."""
    ada, url = Credentials("ada", SECRET), "https://git.example.org:8443/x"
    assert answer("Username for 'https://git.example.org:8443': ", ada, url) == "ada"
    assert answer("Password for 'https://ada@git.example.org:8443': ", ada, url) == SECRET
    odd = Credentials("a da*'@ü", "x")
    for written in ("a da*'@ü", "a%20da%2A%27%40%C3%BC"):
        assert answer(f"Password for 'https://{written}@git.example.org:8443': ", odd, url) == "x"


@pytest.mark.parametrize(
    "question",
    [
        "Password for 'https://ada@evil.example': ",
        "Password for 'https://ada@git.example.org': ",
        "Password for 'https://ada@git.example.org:84430': ",
        "Password for 'http://ada@git.example.org:8443': ",
        "Password for 'https://grace@git.example.org:8443': ",
        "Password for 'https://git.example.org:8443': ",
        "Password for 'https://ada@evil.example/@git.example.org:8443': ",
        "Password for 'https://ada@git.example.org:8443@evil.example': ",
        "Password for 'https://ada@git.example.org:8443'@evil.example': ",
        "Username for 'https://evil.example': ",
        "Username for 'https://git.example.org:8443.evil.example': ",
        "Username for 'https://git.example.org': ",
        "Password for 'http://proxy.example:3128': ",
        "Are you sure you want to continue connecting (yes/no)? ",
        "",
    ],
)
def test_what_the_helper_does_not_answer(question: str) -> None:
    """For another server, another port or scheme of it, another user, or anything else."""
    assert answer(question, Credentials("ada", SECRET), "https://git.example.org:8443/x") is None


class Attack:
    """A user with a secret, and somebody else's server that asks for one."""

    def __init__(self, server: GitServer, data_dir: Path) -> None:
        server.password = SECRET
        self.server = server
        self.url = server.url("origin/.git")
        self.kodit = KoditCommand(data_dir, TOKEN_OF_TEST=f"user:{SECRET}", KODIT_MAX_FAILURES="1")

    def was_sent_the_secret(self) -> bool:
        return any(authorisation for _, _, authorisation in self.server.requests)


@pytest.fixture
def attack(make_repository: MakeRepository, server: GitServer, tmp_path: Path) -> Attack:
    make_repository().commit(CODE)
    return Attack(server, tmp_path / "data")


def test_a_folder_that_brings_a_data_directory(attack: Attack, tmp_path: Path) -> None:
    """With a queued run that names a server and a variable of the user: the folder's `.env` is not
    obeyed, and no secret is sent if the user names the data directory.
    """
    (tmp_path / "prepared.py").write_text("def prepared():\n    return 1\n")
    prepared = KoditCommand(tmp_path / "hostile" / ".cache-data", TOKEN_OF_TEST=f"user:{SECRET}")
    prepared.succeed("index", "--no-wait", "--credentials", "env:TOKEN_OF_TEST", attack.url)
    (tmp_path / "hostile" / "x.py").write_text("def quartz():\n    return 1\n")
    (tmp_path / "hostile" / ".env").write_text(
        "KODIT_DATA_DIR=.cache-data\nKODIT_WORKER_SLOTS=several\n"
    )
    attack.server.requests.clear()

    assert attack.kodit.run("search", "quartz", ".", cwd=tmp_path / "hostile").code == 0
    assert attack.server.requests == []

    victim = KoditCommand(attack.kodit.data_dir, TOKEN_OF_TEST=f"user:{SECRET}")
    outcome = victim.run(
        *("search", "quartz", ".", "--data-dir", ".cache-data"), cwd=tmp_path / "hostile"
    )
    assert outcome.code == 0
    runs = read_rows(prepared.data_dir, "SELECT state FROM index_runs WHERE id = 1")
    assert runs == [("failed",)]
    assert not attack.was_sent_the_secret()


def test_a_stored_reference_needs_approval_again(attack: Attack) -> None:
    """SYNC fails permanently with the message; following it fixes the problem."""
    attack.kodit.succeed("index", "--credentials", REFERENCE, attack.url)
    (attack.kodit.user_folder / "credentials.json").unlink()
    attack.server.requests.clear()

    outcome = attack.kodit.run("index", attack.url)

    assert outcome.code == 1
    assert "this user has not approved env:TOKEN_OF_TEST for " in outcome.err
    assert not attack.was_sent_the_secret()
    failed = read_rows(attack.kodit.data_dir, "SELECT failures FROM tasks WHERE state = 'failed'")
    assert failed == [(0,)]  # not what may pass by itself
    attack.kodit.succeed("index", "--credentials", REFERENCE, attack.url)
    attack.kodit.succeed("index", attack.url)


def test_a_redirect_to_another_port_gets_nothing(
    attack: Attack, make_server: Callable[[], GitServer]
) -> None:
    """On the same host, and after the secret was sent to the right server."""
    other = make_server()
    other.password = SECRET
    attack.kodit.succeed("index", "--credentials", REFERENCE, attack.url)
    attack.server.elsewhere = f"http://{other.host}"
    attack.server.mode = "redirect after the password"
    assert attack.kodit.run("index", attack.url).code == 1
    assert attack.was_sent_the_secret()
    assert other.requests
    assert not any(authorisation for _, _, authorisation in other.requests)


def test_a_changed_address_gets_nothing(attack: Attack) -> None:
    """In the row of an index that had been given the secret, by a variable or in its URL."""
    with_password = attack.server.url("origin/.git", f"user:{SECRET}@")
    for given in (["--credentials", REFERENCE, attack.url], [with_password]):
        attack.kodit.succeed("index", *given)
        elsewhere = attack.url.replace("127.0.0.1", "localhost")
        execute(attack.kodit.data_dir, "UPDATE indexes SET location = ?", elsewhere)
        attack.server.requests.clear()
        outcome = attack.kodit.run("index", elsewhere)
        assert outcome.code == 1
        assert "nothing was sent" in outcome.err
        assert not attack.was_sent_the_secret()
        execute(attack.kodit.data_dir, "UPDATE indexes SET location = ?", attack.url)
