"""Moves everything that is stored from one database to another.

The source refuses changes from the first moment on, and the target cannot be opened until all its
rows were compared, so that at each moment only one of them takes changes. A call that was
interrupted at any point is completed by another one:

    freeze the source        writes to it are refused from here on, by the database itself
    copy each table          progress is stored with the rows
    compare each table       count and digest of all rows, read back from the target
    note that it ends        from here on the move can no longer be given up
    publish the target       it can be opened
    retire the source        it can no longer be opened
    finish                   the target forgets the move
"""

from __future__ import annotations

from collections.abc import Callable

from kodit.domain.errors import UserError
from kodit.domain.moving import Move, MovedTable, MovePhase, TableProgress, differs
from kodit.domain.ports.moving import MoveSource, MoveTarget

MoveReport = Callable[[str, str, int, int], None]
"""Called with `copied` or `compared`, the name of a table, how many of its rows, and of how many;
often."""


class MoveService:
    """One source and one target."""

    def __init__(self, source: MoveSource, target: MoveTarget) -> None:
        self._source = source
        self._target = target

    def move(self, report: MoveReport) -> Move:
        """Move everything, or complete what an earlier call has started. Raises UserError if the
        source is in use or the target is not empty, and PermanentError if the rows of the copy are
        not those of the source."""
        source, target = self._source, self._target
        source.refuse_users()
        token, phase = source.standing() or (None, MovePhase.COPYING)
        if phase is MovePhase.COPYING:
            target.refuse_occupied(token)
        token = source.freeze(target.full_place)
        moved: list[MovedTable] = []
        if phase is MovePhase.COPYING:
            target.begin(token, source.full_place)
            for table in source.tables():
                self._copy(table, report)
            moved = [MovedTable(table, self._compare(table, report)) for table in source.tables()]
            target.set_last_ids(source.last_ids())
            source.note_ending()
        if target.knows(token):
            target.publish()
        kept = source.retire()
        target.finish()
        return Move(source.place, target.place, tuple(moved), kept)

    def give_up(self) -> bool:
        """Remove what was copied, and allow changes of the source again; returns whether there was
        a move. Raises UserError if the target may be in use already."""
        source, target = self._source, self._target
        standing = source.standing()
        if standing is None:
            return False
        if standing[1] is MovePhase.ENDING:
            raise UserError(
                f"all of {source.place} is already in {target.place}, which may be in use; "
                "complete the move instead",
                code="move_ending",
            )
        token = source.freeze(target.full_place)
        target.clear(token)
        source.release()
        return True

    def _copy(self, table: str, report: MoveReport) -> None:
        total = self._source.count(table)
        progress = self._target.progress(table)
        for batch in self._source.batches(table, progress.last_key):
            progress = progress.after(batch)
            self._target.add(table, batch, progress)
            report("copied", table, progress.rows, total)
        if progress.rows != total:
            raise differs(table, TableProgress(rows=total), progress)

    def _compare(self, table: str, report: MoveReport) -> int:
        copied, found = self._target.progress(table), TableProgress()
        for batch in self._target.batches(table, None):
            found = found.after(batch)
            report("compared", table, found.rows, copied.rows)
        if not found.is_same(copied):
            raise differs(table, copied, found)
        return found.rows
