"""Ends the command line when a resource of the machine is exhausted."""

from __future__ import annotations

import sys
from typing import NoReturn

from kodit.domain.shortage import shortage
from kodit.faces.cli.terminal.output import complain


def end_if_exhausted(error: Exception, code: int) -> NoReturn:
    """End with one sentence if a resource is exhausted, or a file is in the way; any other error
    propagates."""
    if (short := shortage(error)) is not None:
        complain(str(short))
        sys.exit(code)
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        sys.stderr.write(f"kodit: {error.strerror or error}{where}\n")
        sys.exit(code)
    raise error
