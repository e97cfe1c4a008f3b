"""Files and folders that are left out, each in a line."""

from __future__ import annotations

from kodit.application.views.left_out import LeftOutView
from kodit.faces.cli.terminal.output import printable


def left_out_line(one: LeftOutView, path: str, rule: str) -> str:
    """How many files, the reason, the path and the rule, the last two as they are to be printed."""
    return f"{files_of(one):>7}  {printable(one.reason):<17}  {path}  {rule}"


def files_of(one: LeftOutView) -> str:
    """How many files, with a plus where there are more."""
    return f"{one.files}{'' if one.counted else '+'}"
