"""When the user's own rules leave out everything in a source: which rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from kodit.infrastructure.folder.rules import DirectoryRules

_MOST = 1_000


class IgnoredEntries:
    """Entries left out by the user's own rules, which are reported only if nothing else is
    found.
    """

    def __init__(self) -> None:
        self._met: list[tuple[DirectoryRules, str, bool]] = []

    def note(self, rules: DirectoryRules, name: str, *, is_folder: bool) -> None:
        """Count an entry of the folder with these rules, or with an empty name the folder
        itself.
        """
        if len(self._met) < _MOST:
            self._met.append((rules, name, is_folder))

    def by_rule(self, top: str) -> Mapping[str, int]:
        """The number of entries for each rule. The rule's file is relative to `top`, the `path` of
        the rules at the source's root.
        """
        found: Counter[str] = Counter()
        for rules, name, is_folder in self._met:
            rule = rules.why(name, top, is_directory=is_folder) if name else ".noindex: empty"
            if not rule.startswith("built-in"):
                found[f"ignored by {rule}"] += 1
        return found
