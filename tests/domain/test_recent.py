"""What is remembered because it may be asked for again."""

from __future__ import annotations

import threading

from kodit.domain.recent import Recent


def test_what_nobody_asks_for_is_dropped() -> None:
    """And what is asked for again and again stays, however much comes."""
    recent: Recent[int, str] = Recent(10, lambda _value: 1)
    for number in range(1_000):
        recent.add(number, str(number))
        assert recent.find([0, number, -1]) == {0: "0", number: str(number)}
        assert len(recent.values) <= 10
    assert recent.find([500]) == {}
    assert recent.find([998, 999]) == {998: "998", 999: "999"}


def test_sizes_count() -> None:
    """All together stay within the size; what is larger than half of it is not remembered."""
    recent: Recent[int, bytes] = Recent(1_000, len)
    for number in range(100):
        recent.add(number, bytes(number * 10))
        assert sum(map(len, recent.values)) <= 1_000
    assert recent.find(range(51, 100)) == {}
    assert recent.find([50]) == {50: bytes(500)}


def test_a_value_that_is_added_again_takes_the_place_of_the_other() -> None:
    recent: Recent[str, int] = Recent(4, lambda _value: 1)
    recent.add("one", 1)
    recent.add("one", 2)
    assert recent.find(["one"]) == {"one": 2}
    assert recent.values == [2]


def test_a_thread_keeps_what_it_has_found() -> None:
    """While others drop it."""
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
