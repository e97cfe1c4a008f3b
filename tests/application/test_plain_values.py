"""What views become before a face writes them."""

from __future__ import annotations

from types import MappingProxyType

from kodit.application.views.search import RelatedView
from kodit.application.views.serialization import to_json


def test_views_become_plain_values_wherever_they_stand() -> None:
    """Alone, in a list, and in a mapping of any kind."""
    view = RelatedView("a.py:1", (), ())
    plain = {"place": "a.py:1", "results": [], "standing": []}
    assert to_json(view) == plain
    assert to_json((view, view)) == [plain, plain]
    assert to_json(MappingProxyType({"one": view})) == {"one": plain}
