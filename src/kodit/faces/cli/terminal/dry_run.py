"""`kodit index --dry-run`: what would be sent where, and what it would cost."""

from __future__ import annotations

from kodit.application.services.source_service import IndexRequest
from kodit.application.views.dry_run import DryRunEndpointView, DryRunView
from kodit.composition.dry_run import dry_run
from kodit.domain.errors import UserError
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal.indexing import report_failures
from kodit.faces.cli.terminal.output import print_json, print_line, say
from kodit.faces.cli.terminal.runs import counted


def show_dry_run(session: Session, request: IndexRequest, *, as_json: bool) -> bool:
    """Print what indexing the sources would send; returns whether all could be read. Raises
    UserError if a server elsewhere would index them, with settings of its own."""
    if session.remote is not None:
        raise UserError(
            f"a dry run reads the sources on this machine, not on {session.remote.url}; leave out "
            "the server"
        )
    view, failed = session.run(dry_run(session.application, request))
    if as_json:
        print_json(view)
    else:
        _show(view)
    return report_failures(failed)


def _show(view: DryRunView) -> None:
    for source in view.sources:
        files, snippets = counted(source.files, "file"), counted(source.snippets, "snippet")
        private = f", {source.private_snippets:,} of them private" * bool(source.private_snippets)
        print_line(f"{source.source}: {files}, {snippets}{private}")
    for endpoint in view.endpoints:
        for line in endpoint_lines(endpoint):
            print_line(line)
    if not view.endpoints:
        say(
            "Nothing would be sent: KODIT_EMBEDDING_BASE_URL and KODIT_ENRICHMENT_BASE_URL are "
            "not set."
        )


def endpoint_lines(one: DryRunEndpointView) -> list[str]:
    """What would be sent to an endpoint, and what it would cost."""
    at_most = "" if one.is_exact else "at most "
    least, likely, most = one.input_tokens
    tokens = f"some {likely:,} input tokens ({least:,} to {most:,})"
    if least == most:
        tokens = f"{likely:,} input tokens"
    if one.most_output_tokens:
        tokens += f", at most {one.most_output_tokens:,} output tokens"
    lines = [
        f"{one.endpoint} ({one.model}): {at_most}{one.texts:,} texts with {one.characters:,} "
        f"characters; {one.cached:,} more are in the cache",
        f"  {tokens}",
    ]
    if one.most_cost:
        lines.append(f"  cost {one.least_cost:.4f} to {one.most_cost:.4f}")
    elif one.texts:
        lines.append("  no price is set; KODIT_EMBEDDING_PRICE and others tell the cost")
    return lines
