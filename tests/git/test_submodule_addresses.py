"""Full addresses of submodules, and the record of fetched and refused ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from kodit.domain.errors import SourceError
from kodit.infrastructure.git.submodules import MOST, Record, read_record, write_record
from kodit.infrastructure.sources.submodules import resolved


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "[]",
        "{}",
        '{"fetched": []}',
        '{"fetched": [], "refused": {}}',
        '{"fetched": {}, "refused": null}',
        '{"fetched": {"a": "b"}, "refused": {}' + " " * 1_000_000 + "}",
        "[" * 100_000,
    ],
    ids=range(8),
)
def test_a_record_that_cannot_be_read_says_nothing(tmp_path: Path, kept: str) -> None:
    (tmp_path / "kodit-submodules.json").write_text(kept)
    assert read_record(tmp_path) == Record()
    assert read_record(tmp_path / "missing") == Record()


def test_a_record_is_written_where_it_says_something_else(tmp_path: Path) -> None:
    first = Record({"sub": "1" * 40}, {"other": "no"})
    write_record(tmp_path, first)
    (file,) = tmp_path.iterdir()
    written = file.stat().st_ino
    write_record(tmp_path, first)
    assert file.stat().st_ino == written
    assert read_record(tmp_path) == first
    write_record(tmp_path, Record())
    assert read_record(tmp_path) == Record()
    assert MOST == 300


@pytest.mark.parametrize(
    ("written", "location", "expected"),
    [
        ("../b", "https://h.org/o/a", "https://h.org/o/b"),
        ("../../p/b.git", "https://h.org:8443/o/a/", "https://h.org:8443/p/b.git"),
        ("./b", "https://h.org/o/a", "https://h.org/o/a/b"),
        ("../b", "git@h.org:o/a", "git@h.org:o/b"),
        ("../b", "ssh://git@h.org/o/a", "ssh://git@h.org/o/b"),
        ("../b", "file:///srv/a", "file:///srv/b"),
        ("../../b", "https://h.org/o/a", "https://h.org/b"),
        ("https://x.org/b", "https://h.org/o/a", "https://x.org/b"),
        ("git@x.org:o/b", "https://h.org/o/a", "git@x.org:o/b"),
        ("/srv/a b", "https://h.org/o/a", "file:///srv/a%20b"),
        ("../b", "git@h.org:/o/a", "git@h.org:o/b"),
    ],
)
def test_relative_addresses(written: str, location: str, expected: str) -> None:
    assert resolved(written, location) == expected


def test_a_long_address_is_not_told_whole() -> None:
    with pytest.raises(SourceError) as refused:
        resolved("x" * 1_000, "https://h.org/o/a")
    assert len(str(refused.value)) < 200
    assert "is not valid" in str(refused.value)


@pytest.mark.parametrize("location", ["https://h.org/o/a", "git@h.org:o/a", "ssh://h.org/o/a"])
@pytest.mark.parametrize("written", ["../../../x", "../../../x.org/y", "../../..//x.org/y"])
def test_relative_addresses_stay_on_the_host(location: str, written: str) -> None:
    with pytest.raises(SourceError):
        resolved(written, location)
