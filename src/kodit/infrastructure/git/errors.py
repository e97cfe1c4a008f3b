"""Turning git's output into one sentence that names the source, as an error that only the user can
fix or that may pass with time.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from kodit.domain.errors import KoditError, SourceError, TransientError
from kodit.domain.value_objects import Source
from kodit.infrastructure.git.runner import GitError


class DamagedCloneError(TransientError):
    """A clone cannot be read in its present state; cloning it again helps."""


_REFUSED = (
    (
        "repository_damaged",
        r"repository corruption on the remote",
        "{source} is damaged: it lacks objects that its own commits name",
    ),
    (
        "access_refused",
        r"authentication failed|invalid credentials|invalid username or|http basic: access denied"
        r"|returned error: 40[13]|access denied|could not read (username|password)"
        r"|terminal prompts disabled|unable to read askpass",
        "{source} refuses access: it asks for credentials, or those given are not accepted",
    ),
    (
        "redirect_refused",
        r"returned error: 30[12378]",
        "{source} redirects to another address, which is not followed for callers over the "
        "network; give that address",
    ),
    (
        "ssh_key_refused",
        r"permission denied \(|too many authentication failures",
        "{source} refuses access: no ssh key that is offered is accepted",
    ),
    (
        "host_key_unknown",
        r"host key verification failed|no .* host key is known",
        "{source} cannot be trusted: its ssh host key is not known; connect once with ssh",
    ),
    (
        "certificate_refused",
        r"ssl certificate|certificate verif|server certificate|self.signed certificate",
        "{source} cannot be trusted: its TLS certificate is not accepted",
    ),
    (
        "ref_not_found",
        r"couldn't find remote ref|not our ref|no such remote ref|unadvertised object"
        r"|remote did not send all necessary objects",
        "{url} has no branch, tag or commit named {ref}",
    ),
    (
        "repository_unsupported",
        r"expected git repo version|unknown repository extension",
        "{source} has a format that this git does not support: {reason}",
    ),
    (
        "repository_unsupported",
        r"mismatched algorithms",
        "{source} uses SHA-256 object names, which are not supported",
    ),
    (
        "repository_not_found",
        r"repository .*not found|returned error: 4(04|10)|does not appear to be a git repository"
        r"|not valid: is this a git repository|not a git repository|repository not exported"
        r"|does not exist|invalid server response|expected flush after|bad line length character"
        r"|not found in upstream|unexpected content-type",
        "{source} is not a git repository, or needs credentials",
    ),
    (
        "transport_refused",
        r"transport '.*' not allowed|protocol '.*' (is )?not supported|is not a git command"
        r"|strange (host|path)name",
        "{source} uses a git transport that is not allowed",
    ),
)
"""An error code, the pattern of git's message, and our sentence."""

_NETWORK = re.compile(
    r"could not resolve|temporary failure in name|failed to connect|couldn't connect"
    r"|connection (refused|reset|timed out|closed)|operation (timed out|too slow)|network is"
    r"|no route to host|early eof|hung up|rpc failed|unexpected disconnect|timed? ?out"
    r"|returned error: (5\d\d|429|408)|empty reply|gnutls|ssl_error|broken pipe",
    re.IGNORECASE,
)

_NO_DAMAGE = re.compile(
    r"out of memory|cannot allocate|unable to create thread|resource temporarily unavailable"
    r"|too many open files|permission denied",
    re.IGNORECASE,
)
"""Problems of the machine rather than of a repository on it."""

_SAYS_NOTHING = re.compile(
    r"fatal: (could not read from remote repository|the remote end hung up)"
    r"|please make sure you have the correct access rights|and the repository exists|warning:",
    re.IGNORECASE,
)
"""git's generic message after its transport program has ended, and warnings."""


def explain(error: GitError, source: Source) -> KoditError:
    """The error to raise for a git that failed on `source`, which becomes a field of the error:
    SourceError if the failure is permanent, TransientError otherwise.
    """
    said = error.stderr
    names = {"source": source, "url": source.location, "ref": source.ref or "HEAD"}
    names["reason"] = last_line(error)
    if re.search(r"no space left on device|disk quota exceeded", said, re.IGNORECASE):
        return TransientError(
            f"{source} cannot be fetched: the disk is full", code="disk_full", source=str(source)
        )
    if re.search(r"returned error: (5\d\d|429|408)", said):
        return unreachable(source, last_line(error))
    if source.ref is None and re.search(r"not our ref|did not send all necessary", said):
        return SourceError(
            f"{source} does not serve the commit that its HEAD names",
            code="repository_damaged",
            source=str(source),
        )
    for code, pattern, sentence in _REFUSED:
        if re.search(pattern, said, re.IGNORECASE):
            return SourceError(sentence.format(**names), code=code, source=str(source))
    if _NETWORK.search(said):
        return unreachable(source, last_line(error))
    return TransientError(
        f"git failed on {source}: {last_line(error)}", code="git_failed", source=str(source)
    )


def unreachable(source: Source, reason: str) -> TransientError:
    """The error for a source that may answer later; `reason` ends its sentence."""
    return TransientError(
        f"{source} cannot be reached: {reason}", code="source_unreachable", source=str(source)
    )


def no_such_ref(source: Source, ref: str | None) -> SourceError:
    """The error for a ref that a source does not have."""
    return SourceError(
        f"{source.location} has no branch, tag or commit named {ref}",
        code="ref_not_found",
        source=str(source),
    )


def error_of_reading(error: GitError, clone_path: Path) -> TransientError:
    """The error to raise for a git that could not read a clone: DamagedCloneError, unless git was
    killed or the machine is at fault.
    """
    is_damage = error.returncode >= 0 and not _NO_DAMAGE.search(error.stderr)
    kind = DamagedCloneError if is_damage else TransientError
    return kind(
        f"the clone {clone_path} cannot be read: {last_line(error)}",
        code="clone_unreadable",
        clone=str(clone_path),
    )


def last_line(error: GitError) -> str:
    """The most informative line of git's output: the last `fatal:`, else the last `error:`, else
    the last. If ssh or the remote git printed a reason before that, it is included.
    """
    lines = [line.strip() for line in error.stderr.splitlines() if line.strip()]
    lines = [line for line in lines if not _SAYS_NOTHING.match(line)] or lines
    for start in ("fatal:", "error:", "ssh:", ""):
        for line, following in reversed(list(pairwise([*lines, ""]))):
            if line.startswith(start):
                said = f"{line} {following}" if line.endswith(":") else line
                return said.removeprefix(start).strip().rstrip(".")[:300]
    return "it gave no reason"
