"""The output of `--json`: names and types that other programs rely on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.support.command import KoditCommand
from tests.support.sources import write_tree

import kodit as package

NUMBER, TEXT, LIST, OBJECT = int, str, list, dict
MAYBE_NUMBER, MAYBE_TEXT, MAYBE_OBJECT = (int, type(None)), (str, type(None)), (dict, type(None))

RESULT = {
    "index_id": NUMBER,
    "source": TEXT,
    "path": TEXT,
    "start_line": NUMBER,
    "end_line": NUMBER,
    "language": TEXT,
    "symbol": MAYBE_TEXT,
    "kind": MAYBE_TEXT,
    "score": float,
    "text": TEXT,
    "cut": bool,
}
INDEX = {
    "id": NUMBER,
    "source": TEXT,
    "files": NUMBER,
    "snippets": NUMBER,
    "updated_at": MAYBE_TEXT,
    "run": MAYBE_OBJECT,
}
RUN = {"id": NUMBER, "state": TEXT, "tasks": LIST}
TASK = {
    "id": NUMBER,
    "type": TEXT,
    "state": TEXT,
    "priority": NUMBER,
    "attempts": NUMBER,
    "available_at": MAYBE_TEXT,
    "progress": MAYBE_OBJECT,
    "error": MAYBE_TEXT,
    "work": OBJECT,
}
WORK = {
    "files_parsed": NUMBER,
    "files_reused": NUMBER,
    "snippets_written": NUMBER,
    "snippets_removed": NUMBER,
    "keywords_indexed": NUMBER,
    "texts_embedded": NUMBER,
    "snippets_enriched": NUMBER,
}
PROGRESS = {"operation": TEXT, "current": NUMBER, "total": MAYBE_NUMBER}
ATTEMPT = {
    "claim_no": NUMBER,
    "worker": TEXT,
    "started_at": TEXT,
    "finished_at": MAYBE_TEXT,
    "outcome": MAYBE_TEXT,
    "error": MAYBE_TEXT,
}
STAGES = ["SYNC", "EXTRACT", "BM25_INDEX", "CODE_EMBEDDINGS", "ENRICH"]


def fits(value: dict[str, Any], shape: dict[str, Any]) -> bool:
    """Whether all parts of a shape are present with their types; there may be more."""
    return {
        name: type(value.get(name, NotImplemented))
        for name, kind in shape.items()
        if name not in value or not isinstance(value[name], kind)
    } == {}


def is_run(run: dict[str, Any]) -> bool:
    """Whether a run, its tasks, and their work and progress have their shapes."""
    assert fits(run, RUN), run
    assert [task["type"] for task in run["tasks"]] == STAGES
    for task in run["tasks"]:
        assert fits(task, TASK), task
        assert task["work"].keys() == WORK.keys()
        assert fits(task["work"], WORK), task
        assert task["available_at"] is None, "nothing is waited for"
        assert task["progress"] is None or fits(task["progress"], PROGRESS), task
    return True


def is_index(index: dict[str, Any]) -> bool:
    """Whether an index and its run have their shapes."""
    assert fits(index, INDEX), index
    assert index["updated_at"] is None or datetime.fromisoformat(index["updated_at"]).tzinfo
    return index["run"] is None or is_run(index["run"])


def test_status(indexed: KoditCommand) -> None:
    """`indexes[]`, each with its latest run, its tasks, and their work in counts."""
    indexes = indexed.ask("status")["indexes"]

    assert [index["id"] for index in indexes] == [1, 2]
    assert all(is_index(index) for index in indexes)
    assert indexed.ask("status", "2")["indexes"] == [indexes[1]]
    assert indexed.ask("index")["indexes"] == indexes


def test_search(indexed: KoditCommand) -> None:
    """Results, best first, with relative paths, lines that count from 1, and the whole text."""
    answer = indexed.ask("search", "quartz", "--path", "deep/")

    (result,) = answer["results"]
    assert fits(result, RESULT), result
    assert (result["index_id"], result["path"]) == (1, "deep/quartz.py")
    assert (result["symbol"], result["kind"]) == ("quartz", "function")
    assert result["end_line"] - result["start_line"] + 1 == len(result["text"].splitlines())


def test_search_within_a_budget(indexed: KoditCommand) -> None:
    """A cut text is marked, and its end line is the last line included."""
    (whole,) = indexed.ask("search", "quartz", "--path", "deep/")["results"]
    (cut,) = indexed.ask("search", "quartz", "--path", "deep/", "--budget", "60")["results"]

    assert (whole["cut"], cut["cut"]) == (False, True)
    assert cut["end_line"] < whole["end_line"]
    assert cut["end_line"] - cut["start_line"] + 1 == len(cut["text"].splitlines())


def test_search_that_finds_nothing(indexed: KoditCommand) -> None:
    """It is a complete document nevertheless."""
    outcome = indexed.run("search", "quartz", "--path", "nowhere/", "--json")

    assert outcome.json()["results"] == []


def test_index(kodit: KoditCommand, tmp_path: Any) -> None:
    """The indexes that were asked for, as `status` has them, with --no-wait as well."""
    for name in ("one", "two"):
        write_tree(tmp_path / name, files=1)
    queued = kodit.ask("index", tmp_path / "one", "--no-wait")["indexes"]
    assert [index["run"]["state"] for index in queued] == ["queued"]
    assert all(is_index(index) for index in queued)

    (done,) = kodit.ask("index", tmp_path / "two")["indexes"]

    assert is_index(done)
    assert done["source"] == str(tmp_path / "two")
    assert done["run"]["state"] == "succeeded"


def test_queue(indexed: KoditCommand) -> None:
    """Runs; and one run with the history of its tasks."""
    assert indexed.ask("queue", "list")["runs"] == []
    runs = indexed.ask("queue", "list", "--all")["runs"]
    assert sorted(run["id"] for run in runs) == [1, 2]
    assert all(is_run(run) for run in runs)

    run = indexed.ask("queue", "show", "2")

    assert is_run(run)
    for task in run["tasks"]:
        (attempt,) = task["history"]
        assert fits(attempt, ATTEMPT)
        assert attempt["outcome"] == "succeeded"


def test_version(kodit: KoditCommand) -> None:
    """Every command that prints data can print it as JSON, including the version."""
    assert kodit.ask("version") == {"version": package.__version__}
