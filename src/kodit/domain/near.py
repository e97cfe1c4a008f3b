"""Suggests existing names for one that does not exist."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nlargest

from kodit.domain.spelling import fold_case

LONGEST_NAME = 100
"""Characters of a wrong name that are compared."""
LEAST_RATIO = 0.6
LEAST_RUN = 4
"""Letters in a row that two names must share to be similar, unless one is the other with few
letters mistyped: scattered letters are shared by chance, as those of `lint` by `client`."""
LETTERS_FOR_EACH_MISTAKE = 3
LEAST_OF_BEST = 0.8
"""The similarity that further names need, as a share of the best one's: beside a name with one
letter less, names that merely start alike are no help."""
MOST_COMPARED = 200
"""How many names are compared exactly, those that share most letter pairs with the wrong one:
comparing a whole index exactly would take seconds."""


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant, or None."""
    found = near_names(name, names, 1)
    return found[0] if found else None


def near_names(name: str, names: Iterable[str], limit: int) -> list[str]:
    """The most similar names, best first, ignoring case."""
    from difflib import SequenceMatcher  # noqa: PLC0415 - only where something is wrong

    wrong = fold_case(name[:LONGEST_NAME])
    pairs = _pairs(wrong)
    length = len(wrong)
    candidates = []
    for one in names:
        # A ratio of 0.6 needs at least three sevenths of the length, and at most seven thirds.
        if not 3 * length <= 7 * len(one) <= 17 * length:
            continue
        lower = fold_case(one)
        shared = len(pairs & _pairs(lower))
        if shared or length <= 2:
            candidates.append((shared - abs(len(lower) - length) / 2, one, lower))
    best = []
    for _shared, one, lower in nlargest(MOST_COMPARED, candidates, key=lambda each: each[0]):
        matcher = SequenceMatcher(None, lower, wrong)
        ratio = matcher.ratio()
        if ratio < LEAST_RATIO:
            continue
        in_runs = sum(run.size for run in matcher.get_matching_blocks() if run.size >= LEAST_RUN)
        if 2 * in_runs >= LEAST_RATIO * (len(lower) + length) or _is_mistyped(lower, wrong):
            best.append((-ratio, one))
    best.sort()
    return [one for ratio, one in best[:limit] if ratio <= LEAST_OF_BEST * best[0][0]]


def _is_mistyped(name: str, wrong: str) -> bool:
    """Whether one becomes the other by a few mistakes: each a letter too many, too few or wrong, or
    two neighbours swapped."""
    most = max(1, min(len(name), len(wrong)) // LETTERS_FOR_EACH_MISTAKE)
    if abs(len(name) - len(wrong)) > most:
        return False
    before: list[int] = []
    row = list(range(len(wrong) + 1))
    for at, letter in enumerate(name, 1):
        last, row, before_last = row, [at], before
        for to, other in enumerate(wrong, 1):
            mistakes = min(row[-1] + 1, last[to] + 1, last[to - 1] + (letter != other))
            if at > 1 and to > 1 and letter == wrong[to - 2] and name[at - 2] == other:
                mistakes = min(mistakes, before_last[to - 2] + 1)
            row.append(mistakes)
        before = last
    return row[-1] <= most


def did_you_mean(names: Iterable[str]) -> str:
    """` Did you mean 'a', 'b' or 'c'?`, with a leading space; empty without names."""
    *others, last = [repr(name) for name in names] or [""]
    if not last:
        return ""
    listed = f"{', '.join(others)} or {last}" if others else last
    return f" Did you mean {listed}?"


def _pairs(text: str) -> set[str]:
    """Its pairs of letters, and its first letter, which is seldom mistyped."""
    pairs = {text[start : start + 2] for start in range(len(text) - 1)}
    pairs.add(text[:1])
    return pairs
