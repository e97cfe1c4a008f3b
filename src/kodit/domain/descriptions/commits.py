"""What a commit changed, by the definitions before and after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kodit.domain.descriptions.description import DescribedItem, DescribedPart

CHANGES = {"added": "+", "removed": "-", "changed": "~", "moved": ">"}
"""The sign before a definition, by what happened to it."""


@dataclass(frozen=True, slots=True)
class VersionedDefinition:
    """A definition in one version of a file; `body` is its text without blanks."""

    name: str
    kind: str
    signature: str
    line: int
    end_line: int
    body: str


@dataclass(frozen=True, slots=True)
class ChangedDefinition:
    """What happened to a definition: `added`, `removed`, `changed`, or `moved` from another file,
    `origin`. `before` is the earlier signature if it differs; `line` is 0 for a removed one."""

    change: str
    name: str
    kind: str
    signature: str
    line: int = 0
    before: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that a commit changed: `added`, `removed`, `changed` or `renamed`. `added_lines` None
    means that it is not known, or that the file is binary; `problem` says why its definitions are
    not known."""

    path: str
    change: str
    old_path: str = ""
    added_lines: int | None = None
    removed_lines: int | None = None
    definitions: tuple[ChangedDefinition, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit, and the files below the root of the source that it changed against its first
    parent; `left_out` is how many more there were."""

    id: str
    author: str
    time: datetime
    message: str
    files: tuple[ChangedFile, ...] = ()
    left_out: int = 0
    is_merge: bool = False
    problem: str = ""
    """Why it is not known what the commit changed."""


def compared(
    before: Sequence[VersionedDefinition], after: Sequence[VersionedDefinition]
) -> list[ChangedDefinition]:
    """The definitions that differ between two versions of a file, by line, the removed ones last.
    A definition whose only change is within another one that is listed is that other one's."""
    old, new = _by_name(before), _by_name(after)
    changed: list[ChangedDefinition] = []
    for key, one in new.items():
        earlier = old.get(key)
        if earlier is None:
            changed.append(ChangedDefinition("added", one.name, one.kind, one.signature, one.line))
        elif earlier.body != one.body:
            was = earlier.signature if earlier.signature != one.signature else ""
            changed.append(
                ChangedDefinition("changed", one.name, one.kind, one.signature, one.line, was)
            )
    for key, one in old.items():
        if key not in new:
            changed.append(ChangedDefinition("removed", one.name, one.kind, one.signature))
    return _telling(changed)


def _by_name(
    definitions: Sequence[VersionedDefinition],
) -> dict[tuple[str, str, int], VersionedDefinition]:
    """Definitions by name and kind; those of one name are numbered."""
    found: dict[tuple[str, str, int], VersionedDefinition] = {}
    for one in definitions:
        number = 0
        while (one.name, one.kind, number) in found:
            number += 1
        found[one.name, one.kind, number] = one
    return found


def _telling(changed: Sequence[ChangedDefinition]) -> list[ChangedDefinition]:
    """Without types that changed only because a member did, and without the members of types that
    were added or removed as a whole."""
    names = {one.name for one in changed}
    whole = {one.name for one in changed if one.change in {"added", "removed"}}
    kept = []
    for one in changed:
        has_members = any(other.startswith(f"{one.name}.") for other in names)
        if one.change == "changed" and has_members and not one.before:
            continue
        if any(one.name.startswith(f"{name}.") for name in whole):
            continue
        kept.append(one)
    return kept


def with_moves(
    files: Sequence[ChangedFile], bodies: Mapping[tuple[str, str, str], str]
) -> list[ChangedFile]:
    """The files, with a definition that one file lost and another one got with the same text as
    moved. `bodies` are the texts by path, change and name."""
    lost: dict[tuple[str, str], str] = {}
    for file in files:
        for one in file.definitions:
            body = bodies.get((file.path, "removed", one.name), "")
            if one.change == "removed" and body:
                lost[one.name, body] = file.path
    moved: set[tuple[str, str]] = set()
    shown = []
    for file in files:
        definitions = []
        for one in file.definitions:
            body = bodies.get((file.path, "added", one.name), "")
            origin = lost.get((one.name, body)) if one.change == "added" and body else None
            if origin is not None and origin != file.path:
                moved.add((origin, one.name))
                one = ChangedDefinition(  # noqa: PLW2901 - the same one, told better
                    "moved", one.name, one.kind, one.signature, one.line, origin=origin
                )
            definitions.append(one)
        shown.append((file, definitions))
    return [
        ChangedFile(
            file.path,
            file.change,
            file.old_path,
            file.added_lines,
            file.removed_lines,
            tuple(
                one
                for one in definitions
                if one.change != "removed" or (file.path, one.name) not in moved
            ),
            file.problem,
        )
        for file, definitions in shown
    ]


def title_of(commit: Commit) -> str:
    """One line: the start of its identifier, the day, and the author."""
    merge = " (merge)" if commit.is_merge else ""
    return f"{commit.id[:12]}  {commit.time:%Y-%m-%d}  {commit.author}{merge}"


def parts_of(commit: Commit) -> Iterator[DescribedPart]:
    """A part for each changed file, those with changed definitions first."""
    order = sorted(commit.files, key=lambda file: not file.definitions)
    for file in order:
        yield DescribedPart(
            _title(file),
            file.change,
            file.problem,
            file.path if file.change != "removed" else "",
            items=tuple(
                DescribedItem(
                    one.name,
                    one.change,
                    f"{CHANGES[one.change]} {one.signature or one.name}",
                    f"before: {one.before}" if one.before else _origin(one),
                    line=one.line,
                )
                for one in file.definitions
            ),
        )
    if commit.left_out:
        yield DescribedPart(f"{commit.left_out} more files")


def _origin(one: ChangedDefinition) -> str:
    return f"from {one.origin}" if one.origin else ""


def _title(file: ChangedFile) -> str:
    lines = ""
    if file.added_lines is not None and file.removed_lines is not None:
        lines = f", +{file.added_lines} -{file.removed_lines}"
    was = f" from {file.old_path}" if file.old_path else ""
    name = file.path.rpartition("/")[2] if file.change != "removed" else file.path
    return f"{name}  ({file.change}{was}{lines})"
