"""Indexes and results as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kodit.application.views.indexes import IndexView, SizesView
from kodit.application.views.search import ResultView
from kodit.domain.intervals import in_words
from kodit.domain.value_objects import RunState
from kodit.faces.cli.terminal.output import print_line, printable
from kodit.faces.cli.terminal.runs import ago, counted, run_line, telling_lines


def show_results(results: Sequence[ResultView], lines: int, *, with_source: bool) -> None:
    """Place and symbol of each result, at most `lines` lines of its text, and what its score is
    made of where that was asked for."""
    for number, result in enumerate(results, 1):
        place = f"{printable(result.path)}:{result.start_line}-{result.end_line}"
        if with_source:
            place = f"{printable(result.source)} {place}"
        name = f"{result.scope}.{result.symbol}" if result.scope else result.symbol
        symbol = f"  {result.kind} {printable(name)}" if name and result.symbol else ""
        print_line(f"{number:>2}. {place}{symbol}  ({result.score:.4f})")
        if result.explanation:
            parts = (f"{part.signal} {part.points:+.2f}" for part in result.explanation)
            print_line(f"    = {', '.join(parts)}")
        text = result.text.splitlines()
        for line in text[:lines]:
            print_line(f"    {printable(line, keep=chr(9))}")
        if lines and len(text) > lines:
            print_line(f"    … {counted(len(text) - lines, 'more line')}")
        if result.cut:
            print_line("    … cut by --budget")
        if lines:
            print_line()


def show_indexes(indexes: Sequence[IndexView], *, with_errors: bool = True) -> None:
    """Without errors where they are told apart."""
    for index in indexes:
        for line in index_lines(index, with_errors=with_errors):
            print_line(line)


def index_lines(index: IndexView, *, with_errors: bool = True) -> list[str]:
    """An index in a few lines: what it holds, how it stands, what was wrong with its files."""
    when = f"complete {ago(index.updated_at)}" if index.updated_at else "not complete yet"
    lines = [
        f"[{index.id}] {printable(index.source)}",
        f"    {counted(index.files, 'file')}, {counted(index.snippets, 'snippet')}, {when}",
    ]
    for option, globs in (("include", index.include), ("exclude", index.exclude)):
        if globs:
            lines.append(f"    {option}: {', '.join(printable(glob) for glob in globs)}")
    if index.sync_every is not None:
        lines.append(f"    brought up to date by a server: {in_words(index.sync_every)}")
    if index.run is not None and index.run.state != RunState.SUCCEEDED:
        lines.append(f"    {run_line(index.run)}")
        if with_errors:
            lines += [f"        {line}" for line in telling_lines(index.run)]
    if index.unsearched:
        parts = " and ".join(index.unsearched)
        lines.append(
            f"    its {parts} index does not match the database and is not searched; `kodit index "
            "SOURCE` rebuilds it, or `kodit doctor --repair`"
        )
    if index.problems:
        lines.append(f"    cut by lines: {_counts(index.problems)}")
    if index.skipped:
        lines.append(f"    left out: {_counts(index.skipped)}")
    return lines


def sizes_line(sizes: SizesView) -> str:
    """What is taken of the disk, in one line."""
    parts = {
        "database": sizes.database,
        "keyword index": sizes.keyword,
        "vectors": sizes.vectors,
        "clones": sizes.clones,
    }
    told = ", ".join(f"{name} {megabytes(size)}" for name, size in parts.items() if size)
    free = f"; {megabytes(sizes.freeable)} of the database is free" if sizes.freeable else ""
    return f"On disk: {megabytes(sum(parts.values()))} ({told}){free}"


def megabytes(size: int) -> str:
    """A number of bytes for people."""
    return f"{size / 1e6:,.1f} MB"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} ({count})" for reason, count in sorted(counts.items()))
