"""Trees that are alike, and what must hold of the indexes that share their contents."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.answers import answers, found_in
from tests.support.serving import ServingKodit, states
from tests.support.snapshot import read_rows
from tests.support.sources import write_file

from kodit.composition import Application

QUERIES = ("light lantern", "oil", "keeper of the lamp", "trim")
NAMES = ("light_lantern", "store_oil", "trim_wick", "Keeper", "snuff_candle")

LANTERN = '''"""Lanterns."""

from store import store_oil


def light_lantern(lantern, oil):
    """Fill a lantern with oil and light it."""
    lantern.filled = store_oil(oil)
    lantern.is_lit = True
    return lantern


def trim_wick(lantern, length):
    """Cut the wick of a lantern that smokes."""
    while lantern.wick > length:
        lantern.wick -= 1
    return lantern.wick
'''
STORE = '''"""The store of oil."""


def store_oil(oil):
    """Put the oil away, in barrels."""
    barrels = [drop for drop in oil if drop]
    return sum(barrels)
'''
KEEPER = '''"""Who keeps the lamps."""

from lantern import light_lantern, trim_wick


class Keeper:
    """The keeper of the lamp."""

    def evening(self, lantern, oil):
        """Light everything."""
        return light_lantern(lantern, oil)

    def morning(self, lantern):
        """Trim everything."""
        return trim_wick(lantern, 3)
'''
GUIDE = "# Guide\n\nHow to light a lantern: store oil first.\n\n## Wicks\n\nTrim them.\n"
NEWER = '''"""Lanterns."""

from store import store_oil


def light_lantern(lantern, oil, match):
    """Fill a lantern with oil and light it with a match."""
    lantern.filled = store_oil(oil)
    return match.strike(lantern)


def snuff_candle(candle):
    """Put a candle out, or a lantern that needs its wick trimmed."""
    candle.is_lit = False
    return candle
'''
TREE: Mapping[str, str] = {
    "lantern.py": LANTERN,
    "store.py": STORE,
    "shed/keeper.py": KEEPER,
    "docs/guide.md": GUIDE,
}

NOT_HAD = {
    "versions": """SELECT path FROM versions WHERE unused_since IS NOT NULL
        OR NOT EXISTS (SELECT 1 FROM files WHERE files.version_id = versions.id)""",
    "former": "SELECT * FROM former_versions",
    "paths": "SELECT path FROM paths WHERE id NOT IN (SELECT path_id FROM files)",
    "histories": """SELECT path_id, number FROM file_histories WHERE NOT EXISTS (SELECT 1 FROM files
        WHERE files.path_id = file_histories.path_id AND files.history = file_histories.number)""",
    "stale": "SELECT * FROM stale_files",
    "snippets": "SELECT id, state FROM snippets WHERE state <> 'live'",
    "texts": """SELECT id FROM snippet_texts WHERE id NOT IN
        (SELECT text_id FROM snippets WHERE text_id IS NOT NULL)""",
    "embeddings": """SELECT id FROM embeddings
        WHERE id NOT IN (SELECT embedding_id FROM vectors)""",
    "enrichments": """SELECT id FROM enrichments WHERE id NOT IN
        (SELECT enrichment_id FROM snippets WHERE enrichment_id IS NOT NULL)""",
    "pending": "SELECT * FROM pending_snippets",
    "changes": "SELECT * FROM keyword_changes",
    "stores": """SELECT id FROM indexes WHERE deleted_at <> 0
        AND NOT EXISTS (SELECT 1 FROM versions WHERE versions.index_id = indexes.id)""",
}
TABLES = ("versions", "snippets", "snippet_texts", "vectors", "embeddings", "enrichments", "files")


def write(folder: Path, texts: Mapping[str, str] = TREE) -> Path:
    """A folder with these files."""
    for path, text in texts.items():
        write_file(folder / path, text)
    return folder


def index(serving: ServingKodit, source: str | Path, exclude: tuple[str, ...] = ()) -> int:
    """Add or refresh a source; returns its identifier."""
    run = serving.index(source, exclude)
    assert not {"failed", "cancelled"} & set(states(run)), [task.error for task in run.tasks]
    assert run.index_id is not None
    return run.index_id


def told(serving: ServingKodit, index_id: int) -> dict[str, Any]:
    """What an index answers."""
    return answers(serving, index_id, QUERIES, NAMES)


def found(serving: ServingKodit, index_id: int) -> dict[Any, Any]:
    """What engines find in an index, whatever its source is like by now."""

    async def ask(application: Application) -> dict[Any, Any]:
        return found_in(application, index_id, QUERIES)

    return serving.call(ask)


def alone(place: Path, source: str | Path, exclude: tuple[str, ...] = ()) -> dict[str, Any]:
    """What a fresh installation with one source answers."""
    with ServingKodit(place / f"alone-{len(list(place.glob('alone-*')))}") as fresh:
        return told(fresh, index(fresh, source, exclude))


def tidied(serving: ServingKodit) -> None:
    """Do what a server does within an hour: remove what nothing has any more."""

    async def tidy(application: Application) -> None:
        for chore in application.chores:
            if chore.name.startswith(("finish", "remove")):
                while await chore.do_piece():
                    pass

    serving.call(tidy)


def problems(serving: ServingKodit) -> list[str]:
    """What the doctor finds."""
    diagnosis = serving.call(lambda application: application.examination.check(repair=False))
    return [f"{problem.area}: {problem.what}" for problem in diagnosis.found]


def not_had(data_dir: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of what no index has."""
    found = {name: read_rows(data_dir, query) for name, query in NOT_HAD.items()}
    return {name: rows for name, rows in found.items() if rows}


def sizes(data_dir: Path) -> dict[str, int]:
    """How many rows the tables of results have."""
    return {
        table: read_rows(data_dir, f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608 - ours
        for table in TABLES
    }
