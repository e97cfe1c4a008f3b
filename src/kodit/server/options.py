"""Options of the server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """`host` None means no TCP. `workers` None means as many as suit the machine, 0 means none.
    With `idle_minutes`, the server ends after it has been unused for that long, and its log file is
    kept short."""

    host: str | None = "127.0.0.1"
    port: int = 8321
    workers: int | None = None
    idle_minutes: float | None = None
