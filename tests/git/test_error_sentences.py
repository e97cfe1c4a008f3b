"""What servers that cannot be had in a test say, and what becomes of it."""

from __future__ import annotations

import pytest

from kodit.domain.errors import SourceError, TransientError
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.git.errors import explain, last_line
from kodit.infrastructure.git.runner import GitError

SOURCE = Source(SourceKind.GIT, "https://example.org/a/b.git", "main")


@pytest.mark.parametrize(
    "said",
    [
        "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
        "remote: Invalid username or token.\nfatal: Authentication failed for 'https://x/'",
        "remote: HTTP Basic: Access denied.\nfatal: Authentication failed for 'https://x/'",
        "remote: Repository not found.\nfatal: repository 'https://x/' not found",
        "fatal: unable to access 'https://x/': The requested URL returned error: 403",
        "git@github.com: Permission denied (publickey).\nfatal: Could not read from remote "
        "repository.\n\nPlease make sure you have the correct access rights\nand the repository "
        "exists.",
        "Host key verification failed.\nfatal: Could not read from remote repository.",
        "ERROR: Repository not found.\nfatal: Could not read from remote repository.",
        "fatal: '/srv/x.git' does not appear to be a git repository\nfatal: Could not read",
        "fatal: remote error: access denied or repository not exported: /x",
        "fatal: unable to access 'https://x/': SSL certificate problem: self-signed certificate",
        "fatal: unable to access 'https://x/': server certificate verification failed. CAfile: no",
        "fatal: couldn't find remote ref refs/heads/main",
        "fatal: transport 'ext' not allowed",
    ],
)
def test_what_the_user_has_to_change(said: str) -> None:
    """One sentence that names the source."""
    error = explain(GitError(said, 128), SOURCE)
    assert isinstance(error, SourceError)
    assert SOURCE.location in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    "said",
    [
        "fatal: unable to access 'https://x/': Could not resolve host: x",
        "fatal: unable to access 'https://x/': Failed to connect to x port 443 after 75007 ms",
        "fatal: unable to access 'https://x/': The requested URL returned error: 502",
        "fatal: unable to access 'https://x/': The requested URL returned error: 429",
        "ssh: connect to host x port 22: Connection timed out\nfatal: Could not read from remote",
        "ssh: Could not resolve hostname x: Temporary failure in name resolution\nfatal: Could not "
        "read from remote repository.",
        "kex_exchange_identification: Connection closed by remote host\nfatal: Could not read",
        "error: RPC failed; curl 28 Operation too slow. Less than 1 bytes/sec transferred",
        "fetch-pack: unexpected disconnect while reading sideband packet\nfatal: early EOF\n"
        "fatal: fetch-pack: invalid index-pack output",
        "error: unable to write file: No space left on device\nfatal: index-pack failed",
        "something nobody has seen before",
        "",
    ],
)
def test_what_time_may_change(said: str) -> None:
    """Tried again, with the reason in one sentence."""
    error = explain(GitError(said, 128), SOURCE)
    assert isinstance(error, TransientError)
    assert SOURCE.location in str(error)
    assert "\n" not in str(error)
    assert str(error).endswith(".")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "ssh: connect to host x port 22: Connection refused\nfatal: Could not read from remote "
            "repository.\n\nPlease make sure you have the correct access rights\nand the "
            "repository exists.",
            "connect to host x port 22: Connection refused.",
        ),
        (
            "Warning: Permanently added 'x' to the list of known hosts.\n"
            "kex_exchange_identification: Connection closed by remote host\n"
            "fatal: Could not read from remote repository.",
            "kex_exchange_identification: Connection closed by remote host.",
        ),
        (
            "fatal: something is odd over there\nfatal: the remote end hung up unexpectedly",
            "something is odd over there.",
        ),
        (
            "ssh: this and that\nerror: less\nfatal: this says most\nwhat is done about it",
            "this says most.",
        ),
        (
            "fatal: unable to connect to x:\nx[0: 127.0.0.1]: errno=Connection refused\n\n",
            "unable to connect to x: x[0: 127.0.0.1]: errno=Connection refused.",
        ),
        ("fatal: Could not read from remote repository.", "Could not read from remote repository."),
    ],
)
def test_the_line_that_says_most(said: str, reason: str) -> None:
    """Not that git could not read what the other program, which told why, did not write."""
    assert last_line(GitError(said, 128)) == reason
    assert str(explain(GitError(said, 128), SOURCE)).endswith(f": {reason}")


def test_a_full_disk_is_called_so() -> None:
    """The reason that the user can do something about."""
    said = "error: file write error: No space left on device\nfatal: unable to write sha1 file"
    assert "the disk is full" in str(explain(GitError(said, 128), SOURCE))
