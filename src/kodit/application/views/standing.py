"""The state of each index that an answer is based on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kodit.application.views.serialization import ONLY_WHEN_SET


@dataclass(frozen=True, slots=True)
class StandingRunView:
    """The current run, or else the last one; `percent` is how much of it is done, null if that is
    not known."""

    id: int
    state: str
    percent: int | None


@dataclass(frozen=True, slots=True)
class StandingView:
    """The state of an index at the time of the answer.

    `state` is `complete`; `updating`, while a run brings it up to date; `indexing`, while its first
    run adds files or stages; `incomplete`, if no run does; or `failed`, if its last run did not
    succeed. `commit` is the commit at which a git source was read, `indexed_at` when the index was
    last complete. `changed_files` is the number of files known to have changed since: to a server,
    in folders that it watches; to a command without one, by their stamps, in folders of up to
    10,000 files in all. `pending` and `failed` are the stages that have not run yet or have failed;
    `left_out` counts the files that are not in the index, by reason, except those that ignore files
    and globs leave out; `unsearched` are the engines that did not take part. `folder` is the part
    of the index that was asked, if not the whole; `behind` is the number of changes that another
    node has applied to its keyword index and this one has not; `is_implied` is true if nobody named
    the index: it is the one that holds the caller's folder. `waits_for_host` is the machine that
    has the folder, if its run waits for a worker there and none is running;
    `is_searchable_nowhere` is true if no node has followed its last changes, and none that searches
    is running. There is no age: it is
    the time since `indexed_at`, and an unchanged index gives the same answer byte for byte, no
    matter who answers and when.
    """

    index_id: int
    source: str
    state: str
    commit: str | None
    indexed_at: str | None
    run: StandingRunView | None
    changed_files: int
    pending: tuple[str, ...]
    failed: tuple[str, ...]
    left_out: Mapping[str, int]
    unsearched: tuple[str, ...]
    folder: str | None = field(default=None, metadata=ONLY_WHEN_SET)
    behind: int | None = field(default=None, metadata=ONLY_WHEN_SET)
    is_implied: bool | None = field(default=None, metadata=ONLY_WHEN_SET)
    waits_for_host: str | None = field(default=None, metadata=ONLY_WHEN_SET)
    is_searchable_nowhere: bool | None = field(default=None, metadata=ONLY_WHEN_SET)
