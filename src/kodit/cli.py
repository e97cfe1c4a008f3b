"""Where the program starts: it hands over to a face."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kodit.settings import Settings


def main() -> None:
    """Run the command line."""
    from kodit.faces.cli.app import main as run  # noqa: PLC0415 - other faces do without it

    run(serve=_serve)


def _serve(settings: Settings, **options: Any) -> None:
    from kodit.server.options import ServeOptions  # noqa: PLC0415 - as above
    from kodit.server.serving import serve  # noqa: PLC0415 - as above

    serve(settings, ServeOptions(**options))


if __name__ == "__main__":
    main()
