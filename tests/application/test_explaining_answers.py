"""Why a file is indexed or not, as the faces answer it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.sources import write_file

from kodit.application.services.source_service import IndexRequest
from kodit.application.views.left_out import ExplanationView
from kodit.composition import Application
from kodit.domain.caller import Caller
from kodit.domain.errors import InvalidQueryError
from kodit.domain.policy import CallerPolicy
from kodit.domain.questions import ExplainQuestion, Where
from kodit.settings import Settings


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    """Has two folders, which have a name in common."""
    write_file(tmp_path / "one" / ".gitignore", "build/\n")
    write_file(tmp_path / "one" / "build" / "a.py", "a = 1\n")
    write_file(tmp_path / "one" / "src" / "one.py", "b = 2\n")
    write_file(tmp_path / "two" / "src" / "two.py", "c = 3\n")
    with Application(Settings.load(data_dir=tmp_path / "data")) as application:
        names = [str(tmp_path / "one"), str(tmp_path / "two")]
        asyncio.run(application.sources.add(IndexRequest(names)))
        yield application


def explained(
    application: Application, path: str, *sources: str, caller: Caller | None = None
) -> ExplanationView:
    question = ExplainQuestion(path, Where(sources, everywhere=not sources and caller is None))
    return asyncio.run(application.left_out_answers.explain(caller or Caller(), question))


@pytest.mark.parametrize("path", ["build", "build/", "{}/one/build", "{}/one/build/"])
def test_a_folder_with_and_without_a_slash(
    path: str, application: Application, tmp_path: Path
) -> None:
    found = explained(application, path.format(tmp_path))
    assert (found.index_id, found.state) == (1, "left_out")
    assert found.left_out is not None
    assert found.left_out.rule == ".gitignore:1: build/"


def test_indexes_that_lack_the_file_are_passed_over(application: Application) -> None:
    assert explained(application, "src/two.py").index_id == 2
    with pytest.raises(InvalidQueryError, match="several indexes"):
        explained(application, "src")


def test_the_folder_of_the_caller(application: Application, tmp_path: Path) -> None:
    """Whose index nobody has named, and in which a path is that below the folder or below the top:
    one answer, where both are there."""
    write_file(tmp_path / "one" / "src" / "src" / "one.py", "d = 4\n")
    caller = Caller(folder=str(tmp_path / "one" / "src"))
    found = explained(application, "src/one.py", caller=caller)
    assert found.path == "src/src/one.py"
    assert [one.is_implied for one in found.standing] == [True]
    named = explained(application, "src/one.py", str(tmp_path / "one"), caller=caller)
    assert named.path == "src/one.py"
    assert [one.is_implied for one in named.standing] == [None]


def test_a_caller_elsewhere_learns_no_path_of_this_machine(
    application: Application, tmp_path: Path
) -> None:
    assert explained(application, "build").left_out is not None
    remote = Caller(CallerPolicy(allowed_roots=(tmp_path,)))
    found = explained(application, "build", "1", caller=remote)
    assert found.file is None
    assert found.left_out is not None
    assert found.left_out.file is None
    assert explained(application, "build").file == str(tmp_path / "one" / "build")
