"""Counting equal numbers."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_Number = TypeVar("_Number", np.uint32, np.int64)


def count_equal(numbers: NDArray[_Number]) -> tuple[NDArray[_Number], NDArray[np.int64]]:
    """The distinct numbers in ascending order, and how often each occurs. Sorts the array in place,
    where `numpy.unique` sorts a copy.
    """
    numbers.sort()
    is_first = np.empty(len(numbers), np.bool_)
    is_first[:1] = True
    np.not_equal(numbers[1:], numbers[:-1], out=is_first[1:])
    (firsts,) = is_first.nonzero()
    return numbers[firsts], np.diff(firsts, append=len(numbers))
