"""Resolves a typed name among the indexed sources, by its text alone: the one rule for every face.
The caller has already looked up paths on the disk."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from posixpath import normpath
from typing import NamedTuple

from kodit.domain.addresses import (
    DEFAULT_BRANCHES,
    Address,
    ends_with,
    readings_of_page,
    same_repository,
    short_address,
    with_scheme,
)
from kodit.domain.source import Source, SourceKind

_REF = re.compile(r"(?<=[^/])@")
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/]*|[^@/:\s]+@[^/:]+:")


class NameMatch(NamedTuple):
    """The position of the source that a name means, and the part of it: the relative path of a
    folder or a file, empty for the whole source."""

    position: int
    part: str = ""


def split_ref(path: str) -> tuple[str, str | None]:
    """Splits at the first `@` that ends a path component: paths like `/@scope/name` keep theirs,
    and refs like `pkg@1.0` may contain more."""
    match = _REF.search(path)
    if match is None:
        return path, None
    return path[: match.start()], path[match.end() :]


def source_of(text: str) -> Source:
    """Parses a source from its displayed text."""
    if text.startswith("/"):
        return Source(SourceKind.FOLDER, text)
    start = _AUTHORITY.match(text)
    before = text[: start.end()] if start else ""
    path, ref = split_ref(text[len(before) :])
    return Source(SourceKind.GIT, f"{before}{path}", ref)


def match_name(name: str, sources: Sequence[Source]) -> list[NameMatch]:
    """The sources that a name means, by the first of these rules that matches:

    1. A source as it is displayed.
    2. An absolute path: a part of the nearest folder that holds it.
    3. A repository by its address in any form, `owner/name` on GitHub included; for the page of a
       folder or file, that part of its branch.
    4. The last part of a source, or several of them, with or without a ref: `flask`,
       `pallets/flask`, `flask@2.0`. If several sources match, all of them are returned.
    """
    whole = [NameMatch(at) for at, source in enumerate(sources) if str(source) == name]
    if whole:
        return whole
    if name.startswith("/"):
        held = holding(name, sources)
        return [] if held is None else [held]
    for reading in _addresses(name):
        found = list(_of_address(reading, sources))
        if found:
            return found
    return list(_by_last_parts(name, sources))


def holding(path: str, sources: Sequence[Source]) -> NameMatch | None:
    """The nearest folder among the sources that is or holds a path; None if there is none."""
    place = PurePosixPath(normpath(path))
    best: NameMatch | None = None
    longest = -1
    for at, source in enumerate(sources):
        if source.kind is not SourceKind.FOLDER or not place.is_relative_to(source.location):
            continue
        parts = len(PurePosixPath(source.location).parts)
        if parts > longest:
            relative = place.relative_to(source.location).as_posix()
            best, longest = NameMatch(at, "" if relative == "." else relative), parts
    return best


def _addresses(name: str) -> Iterator[Address]:
    text = with_scheme(name)
    yield from readings_of_page(text)
    short = short_address(name)
    for one in (text, *(() if short is None else (short,))):
        if _AUTHORITY.match(one):
            source = source_of(one)
            yield Address(source.location, source.ref)


def _of_address(address: Address, sources: Sequence[Source]) -> Iterator[NameMatch]:
    """The repository at that ref; a default branch also matches a source without a ref."""
    at_refs = {
        source.ref: position
        for position, source in enumerate(sources)
        if source.kind is SourceKind.GIT and same_repository(source.location, address.url)
    }
    if address.ref in at_refs:
        yield NameMatch(at_refs[address.ref], address.path)
    elif address.ref in DEFAULT_BRANCHES and None in at_refs:
        yield NameMatch(at_refs[None], address.path)


def _by_last_parts(name: str, sources: Sequence[Source]) -> Iterator[NameMatch]:
    if "://" in name or name.startswith((".", "~")) or not name.strip("/"):
        return
    base, ref = split_ref(name)
    found = [at for at, source in enumerate(sources) if ends_with(source.location, base)]
    at_ref = [at for at in found if sources[at].ref == ref]
    # Without a ref, a repository's only index is meant, whatever its ref.
    yield from map(NameMatch, at_ref or ([] if ref is not None else found))
