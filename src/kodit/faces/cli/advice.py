"""Advice on the next step in a shell: one line for each code of an error or a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Advisable(Protocol):
    """An error, a problem, or the reason why a task waits; its text is its sentence. A protocol,
    because help is shown without importing any of them."""

    @property
    def code(self) -> str | None: ...

    @property
    def fields(self) -> Mapping[str, str | int | float | None]: ...


ADVICE: Mapping[str, str] = {
    "access_refused": "--credentials env:NAME names a variable with user:password or a token",
    "budget_spent": "raise it and run the same command again; --wait waits",
    "client_file_unreadable": "correct it, or add a server by hand whose command is `kodit stdio`",
    "clone_damaged": "`kodit index {source}` does that",
    "commit_gone": "`kodit index {source}` does that",
    "credentials_missing": "`kodit index {source}` does that, with --credentials env:NAME",
    "credentials_not_given": "`kodit index {source}` does that, with --credentials {reference}",
    "database_of_another": "choose another data directory with --data-dir or KODIT_DATA_DIR",
    "database_moving": "`kodit move` with --to completes that, and with --give-up ends it",
    "data_dir_read_only": "make it writable, or choose another one with --data-dir",
    "data_dir_unusable": "choose another one with --data-dir or KODIT_DATA_DIR",
    "expression_invalid": "--fixed-strings looks for the text itself",
    "file_not_indexed_yet": "`kodit status` says how far it is",
    "move_differs": "`kodit move` with --give-up removes the copy",
    "move_elsewhere": "`kodit move` does either, with --to or with --give-up",
    "nothing_indexed": "`kodit index SOURCE` adds a git URL or a folder",
    "file_not_found": "`kodit ls {index}` lists its files, and `kodit explain {index} {path}` "
    "explains this path",
    "file_unreadable": "`kodit index {source}` brings the index up to date",
    "grep_too_slow": "choose fewer files with --path or a source, or a simpler expression",
    "index_incomplete": "`kodit index {source}` completes the index",
    "index_not_found": "`kodit status` lists the indexes",
    "keyword_index_unreadable": "`kodit doctor` says which, and with --repair rebuilds it",
    "key_exists": "`kodit keys remove {key}` removes it",
    "key_needed": "`kodit keys add NAME --scope read` creates one",
    "key_not_found": "`kodit keys list` lists the keys",
    "no_worker": "`kodit worker` starts one",
    "no_worker_on_host": "`kodit worker` starts one, on that host",
    "queue_paused": "`kodit queue resume` resumes it",
    "queue_unwritable": "run the same command again to continue",
    "run_cancelled": "`kodit queue retry {run}` runs it",
    "run_ended": "`kodit queue retry {run}` runs that one",
    "run_failed": "`kodit queue retry {run}` retries it and the later stages",
    "run_not_found": "`kodit queue list` shows the runs",
    "run_stopped": "run the same command again to continue",
    "search_node_awaited": "`kodit status` says how far it is",
    "searched_elsewhere": "--server asks it",
    "server_runs": "assistants that are connected keep it running; `kill {process}` ends it",
    "source_broad": "`kodit index {source} --yes` indexes it anyway",
    "source_not_indexed": "`kodit index {source}` adds it",
    "key_missing": "KODIT_API_KEY holds the key",
    "key_unknown": "KODIT_API_KEY holds the key",
    "task_not_found": "`kodit queue list` shows the tasks",
}


def with_advice(told: Advisable, sentence: str | None = None) -> str:
    """A sentence, by default the text of the error or reason itself, followed by advice if there is
    something to do."""
    sentence = sentence or str(told)
    advice = None if told.code is None else ADVICE.get(told.code)
    if "choices" in told.fields:
        near = nearest_choice(told)
        return f"{sentence.removesuffix('.')}; did you mean {near}?" if near else sentence
    if told.code == "file_not_found" and told.fields.get("folder"):
        advice = "`kodit ls {index} {folder}` lists its files"
    if advice is None:
        return sentence
    # A source may come from another person's database, and the command is meant to be copied.
    import shlex  # noqa: PLC0415 - not needed for help

    words = {name: shlex.quote(str(value)) for name, value in told.fields.items()}
    try:
        return f"{sentence.removesuffix('.')}; {advice.format_map(words)}"
    except KeyError:  # a server of another version did not send the fields
        return sentence


def nearest_choice(told: Advisable) -> str | None:
    """The valid value most similar to the one that an error is about; None if none is similar."""
    from kodit.domain.near import nearest  # noqa: PLC0415 - not needed for help

    choices = str(told.fields.get("choices", "")).split(", ")
    return nearest(str(told.fields.get("value", "")), choices)
