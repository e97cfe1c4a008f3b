"""Intervals as people write and read them."""

from __future__ import annotations

import pytest

from kodit.domain.errors import UserError
from kodit.domain.intervals import (
    LONGEST_SYNC_EVERY,
    SHORTEST_SYNC_EVERY,
    in_words,
    parse_sync_every,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("600", 600),
        ("10m", 600),
        (" 1H30M ", 5_400),
        ("2d", 172_800),
        ("90s", 90),
        ("60", SHORTEST_SYNC_EVERY),
        ("366d", LONGEST_SYNC_EVERY),
        ("0", 0),
        ("never", 0),
        ("Default", "default"),
    ],
)
def test_an_interval(text: str, seconds: object) -> None:
    assert parse_sync_every(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "m", "10 m", "-600", "1.5h", "59", "367d", "9" * 30, "٦٠٠", "often"]
)
def test_invalid_intervals(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_sync_every(text)
    assert caught.value.code == "sync_every_invalid"
    named = {"59": 59, "367d": 367 * 86_400}.get(text, text[:40])
    assert caught.value.fields == {"sync_every": named}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "never"),
        (60, "every minute"),
        (90, "every 90 seconds"),
        (600, "every 10 minutes"),
        (86_400, "every day"),
        (172_800, "every 2 days"),
    ],
)
def test_words(seconds: int, words: str) -> None:
    assert in_words(seconds) == words
