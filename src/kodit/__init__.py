"""Kodit: durable, incremental code search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kodit.client import Kodit

__all__ = ["Kodit", "__version__"]


def __getattr__(name: str) -> Any:
    """Import on first use: `kodit --help` and child processes need nothing of this."""
    if name == "Kodit":
        from kodit.client import Kodit  # noqa: PLC0415 - see above

        return Kodit
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - see above

        return version("kodit")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
