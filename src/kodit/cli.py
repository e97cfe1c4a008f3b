"""Where the program starts: it hands over to a face."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from kodit.faces.cli.app import main as run  # noqa: PLC0415 - other faces do without it

    run()


if __name__ == "__main__":
    main()
