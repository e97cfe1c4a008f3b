"""The commands of the command line, built once in a process.

Typer builds all of them at each start of the program, which takes longer than most of them do.
"""

from __future__ import annotations

from functools import cache

import typer.main

BUILDER = "typer.main.get_command"
"""Where typer looks for the function when the program starts."""

built_command = cache(typer.main.get_command)
"""Like typer's function, for one that has been called with the same commands before."""
