"""Fixtures of this folder."""

from tests.support.fixtures import kodit

__all__ = ["kodit"]
