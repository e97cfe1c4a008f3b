"""The command line as a whole: its commands, and the options shared by all of them."""

from __future__ import annotations

from inspect import cleandoc
from itertools import zip_longest
from typing import Any

import typer
from typer.core import TyperGroup

from kodit.faces.cli.commands import elsewhere
from kodit.faces.cli.commands.narrow import NarrowContext
from kodit.faces.cli.commands.options import command_path

UsageError: type[Exception] = typer.BadParameter.__bases__[0]
"""The base class of command line errors, for which typer has no public name."""
_OPTIONS = ("--data-dir", "--server", "--color")
_FLAGS = ("--no-pager",)


class UnknownCommandError(UsageError):  # type: ignore[misc, valid-type] # see above
    """There is no command of that name; the message is the whole sentence."""


class ValueMissingError(UsageError):  # type: ignore[misc, valid-type] # see above
    """An option has no value; the message is the whole sentence."""


class Commands(TyperGroup):
    """Accepts the shared options after a command as well as before it, where they are declared, and
    `help COMMAND` for `COMMAND --help`."""

    context_class = NarrowContext

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command with this name, whose help fits narrow terminals, and whose first sentence is
        whole in a list of commands; None if there is none."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            command.context_class = NarrowContext
            paragraph = cleandoc(command.help or "").partition("\n\n")[0]
            command.short_help = command.short_help or " ".join(paragraph.split())
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The named command. Raises UsageError, which suggests the nearest ones."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            from kodit.domain.near import near_names

            names = self.list_commands(ctx)
            same = [one for one in (elsewhere.COMMANDS.get(args[0]),) if one in names]
            near = [f"`{command_path(ctx)} {one}`" for one in same or near_names(args[0], names, 2)]
            meant = (
                f"did you mean {' or '.join(near)}?"
                if near
                else f"the commands are {', '.join(names)}"
            )
            raise UnknownCommandError(f"unknown command {args[0]!r}; {meant}", ctx)
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not isinstance(command, TyperGroup):
            _check_values(ctx, command, rest)
        return name, command, rest

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line, moving the shared options to the front."""
        arguments = _shared_first(args)
        first = next((at for at, word in enumerate(arguments) if word == "help"), None)
        if first is not None and self._comes_first(arguments, first):
            arguments = [*arguments[:first], *arguments[first + 1 :], "--help"]
        return super().parse_args(ctx, arguments)

    def _comes_first(self, arguments: list[str], place: int) -> bool:
        """Whether the word at a place is the name of the command."""
        before = iter(arguments[:place])
        for argument in before:
            if argument in _OPTIONS:
                next(before, None)
            elif not argument.startswith("-"):
                return False
        return True


class ListByDefault(Commands):
    """A group of commands in which `list` is the default."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line, with the default command if none is named."""
        is_named = bool(args) and (not args[0].startswith("-") or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if is_named else ["list", *args])


def _shared_first(arguments: list[str]) -> list[str]:
    """`search x --data-dir y` as `--data-dir y search x`. Words after `--` are not options."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    first, others = [], []
    given = iter(arguments[:end])
    for argument in given:
        if argument in _OPTIONS:
            value = next(given, None)
            if value is None:
                return [argument]  # refused later because of the missing value
            first += [argument, value]
        elif argument in _FLAGS or argument.startswith(tuple(f"{option}=" for option in _OPTIONS)):
            first.append(argument)
        else:
            others.append(argument)
    return [*first, *others, *arguments[end:]]


def _check_values(context: Any, command: Any, arguments: list[str]) -> None:
    """Raises UsageError for an option whose value looks like another option, because its own value
    was left out. A pattern may start with a dash."""
    options = [one for one in command.params if one.param_type_name == "option"]
    names = {name for one in options for name in (*one.opts, *one.secondary_opts)}
    with_value = {
        name
        for one in options
        if not one.is_flag and "--regexp" not in one.opts
        for name in one.opts
        if name not in getattr(command, "without_value", ())
    }
    end = arguments.index("--") if "--" in arguments else len(arguments)
    for argument, following in zip_longest(arguments[:end], arguments[1:end]):
        # An empty text is a value: it clears the globs of an index.
        is_left_out = following is None or following.partition("=")[0] in names
        if is_left_out and argument in with_value:
            own = Commands.context_class(command, parent=context, info_name=command.name)
            raise ValueMissingError(_value_missing(command.name, argument), own)


def _value_missing(command: str, option: str) -> str:
    as_in_grep = "; -l is --language, and --files shows the names of files"
    return f"{option} needs a value{as_in_grep if (command, option) == ('grep', '-l') else ''}"


def sentence_of_usage(error: Any) -> str:
    """The error of a command line, in a sentence that names the option as the user types it."""
    if isinstance(error, UnknownCommandError | ValueMissingError):
        return str(error.message)
    command = command_path(error.ctx) if error.ctx is not None else "kodit"
    see = f"`{command} --help` shows its arguments and options"
    kind = type(error).__name__
    if kind == "NoSuchOption":
        return f"`{command}` has no option {error.option_name}; {_option_meant(error) or see}"
    if kind == "BadOptionUsage" and "requires an argument" in error.message:
        return _value_missing(_name_of(error), error.option_name)
    parameter = getattr(error, "param", None)
    hint = getattr(error, "param_hint", None) or (_shown_name(parameter) if parameter else None)
    if kind == "MissingParameter" and parameter is not None:
        about = (parameter.help or "").split(". ")[0].removesuffix(".")
        is_name = about.split(" ")[0][1:] != about.split(" ")[0][1:].lower()  # such as PATH
        return f"{hint} is missing: {about[:1] if is_name else about[:1].lower()}{about[1:]}"
    if hint is not None:
        as_in_grep = ""
        if _name_of(error) == "grep" and hint == "--limit":
            as_in_grep = "; -n is --limit, and line numbers are always shown"
        return f"{hint} {_wanted(parameter, error.message)}{as_in_grep}"
    message = str(error.message).removesuffix(".")
    return f"{message[:1].lower()}{message[1:]}; {see}"


_TAKING_TEXT = ("search", "grep")
"""The commands that look for any text, among it options of other programs."""


def _option_meant(error: Any) -> str | None:
    """Advice about an option that a command does not have; None if no option is similar."""
    from kodit.domain.near import near_names

    asked = error.option_name
    if not asked.lstrip("-")[:1].isalnum() or " " in asked:
        return "put -- before a word that begins like that"
    if any(asked in one.opts for one in error.ctx.find_root().command.params):
        return f"did you mean `kodit {asked}`?"
    instead = elsewhere.instead_of(error.ctx.command.name, asked)
    if instead is not None:
        return instead
    options = [one for parameter in error.ctx.command.params for one in parameter.opts]
    same = elsewhere.OPTIONS.get(asked)
    if same in options:
        return f"did you mean {same}?"
    # Of a single letter, no other one is a misspelling.
    near = near_names(asked, options, 2) if asked.startswith("--") else []
    if not near and asked.startswith("--") and error.ctx.command.name in _TAKING_TEXT:
        return f"to look for this text, write `{command_path(error.ctx)} -- {asked}`"
    return f"did you mean {' or '.join(near)}?" if near else None


def show_help_of(error: Any) -> bool:
    """Show the commands of a group that was called without one; returns whether it was."""
    if type(error).__name__ != "NoArgsIsHelpError":
        return False
    typer.echo(error.ctx.get_help())
    return True


def _name_of(error: Any) -> str:
    """The command that a usage error is about."""
    return str(error.ctx.command.name) if error.ctx is not None else ""


def _shown_name(parameter: Any) -> str:
    """`--limit`, or the metavar of an argument."""
    if parameter.param_type_name == "argument":
        words = str(parameter.metavar or parameter.name.upper()).split()
        return next((word for word in words if not word.startswith("[")), words[0])
    return str(max(parameter.opts, key=len))


def _wanted(parameter: Any, message: str) -> str:
    """The range of a number; for any other parameter, the original message."""
    kind = getattr(parameter, "type", None)
    least, most = getattr(kind, "min", None), getattr(kind, "max", None)
    if kind is None or not (kind.name.startswith(("int", "float")) and " is not " in message):
        return message.removesuffix(".")
    number = "a whole number" if kind.name.startswith("int") else "a number"
    if least is not None and most is not None:
        number = f"{number} from {least} to {most}"
    elif least is not None:
        number = f"{number} of at least {least}"
    elif most is not None:
        number = f"{number} of at most {most}"
    return f"takes {number}, not {message.split(' is not ', maxsplit=1)[0]}"
