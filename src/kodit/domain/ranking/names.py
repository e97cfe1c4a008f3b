"""How alike a name in a query and that of a definition are."""

from __future__ import annotations

from kodit.domain.spelling import fold_case, without_diacritics

OTHER_CASE_SHARE = 0.5
"""`Serialize` asked for and `serialize` found: the method, not the trait."""

OTHER_DIACRITICS_SHARE = 0.5
"""The query has `cote` and the definition is `côté`."""

OTHER_SIGN_SHARE = 0.9
"""`save` asked for and `save!` found, or the other way round."""

OTHER_STYLE_SHARE = 0.75
"""`getUser` or `GET_USER` asked for and `get_user` found."""

_SIGNS = ("!", "?")
_JOINTS = str.maketrans("", "", "_-")


def same_name(written: str, name: str) -> float:
    """1 for the same name, also when the query has it in lower case; 0.5 if the case differs
    otherwise, or the diacritics; less if only one ends with `!` or `?`, or if the words are joined
    in another way."""
    if written == name:
        return 1.0
    if written.endswith(_SIGNS) or name.endswith(_SIGNS):
        bare, other = written.rstrip("!?"), name.rstrip("!?")
        return OTHER_SIGN_SHARE * same_name(bare, other) if bare and other else 0.0
    if len(written) != len(name) and written.isascii() and name.isascii():
        return OTHER_STYLE_SHARE if _are_of_the_same_words(written, name) else 0.0
    asked, found = fold_case(written), fold_case(name)
    if asked != found:
        is_alike = not (asked.isascii() and found.isascii()) and (
            without_diacritics(asked) == without_diacritics(found)
        )
        return OTHER_DIACRITICS_SHARE if is_alike else 0.0
    return 1.0 if written.islower() else OTHER_CASE_SHARE


def _are_of_the_same_words(written: str, name: str) -> bool:
    """Of two ASCII names whether they are equal without case and what joins words."""
    if "_" not in written and "_" not in name:
        return False
    return written.translate(_JOINTS).lower() == name.translate(_JOINTS).lower()
