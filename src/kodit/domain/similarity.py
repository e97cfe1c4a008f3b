"""Similarities of any embedding model on the scale of the built-in one.

Models differ in the similarity that they give to a query and a text that belong together, and to
two that do not. The weights of ranking were chosen with the built-in model. The similarities of any
other are mapped so that both kinds of pairs have, on average, the similarity that they have with
the built-in model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from kodit.domain.search import VectorKind


class Scale(NamedTuple):
    """The mean similarities of a query with its own text, and with other texts."""

    own: float
    others: float


BUILT_IN = {VectorKind.CODE: Scale(0.419, -0.007), VectorKind.TEXT: Scale(0.347, 0.009)}
"""Of the built-in model, for the texts by which others are compared with it."""
LEAST_DIFFERENCE = 0.02
"""A model that tells related texts apart by less knows nothing of them, and is not amplified."""
LARGEST_FACTOR = 4.0


@dataclass(frozen=True, slots=True)
class ToBuiltIn:
    """Maps a similarity: `factor` times its distance from `origin`, plus `target`."""

    origin: float
    factor: float
    target: float

    def __call__(self, similarity: float) -> float:
        """A similarity of exactly 0 is that of a text that was never sent, which counts as
        unrelated."""
        if similarity == 0.0:
            return self.target
        return max(-1.0, min(1.0, (similarity - self.origin) * self.factor + self.target))


def mapping(kind: VectorKind, scale: Scale) -> ToBuiltIn:
    """From the scale of a model to that of the built-in one."""
    wanted = BUILT_IN[kind]
    difference = scale.own - scale.others
    if difference < LEAST_DIFFERENCE:
        return ToBuiltIn(scale.others, 1.0, wanted.others)
    factor = min(LARGEST_FACTOR, (wanted.own - wanted.others) / difference)
    return ToBuiltIn(scale.others, factor, wanted.others)
