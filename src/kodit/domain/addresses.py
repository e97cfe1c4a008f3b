"""Parses the addresses of repositories as people paste them, by their text alone.

A browser shows the page of a folder or a file of a branch; a chat says `owner/name`; pip writes
`git+https://`. The repository is always clear. Where the branch ends and the path begins is not,
because branch names contain slashes too, so an address may have several readings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

DEFAULT_BRANCHES = ("HEAD", "main", "master", "trunk", "develop")
"""Names that a remote's default branch may have."""

_FORGES = ("github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "gitea.com")
_HOSTS = re.compile(r"(?:www\.)?(?:" + "|".join(map(re.escape, _FORGES)) + r")", re.IGNORECASE)
_SHORT = re.compile(
    r"(?P<owner>[A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))/(?P<name>[A-Za-z0-9._-]{1,100}?)/?"
)
_WITHOUT_SCHEME = re.compile(rf"(?P<host>{_HOSTS.pattern})/[^\s]+", re.IGNORECASE)
_PAGE = re.compile(
    r"(?P<repository>/[^/]+/[^/]+)/(?:tree|blob|raw|blame|edit|commits|src/branch|src/tag)"
    r"/(?P<rest>[^/].*)"
)
_PAGE_OF_BITBUCKET = re.compile(r"(?P<repository>/[^/]+/[^/]+)/src/(?P<rest>[^/].*)")
_PAGE_OF_GITLAB = re.compile(
    r"(?P<repository>/.+?)/-/(?:tree|blob|raw|blame|edit|commits)/(?P<rest>[^/].*)"
)
_COMMIT = re.compile(
    r"(?P<repository>/[^/]+/[^/]+|/.+?(?=/-/))(?:/-)?/(?:commit|src/commit|releases/tag)/(?P<ref>[^/]+)(?P<rest>/.*)?"
)
_OF_A_FORGE = re.compile(r"(?P<repository>/[^/]+/[^/]+)(?:/.*)?")
_RAW = re.compile(r"/(?P<owner>[^/]+)/(?P<name>[^/]+)/(?:refs/heads/)?(?P<rest>[^/].*)")
MOST_PARTS = 8
"""How many parts of a path are tried as the name of a branch."""


@dataclass(frozen=True, slots=True)
class Address:
    """One reading of an address: the plain URL of a repository, a ref if one is named, and a path
    in it, empty for the whole repository. `lines` is the text after `#`."""

    url: str
    ref: str | None = None
    path: str = ""
    lines: str = ""

    @property
    def typed(self) -> str:
        """The repository and its ref as a user types a source."""
        return self.url if self.ref is None else f"{self.url}@{self.ref}"


def short_address(text: str) -> str | None:
    """The GitHub repository that `owner/name` stands for when no folder of that name exists."""
    base, at, ref = text.partition("@")
    match = _SHORT.fullmatch(base)
    if match is None or match["name"].strip(".") == "":
        return None
    return f"https://github.com/{match['owner']}/{match['name']}{at}{ref}"


def with_scheme(text: str) -> str:
    """Adds `https://` to `github.com/owner/name` and the like, and removes pip's `git+` from
    `git+https://`; returns any other text unchanged."""
    if text[:4].lower() == "git+" and "://" in text:
        return text[4:]
    return f"https://{text}" if _WITHOUT_SCHEME.fullmatch(text) else text


def readings_of_page(text: str) -> Iterator[Address]:
    """The possible readings of a page's address, the likeliest (with the shortest branch) first.
    Empty for an address that is not a page but may be a repository itself. Credentials stay in it.
    """
    if re.match(r"https?://", text, re.IGNORECASE) is None:
        return
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
    except ValueError:
        return
    start = f"{parts.scheme}://{parts.netloc}"
    if host == "raw.githubusercontent.com" and (match := _RAW.fullmatch(parts.path)):
        url = f"{parts.scheme}://github.com/{match['owner']}/{match['name']}"
        yield from _refs(url, match["rest"], parts.fragment)
        return
    path = parts.path.rstrip("/")
    if match := _COMMIT.fullmatch(path):
        repository = f"{start}{match['repository']}"
        inside = unquote((match["rest"] or "").strip("/"))
        yield Address(repository, unquote(match["ref"]), inside, parts.fragment)
    elif (
        match := _PAGE_OF_GITLAB.fullmatch(path)
        or _PAGE.fullmatch(path)
        or (_PAGE_OF_BITBUCKET.fullmatch(path) if host == "bitbucket.org" else None)
    ):
        yield from _refs(f"{start}{match['repository']}", match["rest"], parts.fragment)
    elif (
        host in ("github.com", "www.github.com")
        and "@" not in path
        and (match := _OF_A_FORGE.fullmatch(path))
        # Its issues or wiki, or a tab of its page.
        and (path != match["repository"] or parts.query or parts.fragment)
    ):
        yield Address(f"{start}{match['repository']}")


def _refs(url: str, rest: str, lines: str) -> Iterator[Address]:
    parts = unquote(rest).split("/")
    for length in range(1, min(len(parts), MOST_PARTS) + 1):
        yield Address(url, "/".join(parts[:length]), "/".join(parts[length:]), lines)


def same_repository(one: str, other: str) -> bool:
    """Whether two locations of git sources are the same: `…/r`, `…/r/` and `…/r.git` are, and the
    case of the host does not matter. On hosts known to ignore case, the case of names does not
    matter either."""
    return one == other or _key(one) == _key(other)


def _key(location: str) -> str:
    if location.startswith(("file:", "/")):
        return location  # two folders
    scheme, separator, rest = location.partition("://")
    if separator:
        host, slash, path = rest.partition("/")
    else:
        host, slash, path = location.partition(":")
    path = path.strip("/").removesuffix(".git")
    user, at, name = host.rpartition("@")
    if scheme.lower() in ("http", "https"):
        user = at = ""  # whose name that is belongs to the credentials
    scheme = scheme.lower()
    host = f"{user}{at}{name.lower().removeprefix('www.')}"
    is_forge = _HOSTS.fullmatch(name) is not None
    return f"{scheme if separator else ''}{separator}{host}{slash}" + (
        path.lower() if is_forge else path
    )


def base_name(location: str) -> str:
    """The last part of a location: what people call a folder or a repository."""
    last = re.split(r"[/:]", location.rstrip("/"))[-1]
    return unquote(last).removesuffix(".git") if location[:1] != "/" else last


def ends_with(location: str, name: str) -> bool:
    """Whether a location ends with a name, or with several parts such as `owner/name`."""
    wanted = name.strip("/").removesuffix(".git").lower().split("/")
    parts = [part for part in re.split(r"[/:]", location.rstrip("/")) if part]
    if parts:
        parts[-1] = base_name(location)
    return bool(wanted[0]) and [part.lower() for part in parts[-len(wanted) :]] == wanted
