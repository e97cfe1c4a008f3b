"""Members of modules, called through the module's name or a variable that holds the module."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from kodit.domain.file_facts import MentioningFile
from kodit.domain.inference import Meaning, Target, steps_of
from kodit.domain.mentions import Mention
from kodit.domain.modules import ends_alike, folder_of, is_below, is_module, module_of

FOREIGN: Mapping[str, frozenset[str]] = {
    "lua": frozenset(
        "bit bit32 coroutine debug ffi io jit love math ngx os package string table utf8"
        " vim".split()
    ),
}
"""Modules that a language, or its usual runtime, provides without an import."""

_OWN_CRATE = frozenset({"crate", "super"})
"""The first part of Rust paths that stay within the source."""


class Verdict(IntEnum):
    """Whether a mention refers to a definition."""

    NO = 0
    LIKELY = 1
    CERTAIN = 2


def of_module(
    mention: Mention, file: MentioningFile, target: Target, meaning: Meaning, *, is_alone: bool
) -> Verdict:
    """For `a.name`, where the name is not a member of a type: whether `a` is its module or
    scope."""
    steps = [step.removesuffix("()") for step in steps_of(mention.qualifier)]
    if not steps or steps[0] == "?":
        return Verdict.NO
    if len(steps) == 1:
        steps = [file.real_name(steps[0])]
    if target.scope and steps[-1] == target.owner:
        return Verdict.CERTAIN
    if meaning.importing:
        return _in_module(meaning, target)
    if steps[0] in _OWN_CRATE and is_alone:
        return Verdict.LIKELY
    module = module_of(target.path)
    around = [*module, *filter(None, target.scope.split("."))]
    folder = folder_of(target.path).rpartition("/")[2]
    is_named = ends_alike(steps, around) or (len(steps) > 1 and ends_alike(steps, module))
    if not meaning.types and (is_named or steps[-1] == folder):
        return Verdict.CERTAIN if len(steps) > 1 or target.path == file.path else Verdict.LIKELY
    return Verdict.NO


def _in_module(meaning: Meaning, target: Target) -> Verdict:
    if is_module(meaning.module, target.place, meaning.importing):
        return Verdict.CERTAIN
    below = is_below(meaning.module, target.place, meaning.importing)
    return Verdict.LIKELY if below else Verdict.NO


def is_foreign(qualifier: str, language: str) -> bool:
    """Whether an expression that starts with a name unknown to the index is certainly a module of
    another program, and not a variable of unknown type."""
    first = steps_of(qualifier)[0]
    is_path = qualifier.startswith((":", f"{first}::"))
    return is_path or first in FOREIGN.get(language, ())
