"""The caller of a request: what they may name and change, and their working directory."""

from __future__ import annotations

from dataclasses import dataclass

from kodit.domain.policy import LOCAL, CallerPolicy


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of one request.

    `policy` decides which sources the caller may name, `may_write` whether they may change
    anything. `folder` is the working directory of a local caller, absolute and with every symbolic
    link resolved; None if there is none. `roots` are the folders that the caller's program reports
    as its workspace, in the same form.
    """

    policy: CallerPolicy = LOCAL
    folder: str | None = None
    may_write: bool = True
    roots: tuple[str, ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """The folders to use when no source is named: the roots, or else the working directory."""
        return self.roots or (() if self.folder is None else (self.folder,))

    @property
    def is_local(self) -> bool:
        """Whether the caller is the user of this machine, so that local paths have a meaning."""
        return self.policy.is_free


LOCAL_CALLER = Caller()
"""The user of this machine, in any working directory."""
