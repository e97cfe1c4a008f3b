"""The changes of files that `git log` prints."""

from __future__ import annotations

from contextlib import suppress

from kodit.domain.report import Report
from kodit.domain.source import FileHistory

_LATEST_SECOND = 253_402_300_799
"""The last second of the year 9999: a commit may claim any time, including one that no calendar and
no database column can hold.
"""


class Changes:
    """Parses git's output in pieces and keeps the latest and the earliest change per path.

    The output is a series of fields that end with NUL: a commit's id and time, the author's name
    and address, then status and path in turn. Empty fields and newlines separate commits.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._rest = b""
        self._fields: list[bytes] = []
        self._commits = 0
        self._latest: dict[bytes, tuple[int, bytes, bytes, bytes]] = {}
        self._earliest: dict[bytes, int] = {}
        self._tied: set[bytes] = set()
        self._commit: tuple[int, bytes, bytes, bytes] = (0, b"", b"", b"")

    def feed(self, piece: bytes) -> None:
        """Parse the next piece of output."""
        *fields, self._rest = (self._rest + piece).split(b"\0")
        self._parse(self._fields + fields)
        self._report(self._commits, None)

    def _parse(self, fields: list[bytes]) -> None:
        position = 0
        count = len(fields)
        latest, earliest, commit = self._latest, self._earliest, self._commit
        tied = self._tied
        while position < count:
            field = fields[position].lstrip(b"\n")
            if not field:
                position += 1
                continue
            if b" " in field:  # a status never contains a space
                if count - position < 3:
                    break
                identity, _, time = field.partition(b" ")
                seconds = min(int(time or 0), _LATEST_SECOND)
                commit = (seconds, identity, fields[position + 1], fields[position + 2])
                self._commits += 1
                position += 3
                continue
            if count - position < 2:
                break
            path = fields[position + 1]
            position += 2
            known = latest.get(path)
            if known is None or commit[0] > known[0]:
                latest[path] = commit
                tied.discard(path)
            elif commit[0] == known[0] and commit[1] != known[1]:
                tied.add(path)
            if known is None or commit[0] < earliest[path]:
                earliest[path] = commit[0]
        self._commit = commit
        self._fields = fields[position:]

    def certainly_latest(self, commits: frozenset[bytes]) -> frozenset[bytes]:
        """The paths whose latest change was made by one of these commits, and only by it."""
        return frozenset(
            path
            for path, (_, identity, _, _) in self._latest.items()
            if identity in commits and path not in self._tied
        )

    def result(self, kept: frozenset[bytes] | None) -> dict[str, FileHistory]:
        """The history of the paths in `kept` (None for all). A path that cannot be decoded is
        dropped: scans leave such files out too.
        """
        found = {}
        for path, (time, _, name, address) in self._latest.items():
            if kept is None or path in kept:
                with suppress(UnicodeDecodeError):
                    found[path.decode("utf-8")] = FileHistory(
                        name.decode("utf-8", "replace"),
                        address.decode("utf-8", "replace"),
                        time,
                        self._earliest[path],
                    )
        return found
