"""Notices that accompany an answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from kodit.application.services.standing_words import NOWHERE
from kodit.application.views.standing import StandingView
from kodit.domain.questions import Where
from kodit.faces.cli.terminal.output import complain, printable, say
from kodit.faces.cli.terminal.runs import ago, counted

if TYPE_CHECKING:
    from kodit.faces.cli.session import Session

_OLD = timedelta(hours=1)
ALL = "--all searches every index"
NOTHING_INDEXED = "Nothing is indexed yet; `kodit index SOURCE` adds a git URL or a folder."


def say_where(
    where: Where,
    standing: Sequence[StandingView],
    more: str | None = None,
    *,
    with_age: bool = False,
) -> None:
    """Say which index was searched, if the user named none and not all were. `more` tells what else
    is available; with `with_age`, the notice tells how old the index is, unless it was made just
    now."""
    if where.sources or where.everywhere or not (len(standing) == 1 and standing[0].is_implied):
        if with_age:
            _say_age(standing)
        return
    [only] = standing
    which = printable(only.source)
    if only.folder:
        which = f"{printable(only.folder)} of {which}"
        more = more and f"`-s {only.index_id}` searches all of it, {more}"
    age = f", indexed {ago(only.indexed_at)}" if with_age and _is_old(only) else ""
    tail = "" if more is None else f"; {more}"
    say(f"In {which}{age}{tail}.")


def say_if_outside(session: Session, where: Where, standing: Sequence[StandingView]) -> None:
    """Say that all indexes were searched, if the user named none and none holds the current
    folder."""
    is_known = where.sources or where.everywhere or any(one.is_implied for one in standing)
    if is_known or not standing or session.folder is None:
        return
    only = printable(standing[0].source)
    which = f"all {len(standing)} indexes" if len(standing) > 1 else f"the only one, {only}"
    say(f"The current folder is in no index; this is from {which}.")


def say_changes(session: Session, standing: Sequence[StandingView]) -> None:
    """Say which indexes have changed files that the answer does not include."""
    changed = [one for one in standing if one.changed_files]
    if not changed:
        return
    import shlex  # noqa: PLC0415 - usually nothing has changed

    for one in changed:
        has = "has" if one.changed_files == 1 else "have"
        files = f"{counted(one.changed_files, 'file')} {has} changed"
        if not one.is_implied:
            files += f" in {printable(one.source)}"
        if session.is_served:
            say(f"{files} since; the server is about to index that.")
        else:
            name = "." if one.is_implied else printable(shlex.quote(one.source))
            say(f"{files} since; `kodit index {name}` updates the index.")


NO_FILE_PASSES = "No indexed file matches these filters."


def no_files_of(where: Where, standing: Sequence[StandingView]) -> str:
    """Why an answer has looked at no file: nothing is indexed, no file passes the filters, or the
    searched indexes or folders hold none."""
    if not standing:
        return NOTHING_INDEXED
    if where.paths or where.languages:
        return NO_FILE_PASSES
    return no_files_in(where, standing)


def no_files_in(where: Where, standing: Sequence[StandingView]) -> str:
    """That indexes, or the named folders in them, hold no files."""
    import shlex  # noqa: PLC0415 - usually there are files

    if not any(one.folder for one in standing):
        return "Nothing found; no files are indexed."
    named = ", ".join(map(printable, where.sources)) or "this folder"
    explained = printable(shlex.quote(where.sources[0] if where.sources else "."))
    return f"Nothing found; no file in {named} is indexed. `kodit explain {explained}` says why."


def say_left_out(where: Where, standing: Sequence[StandingView]) -> None:
    """Say that left-out files may contain what was not found, except binaries, which have no
    text."""
    counts = [count for one in standing for why, count in one.left_out.items() if why != "binary"]
    if not sum(counts):
        return
    import shlex  # noqa: PLC0415 - usually something is found

    named = "".join(f" -s {shlex.quote(name)}" for name in where.sources)
    named += " --all" if where.everywhere else ""
    are = "is" if sum(counts) == 1 else "are"
    command = printable(f"kodit ls --left-out{named}")
    say(f"{counted(sum(counts), 'file')} {are} left out; see `{command}`.")


def _say_age(standing: Sequence[StandingView]) -> None:
    """Say when the oldest of the indexes was complete, unless that is just now."""
    old = [one for one in standing if _is_old(one)]
    if not old:
        return
    oldest = min(old, key=_age_of)
    which = printable(oldest.source)
    if len(standing) > 1:
        which = f"The oldest of {len(standing)} indexes, that of {which},"
    say(f"{which} was indexed {ago(oldest.indexed_at)}.")


def _age_of(one: StandingView) -> datetime:
    """When the index was last complete; now if it never was."""
    return datetime.fromisoformat(one.indexed_at) if one.indexed_at else datetime.now(UTC)


def _is_old(one: StandingView) -> bool:
    return datetime.now(UTC) - _age_of(one) >= _OLD


def say_problems(problems: Sequence[str]) -> None:
    """Report the problems of some sources; the others have been searched."""
    for problem in problems:
        complain(problem)


def warn_of_missing_keywords(standing: Sequence[StandingView]) -> None:
    """Say which indexes were searched without the keyword index, so that nobody takes a poor answer
    for a complete one."""
    for one in standing:
        if one.is_searchable_nowhere:
            say(f"The last changes of {printable(one.source)} are {NOWHERE}.")
    behind = sum(one.behind or 0 for one in standing)
    if behind:
        what = "1 change is" if behind == 1 else f"{behind} changes are"
        say(
            f"{what} not searched on this machine yet; `kodit serve` and `kodit index` follow them."
        )
    index_ids = [one.index_id for one in standing if "keyword" in one.unsearched]
    if not index_ids:
        return
    say(
        f"The keyword index does not match the database, so {_indexes(index_ids)} searched without "
        f"it; `kodit index SOURCE` rebuilds it, or `kodit doctor --repair`."
    )


def _indexes(index_ids: Sequence[int]) -> str:
    """`index 3 was`, `indexes 3, 4 and 5 were`."""
    *others, last = index_ids
    if not others:
        return f"index {last} was"
    return f"indexes {', '.join(str(one) for one in others)} and {last} were"
