"""Advice on the next call, for a model: one line for each code of an error."""

from __future__ import annotations

from collections.abc import Mapping

from kodit.domain.errors import KoditError
from kodit.domain.near import nearest
from kodit.domain.text import as_sentence

ADVICE: Mapping[str, str] = {
    "access_refused": "the user can give access with `kodit index SOURCE --credentials env:NAME`",
    "choice_invalid": "choose one of those",
    "clone_behind": "try again in a moment",
    "clone_damaged": "call index with this source to repair it",
    "clone_unreadable": "try again in a moment",
    "commit_gone": "call index with this source to do that",
    "credentials_missing": "the user gives them with `kodit index SOURCE --credentials env:NAME`",
    "credentials_not_given": "the user gives it with `kodit index SOURCE --credentials env:NAME`",
    "cursor_invalid": "call again with the same arguments as before, or without a cursor",
    "expression_invalid": "escape what is meant literally with \\",
    "file_misnamed": "call again with one of these paths",
    "file_not_indexed_yet": "ask again in a moment",
    "file_not_found": "call files with paths such as **/NAME to find it",
    "file_unreadable": "call index with this source to bring its index up to date",
    "folder_missing": "call indexes to list the sources",
    "git_failed": "try again in a moment",
    "grep_too_slow": "give paths, languages or one source, or a simpler pattern",
    "index_incomplete": "call index with this source and wait, or use grep meanwhile",
    "index_not_found": "call indexes to list them",
    "keyword_index_unreadable": "the user can repair it with `kodit doctor --repair`",
    "line_not_found": "call read with lines in that range",
    "lines_invalid": "write lines as 30-60, 30- or 30",
    "queue_paused": "the user can resume it with `kodit queue resume`",
    "run_has_ended": "call indexes to see how it ended",
    "run_has_succeeded": "call indexes to see its progress",
    "source_ambiguous": "call again with one of these, or with its number",
    "source_broad": "call index with a folder of code in it",
    "source_is_part": "call again with that source",
    "source_not_indexed": "call index with this source to add it",
    "source_on_another_host": "search and outline still answer about it",
    "source_unreachable": "try again in a moment",
    "unavailable": "try again in a moment",
}


def sentence_of(error: KoditError) -> str:
    """The error's sentence, and the call to make next if there is one."""
    sentence = as_sentence(str(error))
    if sentence.endswith("?"):
        return sentence
    if "choices" in error.fields:
        meant = nearest(str(error.fields["value"]), str(error.fields["choices"]).split(", "))
        return f"{sentence.removesuffix('.')}; did you mean {meant}?" if meant else sentence
    advice = ADVICE.get(error.code or "")
    if error.fields.get("folder"):
        advice = f"call files with paths {error.fields['folder']}/** to list it"
    return f"{sentence.removesuffix('.')}; {advice}." if advice else sentence
