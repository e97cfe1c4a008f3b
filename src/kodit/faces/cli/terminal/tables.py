"""Indexes as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from kodit.application.services.standing_words import NOWHERE
from kodit.application.views.endpoints import EndpointView
from kodit.application.views.indexes import IndexView, RefusedView, SizesView
from kodit.application.views.nodes import NodeView
from kodit.domain.intervals import in_words
from kodit.domain.value_objects import RunState
from kodit.faces.cli.terminal.left_out_lines import left_out_line
from kodit.faces.cli.terminal.output import print_line, printable
from kodit.faces.cli.terminal.runs import ago, counted, noteworthy_lines, run_line


def show_indexes(indexes: Sequence[IndexView], *, with_errors: bool = True) -> None:
    """Print indexes, optionally without their errors, which may be reported separately."""
    for index in indexes:
        for line in index_lines(index, with_errors=with_errors):
            print_line(line)


def index_lines(index: IndexView, *, with_errors: bool = True) -> list[str]:
    """An index in a few lines: its content, its state, and the problems of its files."""
    when = f"complete {ago(index.updated_at)}" if index.updated_at else "not complete yet"
    lines = [
        f"[{index.id}] {printable(index.source)}{of_host(index)}",
        f"    {counted(index.files, 'file')}, {counted(index.snippets, 'snippet')}, {when}",
    ]
    for option, globs in (("include", index.include), ("exclude", index.exclude)):
        if globs:
            lines.append(f"    {option}: {', '.join(printable(glob) for glob in globs)}")
    if index.submodules:
        lines.append("    with submodules")
    if index.sync_every is not None:
        lines.append(f"    updated by a server: {in_words(index.sync_every)}")
    if index.run is not None and index.run.state != RunState.SUCCEEDED:
        lines.append(f"    {run_line(index.run)}")
        if with_errors:
            lines += [f"        {line}" for line in noteworthy_lines(index.run)]
    lines += _search_lines(index)
    has_failed = index.run is not None and index.run.state == RunState.FAILED
    if index.why_empty and not has_failed:
        lines.append(f"    no files: {index.why_empty}")
    if index.problems:
        lines.append(f"    split by lines: {_counts(index.problems)}")
    if index.skipped:
        lines.append(f"    left out: {_counts(index.skipped)}")
    if index.refused is not None:
        lines.append(f"    {refused_line(index.refused)}")
    for one in index.left_out or ():
        lines.append(f"    {left_out_line(one, printable(one.path), printable(one.rule))}")
    return lines


def _search_lines(index: IndexView) -> list[str]:
    """What is not searched."""
    lines = []
    if index.unsearched:
        parts = " and ".join(index.unsearched)
        lines.append(
            f"    its {parts} index does not match the database and is not searched; `kodit index "
            "SOURCE` rebuilds it, or `kodit doctor --repair`"
        )
    if index.is_searchable_nowhere:
        lines.append(f"    its last changes are {NOWHERE}; start `kodit serve` on one")
    return lines


_ROLES = {"work": "works", "search": "searches"}


def node_line(node: NodeView) -> str:
    """A data directory that shares the database."""
    parts = [node.state if node.state != "gone" else f"gone, seen {ago(node.seen_at)}"]
    if node.roles and node.state != "gone":
        parts.append(" and ".join(_ROLES[role] for role in node.roles))
    if node.behind:
        parts.append(f"{counted(node.behind, 'change')} behind")
    if node.lacks:
        indexes = "1 index" if node.lacks == 1 else f"{node.lacks} indexes"
        parts.append(f"does not search {indexes} by keyword yet")
    return f"node {printable(node.host)}:{printable(node.location)}: {', '.join(parts)}"


def of_host(index: IndexView) -> str:
    """Which machine has the folder, where several share a database."""
    return "" if index.host is None else f" on {printable(index.host)}"


def refused_line(refused: RefusedView) -> str:
    """The snippets that a model did not describe."""
    places = ", ".join(map(printable, refused.first))
    if refused.snippets > len(refused.first):
        places += " and others"
    return (
        f"the model gave no usable description of {counted(refused.snippets, 'snippet')} "
        f"({printable(refused.reason)}): {places}; they are found by their code, and "
        "`kodit index SOURCE` asks again"
    )


def sizes_line(sizes: SizesView) -> str:
    """The disk usage, in one line."""
    parts = {
        "database": sizes.database,
        "keyword index": sizes.keyword,
        "vectors": sizes.vectors,
        "clones": sizes.clones,
    }
    told = ", ".join(f"{name} {megabytes(size)}" for name, size in parts.items() if size)
    freeable = megabytes(sizes.freeable)
    free = f"; {freeable} of the database is free" if freeable != megabytes(0) else ""
    return f"On disk: {megabytes(sum(parts.values()))} ({told}){free}"


def endpoint_lines(one: EndpointView) -> list[str]:
    """What an endpoint was used for, in a line, and another one if it is paused."""
    lines = []
    if one.calls or one.cached:
        parts = [f"{one.calls:,} calls", f"{one.texts:,} texts"]
        parts.append(f"{one.input_tokens:,} tokens")
        if one.output_tokens:
            parts[-1] += f" and {one.output_tokens:,} tokens of output"
        if one.cost:
            parts.append(f"cost {one.cost:.4f}")
        if one.cached:
            parts.append(f"{one.cached:,} texts from the cache")
        lines.append(f"{one.endpoint} ({one.model}), {one.month}: {', '.join(parts)}")
    if one.reason:
        until = ""
        if one.paused_until:
            paused = datetime.fromisoformat(one.paused_until).astimezone()
            until = f" until {paused:%Y-%m-%d %H:%M:%S}"
        lines.append(f"{one.endpoint} is paused{until}: {one.reason}")
    return lines


def megabytes(size: int) -> str:
    """A number of bytes for people."""
    return f"{size / 1e6:,.1f} MB"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} ({count})" for reason, count in sorted(counts.items()))
