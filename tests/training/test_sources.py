"""The sources of the model are listed, may be used, and are not used for evaluation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from training.held_out import HASH_DIGITS, LIST, HeldOut, hashed
from training.sources import Source, read_sources

PERMISSIVE = frozenset(
    "MIT Apache-2.0 BSD-2-Clause BSD-3-Clause ISC Zlib BSL-1.0 Unlicense PostgreSQL".split()
)


def test_each_source_has_a_name_a_revision_and_a_permissive_licence() -> None:
    sources = read_sources()
    assert len(sources) >= 200
    assert len({source.project.lower() for source in sources}) == len(sources)
    for source in sources:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", source.project)
        assert re.fullmatch(r"[0-9a-f]{40}", source.revision)
        assert PERMISSIVE.issuperset(source.licence.split(" OR ")), source.project


def test_no_source_is_held_out() -> None:
    held_out = HeldOut.load()
    assert len(held_out) >= 150
    assert [one.project for one in read_sources() if held_out.has_project(one.project)] == []


@pytest.mark.parametrize(
    "project", ["pallets/click", "Somebody/Click", "laravel/framework", "x/lazy.nvim"]
)
def test_what_is_held_out_is_recognised(project: str) -> None:
    assert HeldOut.load().has_project(project)


def test_names_are_told_apart_by_letters_and_digits_alone(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text(f"# why\n{hashed('Some-Project.js')}\n")
    held_out = HeldOut.load(path)
    assert held_out.has("someprojectjs")
    assert held_out.has_project("some/Project.js")
    assert not held_out.has("some")
    assert not held_out.has_project("some/other")


def test_the_list_holds_hashes_alone() -> None:
    lines = LIST.read_text().splitlines()[1:]
    assert lines == sorted(set(lines))
    assert all(re.fullmatch(rf"[0-9a-f]{{{HASH_DIGITS}}}", line) for line in lines)


def test_a_source_is_made_from_its_entry() -> None:
    assert isinstance(read_sources()[0], Source)
