"""What a reader of an answer has to know beside it."""

from __future__ import annotations

from collections.abc import Sequence

from kodit.domain.value_objects import SearchFilter
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal.output import say


def warn_of_missing_keywords(session: Session, search_filter: SearchFilter) -> None:
    """Say which of the indexes were searched without the keyword index, so that nobody takes a poor
    answer for all there is."""
    application = session.application
    index_ids = application.search.without_keyword_index(search_filter)
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
