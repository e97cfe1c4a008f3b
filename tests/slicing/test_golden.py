"""The snippets of one realistic source file of each language, as reviewed golden listings."""

from __future__ import annotations

from pathlib import Path

import pytest

from kodit.domain.snippet import MinorSymbol
from kodit.domain.value_objects import SlicedFile
from kodit.infrastructure.slicing.detection import detect_language
from kodit.infrastructure.slicing.languages import LANGUAGES
from kodit.infrastructure.slicing.slicer import slice_file

HERE = Path(__file__).parent
SOURCES = sorted((HERE / "sources").iterdir())
"""Named like real files, but with `.txt` added for those that our own checks would read."""


def name_of(source: Path) -> str:
    return source.name.removesuffix(".txt")


def listing(sliced: SlicedFile) -> str:
    """One line per snippet: first and last line, kind, qualified name, and the beginning of its
    text; and one for each further definition in it, with a tilde if that is minor.
    """
    rows = [f"{sliced.language}, problem: {sliced.problem}"]
    for snippet in sliced.snippets:
        symbol = snippet.symbol
        kind, name = (symbol.kind.value, symbol.qualified_name) if symbol else ("-", "-")
        begin = snippet.text.split("\n", 1)[0].strip()[:50]
        rows.append(f"{snippet.start_line:4} {snippet.end_line:4}  {kind:9}  {name:44}  {begin}")
        for placed in snippet.also_defines:
            other, first, last, _line = placed
            mark = "~" if isinstance(placed, MinorSymbol) else " "
            rows.append(f"   {mark} {first:4} {last:4}  {other.kind:9}  {other.qualified_name}")
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_snippets_are_those_of_the_golden_listing(source: Path, update_golden: bool) -> None:
    """Refreshed by `pytest --update-golden`."""
    found = listing(slice_file(name_of(source), source.read_bytes()))
    golden = HERE / "golden" / f"{name_of(source)}.txt"
    if update_golden:
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(found, encoding="utf-8")
    assert golden.read_text(encoding="utf-8") == found


def test_every_language_has_a_golden_listing() -> None:
    """A row of the table without one would be untested."""
    shown = {detect_language(name_of(source), source.read_bytes()) for source in SOURCES}
    assert shown == set(LANGUAGES)
