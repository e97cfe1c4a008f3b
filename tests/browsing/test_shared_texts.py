"""What many answers at once hold in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.browsing.conftest import Indexed

from kodit.composition import Application
from kodit.domain.symbols import SymbolRequest
from kodit.domain.value_objects import SearchFilter
from kodit.settings import Settings


@pytest.fixture
def application(indexed: Indexed) -> Iterator[Application]:
    """A separate one over the shop."""
    with Application(Settings.load(data_dir=indexed.data_dir)) as application:
        yield application


def test_answers_that_are_made_at_once_share_the_texts_of_files(application: Application) -> None:
    """Path, language and content hash are one object, however often they are read."""
    held = []
    for _ in range(2):
        with application.catalogue.open() as catalogue:
            [files, *_others] = catalogue.files(SearchFilter())
        held.append([(one.path, one.language, one.content_hash) for one in files.files])
    first, second = held
    assert len(first) > 1
    assert all(
        one is other
        for pair in zip(first, second, strict=True)
        for one, other in zip(*pair, strict=True)
    )


def test_snippets_share_what_they_have_in_common(application: Application) -> None:
    """Also those of different answers."""
    first, second = (
        application.symbols.find(SymbolRequest("round_price")).definitions[0].snippet
        for _ in range(2)
    )
    for name in ("source", "path", "language", "symbol", "kind", "scope"):
        assert getattr(first, name) is getattr(second, name), name
