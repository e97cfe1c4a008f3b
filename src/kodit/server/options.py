"""How to serve."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """`host` is None for no TCP. `workers` is None for as many as suit the machine, and 0 for
    none. With `idle_minutes`, the server ends when nobody has needed it for so long, and its log
    file is kept short."""

    host: str | None = "127.0.0.1"
    port: int = 8321
    workers: int | None = None
    idle_minutes: float | None = None
