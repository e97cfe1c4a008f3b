"""Says what an answer lacks, in one sentence for every face."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kodit.application.services.queue_overview import waits_for_host
from kodit.application.views.standing import StandingView

NOWHERE = "searchable nowhere yet, because no node that searches is running"
"""What is said of an index whose changes no node has followed."""


def nothing_found(standing: Sequence[StandingView]) -> str:
    """Why an answer with this standing is empty: nothing is indexed, something is still being
    indexed or has failed, something has changed since, or nothing matches, with the files left
    out."""
    if not standing:
        return "Nothing is indexed yet."
    lacking = [words for one in standing if (words := lacking_in(one)) is not None]
    if lacking:
        return f"Nothing found; {'; '.join(lacking)}."
    left_out = Counter[str]()
    for one in standing:
        left_out.update(one.left_out)
    if left_out:
        counted = ", ".join(f"{count} as {reason}" for reason, count in left_out.most_common())
        return f"Nothing found; files left out: {counted}."
    return "Nothing found."


def lacking_in(one: StandingView) -> str | None:
    """What one index lacks; None if it matches its source as last read."""
    source = f"{one.source} (index {one.index_id})"
    percent = "" if one.run is None or one.run.percent is None else f", {one.run.percent} %"
    stages = f" in {', '.join(one.failed)}" if one.failed else ""
    waits = f" and {waits_for_host(one.waits_for_host)}" if one.waits_for_host else ""
    if one.state == "indexing":
        return f"{source} is still being indexed{percent}{waits}"
    if one.state == "incomplete":
        return f"{source} is not completely indexed, and no run is in progress"
    if one.state == "failed":
        return f"the last run of {source} failed{stages}"
    if one.changed_files:
        files = "1 file has" if one.changed_files == 1 else f"{one.changed_files} files have"
        return f"{files} changed in {source} since it was indexed"
    if one.state == "updating":
        return f"{source} is being updated{percent}{waits}"
    return f"{source} is {NOWHERE}" if one.is_searchable_nowhere else None
