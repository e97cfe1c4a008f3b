"""The rank of the wanted file for each query: a change of ranking is reviewed as a diff.

`pytest --update-golden` rewrites the file.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kodit import Kodit

pytestmark = pytest.mark.every_store

GOLDEN = Path(__file__).parent / "golden_rankings.json"
DEPTH = 10
QUESTIONS = {
    "how is stock counted in a warehouse": "py/inventory.py",
    "insert into a binary tree": "cpp/tree.cpp",
    "ring buffer push": "c/ring.c",
    "multiply two matrices": "rs/matrix.rs",
    "worker pool that runs jobs": "go/pool.go",
    "shopping cart total": "js/cart.js",
    "expire a user session": "ts/session.ts",
    "profile component": "tsx/Profile.tsx",
    "book an entry in the ledger": "java/Ledger.java",
    "run tasks on a schedule": "cs/Scheduler.cs",
    "lend a book": "rb/library.rb",
    "send a mail message": "php/Mailer.php",
    "weather forecast": "kt/Weather.kt",
    "play the next song": "swift/Player.swift",
    "parse an expression": "scala/Parser.scala",
    "text buffer with a cursor": "lua/buffer.lua",
    "deploy a release": "sh/deploy.sh",
    "area of a shape": "hs/Shapes.hs",
    "cache with time to live": "ex/cache.ex",
    "priority queue": "zig/queue.zig",
    "database tables and indexes": "sql/schema.sql",
    "Ledger": "java/Ledger.java",
    "Mailer": "php/Mailer.php",
    "Scheduler": "cs/Scheduler.cs",
    "Weather.kt": "kt/Weather.kt",
}


def test_golden_rankings(searchable: Kodit, update_golden: bool) -> None:
    """The rank of each wanted file, and recall@1, recall@5 and mean reciprocal rank over all."""
    ranks = {question: rank_of(searchable, question, path) for question, path in QUESTIONS.items()}
    found = [rank for rank in ranks.values() if rank is not None]
    report = {
        "recall@1": round(sum(rank == 1 for rank in found) / len(ranks), 3),
        "recall@5": round(sum(rank <= 5 for rank in found) / len(ranks), 3),
        "mean_reciprocal_rank": round(sum(1 / rank for rank in found) / len(ranks), 3),
        "ranks": ranks,
    }
    if update_golden:
        GOLDEN.write_text(json.dumps(report, indent=2) + "\n")
    assert json.loads(GOLDEN.read_text()) == report


def rank_of(kodit: Kodit, question: str, path: str) -> int | None:
    """From 1; None when the file is not among the first ten results."""
    for rank, result in enumerate(kodit.search(question, limit=DEPTH), 1):
        if result.snippet.path == path:
            return rank
    return None
