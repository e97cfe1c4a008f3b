"""The standing of an answer: which index, how old, and what is missing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from kodit.application.services.standing_words import NOWHERE
from kodit.application.views.standing import StandingView
from kodit.faces.mcp.text.sheet import one_line, shortened, shown_path

LONGEST_SOURCE = 80
MOST_INDEXES = 4
COMMIT_CHARACTERS = 8
_SAID_AS_USUAL = ("complete",)


def standing_lines(
    standing: Sequence[StandingView], now: datetime, shown: Collection[int] = ()
) -> tuple[list[str], list[str]]:
    """Lines for the start of an answer, about what is missing in it, and for its end, about where
    it comes from. `shown` are the indexes with results, if not all."""
    several = len(standing) > 1
    warnings = [
        f"{_label(one, several=several)}: {problem}."
        for one in standing
        if (problem := missing_in(one)) is not None
    ]
    if len(warnings) > MOST_INDEXES:
        rest = len(warnings) - MOST_INDEXES
        warnings[MOST_INDEXES:] = [f"{rest} more indexes are incomplete; call indexes."]
    named = [one for one in standing if not shown or one.index_id in shown]
    sources = [f"{_label(one, several=several)}{_age(one, now)}" for one in named[:MOST_INDEXES]]
    if len(named) > MOST_INDEXES:
        sources.append(f"and {len(named) - MOST_INDEXES} more indexes")
    if not sources:
        return warnings, []
    return warnings, [f"— {'; '.join(sources)}"]


def missing_in(one: StandingView) -> str | None:
    """What an index lacks at this moment, in words; None if nothing."""
    parts = []
    percent = "" if one.run is None or one.run.percent is None else f", {one.run.percent} %"
    match one.state:
        case "indexing":
            parts.append(f"still indexing{percent}; ask again later for more")
        case "updating":
            parts.append(f"being updated{percent}; this is the state before the update")
        case "failed":
            stages = f" ({', '.join(one.failed)})" if one.failed else ""
            parts.append(f"its last run failed{stages}; call index to retry")
        case "incomplete":
            parts.append("not completely indexed, and no run is in progress; call index")
    if one.changed_files and one.state != "updating":
        parts.append(
            "1 file has changed since and is not included yet"
            if one.changed_files == 1
            else f"{one.changed_files} files have changed since and are not included yet"
        )
    if one.is_searchable_nowhere:
        parts.append(f"its last changes are {NOWHERE}")
    if one.behind:
        parts.append(_behind(one.behind))
    if one.unsearched:
        parts.append(f"searched without the {' and '.join(one.unsearched)} index")
    return "; ".join(parts) or None


def _behind(changes: int) -> str:
    what = "1 change is" if changes == 1 else f"{changes} changes are"
    return f"{what} not searched on this machine yet; ask again"


def index_lines(one: StandingView, files_in_it: int, now: datetime) -> list[str]:
    """An index as a list of indexes shows it."""
    where = f" (only {shown_path(one.folder + '/')})" if one.folder else ""
    files = "1 file" if files_in_it == 1 else f"{files_in_it:,} files"
    lines = [f"[{one.index_id}] {one_line(one.source)}{where}: {files}{_age(one, now)}"]
    problem = missing_in(one)
    if problem is not None:
        lines.append(f"  {problem}")
    if one.left_out:
        left_out = ", ".join(f"{count} {reason}" for reason, count in one.left_out.items())
        lines.append(f"  left out: {left_out}")
    return lines


def _label(one: StandingView, *, several: bool) -> str:
    source = one_line(one.source)
    if len(source) > LONGEST_SOURCE:
        source = f"…{source[-LONGEST_SOURCE:]}"
    if one.folder:
        source += f" (only {shortened(shown_path(one.folder + '/'), LONGEST_SOURCE)})"
    return f"[{one.index_id}] {source}" if several else source


def _age(one: StandingView, now: datetime) -> str:
    commit = f" at {one.commit[:COMMIT_CHARACTERS]}" if one.commit else ""
    if one.indexed_at is None:
        return commit
    return f"{commit}, indexed {ago(now, datetime.fromisoformat(one.indexed_at))}"


def ago(now: datetime, then: datetime) -> str:
    """How long ago something was, in one unit."""
    seconds = max(0, int((now - then).total_seconds()))
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"
