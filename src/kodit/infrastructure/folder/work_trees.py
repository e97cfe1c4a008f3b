"""The rules at the root of a source, and of each work tree below it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kodit.infrastructure.folder.git_index import TrackedFiles
from kodit.infrastructure.folder.repository import (
    enclosing_work_tree,
    git_directory_at,
    info_file,
    is_bare,
    outer_attributes,
    outer_ignore_files,
    user_rules,
)
from kodit.infrastructure.folder.rules import DirectoryRules


def rules_of_root(
    root: Path, include: Sequence[str], exclude: Sequence[str]
) -> tuple[DirectoryRules, bool]:
    """The rules that apply at the root of a source, and whether it is in a work tree."""
    tree = enclosing_work_tree(root)
    if tree is None:
        rules = DirectoryRules.at_root(include=include, exclude=exclude, folder=root.name)
        return rules, False
    below = root.relative_to(tree.root).as_posix()
    rules = DirectoryRules.at_root(
        "" if below == "." else f"{below}/",
        outer_ignore_files(root, tree),
        include,
        exclude,
        folder=root.name,
        attributes=outer_attributes(root, tree),
        tracking=TrackedFiles(tree.git_directory),
    )
    return rules, True


def rules_of_work_tree(rules: DirectoryRules, place: Path, *, is_within: bool) -> DirectoryRules:
    """The rules at the root of a work tree below the root of a source. `is_within` says whether it
    is inside another work tree. Unchanged if `place` is no work tree.
    """
    directory = git_directory_at(place)
    if not is_within and (directory is None or is_bare(directory)):
        return rules
    return rules.of_another_repository(
        info_file(place, "exclude"),
        info_file(place, "attributes"),
        TrackedFiles(directory or place, rules.path),
        None if is_within else user_rules(),
    )
