"""The command line as a whole: its commands, and options that belong to all of them."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

_OPTIONS = ("--data-dir", "--server", "--color")
_FLAGS = ("--no-pager",)


class Commands(TyperGroup):
    """Takes the shared options behind a command as well as before it, where they are declared."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line, the shared options first wherever they stand."""
        return super().parse_args(ctx, _shared_first(args))


def _shared_first(arguments: list[str]) -> list[str]:
    """`search x --data-dir y` as `--data-dir y search x`. What follows `--` is no option."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    first, others = [], []
    given = iter(arguments[:end])
    for argument in given:
        if argument in _OPTIONS:
            value = next(given, None)
            if value is None:
                return [argument]  # refused for what it lacks
            first += [argument, value]
        elif argument in _FLAGS or argument.startswith(tuple(f"{option}=" for option in _OPTIONS)):
            first.append(argument)
        else:
            others.append(argument)
    return [*first, *others, *arguments[end:]]
