"""Help that fits narrow terminals: typer's own is never narrower than 50 columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typer.core import TyperGroup

from kodit.faces.cli.terminal import screen

_FEWEST_COLUMNS = 52
"""The width from which typer's own layout fits."""
_LEAST_WIDTH = 28
_HelpContext: type[Any] = TyperGroup.context_class
_HelpFormatter: type[Any] = _HelpContext.formatter_class
"""Typer's help formatter, for which it has no public name."""


class NarrowFormatter(_HelpFormatter):  # type: ignore[misc] # see above
    """Formats help for the actual number of columns."""

    def __init__(
        self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None
    ) -> None:
        columns, _rows = screen.size()
        self._is_narrow = width is None and columns < _FEWEST_COLUMNS
        if self._is_narrow:
            width = max(columns - 1, _LEAST_WIDTH)
        super().__init__(indent_increment, width, max_width)

    def write_dl(
        self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Write names and descriptions side by side or, if that is too narrow, each description
        below its name."""
        if not self._is_narrow:
            super().write_dl(rows, col_max, col_spacing)
            return
        for name, meaning in rows:
            self.write(f"{'':>{self.current_indent}}{name}\n")
            with self.indentation(), self.indentation():
                if meaning:
                    self.write_text(meaning)


class NarrowContext(_HelpContext):  # type: ignore[misc] # see above
    """The context of a command, whose help fits."""

    formatter_class = NarrowFormatter
