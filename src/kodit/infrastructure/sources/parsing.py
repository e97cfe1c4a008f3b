"""Parsing the user's text into a `Source`: a git URL or a local folder, optionally `@ref`."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from kodit.domain.addresses import readings_of_page, short_address, with_scheme
from kodit.domain.errors import MissingFolderError, SourceError
from kodit.domain.naming import split_ref
from kodit.domain.policy import LOCAL, SCP_LIKE, CallerPolicy
from kodit.domain.source import Credentials, LocalPlace, ParsedSource
from kodit.domain.text import is_text
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.folder.repository import (
    git_directory_at,
    holds_work_trees,
    is_git_directory,
)
from kodit.infrastructure.home import expand_home

_REMOTE_SCHEMES = ("https", "http", "ssh", "git")
_TRANSPORT_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*::")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|^[./-]|[./]$|\.lock(/|$)|^@$")
"""Text that git-check-ref-format(1) forbids, and a leading dash."""


_SECRET = re.compile(r"[^/@]+:[^@]*@")
"""Text that may be a name and a password before a host, in a mistyped URL."""


def parse_source(
    text: str, *, cwd: Path | None = None, policy: CallerPolicy = LOCAL
) -> ParsedSource:
    """Parse a source as typed: a URL (https, http, ssh, git, file), `user@host:path`, or the path
    of a local folder (relative to `cwd`), each optionally followed by `@` and a branch, tag or
    commit; the address of a page of a repository; or, if there is no such folder, `owner/name` on
    GitHub. Credentials are removed from a URL and returned separately.

    Raises SourceError, in one sentence, for a source that is refused or does not exist, and
    RefusedByPolicyError for one that the caller may not name, whether it exists or not. Only local
    paths are checked; a URL may still not exist.
    """
    if _holds_controls(text):
        raise SourceError(f"the source {shown(text)!r} contains control characters")
    if not text.strip():
        raise SourceError("the source is empty; give a git URL or the path of a folder")
    if not is_text(text):
        raise SourceError(f"the source {text!r} is not valid text")
    if text.startswith("-"):
        raise SourceError(f"the source {text!r} looks like an option; write ./{text} for a folder")
    if _TRANSPORT_HELPER.match(text):
        raise SourceError(f"the source {shown(text)!r} uses a git transport that is not allowed")
    parsed = _parse(text, cwd, policy)
    policy.check_source(parsed.source)
    return parsed


def at_ref(source: Source, ref: str, policy: CallerPolicy = LOCAL) -> Source:
    """The repository of a parsed source at a branch, tag or commit. Raises SourceError for a
    folder that is no repository, and for text that names no ref, and RefusedByPolicyError."""
    if source.kind is SourceKind.FOLDER:
        found = _git_directory_source(Path(source.location), ref)
        policy.check_source(found)
        return found
    return replace(source, ref=_checked_ref(ref))


def local_place(text: str, cwd: Path | None) -> LocalPlace | None:
    """The folder or file at a path; None if there is none."""
    if _holds_controls(text) or not text.strip() or _SCHEME.match(text):
        return None
    try:
        path = _local_path(text, cwd)
        folder = path.resolve() if path.is_dir() else path.parent.resolve()
        place = folder if path.is_dir() else folder / path.name
        if not place.exists():
            return None
    except (OSError, RuntimeError, SourceError):  # a link loop, or an unknown user's home
        return None
    return LocalPlace(str(place), str(folder))


def _parse(text: str, cwd: Path | None, policy: CallerPolicy) -> ParsedSource:
    short = short_address(text)
    complete = with_scheme(text)
    if not policy.is_free:  # relative paths are meaningless for remote callers
        text = short or complete
    elif complete != text and not os.path.lexists(_local_path(text, cwd)):
        text = complete
    policy.check_typed(text)
    if _SCHEME.match(text):
        return _parse_address(text)
    return _parse_path(text, cwd, policy, short)


def _parse_address(text: str) -> ParsedSource:
    scheme = text.partition("://")[0].lower()
    parsed = [_parse_url(page.typed, scheme) for page in readings_of_page(text)]
    if parsed:
        return replace(parsed[0], others=tuple(one.source for one in parsed[1:]))
    return _parse_url(text, scheme)


def _parse_path(
    text: str, cwd: Path | None, policy: CallerPolicy, short: str | None
) -> ParsedSource:
    """`user@host:path`, or a folder; `short` is the source to use if there is no such folder."""
    scp_like = SCP_LIKE.fullmatch(text)
    if scp_like and not policy.is_free:  # remote callers must not learn whether such a file exists
        return ParsedSource(_scp_like_source(scp_like))
    local = _local_path(text, cwd)
    # Before anything shows whether it exists: links may lead out of the allowed folders.
    policy.check_folder(os.path.realpath(local), text)
    if os.path.lexists(local):
        return ParsedSource(_local_source(local, None))
    if scp_like:
        return ParsedSource(_scp_like_source(scp_like))
    base, ref = split_ref(text)
    if ref is not None and os.path.lexists(_local_path(base, cwd)):
        return ParsedSource(_local_source(_local_path(base, cwd), ref))
    if short is not None and not (policy.is_free and _starts_in_existing_folder(text, cwd)):
        return _parse_url(short, "https")
    raise MissingFolderError(_missing(text, local, cwd, policy, short))


def _starts_in_existing_folder(text: str, cwd: Path | None) -> bool:
    """Whether the first part of a relative path is an existing folder, so that only its end is
    misspelled.
    """
    first, slash, _rest = text.partition("/")
    return bool(slash) and _local_path(first, cwd).is_dir()


def _missing(
    text: str, local: Path, cwd: Path | None, policy: CallerPolicy, short: str | None
) -> str:
    """The error message for a path that does not exist."""
    before, colon, after = text.partition(":")
    if policy.is_free and colon and after[:1].isdecimal() and _local_path(before, cwd).is_file():
        return f"{without_secrets(shown(text))} names a line; a source is the whole file, {before}"
    sentence = f"the folder {without_secrets(_tidy(local))} does not exist"
    if short is None or not policy.is_free:
        return sentence
    return f"{sentence}; for the repository on GitHub, write {short}"


def check_stored(source: Source) -> None:
    """Refuse a source that no parsing could have produced: the database may come from somebody
    else. Does not access the source. Raises SourceError.
    """
    try:
        is_sound = _is_as_parsed(source) and source.ref == _checked_ref(source.ref)
    except SourceError:
        is_sound = False
    if not is_sound:
        raise SourceError(
            f"the stored source {shown(str(source))!r} is not valid; delete its index"
        )


def _is_as_parsed(source: Source) -> bool:
    location = source.location
    scheme = _SCHEME.match(location)
    if _holds_controls(location) or not is_text(location):
        return False
    if source.kind is SourceKind.FOLDER:
        return location.startswith("/")
    if scheme is None:
        scp_like = SCP_LIKE.fullmatch(location)
        return scp_like is not None and _scp_like_source(scp_like).location == location
    if scheme[1] == "file":
        return location.startswith("file:///")
    return _parse_url(location, scheme[1]).source.location == location


def _parse_url(text: str, scheme: str) -> ParsedSource:
    if scheme == "file":
        return ParsedSource(_file_url_source(text))
    if scheme not in _REMOTE_SCHEMES:
        raise SourceError(
            f"the source {shown(text)!r} uses {scheme}://, which is not supported; "
            "use https, http, ssh, git, file, user@host:path, or a local folder"
        )
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise SourceError(f"the source {shown(text)!r} is not a valid URL") from None
    if parts.query or parts.fragment:
        raise SourceError(
            f"the URL on {host} has a query or a fragment, which no repository needs and which may "
            "hold a secret; leave it out"
        )
    if not host or host.startswith("-") or re.search(r"[\s\\%]", host):
        raise SourceError(f"the source {shown(text)!r} names no valid host")
    path, ref = split_ref(_after_authority(parts))
    if not path.strip("/"):
        raise SourceError(f"the source {shown(text)!r} names no repository on {host}")
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    authority = f"[{host}]" if ":" in host else host
    if port is not None:
        authority = f"{authority}:{port}"
    credentials = None
    if scheme == "ssh":
        if password:
            raise SourceError(
                f"the source {shown(text)!r} contains a password, which ssh does not accept; use "
                "a key"
            )
        if username.startswith("-"):
            raise SourceError(f"the source {text!r} names no valid user")
        authority = f"{quote(username, safe='')}@{authority}" if username else authority
    elif username or password:
        if _holds_controls(username + password):
            raise SourceError(f"the credentials for {host} contain control characters")
        credentials = Credentials(username or "git", password)
    location = f"{scheme}://{authority}{path.rstrip('/')}"
    return ParsedSource(Source(SourceKind.GIT, location, _checked_ref(ref)), credentials)


def _after_authority(parts: SplitResult) -> str:
    return urlunsplit(("", "", parts.path, parts.query, parts.fragment))


def _file_url_source(text: str) -> Source:
    host, slash, rest = text[len("file://") :].partition("/")
    if host not in ("", "localhost") or not slash:
        raise SourceError(f"the source {shown(text)!r} names a host; file:// reads local paths")
    url_path = f"/{rest}"
    whole = _decoded_path(url_path)
    if whole.is_dir():
        return _git_directory_source(whole, None)
    base, ref = split_ref(url_path)
    path = _decoded_path(base)
    if not os.path.lexists(path):
        raise SourceError(f"the repository {path} does not exist")
    return _git_directory_source(path, ref)


def _decoded_path(url_path: str) -> Path:
    path = unquote(url_path)
    if _holds_controls(path):
        raise SourceError(f"the path {path!r} contains control characters")
    return Path(path)


def starts_at_home(text: str) -> bool:
    """Whether a path starts at the user's own home folder; `~name` is a folder with that name."""
    return text == "~" or text.startswith("~/")


def _local_path(text: str, cwd: Path | None) -> Path:
    path = Path(text)
    if starts_at_home(text):
        path = expand_home(path)
    if path.is_absolute():
        return path
    try:
        return (cwd or Path.cwd()) / path
    except FileNotFoundError:
        raise SourceError(
            f"{without_secrets(text)} is relative to the current folder, which no longer "
            "exists; change to another one"
        ) from None


def _local_source(path: Path, ref: str | None) -> Source:
    real = _real_folder(path)
    if ref is not None or _is_bare_repository(real):
        return _git_directory_source(real, ref)
    try:
        with os.scandir(real):
            pass
    except PermissionError:
        raise SourceError(f"the folder {real} cannot be read: permission denied") from None
    return Source(SourceKind.FOLDER, str(real))


def _git_directory_source(path: Path, ref: str | None) -> Source:
    real = _real_folder(path)
    if not is_git_directory(real) and git_directory_at(real) is None:
        raise SourceError(f"{real} is not a git repository")
    return Source(SourceKind.GIT, real.as_uri(), _checked_ref(ref))


def _real_folder(path: Path) -> Path:
    try:
        real = path.resolve(strict=True)
    except FileNotFoundError:
        raise SourceError(f"the folder {_tidy(path)} does not exist") from None
    except PermissionError:
        raise SourceError(f"the folder {_tidy(path)} cannot be read: permission denied") from None
    except (OSError, RuntimeError):  # a symbolic link loop; RuntimeError before Python 3.13
        raise SourceError(f"the path {path} is a loop of symbolic links") from None
    if _holds_controls(str(real)) or not is_text(str(real)):
        raise SourceError(f"the path {str(real)!r} is not valid text")
    if not real.is_dir():
        raise SourceError(f"{real} is a file; give the folder that contains it")
    return real


def _tidy(path: Path) -> str:
    """A path without `..`, for display: through links, `..` may lead to an unexpected folder."""
    return os.path.realpath(path) if ".." in path.parts else str(path)


def _is_bare_repository(path: Path) -> bool:
    """Whether a folder is read as a bare repository. One with work trees in it is read as a folder,
    because somebody works on its files.
    """
    if not is_git_directory(path) or os.path.lexists(path / ".git"):
        return False
    return not holds_work_trees(path)


def _scp_like_source(match: re.Match[str]) -> Source:
    user, host = match["user"], match["host"]
    path, ref = split_ref(match["path"])
    if host.startswith("-") or user.startswith("-") or path.startswith("-"):
        raise SourceError(f"the source {match[0]!r} contains a part that looks like an option")
    location = f"{user}@{host}:{path.rstrip('/') or path}"
    return Source(SourceKind.GIT, location, _checked_ref(ref))


def _checked_ref(ref: str | None) -> str | None:
    if ref is not None and (not ref or _BAD_REF.search(ref)):
        raise SourceError(f"{ref!r} is not the name of a branch, tag or commit")
    return ref


def _holds_controls(text: str) -> bool:
    return any(character < " " or character == "\x7f" for character in text)


def without_secrets(text: str) -> str:
    """Text taken for a path, which may be a mistyped URL, without its user name and password."""
    return _SECRET.sub("***@", text)


def shown(text: str) -> str:
    """`text` without possible credentials: everything from `//` to the last `@`, because an
    unescaped password may contain any character.
    """
    return re.sub(r"(?s)//.*@", "//", text)
