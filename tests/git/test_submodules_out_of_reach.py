"""A submodule whose server gives no answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.git.conftest import GitServer, MakeRepository
from tests.git.test_submodules import pin

from kodit.domain.report import ignore_report
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.git.clone import synchronise
from kodit.infrastructure.git.runner import Limits
from kodit.infrastructure.git.submodules import refusals
from kodit.infrastructure.sources.submodules import SubmoduleFetch

SHORT = Limits(silent=0.2, total=5.0)


def test_a_submodule_whose_server_hangs_is_given_up(
    make_repository: MakeRepository, make_server: Callable[[], GitServer], tmp_path: Path
) -> None:
    """It is listed with the address that did not answer."""
    sub, outer = make_repository("sub"), make_repository("outer")
    server = make_server()
    commit = pin(outer, "sub", sub.commit({"a.py": "a = 1\n"}), server.url("sub/.git"))
    clone = tmp_path / "clone"
    source = Source(SourceKind.GIT, outer.url, submodules=True)
    synchronise(source, clone)
    server.mode = "hang"
    fetch = SubmoduleFetch(source, clone, None, ignore_report, is_confined=False, limits=SHORT)
    fetch.fetch_pinned(commit)
    told = refusals(clone)["sub"]
    assert server.url("sub/.git") in told
    assert "cannot be reached: git took more than" in told
