"""Who asks: what they may name, what they may change, and where they stand."""

from __future__ import annotations

from dataclasses import dataclass

from kodit.domain.policy import LOCAL, CallerPolicy


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, in one request.

    `policy` says what may be named; `may_write` is whether anything may be changed. `folder` is the
    absolute path, with every symbolic link followed, of the working directory of a caller on this
    machine; None if there is none. `roots` are the folders that the caller's program says it works
    in, as paths of the same kind, where it says so.
    """

    policy: CallerPolicy = LOCAL
    folder: str | None = None
    may_write: bool = True
    roots: tuple[str, ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """The folders that are meant where no source is named: the roots, or else the working
        directory."""
        return self.roots or (() if self.folder is None else (self.folder,))

    @property
    def is_local(self) -> bool:
        """Whether it is the user of this machine, to whom paths of this machine mean something."""
        return self.policy.is_free


LOCAL_CALLER = Caller()
"""The user of this machine, wherever they stand."""
