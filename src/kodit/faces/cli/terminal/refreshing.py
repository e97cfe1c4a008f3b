"""Brings sources up to date before `kodit search` searches them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kodit.application.views.search import SearchView
from kodit.domain.errors import UserError
from kodit.domain.questions import SearchQuestion
from kodit.faces.cli.advice import with_advice
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal.output import printable, say
from kodit.faces.cli.terminal.runs import ago

if TYPE_CHECKING:
    from kodit.application.services.refresh_service import Refreshed
    from kodit.faces.cli.remote import RemoteServer


_READS_ALONE = frozenset({"caller_may_not_write", "key_may_not_write"})
"""The codes of errors about a caller who may search an index but not bring it up to date."""


def ask_refreshed(session: Session, question: SearchQuestion) -> SearchView:
    """The answer to a question; if no source was named, the index of the current folder is brought
    up to date first. A server does that by itself."""
    if session.is_served:
        answer = session.ask(question, SearchView)
        if session.is_served:
            return answer
    if not question.where.sources and not question.where.everywhere:
        outdated = session.outdated_here()
        if outdated is not None:
            refresh(session, outdated)
    return session.ask(question, SearchView)


def refresh(session: Session, path: str) -> None:
    """Bring the index of a source up to date, creating it if it does not exist. If that fails, the
    previously indexed state is searched, and standard error says so. Raises SourceError for an
    invalid source, and KoditError if there is no complete index."""
    if session.remote is not None:
        _refresh_remotely(session.remote, path)
        return
    # A plain search does not need these.
    import signal  # noqa: PLC0415

    from kodit.faces.cli.signals import on_signals  # noqa: PLC0415
    from kodit.faces.cli.terminal.indexing import watching  # noqa: PLC0415

    async def work() -> Refreshed:
        with watching([path]) as observer:
            return await session.application.refreshing.refresh(
                path, observer=observer, stopped_by=on_signals(signal.SIGTERM)
            )

    refreshed = session.run(work())
    if refreshed.reason is not None:
        index = refreshed.index
        say(
            f"{printable(str(index.source))} was searched as indexed {ago(index.updated_at)}: "
            f"{printable(with_advice(refreshed.reason))}"
        )


def _refresh_remotely(server: RemoteServer, name: str) -> None:
    """The same on a server; an identifier is that of one of its indexes."""
    from kodit.faces.cli.terminal.indexing import failure_of_view  # noqa: PLC0415 - as above

    try:
        accepted = server.add_or_sync(name)
    except UserError as refused:
        if refused.code not in _READS_ALONE or not server.knows(name):
            raise
        index = server.find(name)
        asked = f"{printable(index.source)} was searched as indexed {ago(index.updated_at)}"
        say(f"{asked}: {printable(str(refused))}.")
        return
    failure = failure_of_view(server.wait_for(accepted.run.id))
    index = server.find(str(accepted.index.id))
    if failure is not None:
        if index.updated_at is None:
            raise failure
        say(
            f"{printable(index.source)} was searched as indexed {ago(index.updated_at)}: "
            f"{printable(with_advice(failure))}"
        )
