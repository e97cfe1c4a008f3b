"""Addresses of submodules whose paths and names hold odd characters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kodit.domain.report import ignore_report
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.git.objects import list_tree
from kodit.infrastructure.sources.submodules import SubmoduleFetch

if TYPE_CHECKING:
    from tests.git.conftest import MakeRepository

ADDRESSES = """\
[submodule "one.url"]
\tpath = libs//one/
\turl = https://example.com/one.git
[submodule "two"]
\tpath = "a\\nb.path"
\turl = "https://example.com/two\\n.git"
[submodule "without a path"]
\turl = https://example.com/three.git
[submodule "without an address"]
\tpath = four
[other "five"]
\tpath = five
\turl = https://example.com/five.git
"""


def test_addresses_by_path(make_repository: MakeRepository, tmp_path: Path) -> None:
    """As they are written, line ends and all; only of what has both."""
    origin = make_repository()
    commit = origin.commit({".gitmodules": ADDRESSES})
    source = Source(SourceKind.GIT, tmp_path.as_uri())
    objects = origin.path / ".git"
    fetch = SubmoduleFetch(source, objects, None, ignore_report, is_confined=False)
    assert fetch._addresses(list(list_tree(objects, commit))) == {
        "libs/one": "https://example.com/one.git",
        "a\nb.path": "https://example.com/two\n.git",
    }
    broken = origin.commit({".gitmodules": "[submodule\n"})
    assert fetch._addresses(list(list_tree(objects, broken))) == {}
    none = origin.commit({"a.py": "one"})
    without = [one for one in list_tree(objects, none) if one.path != ".gitmodules"]
    assert fetch._addresses(without) == {}
