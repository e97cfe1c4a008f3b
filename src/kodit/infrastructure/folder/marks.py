"""Marks of generated, binary, or third-party files and folders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kodit.infrastructure.folder.attributes import (
    DIFF,
    MARKED_BINARY,
    NO_ATTRIBUTES,
    Attributes,
    Value,
    is_denied,
    is_set,
)
from kodit.infrastructure.folder.attributes import GENERATED as LINGUIST_GENERATED
from kodit.infrastructure.folder.attributes import VENDORED as LINGUIST_VENDORED
from kodit.infrastructure.folder.builtin import BINARY, GENERATED, VENDORED

_BY_ATTRIBUTE = {GENERATED: LINGUIST_GENERATED, VENDORED: LINGUIST_VENDORED}
_MANIFESTS = frozenset(
    """
    modules.txt vendor.txt vendor.conf autoload.php installed.json .cargo-checksum.json
    readme.chromium
    """.split()
)
"""Files that package managers leave beside third-party code, in lower case."""
_LICENCES = ("license", "licence", "copying", "unlicense", "notice", "module_license")


def foreign_mark(names: Iterable[str]) -> str | None:
    """The file among the names in a folder that marks it as third-party code: a licence of its own,
    or the manifest of a package manager.
    """
    return min((name for name in names if is_foreign_mark(name)), default=None)


def is_foreign_mark(name: str) -> bool:
    """Whether a file with this name is such a mark."""
    lower = name.lower()
    return lower in _MANIFESTS or lower.startswith(_LICENCES)


def of_file(values: Mapping[str, Value], name: str, reason: str | None) -> str | None:
    """Why a file is left out, from its attributes and the `reason` that its name gives."""
    if reason is GENERATED and is_denied(values.get(LINGUIST_GENERATED)):
        reason = None
    if reason is not None or not values:
        return reason
    return {
        LINGUIST_GENERATED: GENERATED,
        LINGUIST_VENDORED: VENDORED,
        "-text": BINARY,
    }.get(attribute_of_file(values, name) or "")


def attribute_of_file(values: Mapping[str, Value], name: str) -> str | None:
    """The attribute for which a file is left out; None if there is none.

    `-text` alone is often set only to preserve line ends, on all files or on those of a language.
    So it means a binary file only together with `-diff`, as in `binary`, or if the pattern is not
    for all files and the file's name implies no language.
    """
    for attribute in (LINGUIST_GENERATED, LINGUIST_VENDORED):
        if is_set(values.get(attribute)):
            return attribute
    if values.get(MARKED_BINARY) is not True:
        return None
    if values.get(DIFF) is False:
        return "-text"
    # Few files are marked this way, and most programs that list files load no languages.
    from kodit.infrastructure.slicing.detection import detect_language  # noqa: PLC0415 - as above
    from kodit.infrastructure.slicing.languages import TEXT  # noqa: PLC0415 - likewise

    return "-text" if detect_language(name) == TEXT else None


def is_own_folder(attributes: Attributes, path: str, reason: str) -> bool:
    """Whether attributes override what the name of a folder implies about its files; `path` ends
    with a slash.
    """
    if attributes is NO_ATTRIBUTES or not attributes:
        return False
    attribute = _BY_ATTRIBUTE.get(reason)
    return attribute is not None and is_denied(attributes.of(f"{path}_").get(attribute))
