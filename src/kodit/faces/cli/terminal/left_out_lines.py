"""Left-out files and folders as lines."""

from __future__ import annotations

from kodit.application.views.left_out import LeftOutView
from kodit.faces.cli.terminal.output import printable


def left_out_line(one: LeftOutView, path: str, rule: str) -> str:
    """The number of files, the reason, the path and the rule, the last two already printable."""
    return f"{files_of(one):>7}  {printable(one.reason):<17}  {path}  {rule}"


def files_of(one: LeftOutView) -> str:
    """The number of files, with a plus if there are more."""
    return f"{one.files}{'' if one.counted else '+'}"
