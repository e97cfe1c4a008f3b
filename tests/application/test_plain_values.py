"""Views as plain values."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType

from kodit.application.views.search import RelatedView
from kodit.application.views.serialization import to_json
from kodit.domain.search import SearchMode


def test_views_become_plain_values_wherever_they_stand() -> None:
    """Alone, in a list, and in a mapping of any kind."""
    view = RelatedView("a.py:1", (), ())
    plain = {"place": "a.py:1", "results": [], "standing": []}
    assert to_json(view) == plain
    assert to_json((view, view)) == [plain, plain]
    assert to_json(MappingProxyType({"one": view})) == {"one": plain}


def test_moments_and_choices_become_text() -> None:
    """A time ends with `Z`, as everywhere in JSON."""
    assert to_json([datetime(2026, 1, 2, tzinfo=UTC), SearchMode.HYBRID]) == [
        "2026-01-02T00:00:00Z",
        "hybrid",
    ]
