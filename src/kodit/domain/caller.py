"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass

from kodit.domain.policy import LOCAL, CallerPolicy


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks: what they may name, the folder they stand in (of local callers only), and
    whether they may change anything."""

    policy: CallerPolicy
    folder: str | None = None
    may_write: bool = True


LOCAL_CALLER = Caller(LOCAL)
"""The user of this machine, wherever they stand."""
