"""How alike a name in a query and that of a definition are."""

from __future__ import annotations

from kodit.domain.spelling import fold_case, without_diacritics

OTHER_CASE_SHARE = 0.5
"""`Serialize` asked for and `serialize` found: the method, not the trait."""

OTHER_DIACRITICS_SHARE = 0.5
"""The query has `cote` and the definition is `côté`."""

OTHER_SIGN_SHARE = 0.9
"""`save` asked for and `save!` found, or the other way round."""

_SIGNS = ("!", "?")


def same_name(written: str, name: str) -> float:
    """1 for the same name, also when the query has it in lower case; 0.5 if the case differs
    otherwise, or the diacritics; less if only one ends with `!` or `?`."""
    if written == name:
        return 1.0
    if written.endswith(_SIGNS) or name.endswith(_SIGNS):
        bare, other = written.rstrip("!?"), name.rstrip("!?")
        return OTHER_SIGN_SHARE * same_name(bare, other) if bare and other else 0.0
    if len(written) != len(name) and written.isascii() and name.isascii():
        return 0.0
    asked, found = fold_case(written), fold_case(name)
    if asked != found:
        is_alike = not (asked.isascii() and found.isascii()) and (
            without_diacritics(asked) == without_diacritics(found)
        )
        return OTHER_DIACRITICS_SHARE if is_alike else 0.0
    return 1.0 if written.islower() else OTHER_CASE_SHARE
