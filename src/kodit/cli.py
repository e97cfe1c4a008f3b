"""The program's entry point: runs a face, or the front of the resident server."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kodit.settings import Settings

EXIT_INTERRUPTED = 130


def main() -> None:
    """Run the command line, or `kodit stdio`, which starts too often to load it."""
    front = _arguments_of_front(sys.argv[1:])
    if front is not None:
        from kodit.front.main import main as answer  # noqa: PLC0415 - one of the two is needed

        answer(front)
        return
    try:
        from kodit.faces.cli.app import main as run  # noqa: PLC0415 - other faces do not need it
    except KeyboardInterrupt:  # from then on, the command line handles it
        sys.stderr.write("kodit: interrupted\n")
        sys.exit(EXIT_INTERRUPTED)
    run(serve=_serve)


def _arguments_of_front(arguments: list[str]) -> list[str] | None:
    """The options of `stdio`, before and after it; None for another command."""
    if "stdio" not in arguments:
        return None
    place = arguments.index("stdio")
    before = arguments[:place]
    is_first = (
        not before
        or (len(before) == 1 and before[0].startswith("--data-dir="))
        or (len(before) == 2 and before[0] == "--data-dir")
    )
    return [*before, *arguments[place + 1 :]] if is_first else None


def _serve(settings: Settings, **options: Any) -> None:
    from kodit.server.options import ServeOptions  # noqa: PLC0415 - as above
    from kodit.server.serving import serve  # noqa: PLC0415 - as above

    serve(settings, ServeOptions(**options))


if __name__ == "__main__":
    main()
