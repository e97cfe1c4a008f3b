"""How many files the server may hold open."""

from __future__ import annotations

import resource

import pytest

from kodit.server.limits import MOST_DESCRIPTORS, allow_many_descriptors


def test_open_files_are_allowed_as_far_as_they_may_be() -> None:
    """The hard limit stays. A connection takes up to two: its own, and a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), hard))
        connections = allow_many_descriptors()
        raised = resource.getrlimit(resource.RLIMIT_NOFILE)
        infinite = hard == resource.RLIM_INFINITY
        wanted = MOST_DESCRIPTORS if infinite else min(hard, MOST_DESCRIPTORS)
        assert raised == (max(wanted, min(soft, 1024)), hard)
        assert connections == (raised[0] - 256) // 2
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_system_that_allows_fewer_descriptors_than_it_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on macOS, whose default is 256."""
    limits = [(256, resource.RLIM_INFINITY)]

    def set_limit(_which: int, wanted: tuple[int, int]) -> None:
        if wanted[0] > 10_240:
            raise ValueError("current limit exceeds maximum limit")
        limits.append(wanted)

    monkeypatch.setattr(resource, "getrlimit", lambda _which: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", set_limit)
    assert allow_many_descriptors() == (10_240 - 256) // 2
