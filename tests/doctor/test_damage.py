"""Damage of every kind is found, repaired, and gone."""

from __future__ import annotations

import pytest
import tests.doctor.damage_of_contents  # noqa: F401 - adds to the list
from tests.doctor.damage import DAMAGES, Damage
from tests.doctor.place import Answer, Place

from kodit.domain.diagnosis import Area

pytestmark = pytest.mark.every_store

REFUSED_BY_SERVER = (
    "an_index_of_the_database_lacks_a_row",
    "snippets_lose_their_file",
    "a_task_loses_its_run",
)


def test_nothing_is_wrong_with_what_indexing_has_made(healthy: Place) -> None:
    assert healthy.check().found == ()


@pytest.mark.parametrize(
    ("area", "damage"), DAMAGES, ids=[damage.__name__ for _area, damage in DAMAGES]
)
def test_damage_is_found_and_repaired(
    place: Place, answers: list[Answer], area: Area, damage: Damage, store: str
) -> None:
    if store == "postgresql" and damage.__name__ in REFUSED_BY_SERVER:
        pytest.skip("a server refuses that")
    damage(place)

    first = place.check()
    if store == "postgresql" and damage.__name__ == "a_clone_is_removed":
        assert first.found == ()  # another machine may have made the index
        return
    assert area in {problem.area for problem in first.found}
    assert place.check().found == first.found  # looking changes nothing

    assert place.check(repair=True).remaining == ()
    assert place.check().found == ()
    assert place.search() == answers
