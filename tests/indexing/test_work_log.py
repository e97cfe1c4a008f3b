"""The record of the work of parsers and models, on which crash tests rely."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.sources import write_file

from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.embedding.builtin import embed_texts
from kodit.infrastructure.enrichment.builtin import describe_all
from kodit.infrastructure.sources.child_functions import extract
from kodit.infrastructure.sources.location import FileToExtract, Location
from kodit.infrastructure.work_log import VARIABLE

CONTRIBUTING = Path(__file__).parents[2] / "CONTRIBUTING.md"


def cut_short(*_arguments: Any) -> None:
    raise InterruptedError("as by a kill")


def parse(folder: Path) -> None:
    write_file(folder / "one.py", "x = 1\n")
    files = [FileToExtract(1, "one.py", ""), FileToExtract(2, "missing.py", "")]
    extract(Location(Source(SourceKind.FOLDER, str(folder)), str(folder)), files, report=cut_short)


def embed(_folder: Path) -> None:
    embed_texts(["quartz", None], report=cut_short)  # type: ignore[list-item]


def enrich(_folder: Path) -> None:
    describe_all([None], report=cut_short)  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("work", "line"),
    [(parse, "files_parsed 1"), (embed, "texts_embedded 2"), (enrich, "snippets_enriched 1")],
    ids=["parse", "embed", "enrich"],
)
def test_an_interrupted_batch_counts(
    work: Callable[[Path], None], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a batch that is started repeatedly would seem to be done once."""
    log = tmp_path / "work.log"
    monkeypatch.setenv(VARIABLE, str(log))

    with pytest.raises((InterruptedError, TypeError, AttributeError)):
        work(tmp_path)

    assert log.read_text() == f"{line}\n"


def test_the_variable_and_names_are_documented() -> None:
    """An external check of Kodit needs the variable and the names of the lines."""
    text = CONTRIBUTING.read_text()
    assert f"`{VARIABLE}`" in text
    assert all(name in text for name in ("files_parsed", "texts_embedded", "snippets_enriched"))
