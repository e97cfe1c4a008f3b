"""What a file weighs before it is stored, and which stored versions are likely to be like it."""

from __future__ import annotations

from kodit.application.services.extraction_stage import _ToExtract
from kodit.domain.batches import Weight
from kodit.domain.entities import Snippet
from kodit.domain.ports.repositories import ExtractedFile
from kodit.domain.ports.versions import KnownVersion
from kodit.domain.snippet import SlicedFile
from kodit.infrastructure.sqlalchemy.known_versions import MOST_ALIKE, _likeliest


def version(number: int, path: str, snippets: int = 0) -> KnownVersion:
    return KnownVersion(number, b"", is_left_out=False, path=path, snippets=snippets)


def test_the_snippets_that_go_weigh_as_much_as_those_that_come() -> None:
    """Also those that are copied: of these, only the size of the file is known."""
    to_extract = _ToExtract([], frozenset(), {1: 3}, {})
    snippets = tuple(Snippet("a", 1, 1, "python", None, text) for text in ("one", "zwölf"))
    sliced = ExtractedFile(1, "0", "v1", SlicedFile("a", "python", snippets), size=50)
    assert to_extract.weigh(sliced) == Weight(5, 9)
    copied = ExtractedFile(1, "0", "v1", None, alike=version(7, "b", 40), size=50)
    assert to_extract.weigh(copied) == Weight(43, 50)
    vanished = ExtractedFile(2, "0", "v1", None, size=50)
    assert to_extract.weigh(vanished) == Weight(0, 0)


def test_a_version_with_the_name_of_the_file_is_the_likeliest() -> None:
    """And else those with its extension, the oldest first."""
    versions = [version(number, f"x/{number}.txt") for number in range(9, 2, -1)]
    versions += [version(2, "x/two.py"), version(1, "y/one.py"), version(0, "x/a.c")]
    by_name = {one.path.rpartition("/")[2]: one for one in versions}
    assert [one.id for one in _likeliest(by_name, "z/two.py")] == [2]
    assert [one.id for one in _likeliest(by_name, "a.c")] == [0]
    assert [one.id for one in _likeliest(by_name, "z/three.py")] == [1, 2, 0, 3]
    assert [one.id for one in _likeliest(by_name, "z/three.txt")] == [3, 4, 5, 6]
    assert MOST_ALIKE == 4
