"""The command line as a whole: its commands, and an option that belongs to all of them."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

_OPTION = "--data-dir"


class Commands(TyperGroup):
    """Takes `--data-dir` behind a command as well as before it, where it is declared."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line, the shared option first wherever it stands."""
        return super().parse_args(ctx, _shared_first(args))


def _shared_first(arguments: list[str]) -> list[str]:
    """`search x --data-dir y` as `--data-dir y search x`. What follows `--` is no option."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    first, others = [], []
    given = iter(arguments[:end])
    for argument in given:
        if argument == _OPTION:
            value = next(given, None)
            if value is None:
                return [_OPTION]  # refused for what it lacks
            first += [argument, value]
        elif argument.startswith(f"{_OPTION}="):
            first.append(argument)
        else:
            others.append(argument)
    return [*first, *others, *arguments[end:]]
