"""Messages of servers that are not available in tests, and the resulting errors."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from kodit import infrastructure
from kodit.domain import errors
from kodit.domain.errors import SourceError, TransientError
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.git.errors import (
    DamagedCloneError,
    error_of_reading,
    explain,
    last_line,
)
from kodit.infrastructure.git.runner import GitError
from kodit.infrastructure.git.transfer import _is_refusal

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
def test_permanent_errors(said: str) -> None:
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
def test_transient_errors(said: str) -> None:
    """Retried, with the reason in one sentence."""
    error = explain(GitError(said, 128), SOURCE)
    assert isinstance(error, TransientError)
    assert SOURCE.location in str(error)
    assert "\n" not in str(error)
    assert not str(error).endswith(".")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "ssh: connect to host x port 22: Connection refused\nfatal: Could not read from remote "
            "repository.\n\nPlease make sure you have the correct access rights\nand the "
            "repository exists.",
            "connect to host x port 22: Connection refused",
        ),
        (
            "Warning: Permanently added 'x' to the list of known hosts.\n"
            "kex_exchange_identification: Connection closed by remote host\n"
            "fatal: Could not read from remote repository.",
            "kex_exchange_identification: Connection closed by remote host",
        ),
        (
            "fatal: something is odd over there\nfatal: the remote end hung up unexpectedly",
            "something is odd over there",
        ),
        (
            "ssh: this and that\nerror: less\nfatal: this says most\nwhat is done about it",
            "this says most",
        ),
        (
            "fatal: unable to connect to x:\nx[0: 127.0.0.1]: errno=Connection refused\n\n",
            "unable to connect to x: x[0: 127.0.0.1]: errno=Connection refused",
        ),
        ("fatal: Could not read from remote repository.", "Could not read from remote repository"),
        (" \n", "it gave no reason"),
    ],
)
def test_the_most_informative_line(said: str, reason: str) -> None:
    """Not git's message that the other program, which gave the reason, wrote nothing."""
    assert last_line(GitError(said, 128)) == reason
    assert str(explain(GitError(said, 128), SOURCE)).endswith(f": {reason}")


def test_a_full_disk_is_reported_as_such() -> None:
    """It is the reason that the user can fix."""
    for reason in ("No space left on device", "Disk quota exceeded"):
        said = f"error: file write error: {reason}\nfatal: unable to write sha1 file"
        assert "the disk is full" in str(explain(GitError(said, 128), SOURCE))


@pytest.mark.parametrize(
    ("said", "sentence", "code"),
    [
        (
            "Could not resolve host: x",
            "{source} cannot be reached: Could not resolve host: x",
            "source_unreachable",
        ),
        ("early EOF", "{source} cannot be reached: early EOF", "source_unreachable"),
        (
            "The requested URL returned error: 503",
            "{source} cannot be reached: The requested URL returned error: 503",
            "source_unreachable",
        ),
        ("bad object HEAD", "git failed on {source}: bad object HEAD", "git_failed"),
        ("x" * 400, f"git failed on {{source}}: {'x' * 300}", "git_failed"),
        (
            "cannot write: No space left on device",
            "{source} cannot be fetched: the disk is full",
            "disk_full",
        ),
    ],
)
def test_whether_it_was_the_way_or_git(said: str, sentence: str, code: str) -> None:
    error = explain(GitError(f"fatal: {said}", 128), SOURCE)
    assert str(error) == sentence.format(source=SOURCE)
    assert (error.code, error.fields) == (code, {"source": str(SOURCE)})


@pytest.mark.parametrize(
    ("said", "sentence", "code"),
    [
        (
            "fatal: Authentication failed for 'https://x/'",
            "{source} refuses access: it asks for credentials, or those given are not accepted",
            "access_refused",
        ),
        (
            "fatal: unable to access 'https://x/': The requested URL returned error: 403",
            "{source} refuses access: it asks for credentials, or those given are not accepted",
            "access_refused",
        ),
        *(
            (
                f"fatal: unable to access 'https://x/': The requested URL returned error: {status}",
                "{source} redirects to another address, which is not followed for callers over the "
                "network; give that address",
                "redirect_refused",
            )
            for status in (301, 302, 303, 307, 308)
        ),
        (
            "fatal: unable to access 'https://x/': The requested URL returned error: 410",
            "{source} is not a git repository, or needs credentials",
            "repository_not_found",
        ),
        (
            "fatal: couldn't find remote ref refs/heads/main",
            "{url} has no branch, tag or commit named main",
            "ref_not_found",
        ),
        (
            "fatal: Expected git repo version <= 1, found 2",
            "{source} has a format that this git does not support: Expected git repo version <= 1, "
            "found 2",
            "repository_unsupported",
        ),
        (
            "fatal: mismatched algorithms: client sha1; server sha256",
            "{source} uses SHA-256 object names, which are not supported",
            "repository_unsupported",
        ),
        (
            "fatal: repository corruption on the remote side.",
            "{source} is damaged: it lacks objects that its own commits name",
            "repository_damaged",
        ),
    ],
)
def test_each_refusal_has_its_sentence(said: str, sentence: str, code: str) -> None:
    """And a code, and the source that it is about."""
    error = explain(GitError(said, 128), SOURCE)
    assert str(error) == sentence.format(source=SOURCE, url=SOURCE.location)
    assert (error.code, error.fields) == (code, {"source": str(SOURCE)})
    assert isinstance(error, SourceError)


def test_a_commit_that_its_own_server_does_not_serve() -> None:
    """If the user did not name it, HEAD is wrong. If the user did, the message says so."""
    anonymous = Source(SourceKind.GIT, SOURCE.location)
    for said in (
        "remote error: upload-pack: not our ref 0123",
        f"{SOURCE.location} did not send all necessary objects",
    ):
        refused = GitError(f"fatal: {said}", 128)
        error = explain(refused, anonymous)
        assert "does not serve the commit that its HEAD names" in str(error)
        assert (error.code, error.fields) == ("repository_damaged", {"source": SOURCE.location})
    refused = GitError("fatal: remote error: upload-pack: not our ref 0123", 128)
    assert "has no branch, tag or commit named main" in str(explain(refused, SOURCE))
    gone = GitError("fatal: couldn't find remote ref HEAD", 128)
    assert "has no branch, tag or commit named HEAD" in str(explain(gone, anonymous))


@pytest.mark.parametrize(
    ("code", "said", "is_damage"),
    [
        (128, "fatal: bad object", True),
        (-9, "fatal: bad object", False),
        (128, "fatal: Out of memory, malloc failed", False),
        (128, "error: unable to open: Too many open files", False),
        (128, "fatal: unable to read tree: Permission denied", False),
    ],
)
def test_what_is_wrong_with_a_clone(code: int, said: str, is_damage: bool) -> None:
    """Only damage that cloning again would repair; not that git was killed, or that the machine is
    short of something.
    """
    error = error_of_reading(GitError(said, code), Path("/data/clones/1.git"))
    assert isinstance(error, DamagedCloneError) == is_damage
    assert str(error).startswith("the clone /data/clones/1.git cannot be read: ")
    assert (error.code, error.fields) == ("clone_unreadable", {"clone": "/data/clones/1.git"})


@pytest.mark.parametrize(
    ("said", "is_refusal"),
    [
        ("fatal: remote error: upload-pack: not our ref 0123", True),
        ("error: Server does not allow request for unadvertised object 0123", True),
        ("error: https://x/ did not send all necessary objects", True),
        ("fatal: remote error: Upload-Pack: Not Our Ref 0123", True),
        ("fatal: early EOF", False),
    ],
)
def test_a_server_that_only_serves_refs(said: str, is_refusal: bool) -> None:
    """All of them are requested then; a broken connection is not taken for this case."""
    assert _is_refusal(GitError(said, 128)) is is_refusal


def test_every_error_has_a_code_of_its_own() -> None:
    """So that a program need not parse the sentence."""
    sources = Path(infrastructure.__file__).parent
    without = []
    for path in (*sorted((sources / "git").glob("*.py")), sources / "trust.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
                continue
            error = getattr(errors, call.func.id, None)
            is_error = isinstance(error, type) and issubclass(error, errors.KoditError)
            if is_error and "code" not in {keyword.arg for keyword in call.keywords}:
                without.append(f"{path.name}:{call.lineno}")
    assert without == []
