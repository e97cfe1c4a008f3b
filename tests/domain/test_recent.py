"""The cache that is bounded by size."""

from __future__ import annotations

import threading

from kodit.domain.recent import Recent


def test_values_not_looked_up_are_dropped() -> None:
    """A value that is looked up again and again stays, however many are added."""
    recent: Recent[int, str] = Recent(10, lambda _value: 1)
    for number in range(1_000):
        recent.add(number, str(number))
        assert recent.find([0, number, -1]) == {0: "0", number: str(number)}
        assert len(recent.values) <= 10
    assert recent.find([500]) == {}
    assert recent.find([998, 999]) == {998: "998", 999: "999"}


def test_values_age() -> None:
    recent: Recent[str, int] = Recent(10, lambda _value: 1)
    recent.add("used", 1)
    recent.add("unused", 2)
    recent.age()
    assert recent.find(["used"]) == {"used": 1}
    assert sorted(recent.values) == [1, 2], "nothing is dropped at once"
    recent.age()
    assert recent.find(["used", "unused"]) == {"used": 1}
    recent.age()
    recent.age()
    assert recent.find(["used"]) == {}


def test_aging_makes_room() -> None:
    """What was dropped no longer counts."""
    recent: Recent[int, int] = Recent(4, lambda _value: 1)
    for number in (1, 2):
        recent.add(number, number)
    recent.age()
    for number in (3, 4):
        recent.add(number, number)
    assert sorted(recent.values) == [1, 2, 3, 4]


def test_the_sizes_are_bounded() -> None:
    """A value larger than a generation is not cached."""
    recent: Recent[int, bytes] = Recent(1_000, len)
    for number in range(100):
        recent.add(number, bytes(number * 10))
        assert sum(map(len, recent.values)) <= 1_000
    assert recent.find(range(51, 100)) == {}
    assert recent.find([50]) == {50: bytes(500)}


def test_a_value_replaces_the_one_of_the_same_key() -> None:
    recent: Recent[str, int] = Recent(4, lambda _value: 1)
    recent.add("one", 1)
    recent.add("one", 2)
    assert recent.find(["one"]) == {"one": 2}
    assert recent.values == [2]


def test_threads_find_only_right_values() -> None:
    """While other threads add so many that values are dropped."""
    recent: Recent[int, int] = Recent(4, lambda _value: 1)
    wrong: list[object] = []

    def work(first: int) -> None:
        for number in range(first, first + 2_000):
            recent.add(number, number)
            found = recent.find(range(number - 3, number + 1))
            if any(key != value for key, value in found.items()):
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(10_000 * turn,)) for turn in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(recent.values) <= 4
