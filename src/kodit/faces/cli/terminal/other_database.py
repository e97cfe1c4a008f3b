"""Tells about another program's database in the default data directory."""

from __future__ import annotations

import shlex

from kodit.faces.cli.terminal.output import say
from kodit.settings import Settings, other_database_in_default_folder

MOST_NAMED = 20


def report_other_database(settings: Settings) -> None:
    """Report that the default data directory is taken, and what was indexed there."""
    another = other_database_in_default_folder()
    if another is None or another.path.parent == settings.data_dir:
        return
    say(
        f"{another.path} is the database of another program and is left unchanged; Kodit keeps "
        f"its own data in {settings.data_dir}."
    )
    if another.sources:
        named = " ".join(map(shlex.quote, another.sources[:MOST_NAMED]))
        more = len(another.sources) - MOST_NAMED
        say(f"To index the same sources{f' ({more} more are not shown)' * (more > 0)}:")
        say(f"  kodit index {named}")
