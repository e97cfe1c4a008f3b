"""The recorded contents of the keyword index's files, and whether they are intact.

`positions.json` has two lines: the CRC-32 of the second, and JSON with

* `positions`: by index id, the generation, number and token of the last change that is applied
  (`kodit.domain.keyword`), and whether the index was dropped;
* `files`: size and modification time, in ns, of every file of the index when it was written;
* `meta`: the CRC-32 of `meta.json` at that time; null during a write, or after a writer was killed.

Segment files never change. One that differs from when it was written is damaged, unless its own
checksum shows that it was only copied.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from kodit.domain.keyword import KeywordPosition
from kodit.infrastructure.files import write_atomically

NAME = "positions.json"
_META = "meta.json"
_SEGMENT_FILE = re.compile(r"[0-9a-f]{32}\..+")
_FOOTER = re.compile(
    rb'{"version":{"major":\d+,"minor":\d+,"patch":\d+,"index_format_version":\d+},"crc":(\d+)}'
)
_FOOTER_MAGIC = 1337
"""Ends every file of a segment, after the length of a footer in JSON, both as little-endian
uint32; the footer holds the CRC-32 of what is before it (`directory/footer.rs` of tantivy)."""


class DamagedIndexError(Exception):
    """The keyword index is unusable in its present state; the message says why."""


class Place(NamedTuple):
    """The position of the keyword index in one index's log; no changes are accepted for a dropped
    index.
    """

    position: KeywordPosition
    is_dropped: bool = False


@dataclass(frozen=True)
class Standing:
    """The parsed content of `positions.json`."""

    places: Mapping[int, Place] = field(default_factory=dict)
    files: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    meta: int | None = None

    def position(self, index_id: int) -> KeywordPosition | None:
        """The last applied change of an index."""
        place = self.places.get(index_id)
        return None if place is None or place.is_dropped else place.position


def read_standing(folder: Path) -> Standing:
    """The standing recorded in the folder, without checking the files. Raises DamagedIndexError."""
    try:
        data = (folder / NAME).read_bytes()
    except FileNotFoundError:
        return Standing()
    checksum, _, body = data.partition(b"\n")
    if checksum != _checksum(body):
        raise DamagedIndexError(f"its {NAME} is damaged")
    try:
        return _parse(json.loads(body))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise DamagedIndexError(f"its {NAME} does not hold positions") from None


def write_standing(folder: Path, places: Mapping[int, Place], *, sealed: bool) -> None:
    """Replace `positions.json`; `sealed` if the files are not about to change."""
    stamps = {path.name: path.stat() for path in segment_files(folder)}
    files = {name: (stamp.st_size, stamp.st_mtime_ns) for name, stamp in stamps.items()}
    meta = folder / _META
    content = {
        "positions": {
            str(index_id): [*place.position, place.is_dropped] for index_id, place in places.items()
        },
        "files": files,
        "meta": zlib.crc32(meta.read_bytes()) if sealed and meta.exists() else None,
    }
    body = json.dumps(content).encode()
    write_atomically(folder / NAME, _checksum(body) + b"\n" + body, durable=sealed)


def check_files(folder: Path, standing: Standing) -> None:
    """Raises DamagedIndexError if the files are not those that were written."""
    try:
        meta = (folder / _META).read_bytes()
    except FileNotFoundError:
        if any(not place.is_dropped for place in standing.places.values()):
            raise DamagedIndexError(f"its {_META} is missing") from None
        return
    if standing.meta is not None and zlib.crc32(meta) != standing.meta:
        raise DamagedIndexError(f"its {_META} is not the one that was written")
    needed = _Needed.by(meta)
    for name, stamp in standing.files.items():
        if needed.has(name) and not _is_as_written(folder / name, stamp):
            raise DamagedIndexError(f"its file {name} is damaged")


class _Needed(NamedTuple):
    """The files that a `meta.json` names: segments, and for each the latest list of its deleted
    documents, which replaces the one before. A writer that has committed removes all others before
    it records the files.
    """

    segments: frozenset[str]
    deletions: frozenset[str]

    @classmethod
    def by(cls, meta: bytes) -> _Needed:
        """Raises DamagedIndexError if `meta` is invalid."""
        try:
            listed = [
                (one["segment_id"].replace("-", ""), one.get("deletes"))
                for one in json.loads(meta)["segments"]
            ]
            deletions = [f"{name}.{found['opstamp']}.del" for name, found in listed if found]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise DamagedIndexError(f"its {_META} is damaged") from None
        return cls(frozenset(name for name, _ in listed), frozenset(deletions))

    def has(self, name: str) -> bool:
        if name.endswith(".del"):
            return name in self.deletions
        return name.partition(".")[0] in self.segments


def _is_as_written(path: Path, stamp: tuple[int, int]) -> bool:
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    return (status.st_size, status.st_mtime_ns) == stamp or is_whole(path)


def is_whole(path: Path) -> bool:
    """Whether a segment file has its footer and its content matches the checksum."""
    data = path.read_bytes()
    if len(data) < 8:
        return False
    length, magic = struct.unpack("<II", data[-8:])
    if magic != _FOOTER_MAGIC or length > len(data) - 8:
        return False
    end = len(data) - 8 - length
    footer = _FOOTER.fullmatch(data, end, len(data) - 8)
    return footer is not None and zlib.crc32(memoryview(data)[:end]) == int(footer[1])


def segment_files(folder: Path) -> list[Path]:
    """The files of all segments, sorted."""
    return sorted(path for path in folder.iterdir() if _SEGMENT_FILE.fullmatch(path.name))


def _checksum(body: bytes) -> bytes:
    return b"%08x" % zlib.crc32(body)


def _parse(content: Any) -> Standing:
    places = {
        int(index_id): Place(KeywordPosition(str(generation), int(seq), int(token)), bool(dropped))
        for index_id, (generation, seq, token, dropped) in content["positions"].items()
    }
    files = {str(name): (int(size), int(mtime)) for name, (size, mtime) in content["files"].items()}
    meta = content["meta"]
    return Standing(places, files, None if meta is None else int(meta))
