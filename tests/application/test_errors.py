"""The codes of errors, which programs may rely on, and their fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kodit import Kodit
from kodit.domain.errors import Field, KoditError
from kodit.domain.value_objects import RunState
from kodit.settings import Settings

Wrong = Callable[[Kodit, str], Any]

MISNAMED: dict[str, Field] = {"path": "x/a.py", "there": "a.py"}
WRONG: list[tuple[Wrong, str, dict[str, Field]]] = [
    (lambda kodit, _: kodit.cancel(1), "run_has_ended", {"run": 1, "state": "succeeded"}),
    (lambda kodit, _: kodit.retry(1), "run_has_succeeded", {"run": 1}),
    (lambda kodit, _: kodit.retry(2), "run_not_found", {"run": 2}),
    (lambda kodit, _: kodit.delete(7), "index_not_found", {"index": 7}),
    (lambda kodit, _: kodit.read(1, "a.py:9"), "line_not_found", {"path": "a.py", "line": 9}),
    (lambda kodit, _: kodit.read(1, "a.py:0"), "lines_invalid", {"lines": "0"}),
    (lambda kodit, _: kodit.read(1, "a.py:x"), "lines_invalid", {"lines": "x"}),
    (lambda kodit, _: kodit.read(1, "b.py"), "file_not_found", {"index": 1, "path": "b.py"}),
    (lambda kodit, _: kodit.read(1, "b.py:x"), "file_not_found", {"index": 1, "path": "b.py:x"}),
    (lambda kodit, _: kodit.read(1, "x/a.py"), "file_misnamed", MISNAMED),
    (lambda kodit, _: kodit.related(1, "a.py:9"), "line_not_found", {"path": "a.py", "line": 9}),
    (lambda kodit, _: kodit.related(1, "a.py:x"), "lines_invalid", {"lines": "x"}),
    (lambda kodit, _: kodit.related(1, "b.py"), "file_not_found", {"index": 1, "path": "b.py"}),
    (lambda kodit, _: kodit.related(1, "x/a.py:1"), "file_misnamed", MISNAMED),
    (lambda kodit, here: kodit.delete(here), "source_not_indexed", {"source": "{here}"}),
    (
        lambda kodit, here: kodit.read(f"{here}/no", "a.py"),
        "index_not_found",
        {"index": "{here}/no"},
    ),
    (
        lambda kodit, here: kodit.index(here, include=["a", "b["]),
        "glob_invalid",
        {"glob": "b["},
    ),
    (lambda kodit, here: kodit.index(here, exclude=["!a"]), "glob_invalid", {"glob": "!a"}),
    (lambda kodit, here: kodit.index(here, exclude=["#a"]), "glob_invalid", {"glob": "#a"}),
    (
        lambda kodit, _: kodit.related(1, "empty.py"),
        "file_without_snippets",
        {"path": "empty.py"},
    ),
    (
        lambda kodit, _: kodit.search("x", mode="best"),
        "choice_invalid",
        {"what": "mode", "value": "best", "choices": "hybrid, keyword, code, text"},
    ),
    (lambda kodit, _: kodit.grep("("), "expression_invalid", {"pattern": "("}),
    (
        lambda kodit, _: kodit.index("https://ada:secret@example.org"),
        "source_invalid",
        {"source": "https://example.org"},
    ),
    (
        lambda kodit, _: kodit.index("svn://ada:se@cret@example.org/x"),
        "source_invalid",
        {"source": "svn://example.org/x"},
    ),
    (lambda kodit, here: kodit.index(f"{here}/no"), "folder_missing", {"source": "{here}/no"}),
]


@pytest.fixture(scope="module")
def kodit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kodit]:
    here = tmp_path_factory.mktemp("errors")
    (here / "source").mkdir()
    (here / "source" / "a.py").write_text("def a() -> None: ...\n")
    (here / "source" / "empty.py").write_text("")
    with Kodit(here / "data") as kodit:
        (status,) = kodit.index(here / "source")
        assert status.run is not None
        assert status.run.state is RunState.SUCCEEDED
        yield kodit


@pytest.mark.parametrize(("ask", "code", "fields"), WRONG)
def test_what_a_caller_has_caused(
    ask: Wrong, code: str, fields: dict[str, Field], kodit: Kodit, tmp_path: Path
) -> None:
    """Each has a code of its own and names its values, without secrets."""
    with pytest.raises(KoditError) as raised:
        ask(kodit, str(tmp_path))
    wanted = {
        name: value.format(here=tmp_path) if isinstance(value, str) else value
        for name, value in fields.items()
    }
    assert (raised.value.code, raised.value.fields) == (code, wanted)


def test_a_run_that_is_under_way(kodit: Kodit, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("a = 1\n")
    (status,) = kodit.index(tmp_path, wait=False)
    assert status.run is not None
    with pytest.raises(KoditError) as raised:
        kodit.retry(status.run.id)
    assert raised.value.code == "run_under_way"
    assert raised.value.fields == {"run": status.run.id, "state": "queued"}
    kodit.delete(tmp_path)


def test_a_file_that_cannot_be_read_any_more(kodit: Kodit, tmp_path: Path) -> None:
    (tmp_path / "gone.py").write_text("a = 1\n")
    (status,) = kodit.index(tmp_path)
    (tmp_path / "gone.py").unlink()
    with pytest.raises(KoditError) as raised:
        kodit.read(status.id, "gone.py")
    assert raised.value.code == "file_unreadable"
    assert raised.value.fields == {"source": str(tmp_path), "path": "gone.py"}
    kodit.delete(tmp_path)


def test_a_setting_that_cannot_be_used() -> None:
    with pytest.raises(KoditError) as raised:
        Settings.load({"KODIT_WORKER_SLOTS": "many"})
    assert raised.value.code == "setting_invalid"
