"""What many answers at once hold in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.browsing.conftest import Indexed

from kodit.composition import Application
from kodit.domain.symbols import SymbolRequest
from kodit.settings import Settings


@pytest.fixture
def application(indexed: Indexed) -> Iterator[Application]:
    """A separate one over the shop."""
    with Application(Settings.load(data_dir=indexed.data_dir)) as application:
        yield application


def test_snippets_share_what_they_have_in_common(application: Application) -> None:
    """Also those of different answers."""
    first, second = (
        application.symbols.find(SymbolRequest("round_price")).definitions[0].snippet
        for _ in range(2)
    )
    for name in ("source", "path", "language", "symbol", "kind", "scope"):
        assert getattr(first, name) is getattr(second, name), name
