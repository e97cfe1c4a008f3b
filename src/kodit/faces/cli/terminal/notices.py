"""What a reader of an answer has to know beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from kodit.application.views.standing import StandingView
from kodit.domain.questions import Where
from kodit.faces.cli.terminal.output import complain, printable, say
from kodit.faces.cli.terminal.runs import ago

_OLD = timedelta(hours=1)
ALL = "--all searches every index"


def say_where(
    where: Where,
    standing: Sequence[StandingView],
    more: str | None = None,
    *,
    with_age: bool = False,
) -> None:
    """Say which index was asked, where the user named none and not all of them were. `more` says
    what there is beside it; `with_age`, how old the index is, and of others if they are old."""
    if where.sources or where.everywhere or not (len(standing) == 1 and standing[0].is_implied):
        if with_age:
            _say_age(standing)
        return
    [only] = standing
    folder = f", {printable(only.folder)}" if only.folder else ""
    age = f", indexed {ago(only.indexed_at)}" if with_age and only.indexed_at else ""
    tail = "" if more is None else f"; {more}"
    say(f"In {printable(only.source)}{folder}{age}{tail}.")


def _say_age(standing: Sequence[StandingView]) -> None:
    """Say when the oldest of the indexes was complete, unless it was just now."""
    aged = [(datetime.fromisoformat(one.indexed_at), one) for one in standing if one.indexed_at]
    if not aged:
        return
    moment, oldest = min(aged, key=itemgetter(0))
    if datetime.now(UTC) - moment >= _OLD:
        which = "" if len(standing) == 1 else f"The oldest of {len(standing)} indexes, that of "
        after = "" if len(standing) == 1 else ","
        say(f"{which}{printable(oldest.source)}{after} was indexed {ago(moment)}.")


def say_problems(problems: Sequence[str]) -> None:
    """Say what is wrong with some of the sources; the others have been asked."""
    for problem in problems:
        complain(problem)


def warn_of_missing_keywords(standing: Sequence[StandingView]) -> None:
    """Say which of the indexes were searched without the keyword index, so that nobody takes a poor
    answer for all there is."""
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
