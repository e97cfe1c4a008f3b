"""The size of answers, counted on this machine."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path

import pytest
from tests.database.content import Content
from tests.mcp.conftest import Tools
from tests.queue.databases import sqlite_database
from tests.support.command import KoditCommand

from kodit.application.services import savings_service
from kodit.application.services.savings_service import SavingsService
from kodit.domain.savings import Cost
from kodit.infrastructure.memory import ManualClock
from kodit.infrastructure.savings_file import SavingsFile
from kodit.infrastructure.sql.catalogue import SqlCatalogue

TODAY = date(2026, 11, 25)


def test_answers_are_counted_against_the_files_they_name(tools: Tools, tmp_path: Path) -> None:
    """Each file once per answer; nothing about the query is stored."""
    store = SavingsFile(tools.serving.data_dir)
    before = store.load().by_tool.get("grep", Cost())
    text = tools.text("grep", pattern="round_price", paths=["shop/**"])
    after = store.load().by_tool["grep"]
    size = sum((tools.folder / "shop" / name).stat().st_size for name in ("prices.py", "orders.py"))
    assert after == before + Cost(1, len(text), size)
    kept = (tools.serving.data_dir / "savings.json").read_text()
    assert "round_price" not in kept
    assert "shop" not in kept


def test_only_files_that_are_shown_count(tools: Tools) -> None:
    """Not those for which there is no room, and no answer that names none."""
    store = SavingsFile(tools.serving.data_dir)
    before = store.load().by_tool.get("grep", Cost())
    listed = store.load().by_tool.get("indexes")
    tools.text("indexes")
    text = tools.text("grep", pattern=".", budget=100)
    shown = [path for line in text.splitlines() if (path := tools.folder / line).is_file()]
    assert len(shown) < 4
    after = store.load().by_tool["grep"]
    size = sum(path.stat().st_size for path in shown)
    assert after == before + Cost(1, len(text), size)
    assert store.load().by_tool.get("indexes") == listed


def test_what_an_answer_names_and_is_gone_counts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other files count, up to a number that keeps counting cheap."""
    with sqlite_database(tmp_path) as database:
        with database.write() as transaction:
            content = Content(transaction, "/content", "abcd")
            content.replace(a=["x"], b=["x"], c=["x"], d=["x"])
            transaction.connection.exec_driver_sql("UPDATE files SET size = 10 * path_id")
        store = SavingsFile(tmp_path)
        service = SavingsService(catalogue=SqlCatalogue(database), store=store, clock=ManualClock())
        service.count("read", 7, [(99, "a"), (1, "a"), (1, "gone"), (1, "d")])
        assert service.totals().by_tool == {"read": Cost(1, 7, 50)}
        monkeypatch.setattr(savings_service, "MOST_FILES", 2)
        service.count("grep", 7, [(1, "a"), (1, "b"), (1, "c")])
        assert service.totals().by_tool["grep"] == Cost(1, 7, 30)


def test_the_command_shows_what_was_counted(tmp_path: Path) -> None:
    """In tokens, by tool and together."""
    command = KoditCommand(tmp_path / "data")
    assert "Nothing has been counted yet" in command.run_here("savings").err
    SavingsFile(command.data_dir).add("search", Cost(2, 4_000, 400_000), TODAY)
    SavingsFile(command.data_dir).add("read", Cost(1, 4_000, 4_000), TODAY)
    out = command.run_here("savings").out
    assert "Since 2026-11-25" in out
    assert out.splitlines()[-1].split() == ["all", "3", "2,000", "101,000", "98%"]
    assert command.ask("savings")["tools"][1] == {
        "tool": "search",
        "answers": 2,
        "answer_tokens": 1_000,
        "file_tokens": 100_000,
    }


def test_counts_of_several_writers_add_up(tmp_path: Path) -> None:
    """They take turns; a broken file starts again from zero."""
    (tmp_path / "savings.json").write_text("{broken")
    store = SavingsFile(tmp_path)

    def count() -> None:
        for _ in range(10):
            store.add("search", Cost(1, 10, 100), TODAY)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.load().by_tool == {"search": Cost(40, 400, 4_000)}
