"""What to know of another program's database in the usual place."""

from __future__ import annotations

import shlex

from kodit.faces.cli.terminal.output import say
from kodit.settings import Settings, another_in_usual_place

MOST_NAMED = 20


def say_what_another_has(settings: Settings) -> None:
    """Say that the usual data directory is taken, and what was indexed there."""
    another = another_in_usual_place()
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
