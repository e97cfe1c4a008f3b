"""Kodit: durable, incremental code search."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kodit.version import VERSION

if TYPE_CHECKING:
    from kodit.domain.errors import (
        IndexingError,
        InvalidQueryError,
        KoditError,
        NotFoundError,
        SourceError,
        UserError,
    )
    from kodit.faces.python.client import Kodit

__version__ = VERSION
__all__ = [
    "IndexingError",
    "InvalidQueryError",
    "Kodit",
    "KoditError",
    "NotFoundError",
    "SourceError",
    "UserError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Import on first use: `kodit --help` and child processes need nothing of this."""
    if name in __all__:
        return getattr(
            import_module(
                "kodit.faces.python.client" if name == "Kodit" else "kodit.domain.errors"
            ),
            name,
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
