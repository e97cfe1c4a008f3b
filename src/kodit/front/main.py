"""`kodit stdio`, before anything else is loaded."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kodit.front.resident import Resident

USAGE = """\
Usage: kodit stdio [--data-dir FOLDER] [--folder FOLDER]

Serve the Model Context Protocol on standard input and output, for clients that start a program.
It joins the resident server of the data directory, and starts it if necessary.

  --data-dir FOLDER  Where Kodit keeps its data; KODIT_DATA_DIR or ~/.kodit unless given.
  --folder FOLDER    The client's working folder; the current folder unless given.
"""
EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130


def main(arguments: list[str]) -> None:
    """Run the front; `arguments` are those after `stdio`. Ends the process."""
    options: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name in ("-h", "--help"):
            sys.stdout.write(USAGE)
            sys.exit(0)
        if name not in ("--data-dir", "--folder") or not (equals or rest):
            sys.stderr.write(f"kodit: stdio does not accept {name!r} here\n{USAGE}")
            sys.exit(EXIT_USER_ERROR)
        options[name] = value if equals else rest.pop(0)
    from kodit.front.stdio import serve  # noqa: PLC0415 - not needed for help

    try:
        serve(lambda: _resident(options.get("--data-dir"), options.get("--folder")))
    except KeyboardInterrupt:
        os._exit(EXIT_INTERRUPTED)
    # Running requests have had their time; threads that still wait for the server delay nothing.
    sys.stderr.flush()
    os._exit(0)


def _resident(data_dir: str | None, folder: str | None) -> Resident:
    """Imported only when a client asks for more than the front knows."""
    from kodit.front.resident import Resident  # noqa: PLC0415
    from kodit.settings import Settings  # noqa: PLC0415
    from kodit.version import VERSION  # noqa: PLC0415

    return Resident(Settings.load(data_dir=data_dir), _folder(folder), VERSION)


def _folder(named: str | None) -> str | None:
    """The client's working folder. A client that passes an unexpanded variable, such as
    `${workspaceFolder}`, has not named a folder."""
    try:
        current = os.getcwd()  # noqa: PTH109 - pathlib is not loaded
    except OSError:
        current = None
    if named and os.path.isdir(os.path.expanduser(named)):  # noqa: PTH111, PTH112
        return os.path.realpath(os.path.expanduser(named))  # noqa: PTH111
    return current
