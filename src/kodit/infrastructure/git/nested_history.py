"""Authors and dates of files in nested repositories, from their own history."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from kodit.domain.report import Report
from kodit.domain.source import MOST_UNKNOWN, FileHistory, SourceHistory
from kodit.infrastructure.folder.repository import WorkTree, enclosing_work_tree
from kodit.infrastructure.git.history import (
    Repository,
    clone_history,
    files_of,
    folder_history,
    follow,
    head_of,
    objects_of,
)
from kodit.infrastructure.git.objects import list_tree
from kodit.infrastructure.git.runner import GitError, GitTimeoutError
from kodit.infrastructure.git.submodules import submodules_of

_LARGEST_HEAD = 1_000
_COMMIT_DIGITS = frozenset("0123456789abcdef")
_DIGEST_BYTES = 3
"""A history's mark followed by `+` and this digest fits into its database column: 40 digits of a
commit, 17 characters for a history that is cut off, and these seven.
"""


@dataclass(frozen=True, slots=True)
class _Nested:
    """A repository at a `path` of the source: its commit, a way to open it, and the files whose
    history is read, None for all.
    """

    path: str
    commit: str
    open: Callable[[], AbstractContextManager[Repository]]
    kept: Callable[[], frozenset[bytes] | None] = lambda: None


@dataclass(slots=True)
class _Found:
    files: dict[str, FileHistory | None] = field(default_factory=dict)
    later: Mapping[str, FileHistory] = field(default_factory=dict)
    whole_within: list[str] = field(default_factory=list)


def history_of_clone(
    clone_path: Path,
    commit: str,
    known: str | None,
    unknown: Sequence[str],
    report: Report,
    *,
    submodules: bool,
) -> SourceHistory | None:
    """As `clone_history`, with that of the submodules whose files are in the clone."""
    pinned = submodules_of(clone_path, list_tree(clone_path, commit)) if submodules else {}
    repository = Repository(clone_path, clone_path / "shallow")
    nested = [
        _Nested(path, pin, lambda: nullcontext(repository), partial(files_of, clone_path, pin))
        for path, pin in sorted(pinned.items())
    ]
    outer = partial(clone_history, clone_path, commit, report=report)
    return _with_nested(nested, outer, known, unknown, report)


def history_of_folder(
    root: str,
    repositories: Sequence[str],
    known: str | None,
    unknown: Sequence[str],
    report: Report,
) -> SourceHistory | None:
    """As `folder_history`, with that of the `repositories` in it, by path; of one that cannot be
    read, nothing is known."""
    nested = []
    for path in sorted(repositories):
        folder = Path(root, path)
        tree = enclosing_work_tree(folder)
        commit = None if tree is None or tree.root != folder else _head_quickly(tree)
        if tree is not None and commit is not None:
            nested.append(_Nested(path, commit, partial(_readable, tree)))
    return _with_nested(
        nested, partial(folder_history, root, report=report), known, unknown, report
    )


@contextmanager
def _readable(tree: WorkTree) -> Iterator[Repository]:
    with suppress(GitError, GitTimeoutError), objects_of(tree, tree.root) as repository:
        yield repository


def _with_nested(
    nested: Sequence[_Nested],
    outer: Callable[..., SourceHistory | None],
    known: str | None,
    unknown: Sequence[str],
    report: Report,
) -> SourceHistory | None:
    """The history of a source and of the repositories within it. The mark has a digest of the
    commits of these; all of their history is read again where it is another one."""
    known_outer, _, known_digest = (known or "").partition("+")
    digest = _digest(nested)
    places = tuple(f"{one.path}/" for one in nested)
    are_many = len(unknown) >= MOST_UNKNOWN
    of_outer = unknown if are_many else [path for path in unknown if not path.startswith(places)]
    told = outer(known=known_outer or None, unknown=of_outer)
    found = _Found()
    if told is not None:
        found.files = {p: one for p, one in told.files.items() if not p.startswith(places)}
        found.later = {p: one for p, one in told.later.items() if not p.startswith(places)}
    is_whole = told is not None and told.is_whole
    if is_whole or are_many or digest != known_digest:
        for one in nested:
            _read_all(one, found, report)
    else:
        for one in nested:
            _read_unknown(one, unknown, found, report)
    mark = known_outer or None if told is None else told.mark
    mark = f"{mark or ''}+{digest}" if digest else mark
    if told is None and mark == known and not found.files:
        return None
    return SourceHistory(
        mark, found.files, found.later, is_whole, () if is_whole else tuple(found.whole_within)
    )


def _read_all(nested: _Nested, found: _Found, report: Report) -> None:
    found.whole_within.append(f"{nested.path}/")
    with nested.open() as repository:
        changes = repository.changes(nested.commit, (), report)
        for path, one in changes.result(nested.kept()).items():
            found.files[f"{nested.path}/{path}"] = one


def _read_unknown(nested: _Nested, unknown: Sequence[str], found: _Found, report: Report) -> None:
    prefix = f"{nested.path}/"
    below = [path.removeprefix(prefix) for path in unknown if path.startswith(prefix)]
    if not below:
        return
    with nested.open() as repository:
        mark = repository.mark(nested.commit)
        told = follow(repository, nested.commit, mark, below, nested.kept, report)
        if told is not None:
            found.files |= {prefix + path: one for path, one in told.files.items()}


def _digest(nested: Sequence[_Nested]) -> str:
    if not nested:
        return ""
    pairs = "".join(f"{one.path}\0{one.commit}\0" for one in nested)
    encoded = pairs.encode("utf-8", "surrogateescape")
    return hashlib.blake2b(encoded, digest_size=_DIGEST_BYTES).hexdigest()


def _head_quickly(tree: WorkTree) -> str | None:
    """The commit that is checked out. A folder may hold many repositories, and git is only asked
    of one whose files say it in no simple way."""
    head = _read(tree.git_directory / "HEAD")
    name = head.removeprefix("ref: ")
    commit = _read(tree.common_directory / name) if name != head and ".." not in name else head
    return commit if len(commit) == 40 and _COMMIT_DIGITS.issuperset(commit) else head_of(tree)


def _read(path: Path) -> str:
    with suppress(OSError, UnicodeDecodeError), path.open("rb") as file:
        return file.read(_LARGEST_HEAD).decode("ascii").strip()
    return ""
