"""Running git so that nothing in a repository or on a server can make it run a program, prompt or
hang.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from kodit.domain.errors import PermanentError, TransientError
from kodit.domain.report import Report, ignore_report
from kodit.domain.source import Credentials
from kodit.infrastructure.git.askpass import askpass_environment
from kodit.infrastructure.git.user_configuration import current_user_configuration
from kodit.infrastructure.processes.ended_with_parent import start_with_parent
from kodit.infrastructure.processes.environment import steady_environment
from kodit.infrastructure.processes.process_tree import end_process_tree

CONFIGURATION = Path(__file__).with_name("hardened.gitconfig")

_KEPT_VARIABLES = frozenset(
    """
    PATH HOME USER LOGNAME TMPDIR SSH_AUTH_SOCK SSH_AGENT_PID SSL_CERT_FILE SSL_CERT_DIR
    CURL_CA_BUNDLE GIT_SSL_CAINFO GIT_SSL_CAPATH GIT_EXEC_PATH LD_LIBRARY_PATH DYLD_LIBRARY_PATH
    http_proxy https_proxy all_proxy no_proxy HTTPS_PROXY ALL_PROXY NO_PROXY
    """.split()
)

_SSH_OPTIONS = (
    " -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=15 -o ServerAliveCountMax=4"
    " -o ClearAllForwardings=yes -o PermitLocalCommand=no"
)

_OVERRIDES = (
    # On the command line, because a repository's own configuration overrides GIT_CONFIG_GLOBAL.
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.pager=cat",
    "core.alternateRefsCommand=:",
    "core.quotePath=false",
    "diff.external=",
    "fetch.recurseSubmodules=false",
    "filter.lfs.smudge=",
    "filter.lfs.process=",
    "gc.auto=0",
    "maintenance.auto=false",
    "http.followRedirects=initial",
    # A server that is counting objects still sends a few bytes every five seconds.
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=60",
    "log.showSignature=false",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
    "transfer.bundleURI=false",
    "uploadpack.packObjectsHook=",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long git may take, in seconds: `silent` without any output of progress, `total`
    overall.
    """

    silent: float = 300.0
    total: float = 6 * 3600.0


LOOK_UP_LIMITS = Limits(silent=60.0, total=90.0)
LOCAL_LIMITS = Limits(silent=1800.0, total=6 * 3600.0)


OFFLINE = {"GIT_ALLOW_PROTOCOL": "none"}
"""Variables that stop git from fetching missing objects, by any transport."""


class GitError(Exception):
    """git ended with an error; `stderr` is its message, without secrets."""

    def __init__(self, stderr: str, returncode: int) -> None:
        super().__init__(stderr)
        self.stderr = stderr
        self.returncode = returncode


class GitTimeoutError(TransientError):
    """git exceeded its total limit, or was silent for too long, and was killed."""


def git_environment() -> dict[str, str]:
    """The environment for git: no prompts, and of the user's configuration only the network
    settings.
    """
    environment = _hardened_environment()
    user = current_user_configuration()
    if user is not None:
        environment |= user.variables | {"GIT_CONFIG_GLOBAL": str(user.file)}
        if user.ssh is not None:
            environment |= _ssh_of_user(user.ssh)
    return environment


def _ssh_of_user(command: str) -> dict[str, str]:
    """The user's ssh command, with options that stop it from prompting, unless it is a program
    other than ssh.
    """
    if command.split(" ", 1)[0].rpartition("/")[2] == "ssh":
        return {"GIT_SSH_COMMAND": f"{command}{_SSH_OPTIONS}"}
    return {"GIT_SSH_COMMAND": command, "GIT_SSH_VARIANT": "auto"}


def _hardened_environment() -> dict[str, str]:
    steady = steady_environment()
    kept = {name: value for name, value in steady.items() if name in _KEPT_VARIABLES}
    return kept | {
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(CONFIGURATION),
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TEMPLATE_DIR": "",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "SSH_ASKPASS": "false",
        "SSH_ASKPASS_REQUIRE": "never",
        "GIT_SSH_COMMAND": f"ssh{_SSH_OPTIONS}",
        "GIT_SSH_VARIANT": "ssh",
        "GIT_ALLOW_PROTOCOL": "https:http:ssh:git:file",
        "GIT_PROTOCOL_FROM_USER": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_DEFAULT_HASH": "sha1",
    }


_more_overrides: ContextVar[tuple[str, ...]] = ContextVar("_more_overrides", default=())


@contextlib.contextmanager
def overriding(*settings: str) -> Iterator[None]:
    """Within the context every git also runs with these settings (`NAME=VALUE`)."""
    token = _more_overrides.set((*_more_overrides.get(), *settings))
    try:
        yield
    finally:
        _more_overrides.reset(token)


def git_command(
    arguments: Sequence[str], git_directory: Path | None = None, *, with_helpers: bool = False
) -> list[str]:
    """The command line of a hardened git; `with_helpers` adds the user's credential helpers."""
    command = ["git", "--no-pager"]
    no_helper = (
        () if with_helpers and current_user_configuration() is not None else ("credential.helper=",)
    )
    for override in (*_OVERRIDES, *no_helper, *_more_overrides.get()):
        command += ["-c", override]
    if git_directory is not None:
        command.append(f"--git-dir={git_directory}")
    return [*command, *arguments]


def run_git(
    arguments: Sequence[str],
    *,
    git_directory: Path | None = None,
    stdin: bytes = b"",
    credentials: Credentials | None = None,
    url: str = "",
    limits: Limits = LOCAL_LIMITS,
    report: Report = ignore_report,
    environment: dict[str, str] | None = None,
) -> bytes:
    """Run git and return its output. `credentials` are sent only to `url`'s server.

    Raises GitError if git fails, GitTimeoutError past a limit, PermanentError if git is not
    installed.
    """
    output: list[bytes] = []
    stream_git(
        arguments,
        output.append,
        git_directory=git_directory,
        stdin=stdin,
        credentials=credentials,
        url=url,
        limits=limits,
        report=report,
        environment=environment,
    )
    return b"".join(output)


def stream_git(
    arguments: Sequence[str],
    consume: Callable[[bytes], object],
    *,
    git_directory: Path | None = None,
    stdin: bytes = b"",
    credentials: Credentials | None = None,
    url: str = "",
    limits: Limits = LOCAL_LIMITS,
    report: Report = ignore_report,
    environment: dict[str, str] | None = None,
) -> None:
    """Like `run_git`, but passes the output to `consume` piece by piece."""
    with contextlib.ExitStack() as stack:
        variables = git_environment() | (environment or {})
        if credentials is not None:
            variables |= stack.enter_context(askpass_environment(credentials, url))
        source = stack.enter_context(tempfile.TemporaryFile()) if stdin else None
        if source is not None:
            source.write(stdin)
            source.seek(0)
        process = stack.enter_context(
            _start(
                # Credentials given for this source take precedence over those of helpers.
                git_command(arguments, git_directory, with_helpers=credentials is None),
                variables,
                source,
            )
        )
        said = _attend(process, consume, limits, report)
    if process.returncode != 0:
        raise GitError(_redacted(said, credentials), process.returncode)


@contextlib.contextmanager
def _start(
    command: list[str], variables: dict[str, str], source: object
) -> Iterator[subprocess.Popen[bytes]]:
    try:
        process = start_with_parent(
            command,
            stdin=subprocess.DEVNULL if source is None else source,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=variables,
            # In any other folder git would search upwards for a repository and obey its
            # configuration: the data directory may be inside a hostile one.
            cwd="/",
        )
    except FileNotFoundError:
        raise PermanentError("git is not installed, or not on PATH", code="git_missing") from None
    try:
        yield process
    finally:
        if process.poll() is None:
            end_process_tree(process.pid)
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _attend(
    process: subprocess.Popen[bytes],
    consume: Callable[[bytes], object],
    limits: Limits,
    report: Report,
) -> str:
    """Read both outputs to their ends; returns the text on standard error."""
    said = _ErrorOutput(report)
    started = heard = time.monotonic()
    with selectors.DefaultSelector() as selector:
        for stream, feed in ((process.stdout, consume), (process.stderr, said.feed)):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, feed)
        while selector.get_map():
            ready = selector.select(timeout=1.0)
            now = time.monotonic()
            for key, _ in ready:
                piece = os.read(key.fd, 1 << 18)
                if piece:
                    key.data(piece)
                    heard = now
                else:
                    selector.unregister(key.fileobj)
            if now - heard > limits.silent or now - started > limits.total:
                raise GitTimeoutError(f"git took more than {_passed(now, started)} seconds")
    process.wait()
    return said.text


def _passed(now: float, started: float) -> int:
    return max(1, int(now - started))


class _ErrorOutput:
    """git's standard error: progress is reported, and the end of the other output is kept."""

    _PROGRESS = re.compile(rb"(\d+)% \((\d+)/(\d+)\)")
    _KEPT_BYTES = 8192

    def __init__(self, report: Report) -> None:
        self._report = report
        self._kept = b""
        self._counts: tuple[int, int | None] = (0, None)

    def feed(self, piece: bytes) -> None:
        self._kept = (self._kept + piece)[-self._KEPT_BYTES :]
        counts = self._PROGRESS.findall(piece)
        if counts:
            self._counts = (int(counts[-1][1]), int(counts[-1][2]))
        self._report(*self._counts)

    @property
    def text(self) -> str:
        lines = re.split(r"[\r\n]+", self._kept.decode("utf-8", "replace"))
        return "\n".join(line for line in lines if line.strip() and "% (" not in line)


def _redacted(text: str, credentials: Credentials | None) -> str:
    text = re.sub(r"//[^/\s@]*@", "//", text)
    for secret in credentials.secrets if credentials else ():
        for form in {secret, quote(secret, safe="")} - {""}:
            text = text.replace(form, "***")
    return text
