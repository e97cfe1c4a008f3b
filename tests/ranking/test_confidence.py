"""Whether the best result is a weak one."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from kodit.domain.ranking.candidate import CorpusStatistics
from kodit.domain.ranking.confidence import CALIBRATED_MODEL, LEAST_STRENGTH, STRENGTH, is_weak
from kodit.domain.ranking.query import understand
from kodit.domain.ranking.ranking import Contribution
from kodit.infrastructure.embedding import builtin

MODEL = builtin.BuiltinEmbedder.model
POOR = {"text_similarity": 0.1}
SOME = CorpusStatistics(9, {"quartz": 3, "opalring": 2, "opal": 1, "ring": 1})


def weak(query: str, signals: Mapping[str, float], model: str = MODEL) -> bool:
    parts = tuple(Contribution(name, value, 1.0) for name, value in signals.items())
    return is_weak(understand(query), parts, SOME, model)


def test_the_threshold_is_for_the_built_in_model() -> None:
    """Similarities of other models have other distributions."""
    assert builtin.MODEL == CALIBRATED_MODEL
    assert weak("quartz and beryl", POOR)
    assert not weak("quartz and beryl", POOR, "another/1")


@pytest.mark.parametrize("signal", STRENGTH)
def test_each_kind_of_evidence_can_be_enough(signal: str) -> None:
    least = {"text_similarity": 0.001, signal: LEAST_STRENGTH / STRENGTH[signal]}
    assert not weak("quartz and beryl", least)
    assert weak("quartz and beryl", {**least, signal: least[signal] - 0.01})


@pytest.mark.parametrize("signal", ["pasted", "defines", "enclosing_scope", "path_asked"])
def test_what_was_asked_for_is_never_weak(signal: str) -> None:
    assert not weak("quartz and beryl", {**POOR, signal: 0.5})
    assert not weak("BerylRing", {**POOR, signal: 0.5})


def test_no_result_without_vectors_is_weak() -> None:
    assert not weak("quartz and beryl", {"keyword_best": 0.1})


@pytest.mark.parametrize(
    ("name", "expected"),
    [("OpalRing", False), ("opal_ring", False), ("RingOpal", True), ("Foo.OpalRing", False)],
)
def test_a_name_must_occur_as_a_whole(name: str, expected: bool) -> None:
    assert weak(name, {"mentions": 1.0}) is expected
    assert weak(name, {"mentions": 1.0}, "another/1") is expected


def test_no_result_for_a_path_is_weak() -> None:
    assert not weak("src/beryl.py", POOR)
